/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * aws/: what credential services and helpers answer, as JSON and as XML,
 * and the small words of settings.  Whatever comes, an identity holds only
 * what may stand in a header.
 */
#include "aws/sts.c" /* read_answer is its own */

#include "fuzz.h"

static bool
header_safe(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    return true;
}

static void
check(int r, struct aws_identity *id, const struct err *e)
{
    NEED(r == 0 ? id != NULL : r < 0 && !id && e->num > 0);
    NEED(header_safe(e->text));
    if (r < 0)
        return;
    NEED(header_safe(id->access_key));
    NEED(!id->session_token || header_safe(id->session_token));
    aws_identity_unref(id);
}

static void
as_json(const char *text, bool need_expiry)
{
    struct aws_identity *id = NULL;
    struct err e = {0};
    int r =
        identity_from_json(&id, text, need_expiry ? "Token" : "SessionToken",
                           need_expiry, "fuzz", &e);

    check(r, id, &e);
}

static void
as_xml(const char *text, int status)
{
    struct sts_call c = {.action = "AssumeRole", .role = "arn:x"};
    struct aws_identity *id = NULL;
    struct err e = {0};
    int r = read_answer(&c, status, text, "fuzz", &id, &e);

    check(r, id, &e);
}

static void
as_words(const char *text)
{
    char **word = NULL;
    struct url u;
    int64_t t;
    int r = words_split(text, &word);

    NEED(r == 0 || r == -EINVAL);
    if (r == 0)
        words_free(word);
    parse_time(text, &t);
    if (parse_url(text, &u) == 0) {
        NEED(header_safe(u.authority) && header_safe(u.host));
        host_is_loopback(u.host);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned how = (unsigned)take_number(&in, 1);
    char *text = take_string(&in, -1);

    switch (how % 5) {
    case 0:
    case 1:
        as_json(text, how % 5 == 0);
        break;
    case 2:
    case 3:
        as_xml(text, how % 5 == 2 ? 200 : 403);
        break;
    default:
        as_words(text);
    }
    free(text);
    return 0;
}
