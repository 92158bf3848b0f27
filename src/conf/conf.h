/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The one option table: parsing, help, manual pages and completion come
 * from it.  Must not know what an option does.
 */
#ifndef S3ZIPFS_CONF_CONF_H
#define S3ZIPFS_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct buf;

enum conf_tristate { CONF_AUTO = -1, CONF_NO = 0, CONF_YES = 1 };
enum conf_archive { CONF_ARCHIVE_LISTED, CONF_ARCHIVE_HIDDEN };
enum conf_order { CONF_ORDER_PLAN, CONF_ORDER_KEY };
enum conf_badkeys {
    CONF_BADKEYS_REFUSE,
    CONF_BADKEYS_SKIP,
    CONF_BADKEYS_ESCAPE
};
enum conf_crc { CONF_CRC_AUTO, CONF_CRC_ORACLE, CONF_CRC_READ };
enum conf_twin { CONF_TWIN_AUTO, CONF_TWIN_OFF };
enum conf_publish { CONF_PUBLISH_OWNER, CONF_PUBLISH_ALL, CONF_PUBLISH_OFF };
enum { CONF_STRATEGY_AUTO = 5 };
enum conf_objective { CONF_TIME, CONF_PRICE, CONF_BYTES };
enum conf_verify { CONF_VERIFY_AUTO, CONF_VERIFY_FULL };

/* Strings are owned by the struct; NULL = not given. */
struct conf_list {
    char **item;
    size_t count;
};

struct conf {
    /* where */
    char *endpoint, *region, *profile, *credentials_file, *config_file;
    enum conf_tristate path_style;
    bool no_sign_request, requester_pays;
    char *expected_bucket_owner, *dest_expected_owner;
    enum conf_tristate sign_payload;
    char *ca_bundle;
    bool no_verify_tls;
    /* tree */
    char *name; /* "archive.zip" */
    enum conf_archive archive;
    uint32_t ttl; /* seconds */
    uint64_t max_entries;
    struct conf_list include, exclude;
    enum conf_order order;
    uint32_t layout; /* version: 1 */
    enum conf_badkeys badkeys;
    bool portable_names;
    /* reading */
    uint64_t memory;       /* bytes */
    uint64_t group_memory; /* the control group's limit, 0 = none known */
    uint64_t memory_limit; /* the control group's, if memory was cut down to
                              fit it; 0: it was not */
    uint32_t connections;
    enum conf_crc crc;
    enum conf_tristate read_ahead;
    bool direct_io;
    enum conf_twin twin;
    char *cache_dir;
    /* publish */
    enum conf_publish publish;
    struct conf_list publish_to;
    int publish_strategy; /* enum plan_strategy by number; conf knows the
                             names only; auto is CONF_STRATEGY_AUTO, the
                             number of PLAN_MIXED */
    bool overwrite;
    enum conf_verify verify;
    char *scratch;                 /* key prefix, ends in '/' */
    enum conf_objective objective; /* = enum plan_objective */
    uint32_t copy_limit;           /* times the archive; 0 = none */
    uint64_t bandwidth;            /* bytes a second each way; 0 = not known */
    uint32_t request_rate;         /* requests a second; 0 = not known */
    char *latency;                 /* as plan_latency_parse takes it */
    char *prices;                  /* as plan_prices_parse takes them */
    char *storage_class, *sse_kms_key_id;
    /* log */
    int log; /* enum log_level by number: 0 error .. 3 debug */
    char *log_file;
    bool syslog;
    char *trace; /* file, or NULL */
    /* FUSE */
    bool allow_other, allow_root, ro, auto_unmount;
    bool foreground, debug; /* -f, -d */
    bool have_uid, have_gid, have_umask;
    uid_t uid;
    gid_t gid;
    mode_t umask;
    char *fsname, *subtype;
};

/* The defaults of the table.  conf_free frees the strings. */
int conf_init(struct conf *c);
void conf_free(struct conf *c);

/* One option: name with '-' and '_' as one, value NULL if none was given.
 * 0, or -EINVAL with words ("unknown option ...", "ttl: not a number").
 * fstab's own words are accepted and ignored. */
int conf_set(struct conf *c, const char *name, const char *value,
             struct err *e);
/* A comma-separated -o argument; '\,' and '\\' as libfuse has them. */
int conf_set_list(struct conf *c, const char *arg, struct err *e);

/* Parse a command line: "-o list", "--name value", "--name=value", "-f",
 * "-d", "-v", "-n", "-s"; others stay, in order, in argv[0..*argc).
 * "--" ends options.  Flags of the caller (conf_flag table: long name,
 * takes a value, where to store) are looked up before the option table. */
struct conf_flag {
    const char *name;   /* without "--"; NULL ends the table */
    char short_name;    /* 0 = none */
    const char **value; /* takes a value, stored here (borrowed from argv) */
    bool *set;          /* or: takes none, set here */
    const char *help, *arg;
};
int conf_parse(struct conf *c, const struct conf_flag *flags, int *argc,
               char **argv, struct err *e);

/* --help text and the manual's OPTIONS section (pod), from the table. */
int conf_help(struct buf *out);
int conf_pod(struct buf *out);

/* "s3://BUCKET[/KEY]" or, with bucket_default, "/KEY".  *ret_bucket and
 * *ret_key are malloc'ed (key "" if none). */
int conf_url(const char *url, const char *bucket_default, char **ret_bucket,
             char **ret_key, struct err *e);

/* Bytes that the process's control group may have, from proc/self/cgroup
 * (v2 and v1) and the files below sys ("/proc", "/sys/fs/cgroup"); 0: no
 * limit is known. */
uint64_t conf_cgroup_memory(const char *proc, const char *sys);
/* What memory= may be there: half of what is left when the program, its
 * threads and its connections have their 16 MiB.  The other half is for
 * layouts and what the kernel keeps for the process (socket buffers, cached
 * pages of the archive and of temporary files).  But not below the least
 * that it can be. */
#define CONF_MEMORY_MIN (UINT64_C(16) << 20)
#define CONF_MEMORY_FIXED (UINT64_C(16) << 20)
uint64_t conf_fit_memory(uint64_t memory, uint64_t limit);

/* Does key (relative to the mount's prefix) pass include= and exclude=?
 * fnmatch(FNM_PATHNAME) plus "**"; any exclude wins, then any include. */
bool conf_member_wanted(const struct conf *c, const char *key);

#endif
