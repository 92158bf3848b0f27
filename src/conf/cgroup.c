/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the control group that the process is in lets it have of memory:
 * Linux, Documentation/admin-guide/cgroup-v2.rst (memory.max, memory.high)
 * and cgroup-v1/memory.rst (memory.limit_in_bytes).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "conf/conf.h"

enum { PATH_LEN = 4096 };
/* v1 writes "no limit" as the largest multiple of a page. */
#define NO_LIMIT (UINT64_C(1) << 60)

/* The number that is all of the file; UINT64_MAX: none ("max"). */
static uint64_t
number_in(const char *folder, const char *path, const char *name)
{
    char file[2 * PATH_LEN], line[64] = "";
    uint64_t n;
    FILE *f;

    snprintf(file, sizeof(file), "%s%s/%s", folder, path, name);
    f = fopen(file, "re");
    if (!f)
        return UINT64_MAX;
    if (!fgets(line, sizeof(line), f))
        line[0] = '\0';
    fclose(f);
    line[strcspn(line, "\n")] = '\0';
    return text_parse_u64(&n, line) && n > 0 && n < NO_LIMIT ? n : UINT64_MAX;
}

/* The smallest limit of the group and those that it is in.  In a container
 * the path may be that of the host, and only the top is there. */
static uint64_t
smallest(const char *folder, const char *group, const char *const *names)
{
    CLEANUP_FREE char *path = strdup(group);
    uint64_t least = UINT64_MAX;
    char *slash;
    int i;

    while (path) {
        for (i = 0; names[i]; i++)
            least = min_u64(least, number_in(folder, path, names[i]));
        slash = strrchr(path, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    return least;
}

static bool
has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (; list; list = strchr(list, ','), list = list ? list + 1 : NULL)
        if (strncmp(list, word, n) == 0 && (list[n] == ',' || !list[n]))
            return true;
    return false;
}

/* "0::/path" (v2) or "9:cpu,memory:/path" (v1). */
static uint64_t
limit_of(char *line, const char *sys)
{
    static const char *const v2[] = {"memory.max", "memory.high", NULL};
    static const char *const v1[] = {"memory.limit_in_bytes", NULL};
    char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : 0;
    char folder[PATH_LEN];

    if (!path)
        return UINT64_MAX;
    *list++ = '\0';
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (!*list)
        return smallest(sys, path, v2);
    if (!has_word(list, "memory"))
        return UINT64_MAX;
    snprintf(folder, sizeof(folder), "%s/memory", sys);
    return smallest(folder, path, v1);
}

uint64_t
conf_cgroup_memory(const char *proc, const char *sys)
{
    uint64_t least = UINT64_MAX;
    char line[PATH_LEN];
    FILE *f;

    snprintf(line, sizeof(line), "%s/self/cgroup", proc);
    f = fopen(line, "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f))
        least = min_u64(least, limit_of(line, sys));
    fclose(f);
    return least == UINT64_MAX ? 0 : least;
}

uint64_t
conf_fit_memory(uint64_t memory, uint64_t limit)
{
    uint64_t left = limit > CONF_MEMORY_FIXED ? limit - CONF_MEMORY_FIXED : 0;

    if (!limit)
        return memory;
    return min_u64(memory, max_u64(left / 2, CONF_MEMORY_MIN));
}
