/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The credentials endpoint of ECS and EKS containers.  Over plain HTTP
 * only the hosts that AWS names may be asked: the variable could come from
 * elsewhere.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_priv.h"
#include "base/buf.h"

enum { CONTAINER_MS = 2000, ATTEMPTS = 3, PAUSE_MS = 1000 };

static bool
may_ask(const struct url *u)
{
    static const char *const hosts[] = {"169.254.170.2", "169.254.170.23",
                                        "fd00:ec2::23", "localhost"};
    size_t i;

    if (u->https || host_is_loopback(u->host))
        return true;
    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (strcasecmp(u->host, hosts[i]) == 0)
            return true;
    return false;
}

static int
make_url(const struct aws *a, struct buf *b, struct err *e)
{
    const char *rel =
        env_get(a->env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = env_get(a->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct url u;
    int r;

    if (!rel && !full)
        return -ENOENT;
    r = rel ? buf_addf(b, "http://169.254.170.2%s", rel) : buf_adds(b, full);
    if (r < 0)
        return err_set(e, -r, "the container endpoint: %s", strerror(-r));
    if (parse_url(buf_str(b), &u) < 0)
        return err_set(e, EINVAL, "the container endpoint is not a URL");
    if (!may_ask(&u))
        return err_set(e, EACCES,
                       "the container endpoint %s is neither "
                       "https nor loopback nor AWS's",
                       u.host);
    return 0;
}

/* "Authorization: ..." or nothing. */
static int
make_header(const struct aws *a, struct buf *b, struct err *e)
{
    const char *path =
        env_get(a->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = env_get(a->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    CLEANUP_FREE char *read = NULL;
    int r = 0;

    if (path) {
        r = read_token(path, &read, e);
        if (r < 0)
            return r;
        token = read;
    }
    if (!token)
        return 0;
    if (strpbrk(token, "\r\n"))
        return err_set(e, EACCES,
                       "the container authorization token has "
                       "more than one line");
    r = buf_addf(b, "Authorization: %s", token);
    return r < 0 ? err_set(e, -r, "%s", strerror(-r)) : 0;
}

static int
ask(struct aws *a, const char *url, const char *header, char **ret_body,
    struct err *e)
{
    const char *const headers[] = {"Accept: application/json", header, NULL};
    struct net_request req = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .connect_ms = CONTAINER_MS,
        .total_ms = CONTAINER_MS,
        .urgent = true,
    };
    int status = 0, r = http_call(a, &req, &status, ret_body, e);

    if (r < 0)
        return e ? err_prefix(e, "container endpoint") : r;
    if (status != 200) {
        free(STEAL(*ret_body));
        return err_set(e, EACCES, "container endpoint: status %d", status);
    }
    return 0;
}

int
provide_container(struct lookup *l, struct aws_identity **ret, struct err *e)
{
    CLEANUP_BUF struct buf url = BUF_INIT(4096), header = BUF_INIT(ANSWER_MAX);
    CLEANUP_FREE char *body = NULL;
    int attempt = 1, r = make_url(l->a, &url, e);

    if (r == 0)
        r = make_header(l->a, &header, e);
    if (r < 0)
        return r;
    while ((r = ask(l->a, buf_str(&url), header.data, &body, e)) < 0)
        if (r == -ECANCELED || attempt++ == ATTEMPTS ||
            !http_pause(l->a, PAUSE_MS))
            return r;
    return identity_from_json(ret, body, "Token", true, "container endpoint",
                              e);
}
