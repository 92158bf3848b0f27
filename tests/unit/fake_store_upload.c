/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The multipart uploads of the fake store, with CRCs of parts, and the
 * faults that real stores have.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "fake_store_op.h"

struct fake_upload *
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
    for (i = 0; i < u->parts; i++)
        free(u->part[i].data);
    free(u->part);
    free(u);
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
    bool effect = op_begin(op, &fake.creates, &e);

    if (fake.create_500)
        op_refuse(&e, -EIO, 500, "InternalError");
    if (fake.create_501 && op->flag)
        op_refuse(&e, -EOPNOTSUPP, 501, "NotImplemented");
    if (effect && e.http == 0) {
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
    if (u && fake.resends && !op->fresh)
        create_twin(u); /* nobody is told */
    if (u && fake.create_denied > 0) {
        fake.create_denied--;
        op_refuse(&e, -EACCES, 403, "AccessDenied");
        e.attempts = 2;
    }
    if (op->once && e.http == 500)
        e.err = -EINPROGRESS; /* who knows */
    op_end();
    ((s3_create_cb *)op->cb)(op->user, &e, id);
}

s3_id
s3_create(struct s3 *s, const struct s3_create_args *a, s3_create_cb *cb,
          void *user)
{
    struct op *op = op_at(s, create_run, &a->at, cb, user);

    op->flag = a->crc32;
    op->fresh = a->fresh;
    op->once = a->once;
    snprintf(op->digest, sizeof(op->digest), "%s",
             a->layout_digest ? a->layout_digest : "");
    return op_queue(op);
}

struct fake_part *
fake_part(struct fake_upload *u, uint32_t number)
{
    uint32_t parts = (uint32_t)min_u64(FAKE_MOST, 2 * (uint64_t)number);

    assert(number >= 1 && number <= FAKE_MOST);
    if (number > u->parts) {
        u->part = realloc(u->part, parts * sizeof(*u->part));
        memset(u->part + u->parts, 0, (parts - u->parts) * sizeof(*u->part));
        u->parts = parts;
    }
    return &u->part[number - 1];
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
    op_end();
    ((s3_part_cb *)op->cb)(op->user, e, e->err ? NULL : &answer);
}

/* What the call answers if e is not an error. */
static void
also(struct s3_error *e, const struct s3_error *no)
{
    if (!e->err)
        *e = *no;
}

static void
upload_run(struct op *op)
{
    struct s3_error e, no = {.attempts = 1};
    struct fake_part *p = NULL;
    struct fake_upload *u;
    uint8_t *data;
    uint64_t size;
    bool effect = op_begin(op, &fake.uploads, &e);

    u = find_upload(op->upload_id);
    if (!u)
        op_refuse(&no, -ENOENT, 404, "NoSuchUpload");
    if (u && u->crc32 != op->send_crc)
        op_refuse(&no, -EIO, 400, "InvalidRequest");
    data = op_body(op, &size);
    if (op->send_crc && op->crc != (uint32_t)crc32_z(0, data, size))
        op_refuse(&no, -EIO, 400, "BadDigest");
    if (!no.err && effect) {
        p = fake_part(u, op->number);
        part_set(p, data, size);
        fake.uploaded += size;
    } else {
        free(data);
    }
    also(&e, &no);
    part_answer(op, &e, p, u && u->crc32);
}

s3_id
s3_upload_part(struct s3 *s, const struct s3_upload_args *a, s3_part_cb *cb,
               void *user)
{
    struct op *op = op_at(s, upload_run, &a->at, cb, user);

    op->upload_id = strdup(a->upload_id);
    op->number = a->number;
    op->from_file = a->file != NULL;
    if (a->file)
        op->file = *a->file;
    op->body = a->body;
    op->body_count = a->body_count;
    op->send_crc = a->send_crc32;
    op->crc = a->crc32;
    return op_queue(op);
}

static void
copy_refusals(struct op *op, const struct fake_upload *u,
              const struct fake_object *o, struct s3_error *e)
{
    if (!u)
        op_refuse(e, -ENOENT, 404, "NoSuchUpload");
    if (fake.copy_501)
        op_refuse(e, -EOPNOTSUPP, 501, "NotImplemented");
    if (fake.copy_garbage)
        op_refuse(e, -EPROTO, 200, "");
    if (fake.copy_400 && u && u->crc32)
        op_refuse(e, -EIO, 400, "InvalidArgument: checksum missing");
    if (fake.range_first && o && op->first + op->length > o->size)
        op_refuse(e, -EIO, 400, "InvalidArgument");
    if (!o || strcmp(o->etag, op->etag) != 0)
        op_refuse(e, -ESTALE, 412, "PreconditionFailed");
}

static void
copy_bytes(struct op *op, struct fake_part *p, struct fake_object *o)
{
    uint8_t *data = malloc(op->length + 1);

    assert(o->size == op->size && op->first + op->length <= o->size);
    memcpy(data, o->data + op->first, op->length);
    part_set(p, data, op->length);
    fake.copied += op->length;
    o->copied = true;
    if (fake.range_quirk && o->have_crc && op->length != o->size)
        p->claimed = o->crc;
    if (fake.wrong_copy_crc)
        p->claimed ^= 0x5555;
}

static void
copy_run(struct op *op)
{
    struct s3_error e, no = {.attempts = 1};
    struct fake_part *p = NULL;
    struct fake_object *o;
    struct fake_upload *u;
    bool effect;

    if (fake.held_copies_but && op->number != fake.held_copies_but &&
        fake.uploads == 0 && fake.held_turns > 0) {
        fake.held_turns--;
        op_again(op);
        return;
    }
    effect = op_begin(op, &fake.copies, &e);
    u = find_upload(op->upload_id);
    o = find_object(op->source);
    copy_refusals(op, u, o, &no);
    if (!no.err && effect) {
        p = fake_part(u, op->number);
        copy_bytes(op, p, o);
    }
    also(&e, &no);
    part_answer(op, &e, p, u && u->crc32 && !fake.no_copy_crc);
}

s3_id
s3_upload_copy(struct s3 *s, const struct s3_copy_args *a, s3_part_cb *cb,
               void *user)
{
    struct op *op = op_at(s, copy_run, &a->at, cb, user);

    assert(a->source_etag && a->source_etag[0]);
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
check_parts(struct op *op, struct fake_upload *u, struct s3_error *e,
            uint32_t *ret_crc)
{
    uint32_t crc = 0;
    size_t i;

    for (i = 0; i < op->count && !e->err; i++) {
        const struct fake_part *p = fake_part(u, (uint32_t)i + 1);

        assert(op->parts[i].number == i + 1);
        if (!p->data || strcmp(p->etag, op->parts[i].etag) != 0 ||
            (u->crc32 && op->parts[i].crc32 != p->claimed))
            op_refuse(e, -EIO, 400, "InvalidPart");
        if (i + 1 < op->count && p->size < FAKE_FLOOR)
            op_refuse(e, -EIO, 400, "EntityTooSmall");
        crc = (uint32_t)crc32_combine(crc, p->claimed, (z_off_t)p->size);
    }
    if (u->crc32 != op->flag)
        op_refuse(e, -EIO, 400, "InvalidRequest");
    if (u->crc32 && (crc != op->crc || fake.complete_400))
        op_refuse(e, -EIO, 400, "BadDigest");
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
    if (op_scratch(op) ? fake.bad_scratch : fake.bad_data)
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
complete_run(struct op *op)
{
    struct s3_error e, no = {0};
    struct fake_object *o = NULL;
    struct fake_upload *u;
    uint32_t crc = 0;
    bool effect = op_begin(op, &fake.completes, &e);

    u = find_upload(op->upload_id);
    if (!u)
        op_refuse(&no, -ENOENT, 404, "NoSuchUpload");
    op_condition(op, &no);
    if (fake.size_501 && op->send_size)
        op_refuse(&no, -EOPNOTSUPP, 501, "NotImplemented");
    if (u)
        check_parts(op, u, &no, &crc);
    if (!no.err && fake.lost > 0) {
        fake.lost--;
        op_refuse(&no, -EINPROGRESS, 0, "");
    }
    if (!no.err && effect)
        o = assemble(op, u, crc);
    if (op->send_size && o)
        assert(o->size == op->size);
    also(&e, &no);
    op_completed(op, &e, o);
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

    assert(op_scratch(op) || a->if_none_match || a->if_match ||
           fake.unguarded);
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

/* --------------------------------------------------------------- abort */

static bool
has_parts(const struct fake_upload *u)
{
    size_t i;

    for (i = 0; i < u->parts; i++)
        if (u->part[i].data)
            return true;
    return false;
}

static void
abort_run(struct op *op)
{
    struct fake_upload *u;
    struct s3_error e;
    bool effect;

    if (fake.abort_hangs && !op_cancelled(op)) {
        op_again(op);
        return;
    }
    effect = op_begin(op, &fake.aborts, &e);
    if (fake.hung != FAKE_HUNG_ANYHOW)
        effect = fake.hung == FAKE_HUNG_DONE;
    u = find_upload(op->upload_id);
    if (fake.abort_fails)
        op_refuse(&e, -EIO, 500, "InternalError");
    else if (u && op->flag && has_parts(u))
        op_refuse(&e, -ENOTEMPTY, 200, "");
    else if (u && effect)
        fake_upload_drop(u);
    op_end();
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

s3_id
s3_abort_empty(struct s3 *s, const struct s3_where *at, const char *upload_id,
               s3_done_cb *cb, void *user)
{
    struct op *op = op_at(s, abort_run, at, cb, user);

    op->upload_id = strdup(upload_id);
    op->flag = true;
    return op_queue(op);
}
