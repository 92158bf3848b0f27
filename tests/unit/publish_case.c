/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One publish against the fake, and what must hold after it.  It knows the
 * publisher's public header only.
 */
#include "publish_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void
case_new_publisher(struct publish_case *c)
{
    struct publisher_deps d = {
        .s3 = &fake_s3,
        .s3_dest = &fake_s3_dest,
        .conf = &c->conf,
        .index = (struct index *)&fake,
        .root = "",
    };

    publisher_free(c->p);
    c->p = NULL;
    assert_int_equal(publisher_new(&c->p, &d, NULL), 0);
}

void
case_start(struct publish_case *c, uint64_t seed, unsigned members,
           unsigned stored)
{
    memset(c, 0, sizeof(*c));
    fake_start(seed);
    conf_init(&c->conf);
    c->conf.memory = 8200 + seed % 5 * 8000;
    case_new_publisher(c);
    c->l = fake_layout("p/", members, stored);
    c->r = fake_reader(c->l);
    c->want = fake_render(c->l);
}

void
case_stop(struct publish_case *c)
{
    publisher_free(c->p);
    reader_unref(c->r);
    assert_int_equal(atomic_load(&c->l->refs), 1);
    layout_unref(c->l);
    free(c->want);
    conf_free(&c->conf);
    fake_stop();
}

static void
answered(void *user, int r, const struct err *e)
{
    struct publish_case *c = user;

    assert_int_equal(r, -e->num);
    c->err = *e;
    c->answers++;
}

int
case_publish_to(struct publish_case *c, const char *key)
{
    struct publish_dest dest = {(char *)"b", (char *)key};
    struct publish_job *j = NULL;
    struct err e = {0};
    int r;

    c->answers = 0;
    r = publish_start(c->p, c->r, &dest, &j, &e);
    if (r < 0) {
        c->err = e;
        return r;
    }
    fake.abort_job = j;
    publish_wait(j, answered, c);
    assert_true(publish_wait_cancel(j, publish_wait(j, answered, c)));
    publish_wait(j, answered, c);
    fake_run();
    fake.abort_job = NULL;
    assert_int_equal(c->answers, 2);
    publish_job_status(j, &c->st);
    publish_job_unref(j);
    assert_int_equal(fake.views, 0);
    assert_int_equal(permits_used(c->p->permits), 0);
    assert_true(fake.pinned_peak <= c->conf.memory / 2);
    assert_int_equal(fake.strange_cancels, 0);
    return -c->err.num;
}

int
case_publish(struct publish_case *c)
{
    return case_publish_to(c, "out/a.zip");
}

void
case_check_there(struct publish_case *c)
{
    struct fake_object *o = fake_object("out/a.zip");

    assert_non_null(o);
    assert_int_equal(o->size, c->l->zip.size);
    assert_memory_equal(o->data, c->want, o->size);
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(fake_journal_rows(), 0);
    assert_int_equal(c->st.state, PUBLISH_DONE);
    assert_string_equal(c->st.etag, o->etag);
    assert_true(!c->st.have_crc32 || c->st.crc32 == o->crc || !o->have_crc);
}

void
case_check_nothing(struct publish_case *c)
{
    (void)c;
    assert_null(fake_object("out/a.zip"));
    assert_int_equal(fake_uploads_open(), 0);
    assert_int_equal(fake_journal_rows(), 0);
}
