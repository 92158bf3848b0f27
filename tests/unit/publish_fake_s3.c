/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The store of the fake: objects, multipart uploads with part CRCs,
 * conditions, and the faults that real stores have.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "publish_fake_op.h"

static struct fake_object *
find_object(const char *key)
{
    struct fake_object *o;

    for (o = fake.objects; o && strcmp(o->key, key) != 0; o = o->next)
        ;
    return o;
}

struct fake_object *
fake_object(const char *key)
{
    LOCK_SCOPE(&fake.lock);

    return find_object(key);
}

/* Lock held. */
static struct fake_object *
put_object(const char *key, const void *data, size_t n)
{
    struct fake_object *o = find_object(key);

    if (!o) {
        o = calloc(1, sizeof(*o));
        o->next = fake.objects;
        fake.objects = o;
        snprintf(o->key, sizeof(o->key), "%s", key);
    }
    free(o->data);
    o->data = malloc(n + 1);
    memcpy(o->data, data, n);
    o->size = n;
    o->digest[0] = '\0';
    o->have_crc = false;
    o->crc = (uint32_t)crc32_z(0, o->data, n);
    snprintf(o->etag, sizeof(o->etag), "etag-%u", ++fake.etags);
    return o;
}

struct fake_object *
fake_put(const char *key, const void *data, size_t n, bool stored)
{
    LOCK_SCOPE(&fake.lock);
    struct fake_object *o = put_object(key, data, n);

    o->have_crc = stored;
    return o;
}

static void
overwrite_member(void)
{
    struct fake_object *o;
    uint64_t n = fake_random(20);

    for (o = fake.objects; o; o = o->next)
        if (strncmp(o->key, "p/", 2) == 0 && o->size > 0 && n-- == 0) {
            o->data[0] ^= 1;
            o->crc = (uint32_t)crc32_z(0, o->data, o->size);
            snprintf(o->etag, sizeof(o->etag), "etag-%u", ++fake.etags);
            return;
        }
}

static void
make_trouble(struct s3_error *e, bool *effect)
{
    switch (fake.trouble) {
    case FAKE_FAIL_500:
        *e = (struct s3_error){
            .err = -EIO, .http = 500, .code = "InternalError", .attempts = 3};
        *effect = false;
        break;
    case FAKE_FAIL_TIMEOUT:
        *e = (struct s3_error){.err = -ETIMEDOUT, .attempts = 2};
        break;
    case FAKE_FAIL_403:
        *e = (struct s3_error){
            .err = -EACCES, .http = 403, .code = "AccessDenied"};
        *effect = false;
        break;
    case FAKE_OVERWRITE:
        overwrite_member();
        break;
    case FAKE_STRANGER:
        put_object("out/a.zip", "stranger", 8);
        break;
    case FAKE_ABORT:
        break;
    }
}

int
fake_count(unsigned *counter, struct s3_error *e, bool *effect)
{
    struct publish_job *abort_job = NULL;

    pthread_mutex_lock(&fake.lock);
    memset(e, 0, sizeof(*e));
    e->attempts = 1;
    *effect = true;
    if (counter)
        ++*counter;
    if (++fake.calls == fake.trouble_at) {
        make_trouble(e, effect);
        if (fake.trouble == FAKE_ABORT && fake.abort_job)
            abort_job = publish_job_ref(fake.abort_job);
    }
    pthread_mutex_unlock(&fake.lock);
    if (abort_job) {
        publish_abort(abort_job, fake.abort_why ? fake.abort_why : -EINTR);
        publish_job_unref(abort_job);
    }
    return e->err;
}

/* A cancelled call may have had its effect. */
static bool
begin(struct op *op, unsigned *counter, struct s3_error *e)
{
    bool effect;

    fake_count(counter, e, &effect);
    pthread_mutex_lock(&fake.lock);
    if (op->cancelled) {
        *e = (struct s3_error){.err = -ECANCELED};
        effect = fake_random(2) == 0;
    }
    return effect;
}

static void
end(void)
{
    pthread_mutex_unlock(&fake.lock);
}

static void
refuse(struct s3_error *e, int err, int http, const char *code)
{
    if (e->err)
        return;
    *e = (struct s3_error){.err = err, .http = http, .attempts = 1};
    snprintf(e->code, sizeof(e->code), "%s", code);
    snprintf(e->message, sizeof(e->message), "%s", code);
}

static struct op *
op_at(struct s3 *s, op_fn *run, const struct s3_where *at, void *cb,
      void *user)
{
    struct op *op = op_new(run);

    op->s3 = s;
    snprintf(op->bucket, sizeof(op->bucket), "%s", at->bucket);
    snprintf(op->key, sizeof(op->key), "%.*s", (int)at->key_len, at->key);
    op->cb = cb;
    op->user = user;
    return op;
}

/* ------------------------------------------------------- get and head */

static struct s3_object
object_of(const struct fake_object *o, char etag[40], char digest[72])
{
    snprintf(etag, 40, "%s", o->etag);
    snprintf(digest, 72, "%s", o->digest);
    return (struct s3_object){
        .size = o->size,
        .etag = etag,
        .have_crc32 = o->have_crc,
        .crc32 = o->crc,
        .checksum_crc32 = "",
        .layout_digest = digest,
        .storage_class = "",
        .version_id = "",
    };
}

static void
head_run(struct op *op)
{
    struct s3_object answer = {.etag = "", .layout_digest = ""};
    char etag[40], digest[72];
    struct fake_object *o;
    struct s3_error e;

    if (fake.head_hangs && op->etag && !op->cancelled) {
        op_again(op);
        return;
    }
    begin(op, &fake.heads, &e);
    o = find_object(op->key);
    if (op->etag && (!o || strcmp(o->etag, op->etag) != 0))
        refuse(&e, -ESTALE, 412, "");
    if (fake.head_403)
        refuse(&e, -EACCES, 403, "");
    if (!o)
        refuse(&e, -ENOENT, 404, "");
    if (o)
        answer = object_of(o, etag, digest);
    if (fake.no_head_crc)
        answer.have_crc32 = false;
    end();
    ((s3_get_cb *)op->cb)(op->user, &e, e.err ? NULL : &answer);
}

s3_id
s3_head(struct s3 *s, const struct s3_head_args *a, s3_get_cb *cb, void *user)
{
    struct op *op = op_at(s, head_run, &a->at, cb, user);

    op->etag = a->etag ? strdup(a->etag) : NULL;
    return op_queue(op);
}

static void
get_run(struct op *op)
{
    CLEANUP_FREE uint8_t *copy = NULL;
    struct fake_object *o;
    struct s3_error e;

    begin(op, &fake.gets, &e);
    o = find_object(op->key);
    if (!o || strcmp(o->etag, op->etag) != 0)
        refuse(&e, -ESTALE, 412, "PreconditionFailed");
    if (!e.err) {
        if (op->length == 0)
            op->length = o->size;
        assert(op->first + op->length <= o->size);
        copy = malloc(op->length + 1);
        memcpy(copy, o->data + op->first, op->length);
    }
    end();
    if (!e.err) {
        op->on_data(op->user, copy, op->length / 2);
        op->on_data(op->user, copy + op->length / 2,
                    op->length - op->length / 2);
    }
    ((s3_get_cb *)op->cb)(op->user, &e, NULL);
}

s3_id
s3_get(struct s3 *s, const struct s3_get_args *a, s3_get_cb *cb, void *user)
{
    struct op *op = op_at(s, get_run, &a->at, cb, user);

    op->etag = strdup(a->etag);
    op->first = a->first;
    op->length = a->length;
    op->on_data = a->on_data;
    return op_queue(op);
}

/* ----------------------------------------------------------- multipart */

static struct fake_upload *
find_upload(const char *id)
{
    struct fake_upload *u;

    for (u = fake.open; u && strcmp(u->id, id) != 0; u = u->next)
        ;
    return u;
}

void
fake_upload_drop(struct fake_upload *u)
{
    struct fake_upload **at = &fake.open;
    size_t i;

    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    for (i = 0; i < ARRAY_SIZE(u->part); i++)
        free(u->part[i].data);
    free(u);
}

unsigned
fake_uploads_open(void)
{
    LOCK_SCOPE(&fake.lock);
    struct fake_upload *u;
    unsigned n = 0;

    for (u = fake.open; u; u = u->next)
        n++;
    return n;
}

/* Lock held: what an attempt without an answer made. */
static void
create_twin(const struct fake_upload *u)
{
    struct fake_upload *twin = calloc(1, sizeof(*twin));

    *twin = *u;
    snprintf(twin->id, sizeof(twin->id), "twin-%u", ++fake.etags);
    twin->next = fake.open;
    fake.open = twin;
}

static void
create_run(struct op *op)
{
    struct fake_upload *u = NULL;
    struct s3_error e;
    char id[40] = "";

    if (begin(op, &fake.creates, &e)) {
        u = calloc(1, sizeof(*u));
        snprintf(u->key, sizeof(u->key), "%s", op->key);
        snprintf(u->digest, sizeof(u->digest), "%s", op->digest);
        snprintf(u->id, sizeof(u->id), "upload-%u", ++fake.etags);
        u->crc32 = op->flag;
        u->initiated = time(NULL);
        strcpy(u->initiator, "us");
        u->next = fake.open;
        fake.open = u;
        snprintf(id, sizeof(id), "%s", u->id);
    }
    if (u && fake.create_twice > 0) {
        fake.create_twice--;
        e.attempts = 2;
        create_twin(u);
    }
    end();
    ((s3_create_cb *)op->cb)(op->user, &e, id);
}

s3_id
s3_create(struct s3 *s, const struct s3_create_args *a, s3_create_cb *cb,
          void *user)
{
    struct op *op = op_at(s, create_run, &a->at, cb, user);

    op->flag = a->crc32;
    snprintf(op->digest, sizeof(op->digest), "%s", a->layout_digest);
    return op_queue(op);
}

static uint8_t *
body_join(const struct iovec *iov, int count, uint64_t *ret_size)
{
    uint8_t *out;
    uint64_t n = 0;
    int i;

    for (i = 0; i < count; i++)
        n += iov[i].iov_len;
    out = malloc(n + 1);
    for (n = 0, i = 0; i < count; i++) {
        memcpy(out + n, iov[i].iov_base, iov[i].iov_len);
        n += iov[i].iov_len;
    }
    *ret_size = n;
    return out;
}

static void
part_set(struct fake_part *p, uint8_t *data, uint64_t size)
{
    free(p->data);
    p->data = data;
    p->size = size;
    p->claimed = (uint32_t)crc32_z(0, data, size);
    snprintf(p->etag, sizeof(p->etag), "part-%u", ++fake.etags);
}

static void
part_answer(struct op *op, const struct s3_error *e, const struct fake_part *p,
            bool have_crc)
{
    struct s3_part answer = {0};
    char etag[40];

    if (p) {
        snprintf(etag, sizeof(etag), "%s", p->etag);
        answer = (struct s3_part){etag, have_crc, p->claimed};
    }
    end();
    ((s3_part_cb *)op->cb)(op->user, e, e->err ? NULL : &answer);
}

static void
upload_run(struct op *op)
{
    struct fake_part *p = NULL;
    struct fake_upload *u;
    struct s3_error e;
    uint8_t *data;
    uint64_t size;

    begin(op, &fake.uploads, &e);
    u = find_upload(op->upload_id);
    if (!u)
        refuse(&e, -ENOENT, 404, "NoSuchUpload");
    if (u && u->crc32 != op->send_crc)
        refuse(&e, -EIO, 400, "InvalidRequest");
    data = body_join(op->body, op->body_count, &size);
    if (op->send_crc && op->crc != (uint32_t)crc32_z(0, data, size))
        refuse(&e, -EIO, 400, "BadDigest");
    if (!e.err) {
        p = &u->part[op->number - 1];
        part_set(p, data, size);
        fake.uploaded += size;
    } else {
        free(data);
    }
    part_answer(op, &e, p, u && u->crc32);
}

s3_id
s3_upload_part(struct s3 *s, const struct s3_upload_args *a, s3_part_cb *cb,
               void *user)
{
    struct op *op = op_at(s, upload_run, &a->at, cb, user);

    op->upload_id = strdup(a->upload_id);
    op->number = a->number;
    op->body = a->body;
    op->body_count = a->body_count;
    op->send_crc = a->send_crc32;
    op->crc = a->crc32;
    return op_queue(op);
}

static void
copy_refusals(struct op *op, const struct fake_upload *u, struct s3_error *e)
{
    if (!u)
        refuse(e, -ENOENT, 404, "NoSuchUpload");
    if (fake.copy_501)
        refuse(e, -EOPNOTSUPP, 501, "NotImplemented");
    if (fake.copy_garbage)
        refuse(e, -EPROTO, 200, "");
    if (fake.copy_400 && u && u->crc32)
        refuse(e, -EIO, 400, "InvalidArgument: checksum missing");
    (void)op;
}

static void
copy_run(struct op *op)
{
    struct fake_part *p = NULL;
    struct fake_object *o;
    struct fake_upload *u;
    struct s3_error e;
    uint8_t *data;

    begin(op, &fake.copies, &e);
    u = find_upload(op->upload_id);
    o = find_object(op->source);
    copy_refusals(op, u, &e);
    if (fake.range_first && o && op->first + op->length > o->size)
        refuse(&e, -EIO, 400, "InvalidArgument");
    if (!o || strcmp(o->etag, op->etag) != 0)
        refuse(&e, -ESTALE, 412, "PreconditionFailed");
    if (!e.err) {
        assert(o->size == op->size && op->first + op->length <= o->size);
        data = malloc(op->length + 1);
        memcpy(data, o->data + op->first, op->length);
        p = &u->part[op->number - 1];
        part_set(p, data, op->length);
        if (fake.range_quirk && o->have_crc && op->length != o->size)
            p->claimed = o->crc;
        if (fake.wrong_copy_crc)
            p->claimed ^= 0x5555;
    }
    part_answer(op, &e, p, u && u->crc32 && !fake.no_copy_crc);
}

s3_id
s3_upload_copy(struct s3 *s, const struct s3_copy_args *a, s3_part_cb *cb,
               void *user)
{
    struct op *op = op_at(s, copy_run, &a->at, cb, user);

    assert(a->source_etag && a->source_etag[0] && !a->source.dest);
    op->upload_id = strdup(a->upload_id);
    op->number = a->number;
    snprintf(op->source, sizeof(op->source), "%.*s", (int)a->source.key_len,
             a->source.key);
    op->etag = strdup(a->source_etag);
    op->first = a->first;
    op->length = a->length;
    op->size = a->source_size;
    return op_queue(op);
}

/* ------------------------------------------------------------ complete */

static void
check_condition(struct op *op, struct s3_error *e)
{
    struct fake_object *o = find_object(op->key);

    if ((op->if_none_match && o) ||
        (op->if_match && (!o || strcmp(o->etag, op->if_match) != 0)))
        refuse(e, -EEXIST, 412, "PreconditionFailed");
    if (!e->err && fake.busy_409 > 0) {
        fake.busy_409--;
        refuse(e, -EBUSY, 409, "ConditionalRequestConflict");
    }
}

static void
check_parts(struct op *op, const struct fake_upload *u, struct s3_error *e,
            uint32_t *ret_crc)
{
    uint32_t crc = 0;
    size_t i;

    for (i = 0; i < op->count && !e->err; i++) {
        const struct fake_part *p = &u->part[i];

        assert(op->parts[i].number == i + 1);
        if (!p->data || strcmp(p->etag, op->parts[i].etag) != 0 ||
            (u->crc32 && op->parts[i].crc32 != p->claimed))
            refuse(e, -EIO, 400, "InvalidPart");
        if (i + 1 < op->count && p->size < FAKE_FLOOR)
            refuse(e, -EIO, 400, "EntityTooSmall");
        crc = crc_join(crc, p->claimed, p->size);
    }
    if (u->crc32 != op->flag)
        refuse(e, -EIO, 400, "InvalidRequest");
    if (u->crc32 && crc != op->crc)
        refuse(e, -EIO, 400, "BadDigest");
    *ret_crc = crc;
}

static struct fake_object *
assemble(struct op *op, struct fake_upload *u, uint32_t crc)
{
    struct fake_object *o;
    uint8_t *data;
    uint64_t size = 0;
    size_t i;

    for (i = 0; i < op->count; i++)
        size += u->part[i].size;
    data = malloc(size + 1);
    for (size = 0, i = 0; i < op->count; i++) {
        memcpy(data + size, u->part[i].data, u->part[i].size);
        size += u->part[i].size;
    }
    if (fake.bad_data)
        data[size - 3] ^= 1;
    o = put_object(op->key, data, size);
    free(data);
    o->have_crc = u->crc32;
    o->crc = crc;
    snprintf(o->digest, sizeof(o->digest), "%s", u->digest);
    fake_upload_drop(u);
    return o;
}

static void
complete_answer(struct op *op, struct s3_error *e, const struct fake_object *o)
{
    struct s3_completed c = {.version_id = ""};
    char etag[40] = "";

    if (o)
        snprintf(etag, sizeof(etag), "%s", o->etag);
    c.etag = etag;
    c.have_crc32 = o && o->have_crc && !fake.no_complete_crc;
    c.crc32 = o ? o->crc : 0;
    if (e->err == -ETIMEDOUT)
        e->err = -EINPROGRESS;
    if (o && fake.unclear > 0) {
        fake.unclear--;
        refuse(e, -EINPROGRESS, 0, "");
    }
    end();
    ((s3_complete_cb *)op->cb)(op->user, e, e->err ? NULL : &c);
}

static void
complete_run(struct op *op)
{
    struct s3_error e, no = {0};
    struct fake_object *o = NULL;
    struct fake_upload *u;
    uint32_t crc = 0;
    bool effect = begin(op, &fake.completes, &e);

    u = find_upload(op->upload_id);
    if (!u)
        refuse(&no, -ENOENT, 404, "NoSuchUpload");
    check_condition(op, &no);
    if (fake.size_501 && op->send_size)
        refuse(&no, -EOPNOTSUPP, 501, "NotImplemented");
    if (u)
        check_parts(op, u, &no, &crc);
    if (!no.err && fake.lost > 0) {
        fake.lost--;
        refuse(&no, -EINPROGRESS, 0, "");
    }
    if (!no.err && effect)
        o = assemble(op, u, crc);
    if (op->send_size && o)
        assert(o->size == op->size);
    if (!e.err)
        e = no;
    complete_answer(op, &e, o);
}

static void
copy_etags(struct op *op, const struct s3_complete_args *a)
{
    char *at;
    size_t i;

    op->parts = calloc(a->count, sizeof(*op->parts) + 40);
    at = (char *)(op->parts + a->count);
    for (i = 0; i < a->count; i++, at += 40) {
        op->parts[i] = a->part[i];
        snprintf(at, 40, "%s", a->part[i].etag);
        op->parts[i].etag = at;
        assert(!a->crc32 || a->part[i].have_crc32);
    }
    op->count = a->count;
}

s3_id
s3_complete(struct s3 *s, const struct s3_complete_args *a, s3_complete_cb *cb,
            void *user)
{
    struct op *op = op_at(s, complete_run, &a->at, cb, user);

    assert(a->if_none_match || a->if_match);
    op->upload_id = strdup(a->upload_id);
    copy_etags(op, a);
    op->flag = a->crc32;
    op->crc = a->whole_crc32;
    op->send_size = a->send_size;
    op->size = a->size;
    op->if_match = a->if_match ? strdup(a->if_match) : NULL;
    op->if_none_match = a->if_none_match;
    return op_queue(op);
}

static void
put_run(struct op *op)
{
    struct fake_object *o = NULL;
    struct s3_error e, no = {0};
    uint8_t *data;
    uint64_t size;
    bool effect = begin(op, &fake.puts, &e);

    check_condition(op, &no);
    data = body_join(op->body, op->body_count, &size);
    if (!no.err && effect) {
        o = put_object(op->key, data, size);
        o->have_crc = true;
        assert(o->crc == op->crc);
        snprintf(o->digest, sizeof(o->digest), "%s", op->digest);
        fake.uploaded += size;
    }
    free(data);
    if (!e.err)
        e = no;
    complete_answer(op, &e, o);
}

s3_id
s3_put(struct s3 *s, const struct s3_put_args *a, s3_complete_cb *cb,
       void *user)
{
    struct op *op = op_at(s, put_run, &a->at, cb, user);

    assert(a->if_none_match || a->if_match);
    op->body = a->body;
    op->body_count = a->body_count;
    op->crc = a->crc32;
    op->if_match = a->if_match ? strdup(a->if_match) : NULL;
    op->if_none_match = a->if_none_match;
    snprintf(op->digest, sizeof(op->digest), "%s", a->layout_digest);
    return op_queue(op);
}

/* ------------------------------------------------- abort, list, delete */

static void
abort_run(struct op *op)
{
    struct fake_upload *u;
    struct s3_error e;
    bool effect;

    if (fake.abort_hangs && !op->cancelled) {
        op_again(op);
        return;
    }
    effect = begin(op, &fake.aborts, &e);

    u = find_upload(op->upload_id);
    if (fake.abort_fails)
        refuse(&e, -EIO, 500, "InternalError");
    else if (u && effect)
        fake_upload_drop(u);
    end();
    ((s3_done_cb *)op->cb)(op->user, &e);
}

s3_id
s3_abort(struct s3 *s, const struct s3_where *at, const char *upload_id,
         s3_done_cb *cb, void *user)
{
    struct op *op = op_at(s, abort_run, at, cb, user);

    op->upload_id = strdup(upload_id);
    return op_queue(op);
}

static void
list_run(struct op *op)
{
    struct s3_upload list[50];
    char id[50][40];
    struct fake_upload *u;
    struct s3_error e;
    size_t n = 0;

    begin(op, NULL, &e);
    for (u = fake.open; u && n < 50; u = u->next)
        if (strcmp(u->key, op->key) == 0) {
            snprintf(id[n], sizeof(id[n]), "%s", u->id);
            list[n] = (struct s3_upload){op->key, strlen(op->key), id[n],
                                         u->initiated, u->initiator};
            n++;
        }
    end();
    ((s3_uploads_cb *)op->cb)(op->user, &e, list, e.err ? 0 : n);
}

s3_id
s3_list_uploads(struct s3 *s, const struct s3_where *at, s3_uploads_cb *cb,
                void *user)
{
    return op_queue(op_at(s, list_run, at, cb, user));
}

static void
delete_run(struct op *op)
{
    struct fake_object **at, *o;
    struct s3_error e;
    bool effect = begin(op, &fake.deletes, &e);

    for (at = &fake.objects; (o = *at); at = &o->next)
        if (strcmp(o->key, op->key) == 0)
            break;
    if (o && op->etag && strcmp(o->etag, op->etag) != 0)
        refuse(&e, -ESTALE, 412, "PreconditionFailed");
    if (o && !e.err && effect) {
        *at = o->next;
        free(o->data);
        free(o);
    }
    end();
    ((s3_done_cb *)op->cb)(op->user, &e);
}

s3_id
s3_delete(struct s3 *s, const struct s3_where *at, const char *etag,
          const char *version_id, s3_done_cb *cb, void *user)
{
    struct op *op = op_at(s, delete_run, at, cb, user);

    (void)version_id;
    op->etag = etag ? strdup(etag) : NULL;
    return op_queue(op);
}

void
s3_cancel(struct s3 *s, s3_id id)
{
    op_cancel_s3(s, id);
}

const char *
s3_endpoint_id(const struct s3 *s)
{
    return s->endpoint;
}

int
s3_error_text(const struct s3_error *e, const char *op, const char *bucket,
              const char *key, size_t key_len, struct err *ret)
{
    return err_set(ret, -e->err, "%s s3://%s/%.*s: %d %s", op, bucket,
                   (int)key_len, key, e->http, e->code);
}
