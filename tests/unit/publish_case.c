/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish against the fake, and what must hold after it.
 */
#include "publish_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- start */

enum { PUBLISHERS = 4 };
static struct publisher *publishers[PUBLISHERS];
static atomic_uint own_threads; /* of the tests */

/* Does a job run?  With the fake's lock. */
static bool
is_busy(void)
{
    bool busy = atomic_load(&own_threads) > 0;
    size_t i;

    for (i = 0; !busy && i < PUBLISHERS; i++)
        if (publishers[i]) {
            LOCK_SCOPE(&publishers[i]->lock);
            busy |= publishers[i]->running > 0;
        }
    return busy;
}

static void
know_publisher(struct publisher *old, struct publisher *fresh)
{
    size_t i;

    for (i = 0; publishers[i] != old; i++)
        assert_true(i + 1 < PUBLISHERS);
    publishers[i] = fresh;
    fake.busy = is_busy;
    fake.passed = fake_time_passes;
}

struct own_thread {
    void (*fn)(void *user);
    void *user;
};

static void *
own_main(void *user)
{
    struct own_thread *t = user;

    t->fn(t->user);
    atomic_fetch_sub(&own_threads, 1);
    return NULL;
}

void
case_call(void (*fn)(void *user), void *user)
{
    struct own_thread t = {fn, user};
    pthread_t thread;

    atomic_fetch_add(&own_threads, 1);
    pthread_create(&thread, NULL, own_main, &t);
    fake_run();
    pthread_join(thread, NULL);
}

static void
free_publisher(void *p)
{
    publisher_free(p);
}

void
case_free_publisher(struct publish_case *c)
{
    struct publisher *p = STEAL(c->p);

    if (!p)
        return;
    know_publisher(p, NULL); /* busy is who frees it */
    case_call(free_publisher, p);
}

void
case_new_publisher(struct publish_case *c)
{
    struct publisher_deps d = {
        .s3 = &fake_s3,
        .s3_dest = &fake_s3_dest,
        .state = &fake.state[c->host],
        .conf = &c->conf,
        .index = (struct index *)&fake,
        .root = "",
        .limits = c->limits ? c->limits : &fake_limits,
    };

    case_free_publisher(c);
    assert_int_equal(publisher_new(&c->p, &d, NULL), 0);
    know_publisher(NULL, c->p);
}

void
case_start(struct publish_case *c, uint64_t seed, unsigned members,
           unsigned stored)
{
    memset(c, 0, sizeof(*c));
    memset(publishers, 0, sizeof(publishers)); /* of a case that failed */
    fake_start(seed);
    conf_init(&c->conf);
    assert_string_equal(c->conf.scratch, FAKE_SCRATCH);
    c->conf.memory = 8200 + seed % 5 * 8000;
    case_new_publisher(c);
    c->l = fake_layout("p/", members, stored);
    c->r = fake_reader(c->l);
    c->want = fake_render(c->l);
}

void
case_next_layout(struct publish_case *c, unsigned stored)
{
    const struct fake_object *o = fake_object("out/a.zip");
    struct layout *l;

    strcpy(c->before, o->etag);
    l = fake_layout_next(c->l, stored);
    reader_unref(c->r);
    layout_unref(c->l);
    free(c->want);
    c->l = l;
    c->r = fake_reader(l);
    c->want = fake_render(l);
}

void
case_start_as(struct publish_case *c, enum plan_strategy s, uint64_t seed,
              unsigned members, unsigned stored)
{
    case_start(c, seed, members, stored);
    if (s == PLAN_AGAIN || (s == PLAN_MIXED && seed % 2)) {
        assert_int_equal(case_publish(c), 0);
        case_next_layout(c, stored);
        case_new_publisher(c);
        fake_forget();
    }
    c->conf.publish_strategy = (int)s;
}

void
case_stop(struct publish_case *c)
{
    case_free_publisher(c);
    reader_unref(c->r);
    assert_int_equal(atomic_load(&c->l->refs), 1);
    layout_unref(c->l);
    free(c->want);
    conf_free(&c->conf);
    fake_stop();
}

/* -------------------------------------------------------------- publish */

static void
answered(void *user, int r, const struct err *e)
{
    struct publish_case *c = user;

    assert_int_equal(r, -e->num);
    c->err = *e;
    c->answers++;
}

int
case_begin(struct publish_case *c, const char *key, struct publish_job **ret)
{
    struct publish_dest dest = {(char *)"b", (char *)key};
    struct err e = {0};
    uint64_t id;
    int r;

    c->answers = 0;
    r = publish_start(c->p, c->r, &dest, ret, &e);
    if (r < 0) {
        c->err = e;
        return r;
    }
    publish_wait(*ret, answered, c);
    id = publish_wait(*ret, answered, c);
    if (id == 0) /* it has ended already */
        return 0;
    if (!publish_wait_cancel(*ret, id))
        c->answers--;
    publish_wait(*ret, answered, c);
    return 0;
}

void
case_end(struct publish_case *c, struct publish_job *j)
{
    assert_int_equal(c->answers, 2);
    publish_job_status(j, &c->st);
    publish_job_unref(j);
    assert_int_equal(fake.views, 0);
    assert_int_equal(permits_used(c->p->permits), 0);
    assert_int_equal(fake.strange_cancels, 0);
}

int
case_publish_to(struct publish_case *c, const char *key)
{
    struct publish_job *j = NULL;
    int r = case_begin(c, key, &j);

    if (r < 0)
        return r;
    fake.abort_job = j;
    fake.pinned_peak = 0;
    fake_run();
    fake.abort_job = NULL;
    case_end(c, j);
    assert_true(fake.pinned_peak <= c->conf.memory / 2);
    return -c->err.num;
}

void
case_beside(struct publish_case *c, const struct publish_case *first,
            unsigned host)
{
    memset(c, 0, sizeof(*c));
    conf_init(&c->conf);
    c->conf.memory = first->conf.memory;
    c->conf.publish_strategy = first->conf.publish_strategy;
    c->host = host;
    c->l = layout_ref(first->l);
    c->r = fake_reader(c->l);
    case_new_publisher(c);
}

void
case_beside_stop(struct publish_case *c)
{
    case_free_publisher(c);
    reader_unref(c->r);
    layout_unref(c->l);
    conf_free(&c->conf);
}

void
case_publish_both(struct publish_case *a, struct publish_case *b)
{
    struct publish_job *ja, *jb;

    assert_int_equal(case_begin(a, "out/a.zip", &ja), 0);
    assert_int_equal(case_begin(b, "out/a.zip", &jb), 0);
    fake_run();
    case_end(a, ja);
    case_end(b, jb);
}

int
case_publish(struct publish_case *c)
{
    return case_publish_to(c, "out/a.zip");
}

bool
case_killed(struct publish_case *c, unsigned n, bool late)
{
    bool killed;

    c->deaths++;
    fake.trouble_at = fake.calls + n;
    fake.trouble = late ? FAKE_KILL_LATE : FAKE_KILL;
    case_publish(c);
    killed = fake_killed();
    if (!fake.young)
        fake_later();
    case_new_publisher(c);
    reader_unref(c->r);
    c->r = fake_reader(c->l);
    fake_forget();
    return killed;
}

/* ---------------------------------------------------------------- after */

void
case_check_clean(struct publish_case *c)
{
    (void)c;
    /* Those whose ids nobody was told are empty, and known. */
    assert_true(fake_uploads_open() <= (unsigned)fake_journal_unknown());
    assert_int_equal(fake_parts_below(""), 0);
    assert_int_equal(fake_objects_below(FAKE_SCRATCH), 0);
    assert_int_equal(fake_journal_rows(), 0);
    assert_int_equal(fake_journal_notes(), 0);
}

void
case_check_there(struct publish_case *c)
{
    struct fake_object *o = fake_object("out/a.zip");

    assert_non_null(o);
    assert_int_equal(o->size, c->l->zip.size);
    assert_memory_equal(o->data, c->want, o->size);
    case_check_clean(c);
    assert_int_equal(c->st.state, PUBLISH_DONE);
    assert_string_equal(c->st.etag, o->etag);
    assert_true(!c->st.have_crc32 || c->st.crc32 == o->crc || !o->have_crc);
}

void
case_check_nothing(struct publish_case *c)
{
    const struct fake_object *o = fake_object("out/a.zip");

    assert_string_equal(o ? o->etag : "", c->before);
    case_check_clean(c);
}

void
case_done(struct publish_case *c, const char *verified)
{
    int r = case_publish(c);

    if (r < 0)
        fprintf(stderr, "%s\n", c->err.text);
    assert_int_equal(r, 0);
    case_check_there(c);
    assert_string_equal(c->st.verified, verified);
}

void
case_failed(struct publish_case *c, int r)
{
    assert_int_equal(case_publish(c), r);
    case_check_nothing(c);
    assert_true(c->err.text[0] != '\0');
}

struct plan
case_plan(const struct publish_case *c)
{
    struct plan plan;
    struct err e;

    assert_int_equal(publish_plan(c->p, c->r, NULL, &plan, &e), 0);
    return plan;
}

void
case_check_plan(struct publish_case *c, const struct plan *p)
{
    const struct plan_totals *t = &p->totals;
    struct plan parts = *p;

    plan_cost(&parts, &c->l->zip, &plan_prices_aws, 0, 0);
    assert_int_equal(c->st.restarts, 0);
    assert_int_equal(c->st.uploaded, t->uploaded);
    assert_int_equal(fake.uploaded, t->uploaded);
    assert_int_equal(c->st.copied, parts.totals.copied);
    assert_int_equal(fake.copied, parts.totals.copied);
    assert_int_equal(fake.uploads + fake.puts, t->requests.upload);
    assert_int_equal(fake.copies, parts.totals.requests.copy);
    assert_int_equal(fake.creates, parts.totals.requests.create);
    assert_int_equal(fake.completes, t->requests.complete);
    assert_int_equal(fake.deletes, parts.totals.requests.remove);
    /* What finds CRCs, and reads back: at most. */
    assert_true(c->st.downloaded <= t->downloaded);
    assert_true(fake.copied + fake.told_bytes <= t->copied);
    assert_true(fake.copies + fake.told <= t->requests.copy);
    assert_true(fake.heads + fake.crc_heads <= t->requests.head);
    assert_true(fake.gets <= t->requests.get - parts.totals.requests.get +
                                 (c->before[0] ? 2 : 0) /* the directory */);
    assert_int_equal(c->st.work, parts.totals.uploaded + parts.totals.copied);
    assert_int_equal(c->st.work_done, c->st.work);
}
