/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Signature Version 4, credentials and region, as the AWS tools have them.
 * Knows HTTP through net only; knows no S3 operation.
 *
 * Why our own signing: libcurl's CURLOPT_AWS_SIGV4 before 8.10 sorts
 * headers with a common prefix wrongly, so every ranged copy is refused
 * (Debian 12 has 7.88.1).
 */
#ifndef S3ZIPFS_AWS_AWS_H
#define S3ZIPFS_AWS_AWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/net.h"

/* ------------------------------------------------------------- signing */

/* A set of credentials; refcounted, immutable. */
struct aws_identity {
    char *access_key; /* "" = anonymous */
    char *secret_key;
    char *session_token; /* NULL = none */
    int64_t expires;     /* seconds since 1970; 0 = never */
    const char *source;  /* "environment", "profile NAME (file)", ... ;
                            owned by the identity */
    int refs;            /* atomic */
};
struct aws_identity *aws_identity_ref(struct aws_identity *id);
void aws_identity_unref(struct aws_identity *id); /* wipes the secret */

#define AWS_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define AWS_EMPTY_SHA256                                                      \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* A request to sign.  All borrowed. */
struct aws_sign {
    const char *method;
    const char *host;  /* Host header, with the port if not the default */
    const char *path;  /* encoded once, as it goes on the wire */
    const char *query; /* encoded, without '?', "" if none; any order,
                          "uploads" or "uploads=" */
    const char *const *headers; /* "name: value", NULL-terminated; all are
                          signed (host, x-amz-date, x-amz-content-sha256
                          and x-amz-security-token are added) */
    const char *payload_hash;   /* hex SHA-256 or AWS_UNSIGNED_PAYLOAD */
    const char *region, *service;
    time_t now; /* corrected for skew */
};

/* Appends the headers to send ("Name: value\n" each: X-Amz-Date,
 * X-Amz-Content-SHA256, X-Amz-Security-Token, Authorization) to out.
 * Deterministic.  An anonymous identity appends
 * nothing.  0 or -errno. */
int aws_sign_v4(const struct aws_sign *s, const struct aws_identity *id,
                struct buf *out);

/* Hex SHA-256 of an iovec. */
int aws_sha256_iov(char hex[65], const struct iovec *iov, int n);

/* --------------------------------------------------------- credentials */

struct aws_conf {                 /* borrowed until aws_new returns */
    const char *profile;          /* NULL = AWS_PROFILE, "default" */
    const char *credentials_file; /* NULL = AWS_SHARED_CREDENTIALS_FILE... */
    const char *config_file;
    const char *region;
    bool no_sign_request;
    const char *const *environ_override; /* tests: "K=V"..., NULL = getenv */
};

/* Profile settings and the provider chain in botocore's order.  Owns one
 * thread, started on the first refresh, which may block (files,
 * credential_process, STS, container endpoint, IMDSv2). */
struct aws;
int aws_new(struct aws **ret, struct net *n, const struct aws_conf *c,
            struct err *e);
void aws_free(struct aws *a);

/* The current identity, by callback (at once if it is fresh; from the
 * refresh thread otherwise): err 0 and id (borrowed: ref it to keep), or
 * -errno with words.  Identities are renewed 15 minutes before expiry, in
 * the background while the old one still works. */
typedef void aws_identity_cb(void *user, int err, struct aws_identity *id,
                             const struct err *e);
void aws_identity_get(struct aws *a, aws_identity_cb *cb, void *user);
/* The store said "expired": do not answer with this one again. */
void aws_identity_expired(struct aws *a, const struct aws_identity *id);
/* For threads that may wait; the caller unrefs. */
int aws_identity_wait(struct aws *a, struct aws_identity **ret, struct err *e);

/* ------------------------------------------------------ settings found */

/* From options, environment and files; NULL if not set.  Borrowed from a.
 * Region: option, AWS_REGION, AWS_DEFAULT_REGION, profile.  Endpoint for
 * service "s3": AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, [services], then
 * endpoint_url of the profile (AWS_IGNORE_CONFIGURED_ENDPOINT_URLS too). */
const char *aws_region(const struct aws *a);
const char *aws_endpoint_url(const struct aws *a);
const char *aws_addressing_style(const struct aws *a); /* path, virtual,
                                                          auto or NULL */
const char *aws_ca_bundle(const struct aws *a); /* AWS_CA_BUNDLE, profile */

/* As above, but before a struct aws (and its net) exists: the CA bundle is
 * needed to make the net.  *ret malloc'ed or NULL. */
int aws_find_ca_bundle(const struct aws_conf *c, char **ret, struct err *e);

#endif
