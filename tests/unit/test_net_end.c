/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * net/: exchanges that are cancelled, queued, or in flight at net_free;
 * done comes exactly once in each case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "net/net.h"
#include "test_net_server.h"

static struct server server;

struct seen {
    atomic_int done;
    atomic_int err;
    int order; /* of its end */
    char text[80];
    bool submit_again;
};

static struct net *net;
static atomic_int ended;

static void done(void *user, const struct net_response *r);

static uint64_t
submit_as(struct seen *s, const char *path, bool urgent, enum net_class class)
{
    char url[128];
    struct net_request r = {.method = "GET",
                            .url = url,
                            .done = done,
                            .user = s,
                            .urgent = urgent,
                            .class = class};

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, path);
    return net_submit(net, &r);
}

static uint64_t
submit(struct seen *s, const char *path, bool urgent)
{
    return submit_as(s, path, urgent, NET_BYTES);
}

static void
done(void *user, const struct net_response *r)
{
    struct seen *s = user;

    s->err = r->err;
    if (r->err)
        snprintf(s->text, sizeof(s->text), "%s", r->errtext);
    s->order = ended++;
    if (s->submit_again) {
        s->submit_again = false;
        submit(s, "/silent", false);
    }
    s->done++;
}

static void
wait_for(const atomic_int *what, int value)
{
    int i;

    for (i = 0; i < 10000 && *what < value; i++)
        usleep(1000);
    assert_true(*what >= value);
}

static void
wait_silent(unsigned value)
{
    int i;

    for (i = 0; i < 10000 && server.silent < value; i++)
        usleep(1000);
    assert_int_equal(server.silent, value);
}

static void
open_wide(unsigned loops, unsigned connections, unsigned brief)
{
    struct net_conf conf = {
        .loops = loops, .connections = connections, .brief = brief};

    ended = 0;
    server.silent = 0;
    assert_int_equal(net_new(&net, &conf, NULL), 0);
}

static void
open_net(unsigned loops, unsigned connections)
{
    open_wide(loops, connections, 1);
}

static void
test_cancel_running(void **state)
{
    struct seen s = {0};
    uint64_t id;

    (void)state;
    open_net(2, 4);
    id = submit(&s, "/silent", false);
    wait_silent(1);
    assert_int_equal(s.done, 0);
    net_cancel(net, id + 1000); /* unknown: ignored */
    net_cancel(net, id);
    net_cancel(net, id);
    wait_for(&s.done, 1);
    assert_int_equal(s.err, -ECANCELED);
    net_cancel(net, id);
    net_free(net);
    assert_int_equal(s.done, 1);
}

/* Who submits and cancels under the lock that done takes has the id in time.
 */
struct locked {
    pthread_mutex_t lock;
    uint64_t id; /* of what runs */
    atomic_int right;
};

static void
locked_done(void *user, const struct net_response *r)
{
    struct locked *k = user;

    (void)r;
    pthread_mutex_lock(&k->lock);
    k->right += k->id != 0;
    k->id = 0;
    pthread_mutex_unlock(&k->lock);
}

static void
test_under_a_lock(void **state)
{
    struct locked k = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct net_request r = {.method = "GET",
                            .url = "http://127.0.0.1:1/",
                            .done = locked_done,
                            .user = &k};
    int i;

    (void)state;
    open_net(2, 4);
    for (i = 0; i < 200; i++) {
        pthread_mutex_lock(&k.lock);
        k.id = net_submit(net, &r);
        if (i % 2)
            net_cancel(net, k.id);
        usleep(i % 3 * 100);
        pthread_mutex_unlock(&k.lock);
        wait_for(&k.right, i + 1);
    }
    net_free(net);
    assert_int_equal(k.right, 200);
}

static void
test_cancel_queued(void **state)
{
    struct seen busy = {0}, a = {0}, b = {0};
    uint64_t id[3];

    (void)state;
    open_net(1, 1);
    id[0] = submit(&busy, "/silent", false);
    id[1] = submit(&a, "/hello", false);
    id[2] = submit(&b, "/hello", false);
    assert_true(id[0] != id[1] && id[1] != id[2]);
    wait_silent(1);
    net_cancel(net, id[1]);
    wait_for(&a.done, 1);
    assert_int_equal(a.err, -ECANCELED);
    assert_int_equal(b.done, 0);
    assert_int_equal(busy.done, 0);
    net_cancel(net, id[0]);
    wait_for(&b.done, 1);
    assert_int_equal(b.err, 0);
    net_free(net);
    assert_int_equal(a.done + b.done + busy.done, 3);
}

static void
test_queue_order(void **state)
{
    struct seen busy = {0}, s[6] = {{0}};
    static const bool urgent[6] = {false, false, true, false, true, false};
    static const int order[6] = {3, 4, 1, 5, 2, 6};
    uint64_t id;
    int i;

    (void)state;
    open_net(1, 1);
    id = submit(&busy, "/silent", false);
    wait_silent(1);
    for (i = 0; i < 6; i++)
        submit(&s[i], "/hello", urgent[i]);
    net_cancel(net, id);
    for (i = 0; i < 6; i++)
        wait_for(&s[i].done, 1);
    for (i = 0; i < 6; i++)
        assert_int_equal(s[i].order, order[i]);
    net_free(net);
}

/* No more connections than asked for, and all loops are used. */
static void
test_connections(void **state)
{
    struct seen s[12] = {{0}};
    int i;

    (void)state;
    open_net(2, 5);
    for (i = 0; i < 12; i++)
        submit(&s[i], "/silent", false);
    wait_silent(5);
    usleep(50000);
    assert_int_equal(server.silent, 5);
    net_free(net);
    for (i = 0; i < 12; i++) {
        assert_int_equal(s[i].done, 1);
        assert_int_equal(s[i].err, -ECANCELED);
    }
}

/* Each class has a width of its own: what fills the one does not hold up the
 * other. */
static void
test_classes(void **state)
{
    struct seen bytes[6] = {{0}}, brief[20] = {{0}}, last = {0};
    int i;

    (void)state;
    open_wide(2, 3, 13);
    for (i = 0; i < 6; i++)
        submit(&bytes[i], "/silent", false);
    wait_silent(3);
    for (i = 0; i < 12; i++)
        submit_as(&brief[i], "/silent", false, NET_BRIEF);
    wait_silent(15);
    submit_as(&last, "/hello", false, NET_BRIEF); /* the 13th place */
    wait_for(&last.done, 1);
    assert_int_equal(last.err, 0);
    for (i = 12; i < 20; i++)
        submit_as(&brief[i], "/silent", false, NET_BRIEF);
    wait_silent(16);
    usleep(50000);
    assert_int_equal(server.silent, 16);
    net_free(net);

    open_wide(2, 3, 13);
    for (i = 0; i < 20; i++)
        submit_as(&brief[i], "/silent", false, NET_BRIEF);
    wait_silent(13);
    last.done = 0;
    submit(&last, "/hello", true);
    wait_for(&last.done, 1);
    assert_int_equal(last.err, 0);
    net_free(net);
}

static rlim_t
limit_files(rlim_t soft)
{
    struct rlimit l;
    rlim_t was;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
    was = l.rlim_cur;
    l.rlim_cur = soft;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
    return was;
}

static void
expect_width(rlim_t files, unsigned connections, unsigned bytes,
             unsigned brief)
{
    rlim_t was = limit_files(files);

    open_wide(1, connections, 512);
    assert_int_equal(net_width(net, NET_BYTES), bytes);
    assert_int_equal(net_width(net, NET_BRIEF), brief);
    net_free(net);
    limit_files(was);
}

static void
test_limit_of_files(void **state)
{
    struct rlimit l;
    rlim_t was;

    (void)state;
    expect_width(1024, 96, 96, 512);
    expect_width(640, 96, 96, 416);
    expect_width(640, 4096, 256, 256);
    expect_width(100, 96, 25, 25);
    was = limit_files(200);
    net_raise_files();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
    assert_true(l.rlim_cur == l.rlim_max || l.rlim_cur >= 16384);
    limit_files(was);
}

/* No descriptor is left: it is told, and the next one may have one. */
static void
test_no_files(void **state)
{
    struct seen s[2] = {{0}};
    rlim_t was;

    (void)state;
    open_net(1, 1);
    was = limit_files(3);
    submit(&s[0], "/hello", false);
    wait_for(&s[0].done, 1);
    limit_files(was);
    assert_int_equal(s[0].err, -EMFILE);
    assert_string_equal(s[0].text, "too many open files (see ulimit -n)");
    submit(&s[1], "/hello", false);
    wait_for(&s[1].done, 1);
    assert_int_equal(s[1].err, 0);
    net_free(net);
}

static atomic_int timers, works, stops;

static void
count(void *user)
{
    (*(atomic_int *)user)++;
}

/* A timer that never gives up. */
static void
again(void *user)
{
    count(user);
    net_timer(net, 1000, again, user);
}

static void
test_free_in_flight(void **state)
{
    struct seen s[3] = {{0}};

    (void)state;
    timers = works = stops = 0;
    open_net(2, 1);
    s[0].submit_again = true; /* from done, while net_free runs */
    submit(&s[0], "/silent", false);
    submit(&s[1], "/silent", false);
    submit(&s[2], "/stall", false);
    net_timer(net, 100000, count, &timers);
    net_timer(net, 200000, again, &timers);
    net_work(net, count, &works);
    assert_int_equal(net_at_stop(net, count, &stops), 0);
    assert_int_equal(net_at_stop(net, count, &works), 0);
    net_at_stop_remove(net, count, &works);
    wait_silent(1);
    net_free(net);
    assert_int_equal(s[0].done, 2);
    assert_int_equal(s[1].done, 1);
    assert_int_equal(s[2].done, 1);
    assert_true(timers >= 2);
    assert_int_equal(works, 1);
    assert_int_equal(stops, 1);
}

struct hammer {
    struct seen *seen;
    int count;
};

static void *
hammer(void *arg)
{
    struct hammer *h = arg;
    uint64_t id;
    int i;

    for (i = 0; i < h->count; i++) {
        id = submit(&h->seen[i], i % 5 ? "/hello" : "/big?100000", i % 7 == 0);
        if (i % 3 == 0)
            net_cancel(net, id - (uint64_t)(i % 2));
    }
    return NULL;
}

/* Many threads, each cancelling its own and others' at random times. */
static void
test_once_under_load(void **state)
{
    enum { THREADS = 4, EACH = 300 };
    struct seen *s = calloc(THREADS * EACH, sizeof(*s));
    struct hammer h[THREADS];
    pthread_t t[THREADS];
    int i, good = 0;

    (void)state;
    open_net(2, 8);
    for (i = 0; i < THREADS; i++) {
        h[i] = (struct hammer){s + i * EACH, EACH};
        assert_int_equal(pthread_create(&t[i], NULL, hammer, &h[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    for (i = 0; i < THREADS * EACH; i++)
        wait_for(&s[i].done, 1);
    net_free(net);
    for (i = 0; i < THREADS * EACH; i++) {
        assert_int_equal(s[i].done, 1);
        assert_true(s[i].err == 0 || s[i].err == -ECANCELED);
        good += s[i].err == 0;
    }
    assert_true(good >= THREADS * EACH / 3);
    free(s);
}

static int
setup(void **state)
{
    (void)state;
    return server_start(&server);
}

static int
teardown(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancel_running),
        cmocka_unit_test(test_under_a_lock),
        cmocka_unit_test(test_cancel_queued),
        cmocka_unit_test(test_queue_order),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_limit_of_files),
        cmocka_unit_test(test_no_files),
        cmocka_unit_test(test_free_in_flight),
        cmocka_unit_test(test_once_under_load),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
