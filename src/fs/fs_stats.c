/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The table of fs_stats.h.  Names are a promise to those who parse them:
 * lines are added, never renamed.
 */
#include "fs/fs_stats.h"

#include <stddef.h>

#include "base/buf.h"
#include "base/check.h"

#define AT(field) offsetof(struct fs_stats, field)

struct row {
    const char *name;
    size_t at; /* of a uint64_t */
    const char *meaning;
};

/* Requests come first, in the order of s3_kind_name. */
static const struct row rows[] = {
    {"list", AT(s3.list), "ListObjectsV2 requests (pages of listings)."},
    {"get", AT(s3.get), "GetObject requests."},
    {"head", AT(s3.head), "HeadObject requests."},
    {"attributes", AT(s3.attributes), "GetObjectAttributes requests."},
    {"create", AT(s3.create), "CreateMultipartUpload requests."},
    {"upload", AT(s3.upload), "UploadPart requests."},
    {"copy", AT(s3.copy), "UploadPartCopy requests."},
    {"complete", AT(s3.complete), "CompleteMultipartUpload requests."},
    {"abort", AT(s3.abort), "AbortMultipartUpload requests."},
    {"put", AT(s3.put), "PutObject requests."},
    {"delete", AT(s3.delete_), "DeleteObject requests."},
    {"delete_many", AT(s3.delete_many), "DeleteObjects requests."},
    {"list_uploads", AT(s3.list_uploads), "ListMultipartUploads requests."},
    {"list_parts", AT(s3.list_parts), "ListParts requests."},
    {"list_versions", AT(s3.list_versions), "ListObjectVersions requests."},
    {"lock", AT(s3.lock), "GetObjectLockConfiguration requests."},
    {"retries", AT(s3.retries),
     "Requests sent again after a failure; those above include them."},
    {"errors_slow", AT(s3.errors_slow),
     "Answers that asked for a lower rate (503 SlowDown and its kin)."},
    {"errors_server", AT(s3.errors_server),
     "Other 5xx answers, and errors in the body of a 200."},
    {"errors_refused", AT(s3.errors_refused),
     "3xx and 4xx answers; a HEAD that found a destination free is one."},
    {"errors_network", AT(s3.errors_network),
     "No answer, or half of one: connect, TLS, timeout, cut."},
    {"errors_answer", AT(s3.errors_answer),
     "Answers that make no sense, or are not what was asked for."},
    {"cancelled", AT(s3.cancelled),
     "Requests ended early because nobody wanted the answer any more."},
    {"read_rate", AT(s3.read_rate),
     "Requests a second that may be sent now of those that S3 counts as "
     "reads (GET, HEAD), after answers that asked for a lower rate; 0: no "
     "limit."},
    {"read_cuts", AT(s3.read_cuts), "How often that rate was halved."},
    {"write_rate", AT(s3.write_rate),
     "The same of those that it counts as writes (PUT, POST, DELETE, "
     "LIST)."},
    {"write_cuts", AT(s3.write_cuts), "How often that rate was halved."},
    {"bytes_in", AT(s3.bytes_in), "Bytes of bodies received."},
    {"bytes_out", AT(s3.bytes_out), "Bytes of bodies sent."},
    {"listed_keys", AT(s3.listed_keys), "Keys in the listings' answers."},
    {"lookups", AT(front.lookups),
     "Lookups of archives, each answered from a known layout or by a "
     "listing."},
    {"reads", AT(read.reads), "Reads that came from the kernel or a publish."},
    {"read_bytes", AT(read.bytes), "Bytes that they were answered with."},
    {"hits", AT(read.hits),
     "Reads answered at once, from bytes that were fetched ahead or kept."},
    {"fetches", AT(read.fetches), "Ranges of members that were fetched."},
    {"fetched_bytes", AT(read.fetched_bytes), "Their bytes."},
    {"reissued", AT(read.reissued),
     "Ranges that took far longer than others do and were asked for once "
     "more, on a new connection."},
    {"memory_used", AT(read.memory_used), "Bytes of data buffers now."},
    {"memory_peak", AT(read.memory_peak), "The most that it was."},
    {"memory_limit", AT(front.memory_limit),
     "The most that it may be (memory=)."},
    {"open_files", AT(front.open_files),
     "Open archives: the window's readers (a directory being read counts "
     "too)."},
    {"inodes", AT(front.known_inodes),
     "Directories and archives that the kernel knows now."},
    {"checked_members", AT(read.checked_members),
     "Members that passed through whole and whose CRC-32 was right."},
    {"read_twice", AT(read.read_twice),
     "Members that had to be read once more for their CRC-32."},
    {"crc_known", AT(crc.known),
     "CRC-32 values that were known when asked for."},
    {"crc_from_store", AT(crc.from_store),
     "CRC-32 values found in the state file."},
    {"crc_from_head", AT(crc.from_head), "CRC-32 values from a HEAD."},
    {"crc_from_attributes", AT(crc.from_attributes),
     "CRC-32 values joined from those of the parts of an upload."},
    {"crc_from_oracle", AT(crc.from_oracle),
     "CRC-32 values that a copy inside the store told."},
    {"crc_from_read", AT(crc.from_read),
     "CRC-32 values for which the member was read."},
    {"trace_lines", AT(s3.trace_lines), "Lines of trace=."},
    {"trace_dropped", AT(s3.trace_dropped),
     "Lines of trace= lost because the disk was too slow or full."},
    {"uptime", AT(front.uptime_s), "Seconds since the mount."},
};

static const char latency_pod[] =
    "=item B<I<KIND>_errors>, B<I<KIND>_first_ms_p50>, "
    "B<I<KIND>_first_ms_p99>, B<I<KIND>_total_ms_p50>, "
    "B<I<KIND>_total_ms_p99>\n\n"
    "For each kind of request above (list to lock) that was sent: how "
    "many attempts failed; and of those that did not, the milliseconds that "
    "half of them and 99 in 100 did not exceed, to the first byte of the "
    "answer and in all. Waiting for a free connection is not counted. Exact "
    "below 16, else at most an eighth too high.\n\n";

static uint64_t
value(const struct fs_stats *s, const struct row *row)
{
    return *(const uint64_t *)(const void *)((const char *)s + row->at);
}

static int
put_kind(struct buf *out, const struct fs_stats *s, unsigned kind)
{
    const struct s3_kind_stats *k = &s->kind[kind];
    const char *name = rows[kind].name;

    if (value(s, &rows[kind]) == 0)
        return 0;
    return buf_addf(out,
                    "%s_errors: %llu\n"
                    "%s_first_ms_p50: %u\n%s_first_ms_p99: %u\n"
                    "%s_total_ms_p50: %u\n%s_total_ms_p99: %u\n",
                    name, (unsigned long long)k->errors, name, k->first_p50,
                    name, k->first_p99, name, k->total_p50, name,
                    k->total_p99);
}

int
fs_stats_text(struct buf *out, const struct fs_stats *s)
{
    unsigned kind;
    size_t i;
    int r = 0;

    for (i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
        r = buf_addf(out, "%s: %llu\n", rows[i].name,
                     (unsigned long long)value(s, &rows[i]));
    for (kind = 0; kind < S3_KINDS && r == 0; kind++)
        r = put_kind(out, s, kind);
    return r;
}

int
fs_stats_pod(struct buf *out)
{
    size_t i;
    int r = 0;

    for (i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
        r = buf_addf(out, "=item B<%s>\n\n%s\n\n", rows[i].name,
                     rows[i].meaning);
    return r == 0 ? buf_adds(out, latency_pod) : r;
}
