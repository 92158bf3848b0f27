/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Permissions, signals, xattr sizes, errnos and names of the FUSE front.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/fs_inode.h"
#include "fs/fs_rules.h"

/* ---------------------------------------------------------- permissions */

static const gid_t groups[] = {20, 30};

static bool
may(uid_t uid, gid_t gid, mode_t mode, int want)
{
    struct fs_who who = {uid, gid, groups, 2};

    return fs_may(&who, 1000, 100, mode, want);
}

static void
owner_group_other(void **state)
{
    (void)state;
    assert_true(may(1000, 1, S_IFREG | 0400, R_OK));
    assert_false(may(1000, 1, S_IFREG | 0044, R_OK)); /* first match rules */
    assert_true(may(1001, 100, S_IFREG | 0040, R_OK));
    assert_false(may(1001, 100, S_IFREG | 0404, R_OK));
    assert_false(may(1001, 1, S_IFREG | 0440, R_OK));
    assert_true(may(1001, 1, S_IFREG | 0004, R_OK));
}

static void
supplementary_groups_count(void **state)
{
    struct fs_who who = {1001, 1, groups, 2};

    (void)state;
    assert_true(fs_may(&who, 1000, 30, S_IFREG | 0040, R_OK));
    who.group_count = 1;
    assert_false(fs_may(&who, 1000, 30, S_IFREG | 0040, R_OK));
}

static void
root_may_read_but_not_execute(void **state)
{
    (void)state;
    assert_true(may(0, 0, S_IFREG | 0400, R_OK));
    assert_true(may(0, 0, S_IFREG, R_OK));
    assert_false(may(0, 0, S_IFREG | 0444, X_OK));
    assert_true(may(0, 0, S_IFDIR, R_OK | X_OK));
}

static void
every_wanted_bit_counts(void **state)
{
    (void)state;
    assert_true(may(1000, 1, S_IFDIR | 0500, R_OK | X_OK));
    assert_false(may(1000, 1, S_IFDIR | 0400, R_OK | X_OK));
    assert_true(may(1001, 1, S_IFREG | 0000, F_OK));
}

static void
who_may_publish(void **state)
{
    struct conf c = {.publish = CONF_PUBLISH_OWNER};

    (void)state;
    assert_int_equal(fs_may_publish(&c, 1000, 1000), 0);
    assert_int_equal(fs_may_publish(&c, 1000, 0), 0);
    assert_int_equal(fs_may_publish(&c, 1000, 1001), -EPERM);
    c.publish = CONF_PUBLISH_ALL;
    assert_int_equal(fs_may_publish(&c, 1000, 1001), -EPERM);
    c.publish_to.count = 1;
    assert_int_equal(fs_may_publish(&c, 1000, 1001), 0);
    c.ro = true;
    assert_int_equal(fs_may_publish(&c, 1000, 0), -EPERM);
    c.ro = false;
    c.publish = CONF_PUBLISH_OFF;
    assert_int_equal(fs_may_publish(&c, 1000, 0), -EPERM);
}

/* -------------------------------------------------------------- signals */

static uint64_t
bit(int sig)
{
    return sig ? UINT64_C(1) << (sig - 1) : 0;
}

static bool
fatal(uint64_t thread, uint64_t shared, uint64_t blocked, uint64_t ignored,
      uint64_t caught)
{
    char text[512];

    snprintf(text, sizeof(text),
             "Name:\tx\nSigQ:\t0/1\nSigPnd:\t%016llx\nShdPnd:\t%016llx\n"
             "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
             (unsigned long long)thread, (unsigned long long)shared,
             (unsigned long long)blocked, (unsigned long long)ignored,
             (unsigned long long)caught);
    return fs_status_fatal(text);
}

static void
fatal_signals(void **state)
{
    (void)state;
    assert_false(fatal(0, 0, 0, 0, 0));
    assert_true(fatal(bit(SIGKILL), 0, 0, 0, 0));
    assert_true(fatal(bit(SIGKILL), 0, bit(SIGKILL), 0, 0));
    assert_true(fatal(0, bit(SIGTERM), 0, 0, 0));
    assert_true(fatal(0, bit(SIGALRM), 0, 0, 0));
    assert_true(fatal(bit(SIGQUIT), 0, 0, 0, 0));
    assert_true(fatal(bit(SIGRTMIN + 3), 0, 0, 0, 0));
    /* Python handles SIGINT: Ctrl-C is meant all the same. */
    assert_true(fatal(0, bit(SIGINT), 0, 0, bit(SIGINT)));
}

static void
harmless_signals(void **state)
{
    (void)state;
    assert_false(fatal(0, bit(SIGWINCH), 0, 0, 0));
    assert_false(fatal(0, bit(SIGCHLD) | bit(SIGCONT), 0, 0, 0));
    assert_false(fatal(0, bit(SIGTERM), bit(SIGTERM), 0, 0));
    assert_false(fatal(0, bit(SIGTERM), 0, bit(SIGTERM), 0));
    assert_false(fatal(0, bit(SIGALRM), 0, 0, bit(SIGALRM)));
    /* The Go runtime sends this to its own threads all the time. */
    assert_false(fatal(bit(SIGURG), 0, 0, 0, bit(SIGURG)));
    assert_false(fs_status_fatal(""));
}

static void
real_threads(void **state)
{
    sigset_t set, old;

    (void)state;
    assert_true(fs_signal_fatal(0)); /* another pid namespace */
    assert_false(fs_signal_fatal(getpid()));
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &old);
    kill(getpid(), SIGTERM);
    assert_false(fs_signal_fatal(getpid())); /* pending, but blocked */
    signal(SIGTERM, SIG_IGN);                /* drops it */
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGTERM, SIG_DFL);
}

/* --------------------------------------------------------------- xattrs */

static void
xattr_sizes(void **state)
{
    bool probe = true;
    size_t size = 0;

    (void)state;
    assert_int_equal(fs_xattr_size(10, 0, false, &probe, &size), 0);
    assert_true(probe);
    assert_int_equal(size, 10);
    assert_int_equal(fs_xattr_size(10, 10, false, &probe, &size), 0);
    assert_false(probe);
    assert_int_equal(size, 10);
    assert_int_equal(fs_xattr_size(10, 9, false, &probe, &size), -ERANGE);
    assert_int_equal(fs_xattr_size(10, 9, true, &probe, &size), -ERANGE);
    assert_int_equal(fs_xattr_size(0, 0, false, &probe, &size), 0);
    assert_int_equal(size, 0);
}

static void
changing_values_get_slack(void **state)
{
    bool probe;
    size_t size;

    (void)state;
    assert_int_equal(fs_xattr_size(10, 0, true, &probe, &size), 0);
    assert_int_equal(size, 10 + FS_XATTR_SLACK);
    assert_int_equal(fs_xattr_size(FS_XATTR_MAX - 5, 0, true, &probe, &size),
                     0);
    assert_int_equal(size, FS_XATTR_MAX);
}

/* --------------------------------------------------------------- errnos */

static void
errors_that_the_kernel_would_take_amiss(void **state)
{
    (void)state;
    assert_int_equal(fs_read_errno(0), 0);
    assert_int_equal(fs_read_errno(-ESTALE), ESTALE);
    assert_int_equal(fs_read_errno(-EACCES), EACCES);
    assert_int_equal(fs_read_errno(-EAGAIN), EIO);
    assert_int_equal(fs_read_errno(-ENOSYS), EIO);
    assert_int_equal(fs_read_errno(-ECANCELED), EIO);
    assert_int_equal(fs_read_errno(-5000), EIO);
    assert_int_equal(fs_read_errno(5), EIO);
    assert_int_equal(fs_xattr_errno(0), 0);
    assert_int_equal(fs_xattr_errno(-ESTALE), ECANCELED);
    assert_int_equal(fs_xattr_errno(-ENOSYS), EOPNOTSUPP);
    assert_int_equal(fs_xattr_errno(-EAGAIN), EIO);
    assert_int_equal(fs_xattr_errno(-ECANCELED), ECANCELED);
    assert_int_equal(fs_xattr_errno(-EEXIST), EEXIST);
}

/* ---------------------------------------------------------------- names */

static void
names(void **state)
{
    char name[300];

    (void)state;
    assert_int_equal(fs_name_check(0, "a"), 0);
    assert_int_equal(fs_name_check(0, "..."), 0);
    assert_int_equal(fs_name_check(0, "."), -ENOENT);
    assert_int_equal(fs_name_check(0, ".."), -ENOENT);
    assert_int_equal(fs_name_check(0, ""), -ENOENT);
    assert_int_equal(fs_name_check(0, "a/b"), -ENOENT);
    memset(name, 'x', sizeof(name));
    name[256] = '\0';
    assert_int_equal(fs_name_check(0, name), -ENAMETOOLONG);
    name[255] = '\0';
    assert_int_equal(fs_name_check(0, name), 0);
    assert_int_equal(fs_name_check(FS_PREFIX_MAX - 256, name), 0);
    assert_int_equal(fs_name_check(FS_PREFIX_MAX - 255, name), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owner_group_other),
        cmocka_unit_test(supplementary_groups_count),
        cmocka_unit_test(root_may_read_but_not_execute),
        cmocka_unit_test(every_wanted_bit_counts),
        cmocka_unit_test(who_may_publish),
        cmocka_unit_test(fatal_signals),
        cmocka_unit_test(harmless_signals),
        cmocka_unit_test(real_threads),
        cmocka_unit_test(xattr_sizes),
        cmocka_unit_test(changing_values_get_slack),
        cmocka_unit_test(errors_that_the_kernel_would_take_amiss),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
