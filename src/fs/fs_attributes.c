/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The table of fs_attributes.h.
 */
#include "fs/fs_attributes.h"

#include "base/buf.h"

const struct fs_attribute fs_attributes[FS_ATTR_COUNT] = {
    [FS_ATTR_PUBLISH] =
        {"user.publish",
         "Set on an archive: publishes it to the value (s3://BUCKET/KEY, /KEY "
         "in the same bucket, or empty for where the mount shows it) and "
         "answers when the object is there. Removed: cancels an asynchronous "
         "publish."},
    [FS_ATTR_PUBLISH_ASYNC] =
        {"user.publish.async",
         "Set on an archive or its directory: the same, but answers at once."},
    [FS_ATTR_PUBLISH_WAIT] = {"user.publish.wait",
                              "Waits for the directory's newest publish; its "
                              "status, or its error."},
    [FS_ATTR_PUBLISH_STATUS] = {"user.publish.status",
                                "How the directory's publishes get on."},
    [FS_ATTR_PUBLISH_PLAN] =
        {"user.publish.plan",
         "What a publish would do: layout, order, digest, entries, bytes, "
         "strategy, parts, uploaded, downloaded, read-back (to verify, where "
         "the store's checksums do not), copied, scratch and "
         "uploads-in-sequence (of more than one upload), lower-bound, "
         "requests, crcs, price-usd, longest-path (of calls that wait for "
         "one another), seconds (predicted). An archive that is "
         "at the destination already is not reckoned with: s3zip plan URL "
         "DEST does. Nothing is sent."},
    [FS_ATTR_DIGEST] =
        {"user.s3zipfs.digest",
         "digest: SHA-256 of the layout; its layout version and order."},
    [FS_ATTR_ENTRIES] =
        {"user.s3zipfs.entries",
         "entries: how many members the archive has; bytes: of the members; "
         "size: of the archive; listed_seconds_ago, list_requests: of the "
         "listing."},
    [FS_ATTR_SKIPPED] =
        {"user.s3zipfs.skipped",
         "skipped: how many objects are left out of the archive, as poison "
         "and "
         "conflict; excluded: by exclude= and include=; remarks: names that "
         "are "
         "in it but that some readers refuse. Then a line for each, as many "
         "as "
         "fit: the reason and the key (s3zip ls --skipped prints all)."},
    [FS_ATTR_STATS] =
        {"user.s3zipfs.stats",
         "Counters of the mount; SIGUSR1 puts the same lines into the log."},
    [FS_ATTR_INVALIDATE] =
        {"user.s3zipfs.invalidate",
         "Set: the next lookup lists again, whatever the ttl."},
};

int
fs_attributes_pod(struct buf *out)
{
    int i, r = 0;

    for (i = 0; i < FS_ATTR_COUNT && r == 0; i++)
        r = buf_addf(out, "=item B<%s>\n\n%s\n\n", fs_attributes[i].name,
                     fs_attributes[i].meaning);
    return r;
}
