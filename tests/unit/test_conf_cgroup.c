/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * conf/: limits of control groups, from files that look like the kernel's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "conf/conf.h"

static char root[] = "/tmp/s3zipfs-cgroup-XXXXXX";

static void
put(const char *path, const char *text)
{
    char file[512], *slash;
    FILE *f;

    snprintf(file, sizeof(file), "%s/%s", root, path);
    for (slash = strchr(file + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(file, 0777);
        *slash = '/';
    }
    f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int
fresh(void **state)
{
    (void)state;
    strcpy(root, "/tmp/s3zipfs-cgroup-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int
gone(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static uint64_t
limit(void)
{
    char proc[128], sys[128];

    snprintf(proc, sizeof(proc), "%s/proc", root);
    snprintf(sys, sizeof(sys), "%s/sys", root);
    return conf_cgroup_memory(proc, sys);
}

static void
test_none(void **state)
{
    (void)state;
    assert_int_equal(limit(), 0);
    put("proc/self/cgroup", "0::/user.slice/x.scope\n");
    assert_int_equal(limit(), 0);
    put("sys/user.slice/x.scope/memory.max", "max\n");
    put("sys/user.slice/x.scope/memory.high", "max\n");
    assert_int_equal(limit(), 0);
    put("proc/self/cgroup", "nonsense\n\n::\n0:\n");
    assert_int_equal(limit(), 0);
}

/* The group's own, or one of those above it; high counts too. */
static void
test_v2(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/a/b\n");
    put("sys/a/b/memory.max", "300000000\n");
    assert_int_equal(limit(), 300000000);
    put("sys/a/memory.max", "200000000\n");
    assert_int_equal(limit(), 200000000);
    put("sys/a/b/memory.high", "150000000\n");
    assert_int_equal(limit(), 150000000);
}

/* In a container: the path is not there, its limit is at the top. */
static void
test_container(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/\n");
    put("sys/memory.max", "268435456\n");
    assert_int_equal(limit(), 268435456);
    put("proc/self/cgroup", "0::/host/only\n");
    assert_int_equal(limit(), 268435456);
}

static void
test_v1(void **state)
{
    (void)state;
    put("proc/self/cgroup", "5:cpu,cpuacct:/c\n4:memory:/docker/x\n0::/\n");
    put("sys/memory/docker/x/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(limit(), 0);
    put("sys/memory/memory.limit_in_bytes", "536870912\n");
    assert_int_equal(limit(), 536870912);
    put("sys/memory/docker/x/memory.limit_in_bytes", "100000000\n");
    assert_int_equal(limit(), 100000000);
    put("proc/self/cgroup", "5:cpu,memoryless:/docker/x\n");
    assert_int_equal(limit(), 0);
}

static void
test_fit(void **state)
{
    (void)state;
    assert_int_equal(conf_fit_memory(MIB(128), 0), MIB(128));
    assert_int_equal(conf_fit_memory(MIB(128), GIB(1)), MIB(128));
    assert_int_equal(conf_fit_memory(MIB(128), MIB(272)), MIB(128));
    assert_int_equal(conf_fit_memory(MIB(128), MIB(256)), MIB(120));
    assert_int_equal(conf_fit_memory(MIB(128), MIB(64)), MIB(24));
    assert_int_equal(conf_fit_memory(MIB(20), MIB(64)), MIB(20));
    assert_int_equal(conf_fit_memory(MIB(128), MIB(10)), CONF_MEMORY_MIN);
    assert_int_equal(conf_fit_memory(MIB(128), MIB(20)), CONF_MEMORY_MIN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_none, fresh, gone),
        cmocka_unit_test_setup_teardown(test_v2, fresh, gone),
        cmocka_unit_test_setup_teardown(test_container, fresh, gone),
        cmocka_unit_test_setup_teardown(test_v1, fresh, gone),
        cmocka_unit_test(test_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
