/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/: every call against a store that answers anything: up to four
 * scripted answers, the last one repeats.  A call answers once, says 0 or
 * -errno, and gives only what its header promises.
 *
 * Input: a byte for the call; then answers that end in 0xff: a byte for
 * the status, header lines, an empty line, a body.
 */
#include "fuzz.h"
#include "s3/multipart.h"
#include "tests/unit/s3_fake.h"

enum { ANSWERS = 4, WHOLE = 40, CALLS = 21 };

static unsigned answered;
static uint64_t got; /* body bytes of s3_get */

static bool
printable(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    return true;
}

static bool
word(const char *s)
{
    return printable(s) && !strpbrk(s, " \"<>");
}

static void
check_error(const struct s3_error *e, const void *result)
{
    struct err text = {0};

    answered++;
    NEED(e->err <= 0);
    NEED(!result == (e->err < 0));
    NEED(printable(e->code) && printable(e->message));
    NEED(printable(e->request_id) && printable(e->host_id));
    s3_error_text(e, "CALL", "bucket", "k\n", 2, &text);
    NEED(printable(text.text));
}

/* ----------------------------------------------------------- callbacks */

static void
on_page(void *user, const struct s3_error *e, const struct s3_page *p)
{
    const struct s3_list_args *a = user;
    size_t i;

    check_error(e, p);
    for (i = 0; p && i < p->count; i++) {
        NEED(p->entry[i].key[p->entry[i].key_len] == '\0');
        NEED(word(p->entry[i].etag) && p->entry[i].storage_class);
        NEED(p->entry[i].size <= INT64_MAX);
    }
    for (i = 0; p && i < p->prefix_count; i++)
        NEED(p->prefix[i][p->prefix_len[i]] == '\0');
    if (p && p->next) {
        NEED(*p->next);
        NEED(!a->token || strcmp(a->token, p->next) != 0);
    }
}

static int
on_data(void *user, const void *p, size_t n)
{
    uint64_t *most = user;

    (void)p;
    got += n;
    NEED(got <= *most);
    return 0;
}

static void
on_object(void *user, const struct s3_error *e, const struct s3_object *o)
{
    (void)user;
    check_error(e, o);
    if (!o)
        return;
    NEED(word(o->etag) && printable(o->storage_class));
    NEED(printable(o->checksum_crc32) && printable(o->layout_digest));
}

static void
on_got(void *user, const struct s3_error *e, const struct s3_object *o)
{
    uint64_t *most = user;

    on_object(NULL, e, o);
    if (e->err == 0)
        NEED(got == *most && o->size >= got);
}

static void
on_attrs(void *user, const struct s3_error *e, const struct s3_attrs *a)
{
    (void)user;
    check_error(e, a);
    if (a)
        NEED(word(a->etag) && (a->part || a->count == 0));
}

static void
on_create(void *user, const struct s3_error *e, const char *id)
{
    (void)user;
    check_error(e, id);
    if (id)
        NEED(*id && word(id));
}

static void
on_part(void *user, const struct s3_error *e, const struct s3_part *p)
{
    (void)user;
    check_error(e, p);
    if (p)
        NEED(*p->etag && word(p->etag));
}

static void
on_completed(void *user, const struct s3_error *e,
             const struct s3_completed *c)
{
    (void)user;
    check_error(e, c);
    if (c)
        NEED(word(c->etag) && (!c->version_id || printable(c->version_id)));
}

static void
on_done(void *user, const struct s3_error *e)
{
    (void)user;
    check_error(e, e->err ? NULL : e);
}

static void
on_uploads(void *user, const struct s3_error *e, const struct s3_upload *u,
           size_t count)
{
    size_t i;

    (void)user;
    check_error(e, e->err ? NULL : e);
    for (i = 0; e->err == 0 && i < count; i++) {
        NEED(*u[i].upload_id && word(u[i].upload_id));
        NEED(u[i].key[u[i].key_len] == '\0');
    }
}

static void
on_below(void *user, const struct s3_error *e, const struct s3_upload *u,
         size_t count)
{
    size_t i;

    on_uploads(user, e, u, count);
    for (i = 0; e->err == 0 && i < count; i++)
        NEED(u[i].key_len > 0 && u[i].key[0] == 'k');
}

static void
on_parts(void *user, const struct s3_error *e, const struct s3_parts *p)
{
    size_t i;

    (void)user;
    check_error(e, p);
    for (i = 0; p && i < p->count; i++) {
        NEED(*p->part[i].etag && word(p->part[i].etag));
        NEED(p->part[i].number >= 1 && p->part[i].number <= S3_PARTS_MAX);
        NEED(i == 0 || p->part[i].number > p->part[i - 1].number);
        NEED(p->part[i].size <= INT64_MAX);
    }
}

static void
on_versions(void *user, const struct s3_error *e, const struct s3_version *v,
            size_t count)
{
    size_t i;

    (void)user;
    check_error(e, e->err ? NULL : e);
    NEED(e->err == 0 || count == 0);
    for (i = 0; i < count; i++) {
        NEED(v[i].key_len > 0 && v[i].key[0] == 'k');
        NEED(v[i].key_len <= S3_KEY_MAX && !v[i].key[v[i].key_len]);
        NEED(word(v[i].version_id) && word(v[i].etag));
        NEED(v[i].size <= INT64_MAX && (!v[i].marker || !*v[i].etag));
    }
}

static void
on_lock(void *user, const struct s3_error *e, bool retention)
{
    (void)user;
    check_error(e, e->err ? NULL : e);
    NEED(e->err == 0 || !retention);
}

static void
on_deleted(void *user, const struct s3_error *e,
           const struct s3_delete_failure *f, size_t count)
{
    size_t i;

    (void)user;
    check_error(e, e->err ? NULL : e);
    NEED(e->err == 0 || count == 0);
    NEED(count <= 2);
    for (i = 0; i < count; i++)
        NEED(f[i].index < 2 && f[i].err < 0 && word(f[i].code) &&
             f[i].message);
}

/* --------------------------------------------------------------- calls */

static const struct s3_where at = {"bucket", "k", 1, false};
static uint64_t most;
static struct iovec body = {(void *)"0123456789", 10};

static void
call_list(struct s3 *s, unsigned how)
{
    static struct s3_list_args a;

    a = (struct s3_list_args){.bucket = "bucket", .prefix = "k"};
    a.prefix_len = 1;
    a.delimiter = how & 1;
    a.token = how & 2 ? "token" : NULL;
    s3_list(s, &a, on_page, &a);
}

static void
call_get(struct s3 *s, unsigned how)
{
    struct s3_get_args a = {
        .at = at,
        .etag = how & 1 ? "e" : NULL,
        .first = how & 2 ? 5 : 0,
        .length = how & 4 ? 10 : 0,
        .expect = WHOLE,
        .checksum = how & 8,
        .on_data = on_data,
    };

    if (a.length == 0)
        a.first = 0;
    most = a.length ? a.length : WHOLE;
    s3_get(s, &a, on_got, &most);
}

static void
call_upload(struct s3 *s, unsigned how)
{
    struct s3_upload_args a = {.at = at,
                               .upload_id = "u",
                               .number = 1,
                               .body = &body,
                               .body_count = 1,
                               .send_crc32 = how & 1,
                               .crc32 = 7};

    s3_upload_part(s, &a, on_part, NULL);
}

static void
call_copy(struct s3 *s)
{
    struct s3_copy_args a = {.at = at,
                             .upload_id = "u",
                             .number = 1,
                             .source = at,
                             .source_etag = "e",
                             .length = 9,
                             .source_size = 20};

    s3_upload_copy(s, &a, on_part, NULL);
}

static void
call_complete(struct s3 *s, unsigned how)
{
    static const struct s3_done_part part = {1, "e", true, 7};
    struct s3_complete_args a = {.at = at,
                                 .upload_id = "u",
                                 .part = &part,
                                 .count = 1,
                                 .crc32 = how & 1,
                                 .send_size = true,
                                 .size = 9,
                                 .if_none_match = how & 2};

    s3_complete(s, &a, on_completed, NULL);
}

static void
call_put(struct s3 *s, unsigned how)
{
    struct s3_put_args a = {.at = at,
                            .body = &body,
                            .body_count = 1,
                            .send_crc32 = how & 1,
                            .content_type = "application/zip",
                            .if_match = how & 2 ? "e" : NULL};

    s3_put(s, &a, on_completed, NULL);
}

static void
call_delete_many(struct s3 *s)
{
    static const struct s3_item item[] = {{"k", 1, NULL}, {"k", 1, "v"}};
    struct s3_delete_many_args a = {"bucket", false, item, 2};

    s3_delete_many(s, &a, on_deleted, NULL);
}

static void
call(struct s3 *s, unsigned which, unsigned how)
{
    struct s3_head_args head = {.at = at, .checksum = true};
    struct s3_create_args create = {.at = at, .crc32 = true};

    switch (which) {
    case 0:
        s3_head(s, &head, on_object, NULL);
        break;
    case 1:
        s3_attributes(s, &at, on_attrs, NULL);
        break;
    case 2:
        s3_create(s, &create, on_create, NULL);
        break;
    case 3:
        call_upload(s, how);
        break;
    case 4:
        call_copy(s);
        break;
    case 5:
        call_complete(s, how);
        break;
    case 6:
        if (how & 1)
            s3_abort_empty(s, &at, "u", on_done, NULL);
        else
            s3_abort(s, &at, "u", on_done, NULL);
        break;
    case 7:
        s3_list_uploads(s, &at, on_uploads, NULL);
        break;
    case 8:
        call_put(s, how);
        break;
    case 9:
        s3_delete(s, &at, how & 1 ? "e" : NULL, NULL, on_done, NULL);
        break;
    case 10:
    case 11:
        call_get(s, how);
        break;
    case 14:
        s3_list_parts(s, &at, "u", on_parts, NULL);
        break;
    case 15:
        s3_list_uploads_below(s, &at, on_below, NULL);
        break;
    case 16:
    case 17:
        s3_list_versions(s, &at, on_versions, NULL);
        break;
    case 20:
        call_delete_many(s);
        break;
    case 18:
        s3_bucket_lock(s, "bucket", on_lock, NULL);
        break;
    default:
        call_list(s, how);
    }
}

/* -------------------------------------------------------------- answers */

/* As net gives them: "name: value" lines without control characters. */
static char *
take_headers(struct input *in)
{
    struct buf b = BUF_INIT(1 << 20);
    char *line = take_string(in, '\n'), *p;

    while (*line) {
        for (p = line; *p; p++)
            if ((unsigned char)*p < ' ' || *p == 0x7f)
                *p = '?';
        p = strchr(line, ':');
        if (p)
            buf_addf(&b, "%.*s: %s\n", (int)(p - line), line,
                     p + 1 + strspn(p + 1, " "));
        free(line);
        line = take_string(in, '\n');
    }
    free(line);
    NEED(buf_add(&b, "", 0) == 0);
    return buf_steal(&b);
}

static void
take_answer(struct input *in, struct fake_answer *a)
{
    static const int status[] = {200, 200, 206, 204, 301, 400, 403, 404,
                                 409, 412, 416, 500, 501, 503, 0,   307};
    const uint8_t *end;
    struct input one;
    unsigned how;
    char *text;

    end = in->n ? memchr(in->p, 0xff, in->n) : NULL;
    one = (struct input){in->p, end ? (size_t)(end - in->p) : in->n};
    in->p += one.n + (end != NULL);
    in->n -= one.n + (end != NULL);
    how = (unsigned)take_number(&one, 1);
    *a = (struct fake_answer){.status = status[how % 16], .took_ms = 1};
    a->err = how & 16 || !a->status ? -ECONNRESET : 0;
    a->headers = take_headers(&one);
    a->cut = one.n;
    text = malloc(one.n + 1);
    NEED(text);
    memcpy(text, one.p, one.n);
    text[one.n] = '\0';
    a->body = text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned which = (unsigned)take_number(&in, 1);
    struct fake_answer answer[ANSWERS];
    struct s3 *s = fake_client(NULL);
    size_t n = 0, i;

    do {
        take_answer(&in, &answer[n]);
        fake_add(&answer[n++]);
    } while (in.n > 0 && n < ANSWERS);
    answered = 0;
    got = 0;
    call(s, which % CALLS, which / CALLS);
    fake_run();
    NEED(answered == 1);
    fake_free(s);
    for (i = 0; i < n; i++) {
        free((void *)answer[i].headers);
        free((void *)answer[i].body);
    }
    return 0;
}
