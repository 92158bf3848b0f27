/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A set of credentials: made, counted, wiped; immutable once made.  And
 * waiting for one.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_priv.h"
#include "net/scope.h"

enum { WORD_BYTES_MAX = 16 * 1024, SOURCE_MAX = 512 };

struct aws_identity *
aws_identity_ref(struct aws_identity *id)
{
    if (id)
        __atomic_add_fetch(&id->refs, 1, __ATOMIC_RELAXED);
    return id;
}

static void
wipe(char *s)
{
    if (s)
        OPENSSL_cleanse(s, strlen(s));
    free(s);
}

void
aws_identity_unref(struct aws_identity *id)
{
    if (!id || __atomic_sub_fetch(&id->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    wipe(id->access_key);
    wipe(id->secret_key);
    wipe(id->session_token);
    free((char *)id->source);
    free(id);
}

/* Key and token become header values. */
static bool
is_header_word(const char *s)
{
    const char *p;

    for (p = s; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~')
            return false;
    return p - s <= WORD_BYTES_MAX;
}

static bool
copy_words(struct aws_identity *id, const char *access, const char *secret,
           const char *token, const char *source)
{
    id->access_key = strdup(access);
    id->secret_key = strdup(secret);
    id->session_token = token && *token ? strdup(token) : NULL;
    id->source = strdup(source);
    return id->access_key && id->secret_key && id->source &&
           (id->session_token || !token || !*token);
}

int
identity_new(struct aws_identity **ret, const char *access, const char *secret,
             const char *token, int64_t expires, struct err *e,
             const char *source_fmt, ...)
{
    struct aws_identity *id;
    char source[SOURCE_MAX];
    va_list ap;

    va_start(ap, source_fmt);
    vsnprintf(source, sizeof(source), source_fmt, ap);
    va_end(ap);
    if (!is_header_word(access) || (token && !is_header_word(token)) ||
        strlen(secret) > WORD_BYTES_MAX)
        return err_set(e, EACCES,
                       "the credentials from %s have characters "
                       "that credentials cannot have",
                       source);
    id = calloc(1, sizeof(*id));
    if (!id)
        return err_set(e, ENOMEM, "out of memory");
    id->refs = 1;
    id->expires = expires;
    if (!copy_words(id, access, secret, token, source)) {
        aws_identity_unref(id);
        return err_set(e, ENOMEM, "out of memory");
    }
    *ret = id;
    return 0;
}

/* ------------------------------------------------------------- waiting */

struct wait {
    struct scope_wait w;
    int err;
    struct aws_identity *id;
    struct err text;
};

static void
wait_answer(void *user, int err, struct aws_identity *id, const struct err *e)
{
    struct wait *w = user;

    w->err = err;
    w->id = aws_identity_ref(id);
    if (e)
        w->text = *e;
    scope_wait_done(&w->w);
}

int
aws_identity_wait(struct aws *a, struct aws_identity **ret, struct err *e)
{
    struct wait w = {.err = 0};

    scope_wait_begin(&w.w, NULL, NULL, NULL);
    aws_identity_get(a, wait_answer, &w);
    scope_wait_end(&w.w);
    if (w.err < 0)
        return err_set(e, -w.err, "%s", w.text.text);
    *ret = w.id;
    return 0;
}
