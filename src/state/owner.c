/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Whose row of the state file is it: a process named so that no other one
 * is taken for it.  Must not know what the rows are.
 */
#include "state/state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

/* A process that cannot be looked at (another host, another container) is
 * taken for dead after a day. */
enum { FOREIGN_S = 86400 };

static void
read_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");

    out[0] = '\0';
    if (!f)
        return;
    if (!fgets(out, (int)size, f))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(f);
}

/* Up to the next slash or space; cut to fit. */
static const char *
take_word(const char *at, char *out, size_t size)
{
    size_t n = strcspn(at, "/ "), kept = min_u64(n, size - 1);

    memcpy(out, at, kept);
    out[kept] = '\0';
    return at + n;
}

/* Field 22 of /proc/PID/stat, proc(5): the same pid with another start is
 * another process, and a zombie (field 3) is none.  The name in field 2 may
 * hold anything. */
static bool
start_time(const char *pid, char *out, size_t size)
{
    char path[64], line[1024], *at;
    int field;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    read_line(path, line, sizeof(line));
    at = strrchr(line, ')');
    if (!at || strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0)
        return false;
    for (field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        if (at)
            at++;
    }
    if (!at)
        return false;
    take_word(at, out, size);
    return true;
}

void
state_owner(char *out, size_t size)
{
    char boot[64], space[64] = "", start[32] = "";

    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
    if (readlink("/proc/self/ns/pid", space, sizeof(space) - 1) < 0)
        space[0] = '\0';
    start_time("self", start, sizeof(start));
    snprintf(out, size, "%s/%s/%d/%s", boot, space, (int)getpid(), start);
}

bool
state_owner_alive(const char *self, const char *owner, int64_t age)
{
    const char *mine = strchr(self, '/'), *theirs;
    char pid[16], start[32];
    size_t n;

    mine = mine ? strchr(mine + 1, '/') : NULL;
    n = mine ? (size_t)(mine + 1 - self) : 0;
    if (n == 0 || strncmp(self, owner, n) != 0)
        return age < FOREIGN_S;
    theirs = take_word(owner + n, pid, sizeof(pid));
    return start_time(pid, start, sizeof(start)) &&
           strcmp(theirs + (*theirs == '/'), start) == 0;
}
