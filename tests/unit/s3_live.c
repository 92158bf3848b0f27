/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Every S3 call against a real server, for the system tests:
 *
 *     s3_live URL BUCKET [any-key] [no-size] [versions] [lock]
 *
 * Credentials and region come from the environment; the bucket is there
 * and empty.  any-key: the store takes keys that are no file names.
 * no-size: it says 501 to x-amz-mp-object-size.  versions: the bucket is
 * versioned; lock: it has Object Lock with a default retention (nothing
 * else is then checked).  One line a check; exit 1 at the first that fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_live.h"

struct live live;
static unsigned checks;

void
check(bool ok, const char *what)
{
    char where[200] = "";
    struct err e = {0};

    checks++;
    if (ok) {
        printf("ok %u %s\n", checks, what);
        return;
    }
    s3_error_text(&got.e, "last call on", live.bucket, NULL, 0, &e);
    snprintf(where, sizeof(where), "err %d (%s)", got.e.err,
             strerror(-got.e.err));
    printf("FAILED %u %s: %s %s\n", checks, what, where, e.text);
    exit(1);
}

static void
on_lock(void *user, const struct s3_error *e, bool retention)
{
    (void)user;
    got.retention = retention;
    live_finish(e);
}

static void
check_lock(void)
{
    live_start();
    s3_bucket_lock(live.s3, live.bucket, on_lock, NULL);
    check(live_await() == 0, "bucket lock");
    check(got.retention == live.locked, "default retention");
}

static void
check_all(void)
{
    size_t n = 11 << 20, i; /* two halves are parts */
    char *big = malloc(n);

    for (i = 0; i < n; i++)
        big[i] = (char)(i * 2654435761U >> 13);
    check_keys();
    check_listing();
    check_delete_many();
    check(live_put("source +1", big, n, NULL, false) == 0, "put 11 MiB");
    check_upload_crc("out/one.zip", big, n);
    check_copy("out/two.zip", "source +1", big, n);
    check_attributes("out/one.zip");
    check_below();
    check_parts("source +1", big, n, false);
    check_parts("source +1", big, n, true);
    check_parts("out/one.zip", big, n, true); /* an upload with CRC32 */
    check_parts("out/two.zip", big, n, true); /* one without */
    check_file(big, n);
    check_cancel("source +1");
    check_many("source +1", 3000);
    check(live_get("source +1", NULL, 0, 0, n) == 0 && got.n == n &&
              memcmp(got.data, big, n) == 0,
          "get 11 MiB");
    live_delete_key("source +1", NULL);
    live_delete_key("out/one.zip", NULL);
    live_delete_key("out/two.zip", NULL);
    check(live_list("", false, NULL, 1) == 0 && got.count == 0, "all is gone");
    live.bucket = "no-such-bucket-of-ours";
    check(live_list("", false, NULL, 1) == -ENOENT, "no such bucket");
    free(big);
}

int
main(int argc, char **argv)
{
    struct net_conf nc = {.connections = 8};
    struct aws_conf ac = {0};
    struct s3_conf sc = {.path_style = -1, .sign_payload = -1};
    struct net *n;
    struct aws *a;
    struct err e = {0};
    int i;

    nc.ca_bundle = getenv("AWS_CA_BUNDLE");
    if (argc < 3) {
        fprintf(stderr, "usage: s3_live URL BUCKET [any-key] [no-size] "
                        "[versions] [lock]\n");
        return 2;
    }
    sc.endpoint = argv[1];
    live.bucket = argv[2];
    log_open(getenv("S3_LIVE_DEBUG") ? LOG_DEBUG : LOG_WARN, NULL, &e);
    if (net_new(&n, &nc, &e) < 0 || aws_new(&a, n, &ac, &e) < 0 ||
        s3_new(&live.s3, n, a, &sc, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    for (i = 3; i < argc; i++) {
        live.any_key = live.any_key || strcmp(argv[i], "any-key") == 0;
        live.no_size = live.no_size || strcmp(argv[i], "no-size") == 0;
        live.versioned = live.versioned || strcmp(argv[i], "versions") == 0;
        live.locked = live.locked || strcmp(argv[i], "lock") == 0;
    }
    check_lock();
    if (!live.locked)
        check_versions();
    if (!live.locked && !live.versioned)
        check_all();
    net_free(n);
    s3_free(live.s3);
    aws_free(a);
    free(got.data);
    log_close();
    printf("# %u checks\n", checks);
    return 0;
}
