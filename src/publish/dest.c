/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Where a publish may go: the value of the attribute, the bounds that the
 * mounter set, and the rule that an archive is not put among its own
 * members.  Sends nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "publish/job.h"

void
publish_dest_free(struct publish_dest *d)
{
    if (!d)
        return;
    free(d->bucket);
    free(d->key);
    d->bucket = d->key = NULL;
}

static int
own_dest(struct publisher *p, const struct layout *l, struct publish_dest *d)
{
    d->bucket = strdup(l->bucket);
    if (asprintf(&d->key, "%s%s", l->prefix, p->d.conf->name) < 0)
        d->key = NULL;
    return d->bucket && d->key ? 0 : -ENOMEM;
}

static int
parse_value(struct publisher *p, const struct layout *l, const char *value,
            size_t len, struct publish_dest *d, struct err *e)
{
    CLEANUP_FREE char *url = NULL;

    if (len == 0)
        return own_dest(p, l, d);
    if (memchr(value, '\0', len))
        return err_set(e, EINVAL, "destination: a NUL byte");
    url = strndup(value, len);
    if (!url)
        return -ENOMEM;
    return conf_url(url, l->bucket, &d->bucket, &d->key, e);
}

static int
check_key(const struct publish_dest *d, struct err *e)
{
    size_t n = strlen(d->key);

    if (n == 0 || d->key[n - 1] == '/')
        return err_set(e, EINVAL, "destination: no object name");
    if (n > S3_KEY_MAX)
        return err_set(e, EINVAL, "destination: longer than %d bytes",
                       S3_KEY_MAX);
    if (!text_is_utf8(d->key, n))
        return err_set(e, EINVAL, "destination: not UTF-8");
    return 0;
}

/* Is key at or below prefix?  "x" and "x/" are the same, as for mounts. */
static bool
key_below(const char *key, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(key, prefix, n) == 0 &&
           (n == 0 || prefix[n - 1] == '/' || key[n] == '/' || key[n] == '\0');
}

static bool
within(const char *bound, const struct publish_dest *d)
{
    CLEANUP_FREE char *bucket = NULL, *prefix = NULL;

    return conf_url(bound, NULL, &bucket, &prefix, NULL) == 0 &&
           strcmp(bucket, d->bucket) == 0 && key_below(d->key, prefix);
}

static int
check_bounds(const struct conf *c, const struct publish_dest *d, struct err *e)
{
    size_t i;

    if (c->publish == CONF_PUBLISH_OFF || c->ro)
        return err_set(e, EPERM, "publishing is off");
    if (c->publish_to.count == 0) {
        if (c->publish == CONF_PUBLISH_ALL)
            return err_set(e, EPERM, "publish=all needs publish_to=");
        return 0;
    }
    for (i = 0; i < c->publish_to.count; i++)
        if (within(c->publish_to.item[i], d))
            return 0;
    return err_set(e, EPERM, "destination: not within publish_to=");
}

/* include= and exclude= look at the key after the mount's prefix. */
static bool
is_member(struct publisher *p, const struct layout *l,
          const struct publish_dest *d)
{
    const char *root = p->d.root ? p->d.root : l->prefix;
    size_t n = strlen(root);

    if (strcmp(d->bucket, l->bucket) != 0 ||
        strncmp(d->key, l->prefix, l->prefix_len) != 0)
        return false;
    if (strcmp(d->key + l->prefix_len, p->d.conf->name) == 0)
        return false;
    if (strncmp(d->key, root, n) != 0)
        n = l->prefix_len;
    return conf_member_wanted(p->d.conf, d->key + n);
}

int
publish_dest_parse(struct publisher *p, const struct layout *l,
                   const char *value, size_t len, struct publish_dest *ret,
                   struct err *e)
{
    struct publish_dest d = {NULL, NULL};
    int r;

    r = parse_value(p, l, value, len, &d, e);
    if (r == 0)
        r = check_key(&d, e);
    if (r == 0)
        r = check_bounds(p->d.conf, &d, e);
    if (r == 0 && is_member(p, l, &d))
        r = err_set(e, EINVAL,
                    "destination: would be a member of the "
                    "archive; exclude it or publish elsewhere");
    if (r < 0) {
        publish_dest_free(&d);
        return r;
    }
    *ret = d;
    return 0;
}
