/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The doctor's second half: which permissions there are, by trying each
 * call that a mount or a publish makes, and the policy that grants them.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/cmd_doctor.h"
#include "s3/multipart.h"

/* One call, waited for. */
struct
try {
    sem_t done;
    struct s3_error error;
    char upload_id[1024];
};

static void
try_init(struct try *t)
{
    memset(t, 0, sizeof(*t));
    sem_init(&t->done, 0, 0);
}

static void
try_ended(struct try *t, const struct s3_error *e)
{
    t->error = *e;
    sem_post(&t->done);
}

static void
try_wait(struct try *t)
{
    while (sem_wait(&t->done) < 0 && errno == EINTR)
        ;
}

static void
on_object(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)o;
    try_ended(user, e);
}

static void
on_attributes(void *user, const struct s3_error *e, const struct s3_attrs *a)
{
    (void)a;
    try_ended(user, e);
}

static void
on_create(void *user, const struct s3_error *e, const char *upload_id)
{
    struct try *t = user;

    if (e->err == 0)
        snprintf(t->upload_id, sizeof(t->upload_id), "%s", upload_id);
    try_ended(t, e);
}

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    (void)u;
    (void)count;
    try_ended(user, e);
}

static void
on_done(void *user, const struct s3_error *e)
{
    try_ended(user, e);
}

/* A policy cannot mend a key that the store does not know, a wrong secret,
 * an expired token, a wrong clock, or that nobody is there to sign.  HEAD
 * answers 403 without a code. */
static bool
forbidden(const struct s3_error *e)
{
    return e->err == -EACCES && e->http == 403 &&
           (!e->code[0] || doctor_forbidden(e->code));
}

/* Says how it went; true if the permission is missing. */
static bool
judge(struct doctor *d, const struct try *t, const char *what,
      const char *action, enum doctor_grade bad)
{
    const struct s3_error *e = &t->error;

    if (e->err == 0) {
        doctor_say(d, DOCTOR_OK, what, "%s", action);
        return false;
    }
    doctor_say(d, bad, what, "%s: %s%s%s%s", action,
               e->code[0] ? e->code : strerror(-e->err),
               e->message[0] ? ": " : "", e->message,
               forbidden(e) ? "" : " (not a matter of permissions)");
    return forbidden(e);
}

/* The smallest member with bytes. */
static const struct zip_member *
some_member(const struct doctor *d)
{
    const struct zip_member *best = NULL;
    size_t i;

    for (i = 0; d->layout && i < d->layout->zip.count; i++) {
        const struct zip_member *m = &d->layout->zip.member[i];

        if (m->size > 0 && !m->archived && (!best || m->size < best->size))
            best = m;
    }
    return best;
}

static void
reading(struct doctor *d)
{
    const struct zip_member *m = some_member(d);
    struct s3_get_args get = {.length = 1};
    struct try t;

    if (!m) {
        doctor_say(d, DOCTOR_NOTE, "read", "no member to try it with");
        return;
    }
    get.at = (struct s3_where){
        .bucket = d->a->bucket, .key = m->key, .key_len = m->key_len};
    get.etag = m->etag;
    try_init(&t);
    s3_get(d->s.s3, &get, on_object, &t);
    try_wait(&t);
    d->missing_get = judge(d, &t, "read", "s3:GetObject", DOCTOR_FAIL);
    s3_attributes(d->s.s3, &get.at, on_attributes, &t);
    try_wait(&t);
    d->missing_attributes = judge(d, &t, "read",
                                  "s3:GetObjectAttributes "
                                  "(saves reading members with checksums "
                                  "of parts)",
                                  DOCTOR_NOTE);
    sem_destroy(&t.done);
}

/* An upload is created at the archive's own key and aborted at once. */
static void
publishing(struct doctor *d)
{
    char key[1200];
    struct s3_create_args create = {.crc32 = true,
                                    .content_type = "application/zip"};
    struct try t;

    if (d->a->conf.publish == CONF_PUBLISH_OFF || d->a->conf.ro)
        return;
    snprintf(key, sizeof(key), "%s%s", d->a->root, d->a->conf.name);
    create.at = (struct s3_where){.bucket = d->a->bucket,
                                  .key = key,
                                  .key_len = strlen(key),
                                  .dest = true};
    try_init(&t);
    s3_create(d->s.s3, &create, on_create, &t);
    try_wait(&t);
    d->missing_put = judge(d, &t, "publish", "s3:PutObject", DOCTOR_NOTE);
    if (t.upload_id[0]) {
        s3_abort(d->s.s3, &create.at, t.upload_id, on_done, &t);
        try_wait(&t);
        d->missing_abort =
            judge(d, &t, "publish", "s3:AbortMultipartUpload", DOCTOR_FAIL);
    }
    s3_list_uploads(d->s.s3, &create.at, on_uploads, &t);
    try_wait(&t);
    d->missing_list_uploads = judge(d, &t, "publish",
                                    "s3:ListBucketMultipartUploads (finds "
                                    "what a killed publish left)",
                                    DOCTOR_NOTE);
    sem_destroy(&t.done);
}

bool
doctor_forbidden(const char *text)
{
    return strstr(text, "AccessDenied") || strstr(text, "Forbidden");
}

void
doctor_permissions(struct doctor *d)
{
    reading(d);
    publishing(d);
}

/* ------------------------------------------------------------- policy */

/* As text inside JSON. */
static void
put_json(const char *s)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            printf("\\u%04x", *s);
        else
            putchar(*s);
    }
}

static void
resource(const struct doctor *d, const char *root, const char *rest)
{
    printf("      \"Resource\": \"arn:aws:s3:::");
    put_json(d->a->bucket);
    if (root) {
        putchar('/');
        put_json(root);
    }
    put_json(rest);
    putchar('"');
}

static void
statement_list(const struct doctor *d)
{
    printf("    {\n      \"Effect\": \"Allow\",\n"
           "      \"Action\": [\"s3:ListBucket\"],\n");
    resource(d, NULL, "");
    if (d->a->root[0]) {
        printf(",\n      \"Condition\": {\"StringLike\": {\"s3:prefix\": \"");
        put_json(d->a->root);
        printf("*\"}}");
    }
    printf("\n    },\n");
}

static void
statement_read(const struct doctor *d)
{
    printf("    {\n      \"Effect\": \"Allow\",\n"
           "      \"Action\": [\"s3:GetObject\", "
           "\"s3:GetObjectAttributes\"],\n");
    resource(d, d->a->root, "*");
    printf("\n    }");
}

static void
statement_publish(const struct doctor *d)
{
    printf(",\n    {\n      \"Effect\": \"Allow\",\n"
           "      \"Action\": [\"s3:PutObject\", \"s3:GetObject\", "
           "\"s3:AbortMultipartUpload\",\n"
           "                 \"s3:ListMultipartUploadParts\", "
           "\"s3:DeleteObject\"],\n");
    resource(d, d->a->root, d->a->conf.name);
    printf("\n    },\n    {\n      \"Effect\": \"Allow\",\n"
           "      \"Action\": [\"s3:ListBucketMultipartUploads\"],\n");
    resource(d, NULL, "");
    printf("\n    }");
}

void
doctor_policy(struct doctor *d)
{
    bool publish = d->a->conf.publish != CONF_PUBLISH_OFF && !d->a->conf.ro;
    bool missing = d->missing_list || d->missing_get ||
                   d->missing_attributes || d->missing_put ||
                   d->missing_abort || d->missing_list_uploads;

    printf("\n%s this IAM policy grants what is needed%s:\n",
           missing ? "Permissions are missing;" : "For reference,",
           publish ? " to read and to publish" : " to read");
    printf("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n");
    statement_list(d);
    statement_read(d);
    if (publish)
        statement_publish(d);
    printf("\n  ]\n}\n");
}
