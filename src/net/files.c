/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The limit of open files: each exchange in flight is a connection.  main
 * raises the limit, net_new asks how wide it may be.
 */
#include <sys/resource.h>

#include "base/check.h"
#include "net/net_priv.h"

enum {
    /* What else is open: the mount's own, state file, trace, log, files that
     * are read and written, names being resolved. */
    OTHERS = 128,
    /* connections= is 4,096 at most; no use for more than this. */
    FILES_MAX = 16384,
};

void
net_raise_files(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= FILES_MAX)
        return;
    l.rlim_cur = l.rlim_max < FILES_MAX ? l.rlim_max : FILES_MAX;
    if (setrlimit(RLIMIT_NOFILE, &l) < 0)
        log_info("cannot raise the limit of open files to %llu",
                 (unsigned long long)l.rlim_cur);
}

/* Each has what it asks for while that is less than half of the room. */
void
net_fit_files(unsigned width[NET_CLASSES])
{
    unsigned bytes = width[NET_BYTES], brief = width[NET_BRIEF];
    uint64_t room, left;
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == RLIM_INFINITY)
        return;
    room = l.rlim_cur > 2 * OTHERS ? l.rlim_cur - OTHERS : l.rlim_cur / 2;
    if ((uint64_t)bytes + brief <= room)
        return;
    left = max_u64(room / 2, room - min_u64(bytes, room));
    brief = (unsigned)max_u64(min_u64(brief, left), 1);
    bytes = (unsigned)max_u64(min_u64(bytes, room - min_u64(brief, room)), 1);
    log_warn("the limit of %llu open files leaves room for %u connections "
             "that carry data (%u asked for) and %u others (%u)",
             (unsigned long long)l.rlim_cur, bytes, width[NET_BYTES], brief,
             width[NET_BRIEF]);
    width[NET_BYTES] = bytes;
    width[NET_BRIEF] = brief;
}
