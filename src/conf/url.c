/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3:// addresses as people write them.
 */
#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { BUCKET_MAX = 255, KEY_MAX = 1024 };

/* Old buckets may have capitals and underscores, up to 255 bytes. */
static bool
bucket_ok(const char *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= 'A' && p[i] <= 'Z') &&
            !(p[i] >= '0' && p[i] <= '9') && !strchr(".-_", p[i]))
            return false;
    return n > 0 && n <= BUCKET_MAX && p[0] != '.' && p[0] != '-';
}

static int
refuse(const char *url, const char *why, struct err *e)
{
    char shown[200];

    text_escape(shown, sizeof(shown), url, strlen(url));
    return err_set(e, EINVAL, "%s: '%s'", why, shown);
}

int
conf_url(const char *url, const char *bucket_default, char **ret_bucket,
         char **ret_key, struct err *e)
{
    CLEANUP_FREE char *bucket = NULL;
    CLEANUP_FREE char *key = NULL;
    const char *start = url;
    size_t len;

    if (strncasecmp(url, "s3://", 5) == 0) {
        start = url + 5;
        len = strcspn(start, "/");
        if (!bucket_ok(start, len))
            return refuse(url, "not a bucket name", e);
        bucket = strndup(start, len);
        start += len;
    } else if (bucket_default && url[0] == '/') {
        bucket = strdup(bucket_default);
    } else {
        return refuse(url,
                      bucket_default ? "neither s3://BUCKET/KEY nor /KEY"
                                     : "not s3://BUCKET[/KEY]",
                      e);
    }
    if (start[0] == '/')
        start++;
    if (strlen(start) > KEY_MAX)
        return refuse(url, "key longer than 1024 bytes", e);
    key = strdup(start);
    if (!bucket || !key)
        return err_set(e, ENOMEM, "out of memory");
    *ret_bucket = STEAL(bucket);
    *ret_key = STEAL(key);
    return 0;
}
