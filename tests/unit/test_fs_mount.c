/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A real mount over stand-ins for the rooms below: what the kernel and its
 * callers see.  Skipped without /dev/fuse or the right to mount.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "fs_fakes.h"
#include "net/net.h"

static char mnt[] = "/tmp/s3zipfs-test-XXXXXX";
static char log_path[] = "/tmp/s3zipfs-log-XXXXXX";
static char archive_name[] = "archive.zip";
static struct conf conf;
static struct fs *fs;
static pthread_t server;
static atomic_bool is_ready;
static int run_result = -1;

static const char *
path(const char *name)
{
    static char out[4][300];
    static unsigned next;
    char *p = out[next++ % 4];

    snprintf(p, 300, "%s/%s", mnt, name);
    return p;
}

/* Between two requests: no race, whatever ThreadSanitizer thinks. */
__attribute__((no_sanitize("thread"))) static void
set_conf(enum conf_archive archive, enum conf_publish publish)
{
    conf.archive = archive;
    conf.publish = publish;
}

static void
nap(unsigned ms)
{
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

static void
on_ready(void *user)
{
    (void)user;
    atomic_store(&is_ready, true);
}

static void *
serve(void *user)
{
    struct err e = {0};

    (void)user;
    run_result = fs_run(fs, on_ready, NULL, &e);
    return NULL;
}

static int
mount_it(void **state)
{
    struct fs_deps d = {.conf = &conf, .bucket = "b", .root = ""};
    struct net_conf nc = {.loops = 2};
    struct err e = {0};
    sigset_t set;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    conf.name = archive_name;
    conf.ttl = 60;
    conf.memory = MIB(128);
    if (net_new(&fake.net, &nc, &e) < 0)
        return -1;
    d.net = fake.net;
    if (fs_new(&fs, &d, &e) < 0 || fs_mount(fs, mnt, "s3://b/", &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    is_ready = false;
    pthread_create(&server, NULL, serve, NULL);
    while (!atomic_load(&is_ready))
        nap(5);
    return 0;
}

static int
unmount_it(void **state)
{
    (void)state;
    if (umount2(mnt, 0) != 0)
        return -1;
    pthread_join(server, NULL);
    publisher_free(NULL);
    fs_free(fs);
    index_free(NULL);
    net_free(fake.net);
    return run_result || fake.layouts_alive || fake.streams_alive ||
           fake.jobs_alive;
}

static void
dismiss(void)
{
    umount2(mnt, MNT_DETACH);
    rmdir(mnt);
    unlink(log_path);
}

/* --------------------------------------------------------- the tree */

static void
attributes(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(stat(mnt, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0555);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(stat(path("archive.zip"), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0444);
    assert_int_equal(st.st_size, FAKE_SIZE);
    assert_int_equal(st.st_blocks, (FAKE_SIZE + 511) / 512);
    assert_int_equal(st.st_blksize, MIB(1));
    assert_int_equal(st.st_mtime, 1700000000);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(stat(path("d/e/archive.zip"), &st), 0);
    assert_int_equal(stat(path("nope"), &st), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(stat(path("nope/archive.zip"), &st), -1);
    assert_int_equal(errno, ENOENT);
}

/* Names of a directory, sorted by the fake, "." and ".." first. */
static void
expect_names(const char *dir, const char *want)
{
    DIR *d = opendir(path(dir));
    struct dirent *e;
    char got[500] = "";

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        strcat(got, e->d_name);
        strcat(got, e->d_type == DT_REG ? "- " : "/ ");
    }
    closedir(d);
    assert_string_equal(got, want);
}

static void
directories(void **state)
{
    (void)state;
    /* The fake has a prefix archive.zip/ too: it is shadowed. */
    expect_names("", "./ ../ archive.zip- d/ new/ ");
    expect_names("d", "./ ../ archive.zip- e/ ");
    set_conf(CONF_ARCHIVE_HIDDEN, CONF_PUBLISH_OWNER);
    expect_names("d", "./ ../ e/ ");
    assert_int_equal(access(path("d/archive.zip"), R_OK), 0);
    set_conf(CONF_ARCHIVE_LISTED, CONF_PUBLISH_OWNER);
}

static void
everything_is_read_only(void **state)
{
    (void)state;
    assert_int_equal(open(path("x"), O_CREAT | O_WRONLY, 0600), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(open(path("archive.zip"), O_RDWR), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(open(path("archive.zip"), O_RDONLY | O_TRUNC), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(mkdir(path("x"), 0700), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(unlink(path("archive.zip")), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(rmdir(path("d")), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(chmod(path("archive.zip"), 0600), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(truncate(path("archive.zip"), 0), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(symlink("a", path("x")), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(link(path("archive.zip"), path("x")), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(rename(path("d"), path("x")), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(mknod(path("x"), S_IFIFO | 0600, 0), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(access(path("archive.zip"), W_OK), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(access(path("archive.zip"), X_OK), -1);
    assert_int_equal(errno, EACCES);
}

/* ---------------------------------------------------------------- reads */

static void
expect_bytes(int fd, uint64_t offset, size_t length, size_t want)
{
    uint8_t *p = malloc(length);
    size_t i;

    assert_int_equal(pread(fd, p, length, (off_t)offset), want);
    for (i = 0; i < want; i++)
        if (p[i] != fake_byte(offset + i))
            fail_msg("byte %llu", (unsigned long long)(offset + i));
    free(p);
}

static void
reads(void **state)
{
    int fd = open(path("archive.zip"), O_RDONLY);

    (void)state;
    assert_true(fd >= 0);
    expect_bytes(fd, 0, FAKE_SIZE + 5000, FAKE_SIZE);
    expect_bytes(fd, FAKE_SIZE - 10, 100, 10);
    expect_bytes(fd, FAKE_SIZE, 100, 0);
    close(fd);
    fake.many_pieces = true;
    fd = open(path("d/archive.zip"), O_RDONLY);
    expect_bytes(fd, 0, MIB(2), MIB(2));
    close(fd);
    fake.many_pieces = false;
}

static void
pages_stay_while_the_layout_does(void **state)
{
    int before, fd = open(path("archive.zip"), O_RDONLY);

    (void)state;
    expect_bytes(fd, 0, MIB(1), MIB(1));
    close(fd);
    before = fake.reads;
    fd = open(path("archive.zip"), O_RDONLY);
    expect_bytes(fd, 0, MIB(1), MIB(1));
    close(fd);
    assert_int_equal(fake.reads, before);
}

static void
a_failed_read_is_an_error_and_the_size_stays(void **state)
{
    int fd = open(path("d/e/archive.zip"), O_RDONLY), before;
    struct stat st;
    char c[100];

    (void)state;
    fake.read_error = -EIO;
    assert_int_equal(pread(fd, c, sizeof(c), 5), -1);
    assert_int_equal(errno, EIO);
    before = fake.reads;
    assert_int_equal(pread(fd, c, sizeof(c), 5), -1);
    /* Who remembers what failed is the reader, byte by byte: other bytes
     * of the same request may be there. */
    assert_true(fake.reads > before);
    fake.read_error = 0;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, FAKE_SIZE);
    close(fd);
    fd = open(path("d/e/archive.zip"), O_RDONLY);
    expect_bytes(fd, 0, 10000, 10000);
    close(fd);
}

static void
a_stale_layout_is_looked_up_again(void **state)
{
    struct stat a, b, c;
    int fd, lists;

    (void)state;
    assert_int_equal(stat(path("new/archive.zip"), &a), 0);
    fd = open(path("new/archive.zip"), O_RDONLY);
    fake.version++;
    fake_stale();
    lists = fake.lists;
    assert_int_equal(open(path("new/archive.zip"), O_RDONLY), fd + 1);
    assert_int_equal(fake.lists, lists + 1);
    assert_int_equal(fstat(fd + 1, &b), 0);
    assert_int_not_equal(b.st_ino, a.st_ino);
    assert_int_equal(fstat(fd, &c), 0); /* an open file keeps its layout */
    assert_int_equal(c.st_ino, a.st_ino);
    expect_bytes(fd, 0, 10, 10);
    close(fd + 1);
    close(fd);
}

/* -------------------------------------------------------------- signals */

/* What a child's one call answers: its errno, or 0. */
static pid_t
child(int (*fn)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGINT, SIG_DFL); /* ignored in a shell's background */
        _exit(fn() < 0 ? errno : 0);
    }
    return pid;
}

static int
outcome(pid_t pid)
{
    int status = 0, i;

    for (i = 0; i < 500; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFSIGNALED(status) ? -WTERMSIG(status)
                                       : WEXITSTATUS(status);
        nap(20);
    }
    kill(pid, SIGKILL);
    return -1000;
}

static int
read_far(void)
{
    int fd = open(path("archive.zip"), O_RDONLY | O_DIRECT);
    static char c[4096] __attribute__((aligned(4096)));

    if (fd < 0)
        fd = open(path("archive.zip"), O_RDONLY);
    return (int)pread(fd, c, sizeof(c), 2 << 20);
}

static void
nothing(int sig)
{
    (void)sig;
}

static int
read_far_with_handler(void)
{
    struct sigaction a = {.sa_handler = nothing, .sa_flags = SA_RESTART};

    sigaction(SIGWINCH, &a, NULL);
    return read_far();
}

static void
drop_pages(void)
{
    int fd = open(path("archive.zip"), O_RDONLY);

    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static void
a_killed_reader_goes(void **state)
{
    int cancels = fake.cancels;
    pid_t pid;

    (void)state;
    drop_pages();
    fake.read_hang = true;
    pid = child(read_far);
    nap(200);
    kill(pid, SIGTERM);
    assert_int_equal(outcome(pid), -SIGTERM);
    assert_true(fake.cancels > cancels);
    fake.read_hang = false;
}

static void
a_harmless_signal_ends_nothing(void **state)
{
    int cancels = fake.cancels;
    pid_t pid;

    (void)state;
    drop_pages();
    fake.read_hang = true;
    pid = child(read_far_with_handler);
    nap(200);
    kill(pid, SIGWINCH);
    nap(400);
    assert_int_equal(fake.cancels, cancels);
    kill(pid, SIGKILL); /* no second interrupt comes: found by looking */
    assert_int_equal(outcome(pid), -SIGKILL);
    assert_true(fake.cancels > cancels);
    fake.read_hang = false;
}

static int
stat_new(void)
{
    struct stat st;

    return stat(path("d/archive.zip"), &st);
}

static void
a_killed_lookup_goes(void **state)
{
    pid_t pid;

    (void)state;
    assert_int_equal(
        setxattr(path("d/archive.zip"), "user.s3zipfs.invalidate", "1", 1, 0),
        0);
    fake.list_hang = true;
    pid = child(stat_new);
    nap(200);
    kill(pid, SIGINT);
    assert_int_equal(outcome(pid), -SIGINT);
    fake.list_hang = false;
    assert_int_equal(stat_new(), 0);
}

/* --------------------------------------------------------------- xattrs */

static void
control_attributes(void **state)
{
    char v[65536];
    ssize_t n;

    (void)state;
    assert_int_equal(listxattr(path("archive.zip"), v, sizeof(v)), 0);
    assert_int_equal(listxattr(path("archive.zip"), NULL, 0), 0);
    n = getxattr(path("archive.zip"), "user.s3zipfs.digest", v, sizeof(v));
    assert_true(n > 70 && memcmp(v, "digest: ", 8) == 0);
    assert_int_equal(
        getxattr(path("archive.zip"), "user.s3zipfs.digest", NULL, 0), n);
    assert_int_equal(
        getxattr(path("archive.zip"), "user.s3zipfs.digest", v, 5), -1);
    assert_int_equal(errno, ERANGE);
    assert_int_equal(getxattr(mnt, "user.s3zipfs.digest", v, sizeof(v)), n);
    n = getxattr(mnt, "user.s3zipfs.stats", v, sizeof(v));
    v[n > 0 ? n : 0] = '\0';
    assert_non_null(strstr(v, "\ncrc_known: 42\n"));
    assert_true(getxattr(mnt, "user.s3zipfs.stats", NULL, 0) >= n);
    assert_int_equal(getxattr(mnt, "user.other", v, sizeof(v)), -1);
    assert_int_equal(errno, ENODATA);
    assert_int_equal(getxattr(mnt, "security.capability", v, 10), -1);
    assert_int_equal(errno, ENODATA);
    assert_int_equal(getxattr(mnt, "user.publish", v, 10), -1);
    assert_int_equal(errno, ENODATA);
    assert_int_equal(setxattr(mnt, "user.other", "1", 1, 0), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(setxattr(mnt, "user.publish.status", "1", 1, 0), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(removexattr(mnt, "user.other"), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(getxattr(mnt, "user.publish.plan", v, 10), -1);
    assert_int_equal(errno, EFBIG);
}

static void
expect_status(const char *name, const char *want)
{
    char v[4096];
    ssize_t n = getxattr(path(name), "user.publish.status", v, sizeof(v));

    assert_int_equal(n, strlen(want));
    assert_memory_equal(v, want, strlen(want));
}

static int
publish(void)
{
    return setxattr(path("archive.zip"), "user.publish", "/out", 4, 0);
}

static void
a_publish_answers_at_its_end(void **state)
{
    struct stat st;
    pid_t pid;
    int fd;

    (void)state;
    expect_status("d", "state: none\n");
    pid = child(publish);
    nap(200);
    expect_status("archive.zip", "state: running\n");
    /* The name shows another inode of the same layout meanwhile. */
    fd = open(path("archive.zip"), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), FAKE_SIZE);
    assert_int_equal(fstat(fd, &st), 0);
    close(fd);
    fake_finish(0);
    assert_int_equal(outcome(pid), 0);
    expect_status("", "state: done\n");
    pid = child(publish);
    nap(200);
    fake_finish(-ESTALE);
    assert_int_equal(outcome(pid), ECANCELED); /* once, never ESTALE */
}

static void
refusals(void **state)
{
    (void)state;
    assert_int_equal(setxattr(mnt, "user.publish", "/o", 2, 0), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(setxattr(path("archive.zip"), "user.publish", "o", 1, 0),
                     -1);
    assert_int_equal(errno, EINVAL);
    set_conf(CONF_ARCHIVE_LISTED, CONF_PUBLISH_OFF);
    assert_int_equal(publish(), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(setxattr(mnt, "user.publish.async", "/o", 2, 0), -1);
    assert_int_equal(errno, EPERM);
    set_conf(CONF_ARCHIVE_LISTED, CONF_PUBLISH_OWNER);
    assert_int_equal(removexattr(mnt, "user.publish"), -1);
    assert_int_equal(errno, ENODATA);
}

static void
ctrl_c_aborts_and_waits(void **state)
{
    int aborts = fake.aborts;
    pid_t pid = child(publish);

    (void)state;
    nap(200);
    kill(pid, SIGINT);
    assert_int_equal(outcome(pid), -SIGINT);
    assert_int_equal(fake.aborts, aborts + 1);
    expect_status("", "state: failed\n");
}

static int
wait_for_it(void)
{
    char v[4096];

    return (int)getxattr(path("archive.zip"), "user.publish.wait", v,
                         sizeof(v));
}

static void
one_who_joined_does_not_abort(void **state)
{
    int aborts = fake.aborts;
    pid_t joined, waits;

    (void)state;
    assert_int_equal(setxattr(mnt, "user.publish.async", "", 0, 0), 0);
    joined = child(publish);
    waits = child(wait_for_it);
    nap(200);
    kill(joined, SIGINT);
    assert_int_equal(outcome(joined), -SIGINT);
    assert_int_equal(fake.aborts, aborts);
    expect_status("", "state: running\n");
    fake_finish(-EACCES);
    assert_int_equal(outcome(waits), EACCES);
    assert_int_equal(wait_for_it(), -1);
    assert_int_equal(errno, EACCES);
}

static void
a_killed_waiter_leaves_the_job(void **state)
{
    int aborts = fake.aborts;
    pid_t waits;

    (void)state;
    assert_int_equal(setxattr(mnt, "user.publish.async", "", 0, 0), 0);
    waits = child(wait_for_it);
    nap(200);
    kill(waits, SIGKILL);
    assert_int_equal(outcome(waits), -SIGKILL);
    expect_status("", "state: running\n");
    assert_int_equal(removexattr(mnt, "user.publish"), 0);
    nap(200);
    assert_int_equal(fake.aborts, aborts + 1);
    expect_status("", "state: failed\n");
}

/* Last: the daemon's own end, with a publish and a read under way. */
/* Lines of a file that hold a text. */
static unsigned
lines_with(const char *file, const char *text)
{
    FILE *f = fopen(file, "r");
    char line[512];
    unsigned n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        n += strstr(line, text) != NULL;
    fclose(f);
    return n;
}

/* Before there are threads; statistics are told at any level. */
static int
open_log(void)
{
    struct err e = {0};
    int fd = mkstemp(log_path);

    if (fd < 0)
        return -1;
    close(fd);
    return log_open(LOG_ERROR, log_path, &e);
}

static void
sigusr1_tells_and_goes_on(void **state)
{
    const char *log = log_path;
    struct stat st;
    int i;

    (void)state;
    kill(getpid(), SIGUSR1);
    for (i = 0; i < 500 && lines_with(log, "stats: uptime: ") < 1; i++)
        nap(10);
    kill(getpid(), SIGUSR1);
    for (i = 0; i < 500 && lines_with(log, "stats: uptime: ") < 2; i++)
        nap(10);
    assert_int_equal(lines_with(log, "stats: uptime: "), 2);
    assert_int_equal(lines_with(log, "stats: get: "), 2);
    assert_int_equal(stat(path("d/archive.zip"), &st), 0);
}

/* It would wait for its own answer for ever when it is killed. */
static void
it_asks_itself_nothing(void **state)
{
    struct err e = {0};
    int i;

    assert_int_equal(unmount_it(state), 0);
    assert_int_equal(log_open(LOG_DEBUG, log_path, &e), 0);
    conf.debug = true;
    conf.read_ahead = CONF_YES;
    assert_int_equal(mount_it(state), 0);
    for (i = 0; i < 500 && lines_with(log_path, "read_ahead_kb: ") < 1; i++)
        nap(10);
    nap(50);
    assert_true(lines_with(log_path, "read_ahead_kb: ") > 0);
    assert_true(lines_with(log_path, "opcode: INIT") > 0);
    assert_int_equal(lines_with(log_path, "opcode: GETATTR"), 0);
    assert_int_equal(lines_with(log_path, "opcode: LOOKUP"), 0);
    assert_int_equal(unmount_it(state), 0);
    assert_int_equal(log_open(LOG_ERROR, log_path, &e), 0);
    conf.debug = false;
    conf.read_ahead = CONF_NO;
    assert_int_equal(mount_it(state), 0);
}

static void
sigterm_ends_everything(void **state)
{
    pid_t publishing, reading;
    int left = open(path("d/archive.zip"), O_RDONLY);
    DIR *left_dir = opendir(path("d"));

    drop_pages();
    publishing = child(publish);
    nap(200);
    fake.read_hang = true;
    reading = child(read_far);
    nap(200);
    kill(getpid(), SIGTERM);
    assert_int_equal(outcome(publishing), ECONNABORTED);
    assert_int_not_equal(outcome(reading), 0);
    pthread_join(server, NULL);
    assert_int_equal(run_result, 0);
    fake.read_hang = false;
    fs_unmount(fs);
    publisher_free(NULL);
    fs_free(fs);
    index_free(NULL);
    net_free(fake.net);
    assert_int_equal(fake.layouts_alive, 0);
    assert_int_equal(fake.streams_alive, 0);
    assert_int_equal(fake.jobs_alive, 0);
    close(left);
    closedir(left_dir);
    assert_int_equal(mount_it(state), 0); /* for the teardown */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes),
        cmocka_unit_test(directories),
        cmocka_unit_test(everything_is_read_only),
        cmocka_unit_test(reads),
        cmocka_unit_test(pages_stay_while_the_layout_does),
        cmocka_unit_test(a_failed_read_is_an_error_and_the_size_stays),
        cmocka_unit_test(a_stale_layout_is_looked_up_again),
        cmocka_unit_test(a_killed_reader_goes),
        cmocka_unit_test(a_harmless_signal_ends_nothing),
        cmocka_unit_test(a_killed_lookup_goes),
        cmocka_unit_test(control_attributes),
        cmocka_unit_test(a_publish_answers_at_its_end),
        cmocka_unit_test(refusals),
        cmocka_unit_test(ctrl_c_aborts_and_waits),
        cmocka_unit_test(one_who_joined_does_not_abort),
        cmocka_unit_test(a_killed_waiter_leaves_the_job),
        cmocka_unit_test(sigusr1_tells_and_goes_on),
        cmocka_unit_test(it_asks_itself_nothing),
        cmocka_unit_test(sigterm_ends_everything),
    };

    if (access("/dev/fuse", R_OK | W_OK) != 0 || geteuid() != 0)
        return 77;
    if (!mkdtemp(mnt))
        return 1;
    atexit(dismiss);
    if (open_log() != 0)
        return 1;
    return cmocka_run_group_tests(tests, mount_it, unmount_it);
}
