/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The metadata service of an EC2 instance: a session token (IMDSv2), the
 * role's name, its credentials.  As botocore, without a token it asks in
 * the old way unless that is disabled, and it goes on with credentials
 * that the service does not renew in time.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/aws_priv.h"
#include "base/buf.h"
#include "base/text.h"

enum { URL_MAX = 2048, EARLY_S = 15 * 60, JITTER_S = 8 * 60 };

static const char role_path[] = "latest/meta-data/iam/security-credentials/";

/* status 0: no answer. */
static void
ask(struct aws *a, const char *method, const char *path, const char *header,
    int *ret_status, char **ret_body)
{
    CLEANUP_BUF struct buf url = BUF_INIT(URL_MAX);
    const char *base = a->imds_endpoint;
    const char *const headers[] = {header, NULL};
    struct net_request req = {
        .method = method,
        .headers = headers,
        .has_body = strcmp(method, "PUT") == 0,
        .connect_ms = a->imds_timeout_s * 1000,
        .total_ms = a->imds_timeout_s * 1000,
        .urgent = true,
    };
    unsigned attempt;

    *ret_status = 0;
    if (buf_addf(&url, "%s%s%s", base,
                 base[strlen(base) - 1] == '/' ? "" : "/", path) < 0)
        return;
    req.url = buf_str(&url);
    for (attempt = 0; attempt < a->imds_attempts; attempt++) {
        free(STEAL(*ret_body));
        if (http_call(a, &req, ret_status, ret_body, NULL) == 0 &&
            *ret_status < 500)
            return;
        if (!http_pause(a, 0))
            return;
    }
}

static bool
is_one_word(const char *s)
{
    const char *p;

    for (p = s; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~')
            return false;
    return p > s;
}

/* "X-aws-ec2-metadata-token: ..." in b, or nothing.  False: give up. */
static bool
make_token(struct aws *a, struct buf *b)
{
    CLEANUP_FREE char *token = NULL;
    int status;

    ask(a, "PUT", "latest/api/token",
        "X-aws-ec2-metadata-token-ttl-seconds: 21600", &status, &token);
    if (status == 200 && is_one_word(token))
        return buf_addf(b, "X-aws-ec2-metadata-token: %s", token) == 0;
    return status != 400 && !a->imds_v1_disabled;
}

/* The first line names the role. */
static int
make_role_path(struct aws *a, const char *token, struct buf *path)
{
    CLEANUP_FREE char *role = NULL;
    int status, r;

    ask(a, "GET", role_path, token, &status, &role);
    if (status != 200 || !role[0])
        return -ENOENT;
    role[strcspn(role, "\r\n")] = '\0';
    r = buf_adds(path, role_path);
    return r == 0 ? text_percent(path, role, strlen(role), true) : r;
}

/* When the service fails to renew, the old credentials go on working for
 * some time: ask again later instead of failing ("static stability"). */
static void
extend(struct aws_identity *id)
{
    int64_t now = time(NULL);
    int64_t ahead = EARLY_S + 120 + (int64_t)(net_now_ms() % JITTER_S);

    if (now >= id->expires - ahead)
        id->expires = now + ahead;
}

int
provide_imds(struct lookup *l, struct aws_identity **ret, struct err *e)
{
    CLEANUP_BUF struct buf token = BUF_INIT(ANSWER_MAX);
    CLEANUP_BUF struct buf path = BUF_INIT(URL_MAX);
    CLEANUP_FREE char *body = NULL;
    int status, r;

    if (l->a->imds_disabled || !make_token(l->a, &token) ||
        make_role_path(l->a, token.data, &path) < 0)
        return -ENOENT;
    ask(l->a, "GET", buf_str(&path), token.data, &status, &body);
    if (status != 200)
        return -ENOENT;
    r = identity_from_json(ret, body, "Token", true, "instance metadata", e);
    if (r == 0)
        extend(*ret);
    return r;
}
