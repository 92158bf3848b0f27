/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * net/: exchanges that end by themselves, well or badly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "net/net.h"
#include "test_net_server.h"

static struct server server;
static struct net *net;

/* One exchange as the test sees it. */
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int done; /* how often */
    int heads;
    int err, status;
    int on_head_says, on_data_says;
    int pauses; /* on_data says so that often */
    bool check_bytes, bytes_wrong;
    uint64_t received, data;
    uint32_t first_ms, total_ms;
    char body[20000];
    char header[64]; /* X-Test, at on_head */
    char errtext[256];
    char url[128];
};

static int
on_head(void *user, const struct net_response *r)
{
    struct seen *s = user;
    const char *v = net_header(r, "x-test");

    s->heads++;
    s->status = r->status;
    snprintf(s->header, sizeof(s->header), "%s", v ? v : "(none)");
    return s->on_head_says;
}

/* Of the exchange that pauses; its timer may outlive the test. */
static _Atomic(uint64_t) paused;

static void
resume(void *user)
{
    (void)user;
    net_resume(net, paused);
    net_resume(net, paused); /* one too many is nothing */
}

static int
on_data(void *user, const void *p, size_t n)
{
    struct seen *s = user;
    size_t i;

    if (s->pauses > 0) {
        s->pauses--;
        net_timer(net, 20, resume, NULL);
        return NET_PAUSE;
    }
    if (s->check_bytes)
        for (i = 0; i < n; i++)
            if (((const unsigned char *)p)[i] != server_byte(s->data + i))
                s->bytes_wrong = true;
    if (s->data + n < sizeof(s->body)) {
        memcpy(s->body + s->data, p, n);
        s->body[s->data + n] = '\0';
    }
    s->data += n;
    return s->on_data_says;
}

static void
done(void *user, const struct net_response *r)
{
    struct seen *s = user;

    pthread_mutex_lock(&s->lock);
    s->done++;
    s->err = r->err;
    s->status = r->status;
    s->received = r->received;
    s->first_ms = r->first_ms;
    s->total_ms = r->total_ms;
    snprintf(s->errtext, sizeof(s->errtext), "%s", r->errtext);
    pthread_cond_signal(&s->cond);
    pthread_mutex_unlock(&s->lock);
}

static struct seen *
seen_new(void)
{
    struct seen *s = calloc(1, sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->cond, NULL);
    return s;
}

static void
seen_free(struct seen *s)
{
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->cond);
    free(s);
}

static struct net_request
request(struct seen *s, const char *method, const char *path)
{
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d%s", server.port,
             path);
    return (struct net_request){
        .method = method,
        .url = s->url,
        .on_head = on_head,
        .on_data = on_data,
        .done = done,
        .user = s,
    };
}

static void
seen_wait(struct seen *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->done)
        pthread_cond_wait(&s->cond, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static void
run(struct seen *s, const struct net_request *r)
{
    assert_true(net_submit(net, r) > 0);
    seen_wait(s);
}

static void
test_ordinary(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/hello");

    (void)state;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_string_equal(s->errtext, "");
    assert_int_equal(s->status, 200);
    assert_int_equal(s->heads, 1);
    assert_string_equal(s->header, "Some Value");
    assert_string_equal(s->body, "hello");
    assert_int_equal(s->received, 5);
    seen_free(s);
}

static void
test_status_is_no_error(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/status?503");

    (void)state;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_int_equal(s->status, 503);
    assert_string_equal(s->body, "status 503");
    seen_free(s);
}

static void
test_no_redirect(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/status?301");

    (void)state;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_int_equal(s->status, 301);
    seen_free(s);
}

static void
test_head(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "HEAD", "/hello");

    (void)state;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_int_equal(s->data, 0);
    assert_string_equal(s->header, "Some Value");
    seen_free(s);
}

/* What goes on the wire: the path as it is, our headers, no others that
 * would matter to a signature. */
static void
test_wire(void **state)
{
    static const char *const headers[] = {"X-One: 1", "X-Empty:", NULL};
    struct seen *s = seen_new();
    struct net_request r =
        request(s, "PUT", "/a/../b//./%2F%2b%20c?x=%7e&uploads=&a");
    struct iovec v[3] = {{.iov_base = (char[]){'a', 'b'}, .iov_len = 2},
                         {.iov_base = NULL, .iov_len = 0},
                         {.iov_base = (char[]){'c'}, .iov_len = 1}};
    char want[64];

    (void)state;
    r.headers = headers;
    r.body = v;
    r.body_count = 3;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_non_null(strstr(
        s->body, "PUT /a/../b//./%2F%2b%20c?x=%7e&uploads=&a HTTP/1.1\r\n"));
    assert_non_null(strstr(s->body, "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(s->body, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(s->body, "\r\nContent-Length: 3\r\n"));
    assert_non_null(strstr(s->body, "\r\nUser-Agent: unit/1\r\n"));
    assert_null(strcasestr(s->body, "\r\nExpect:"));
    assert_null(strcasestr(s->body, "\r\nContent-Type:"));
    assert_null(strcasestr(s->body, "\r\nAccept-Encoding:"));
    assert_null(strcasestr(s->body, "\r\nTransfer-Encoding:"));
    snprintf(want, sizeof(want), "\r\n\r\n3 %u",
             ('a' * 31u + 'b') * 31u + 'c');
    assert_non_null(strstr(s->body, want));
    seen_free(s);
}

/* A body or none, for each method; handles are reused in between. */
static void
test_methods(void **state)
{
    static const struct {
        const char *method;
        bool has_body;
        const char *length; /* NULL = no such header */
    } cases[] = {
        {"POST", true, "\r\nContent-Length: 0\r\n"},
        {"GET", false, NULL},
        {"PUT", true, "\r\nContent-Length: 0\r\n"},
        {"DELETE", false, NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seen *s = seen_new();
        struct net_request r = request(s, cases[i].method, "/echo");

        r.has_body = cases[i].has_body;
        run(s, &r);
        assert_int_equal(s->err, 0);
        assert_memory_equal(s->body, cases[i].method, strlen(cases[i].method));
        if (cases[i].length)
            assert_non_null(strstr(s->body, cases[i].length));
        else
            assert_null(strcasestr(s->body, "content-length"));
        seen_free(s);
    }
}

static void
test_big_down(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/big?20000003");

    (void)state;
    s->check_bytes = true;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_false(s->bytes_wrong);
    assert_true(s->data == 20000003);
    assert_true(s->received == 20000003);
    seen_free(s);
}

/* What is not taken comes again, once; a pause is no stall. */
static void
test_pause(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/big?3000001");

    (void)state;
    s->check_bytes = true;
    s->pauses = 25;
    r.stall_ms = 300;
    paused = net_submit(net, &r);
    seen_wait(s);
    assert_int_equal(s->err, 0);
    assert_int_equal(s->pauses, 0);
    assert_false(s->bytes_wrong);
    assert_true(s->data == 3000001);
    assert_true(s->received == 3000001);
    net_resume(net, paused); /* it is over */
    seen_free(s);
}

static void
test_pause_cancelled(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/big?3000001");

    (void)state;
    s->pauses = 1 << 30;
    paused = net_submit(net, &r);
    usleep(100000);
    net_cancel(net, paused);
    seen_wait(s);
    assert_int_equal(s->err, -ECANCELED);
    assert_true(s->data == 0);
    seen_free(s);
}

static unsigned
sum_of(const struct iovec *v, int n)
{
    unsigned sum = 0;
    size_t k;
    int i;

    for (i = 0; i < n; i++)
        for (k = 0; k < v[i].iov_len; k++)
            sum = sum * 31 + ((unsigned char *)v[i].iov_base)[k];
    return sum;
}

static void
fill_body(struct iovec *v, int n, size_t each)
{
    size_t k;
    int i;

    for (i = 0; i < n; i++) {
        v[i].iov_len = each + (size_t)i;
        v[i].iov_base = malloc(v[i].iov_len);
        for (k = 0; k < v[i].iov_len; k++)
            ((unsigned char *)v[i].iov_base)[k] = server_byte(k + (size_t)i);
    }
}

static void
free_body(struct iovec *v, int n)
{
    int i;

    for (i = 0; i < n; i++)
        free(v[i].iov_base);
}

/* The same bytes in a file, with others around them. */
static FILE *
body_file(const struct iovec *v, int n, struct net_file *ret)
{
    FILE *f = tmpfile();
    int i;

    assert_non_null(f);
    fprintf(f, "before");
    *ret = (struct net_file){fileno(f), 6, 0};
    for (i = 0; i < n; i++) {
        fwrite(v[i].iov_base, v[i].iov_len, 1, f);
        ret->length += v[i].iov_len;
    }
    fprintf(f, "behind");
    assert_int_equal(fflush(f), 0);
    return f;
}

static void
check_upload(const char *path, bool in_file)
{
    struct iovec v[7];
    struct seen *s = seen_new();
    struct net_request r = request(s, "PUT", path);
    struct net_file file;
    FILE *f = NULL;
    char want[64];

    fill_body(v, 7, 1500000);
    if (in_file) {
        f = body_file(v, 7, &file);
        r.file = &file;
    } else {
        r.body = v;
        r.body_count = 7;
    }
    run(s, &r);
    assert_int_equal(s->err, 0);
    snprintf(want, sizeof(want), "\r\n\r\n%u %u", 7 * 1500000 + 21,
             sum_of(v, 7));
    assert_non_null(strstr(s->body, want));
    if (f)
        fclose(f);
    free_body(v, 7);
    seen_free(s);
}

static void
test_big_up(void **state)
{
    (void)state;
    check_upload("/echo", false);
    check_upload("/echo", true);
}

/* A kept connection that dies under a body: libcurl rewinds it. */
static void
test_rewind(void **state)
{
    unsigned before = server.requests;

    (void)state;
    check_upload("/fickle", false);
    check_upload("/fickle", false);
    assert_true(server.requests >= before + 3);
    before = server.requests;
    check_upload("/fickle", true);
    check_upload("/fickle", true);
    assert_true(server.requests >= before + 3);
}

/* The file ends before the body does, or cannot be read. */
static void
test_bad_file(void **state)
{
    struct net_file file = {-1, 0, 10};
    struct iovec v = {(void *)"1234", 4};
    struct seen *s = seen_new();
    struct net_request r = request(s, "PUT", "/echo");
    FILE *f;

    (void)state;
    r.file = &file;
    run(s, &r);
    assert_int_equal(s->err, -EIO);
    assert_non_null(strstr(s->errtext, "cannot read"));
    seen_free(s);
    f = body_file(&v, 1, &file);
    file.length = 4000000;
    s = seen_new();
    r = request(s, "PUT", "/echo");
    r.file = &file;
    run(s, &r);
    assert_int_equal(s->err, -EIO);
    assert_non_null(strstr(s->errtext, "shorter"));
    seen_free(s);
    fclose(f);
}

static void
test_connection_reuse(void **state)
{
    unsigned before = 0, i;

    (void)state;
    for (i = 0; i < 14; i++) {
        struct seen *s = seen_new();
        struct net_request r = request(s, "GET", "/hello");

        if (i == 2)
            before = server.connections;
        r.fresh = i == 10 || i == 11;
        r.busy = i >= 12;
        if (i == 13) /* idle for too long */
            usleep((NET_IDLE_S + 1) * 1000000 + 100000);
        run(s, &r);
        if (i == 9) {
            /* one more when a loop had no turn before */
            assert_in_range(server.connections, before, before + 1);
            before = server.connections;
        }
        seen_free(s);
    }
    /* two that wanted new ones, and the last, whose were too old */
    assert_int_equal(server.connections, before + 3);
}

/* The time to the first byte is that of the answer, whatever was sent. */
static void
test_first_byte(void **state)
{
    struct iovec v = {(void *)"12345", 5};
    unsigned i;

    (void)state;
    for (i = 0; i < 4; i++) {
        struct seen *s = seen_new();
        struct net_request r = request(s,
                                       i == 0   ? "GET"
                                       : i == 1 ? "POST"
                                                : "PUT",
                                       i < 3 ? "/late?200" : "/silent");

        r.has_body = i > 0;
        r.body = i >= 2 ? &v : NULL;
        r.body_count = i >= 2;
        r.total_ms = i == 3 ? 100 : 0;
        run(s, &r);
        assert_int_equal(s->err, i == 3 ? -ETIMEDOUT : 0);
        if (i == 3)
            assert_int_equal(s->first_ms, 0);
        else
            assert_in_range(s->first_ms, 199, s->total_ms);
        seen_free(s);
    }
}

struct failure {
    const char *path;
    int err;
    uint32_t stall_ms, total_ms;
};

static void
test_failures(void **state)
{
    static const struct failure cases[] = {
        {"/cut", -ECONNRESET, 0, 0},
        {"/stall", -ETIMEDOUT, 300, 0},
        {"/silent", -ETIMEDOUT, 300, 0},
        {"/silent", -ETIMEDOUT, 0, 300},
        {"/drip?100", -ETIMEDOUT, 2000, 400},
        {"/drip?50", 0, 2000, 0}, /* 2.5 s: slow is not stalled */
        {"/garbage", -EPROTO, 0, 0},
        {"/fickle", 0, 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seen *s = seen_new();
        struct net_request r = request(s, "GET", cases[i].path);

        r.stall_ms = cases[i].stall_ms;
        r.total_ms = cases[i].total_ms;
        run(s, &r);
        if (s->err != cases[i].err)
            print_error("%s: %s\n", cases[i].path, s->errtext);
        assert_int_equal(s->err, cases[i].err);
        assert_true((s->err == 0) == (s->errtext[0] == '\0'));
        seen_free(s);
    }
}

static void
test_stalled_upload(void **state)
{
    struct iovec v[8];
    struct seen *s = seen_new();
    struct net_request r = request(s, "PUT", "/deaf");

    (void)state;
    fill_body(v, 8, 4000000);
    r.body = v;
    r.body_count = 8;
    r.stall_ms = 300;
    run(s, &r);
    assert_int_equal(s->err, -ETIMEDOUT);
    free_body(v, 8);
    seen_free(s);
}

/* A store that refuses a body does not wait for all of it. */
static void
test_early_answer(void **state)
{
    struct iovec v[8];
    struct seen *s = seen_new();
    struct net_request r = request(s, "PUT", "/early");

    (void)state;
    fill_body(v, 8, 4000000);
    r.body = v;
    r.body_count = 8;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_int_equal(s->status, 403);
    assert_string_equal(s->body, "no");
    free_body(v, 8);
    seen_free(s);
}

static void
test_unreachable(void **state)
{
    static const struct {
        const char *url;
        int err;
    } cases[] = {
        {"http://127.0.0.1:1/", -ECONNREFUSED},
        {"http://no-such-host.invalid/", -EHOSTUNREACH},
        {"ftp://127.0.0.1/", -EPROTO},
        {"http://", -EINVAL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seen *s = seen_new();
        struct net_request r = request(s, "GET", "/");

        r.url = cases[i].url;
        run(s, &r);
        if (s->err != cases[i].err)
            print_error("%s: %s\n", r.url, s->errtext);
        assert_int_equal(s->err, cases[i].err);
        assert_true(s->errtext[0]);
        seen_free(s);
    }
}

static void
test_tls_to_plain_server(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/");
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.port);
    r.url = url;
    r.connect_ms = 1000;
    run(s, &r);
    assert_true(s->err == -EPROTO || s->err == -ETIMEDOUT);
    seen_free(s);
}

static void
test_refusing_callbacks(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/big?1000000");

    (void)state;
    s->on_head_says = -ESTALE;
    run(s, &r);
    assert_int_equal(s->err, -ESTALE);
    assert_int_equal(s->data, 0);
    seen_free(s);

    s = seen_new();
    r = request(s, "GET", "/big?1000000");
    s->on_data_says = -EMSGSIZE;
    run(s, &r);
    assert_int_equal(s->err, -EMSGSIZE);
    assert_true(s->data < 1000000);
    assert_int_equal(s->status, 200);
    seen_free(s);
}

static void
test_interim_and_trailer(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/continue");

    (void)state;
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_int_equal(s->heads, 1);
    assert_int_equal(s->status, 200);
    assert_string_equal(s->header, "(none)");
    assert_string_equal(s->body, "late");
    seen_free(s);

    s = seen_new();
    r = request(s, "GET", "/chunked");
    run(s, &r);
    assert_int_equal(s->err, 0);
    assert_int_equal(s->heads, 1);
    assert_string_equal(s->header, "head");
    assert_string_equal(s->body, "hello world");
    seen_free(s);
}

static void
test_call(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/hello");
    struct err e = {0};
    char *body = NULL;
    int status = 0;

    (void)state;
    assert_int_equal(net_call(net, NULL, &r, 5, &status, &body, &e), 0);
    assert_int_equal(status, 200);
    assert_string_equal(body, "hello");
    free(body);
    assert_int_equal(net_call(net, NULL, &r, 4, &status, &body, &e),
                     -EMSGSIZE);
    assert_int_equal(e.num, EMSGSIZE);
    r.method = "HEAD";
    assert_int_equal(net_call(net, NULL, &r, 4, &status, &body, &e), 0);
    assert_string_equal(body, "");
    free(body);
    r.url = "http://127.0.0.1:1/";
    assert_int_equal(net_call(net, NULL, &r, 4, &status, NULL, &e),
                     -ECONNREFUSED);
    assert_true(e.text[0]);
    seen_free(s);
}

/* The proxy of the environment does not stand before loopback. */
static void
test_no_proxy_for_loopback(void **state)
{
    struct seen *s = seen_new();
    struct net_request r = request(s, "GET", "/hello");

    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    run(s, &r);
    assert_int_equal(s->err, 0);
    seen_free(s);
    s = seen_new();
    r = request(s, "GET", "/hello");
    r.url = "http://192.0.2.1/";
    run(s, &r);
    assert_int_equal(s->err, -ECONNREFUSED);
    seen_free(s);
    unsetenv("http_proxy");
}

static int
setup(void **state)
{
    struct net_conf conf = {
        .loops = 2, .connections = 8, .user_agent = "unit/1"};

    (void)state;
    return server_start(&server) || net_new(&net, &conf, NULL);
}

static int
teardown(void **state)
{
    (void)state;
    net_free(net);
    server_stop(&server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary),
        cmocka_unit_test(test_status_is_no_error),
        cmocka_unit_test(test_no_redirect),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_big_down),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_pause_cancelled),
        cmocka_unit_test(test_big_up),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_bad_file),
        cmocka_unit_test(test_connection_reuse),
        cmocka_unit_test(test_first_byte),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_stalled_upload),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_tls_to_plain_server),
        cmocka_unit_test(test_refusing_callbacks),
        cmocka_unit_test(test_interim_and_trailer),
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_no_proxy_for_loopback),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
