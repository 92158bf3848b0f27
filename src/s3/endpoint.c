/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Where a request goes: the endpoint's URL, path or virtual-hosted style,
 * the host of a region.  Must not know operations, and sends nothing.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "s3/call.h"

/* Host suffixes of AWS (botocore's partitions); the first prefix wins. */
static const struct partition {
    const char *prefix, *word, *suffix;
} partitions[] = {
    {"cn-", "aws-cn", "amazonaws.com.cn"},
    {"us-gov-", "aws-us-gov", "amazonaws.com"},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
    {"us-iso-", "aws-iso", "c2s.ic.gov"},
    {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
    {"", "aws", "amazonaws.com"},
};

static const struct partition *
partition_of(const char *region)
{
    const struct partition *p = partitions;

    while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
        p++;
    return p;
}

const char *
s3_partition(const char *region)
{
    return partition_of(region)->word;
}

/* A region becomes part of a host name: nothing but a label may pass. */
bool
s3_region_ok(const char *region)
{
    size_t n = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n < S3_REGION_MAX && region[n] == '\0' && region[0] != '-';
}

static int
refuse(struct err *e, const char *url, const char *why)
{
    char name[200];

    text_escape(name, sizeof(name), url, strlen(url));
    return err_set(e, EINVAL, "endpoint %s: %s", name, why);
}

/* Length of host[:port] at p, 0 if it is neither. */
static size_t
authority_len(const char *p)
{
    size_t n = 0, port;

    if (*p == '[') {
        n = strspn(p + 1, "0123456789abcdefABCDEF:.") + 1;
        n = p[n] == ']' ? n + 1 : 0;
    } else {
        n = strspn(p, "abcdefghijklmnopqrstuvwxyz"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    }
    if (n == 0 || p[n] != ':')
        return n;
    port = strspn(p + n + 1, "0123456789");
    return port > 0 && port < 6 ? n + 1 + port : 0;
}

/* libcurl leaves the default port out of the Host header, so it must not
 * be signed either. */
static size_t
without_default_port(const char *p, size_t n, bool https)
{
    const char *port = https ? ":443" : ":80";
    size_t k = strlen(port);

    return n > k && memcmp(p + n - k, port, k) == 0 ? n - k : n;
}

int
s3_endpoint_parse(struct s3_endpoint *ep, const char *url, struct err *e)
{
    const char *p = url;
    size_t n, base;

    if (strncasecmp(p, "https://", 8) == 0) {
        ep->https = true;
        p += 8;
    } else if (strncasecmp(p, "http://", 7) == 0) {
        ep->https = false;
        p += 7;
    } else {
        return refuse(e, url, "must begin with http:// or https://");
    }
    n = authority_len(p);
    base = strcspn(p + n, "?#@ \t\r\n");
    if (n == 0 || (p[n] && p[n] != '/') || p[n + base])
        return refuse(e, url, "not a URL of the form https://host:port");
    while (base > 0 && p[n + base - 1] == '/')
        base--;
    ep->base = strndup(p + n, base);
    ep->host = strndup(p, without_default_port(p, n, ep->https));
    if (!ep->base || !ep->host)
        return err_set(e, ENOMEM, "out of memory");
    for (n = 0; ep->host[n]; n++) {
        if (ep->host[n] >= 'A' && ep->host[n] <= 'Z')
            ep->host[n] |= 0x20;
    }
    ep->aws = false;
    return 0;
}

void
s3_endpoint_free(struct s3_endpoint *ep)
{
    free(ep->host);
    free(ep->base);
    ep->host = ep->base = NULL;
}

/* Can the name be the first label of a host under a wildcard certificate?
 * (S3 user guide, "Virtual hosting of general purpose buckets".) */
static bool
bucket_is_label(const char *bucket)
{
    size_t n = strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n >= 3 && n <= 63 && bucket[n] == '\0' && bucket[0] != '-' &&
           bucket[n - 1] != '-';
}

bool
s3_endpoint_path_style(const struct s3_endpoint *ep, const char *bucket)
{
    if (ep->path_style >= 0)
        return ep->path_style;
    return !ep->aws || !bucket_is_label(bucket);
}

int
s3_endpoint_address(const struct s3_endpoint *ep, const char *region,
                    const char *bucket, const void *key, size_t key_len,
                    struct buf *host, struct buf *path)
{
    bool path_style = s3_endpoint_path_style(ep, bucket);
    int r = 0;

    if (!path_style)
        r = buf_addf(host, "%s.", bucket);
    if (r == 0 && ep->aws)
        r = buf_addf(host, "s3.%s.%s", region, partition_of(region)->suffix);
    else if (r == 0)
        r = buf_adds(host, ep->host);
    if (r == 0 && ep->base)
        r = buf_adds(path, ep->base);
    if (r == 0 && path_style) {
        r = buf_addc(path, '/');
        if (r == 0)
            r = text_percent(path, bucket, strlen(bucket), false);
    }
    if (r == 0 && (key_len > 0 || !path_style))
        r = buf_addc(path, '/');
    if (r == 0)
        r = text_percent(path, key, key_len, true);
    return r;
}
