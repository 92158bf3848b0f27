/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The option table.  Parsing, defaults, help and manual come from it; a
 * new option is one row here and one field of struct conf.
 */
#include "conf/internal.h"

#include "base/check.h"

#define AT(field) offsetof(struct conf, field)

const char *const option_group_titles[GROUP_COUNT] = {
    [GROUP_WHERE] = "Where the objects are",
    [GROUP_TREE] = "What the tree shows",
    [GROUP_READING] = "Reading",
    [GROUP_PUBLISH] = "Publishing",
    [GROUP_LOG] = "Log",
    [GROUP_FUSE] = "FUSE",
};

const struct option option_table[] = {
    {"endpoint", GROUP_WHERE, TYPE_STRING, AT(endpoint), .arg = "URL",
     .help = "The store's URL, if it is not AWS: https://host[:port]."},
    {"region", GROUP_WHERE, TYPE_STRING, AT(region), .arg = "NAME",
     .shown = "environment, profile, or learned from the store",
     .help = "Region of the bucket."},
    {"profile", GROUP_WHERE, TYPE_STRING, AT(profile), .arg = "NAME",
     .shown = "AWS_PROFILE, else default",
     .help = "Profile in the credentials and config files."},
    {"credentials_file", GROUP_WHERE, TYPE_STRING, AT(credentials_file),
     .arg = "FILE", .shown = "~/.aws/credentials",
     .help = "Shared credentials file."},
    {"config_file", GROUP_WHERE, TYPE_STRING, AT(config_file), .arg = "FILE",
     .shown = "~/.aws/config", .help = "Shared config file."},
    {"path_style", GROUP_WHERE, TYPE_TRI, AT(path_style), "auto",
     .help = "Put the bucket in the path instead of the host name: yes, no, "
             "or auto (yes for a configured endpoint, an IP address and a "
             "dotted bucket)."},
    {"no_sign_request", GROUP_WHERE, TYPE_BOOL, AT(no_sign_request),
     .help = "Send anonymous requests, for public buckets."},
    {"requester_pays", GROUP_WHERE, TYPE_BOOL, AT(requester_pays),
     .help = "Agree to pay for the requests."},
    {"expected_bucket_owner", GROUP_WHERE, TYPE_STRING,
     AT(expected_bucket_owner), .arg = "ACCOUNT",
     .help = "Fail unless this account owns the bucket that is read."},
    {"dest_expected_owner", GROUP_WHERE, TYPE_STRING, AT(dest_expected_owner),
     .arg = "ACCOUNT",
     .help = "Fail unless this account owns the bucket that is published "
             "to."},
    {"sign_payload", GROUP_WHERE, TYPE_TRI, AT(sign_payload), "auto",
     .help = "Sign the SHA-256 of uploaded bytes: yes, no, or auto (over "
             "http only)."},
    {"ca_bundle", GROUP_WHERE, TYPE_STRING, AT(ca_bundle), .arg = "FILE",
     .shown = "AWS_CA_BUNDLE, else the system's",
     .help = "Certificates to trust."},
    {"no_verify_tls", GROUP_WHERE, TYPE_BOOL, AT(no_verify_tls),
     .help = "Do not check the store's certificate. Anybody on the way can "
             "then read and change everything; a warning is logged."},

    {"name", GROUP_TREE, TYPE_NAME, AT(name), "archive.zip", .arg = "NAME",
     .help = "Name of the archive in every directory."},
    {"archive", GROUP_TREE, TYPE_ENUM, AT(archive), "listed",
     .words = "listed/hidden",
     .help = "hidden keeps the archive out of directory listings; it can "
             "still be opened."},
    {"ttl", GROUP_TREE, TYPE_U32, AT(ttl), "60", .arg = "SECONDS",
     .max = 1 << 30, .help = "How long a listing is good."},
    {"max_entries", GROUP_TREE, TYPE_U64, AT(max_entries), "1000000",
     .arg = "COUNT", .min = 1, .max = UINT32_MAX,
     .help = "Most members that one archive may have."},
    {"include", GROUP_TREE, TYPE_LIST, AT(include), .arg = "PATTERN",
     .help = "Only keys that match are members; may be given again. "
             "Matched against the key after the mount's prefix: * and ? "
             "stop at a slash, ** does not."},
    {"exclude", GROUP_TREE, TYPE_LIST, AT(exclude), .arg = "PATTERN",
     .help = "Keys that match are not members; wins over include; may be "
             "given again."},
    {"order", GROUP_TREE, TYPE_ENUM, AT(order), "plan", .words = "plan/key",
     .help = "Order of the members: plan is cheap to publish, key is sorted "
             "by name."},
    {"layout", GROUP_TREE, TYPE_U32, AT(layout), "1", .arg = "VERSION",
     .min = 1, .max = 1, .help = "Version of the archive's layout."},
    {"badkeys", GROUP_TREE, TYPE_ENUM, AT(badkeys), "refuse",
     .words = "refuse/skip/escape",
     .help = "Keys that no archive can hold: refuse to publish, skip them, "
             "or escape all names. skip also leaves names out that "
             "extract would make no keys of."},
    {"portable_names", GROUP_TREE, TYPE_BOOL, AT(portable_names),
     .help = "Treat names that some systems cannot store as bad keys."},

    {"memory", GROUP_READING, TYPE_SIZE, AT(memory), "128M", .arg = "SIZE",
     .min = CONF_MEMORY_MIN, .max = GIB(1024),
     .help = "Bytes of data buffers; in a control group at most half of what "
             "its limit leaves beside 16M for the program, but no less than "
             "16M."},
    {"connections", GROUP_READING, TYPE_U32, AT(connections), "96",
     .arg = "COUNT", .min = 1, .max = 4096,
     .help = "Most connections to the store that carry data; requests "
             "without, as copies, have up to 512 of their own."},
    {"crc", GROUP_READING, TYPE_ENUM, AT(crc), "auto",
     .words = "auto/oracle/read",
     .help = "Where a CRC-32 comes from that the store does not have: the "
             "cheapest way, a copy in the store, or reading the object."},
    {"read_ahead", GROUP_READING, TYPE_TRI, AT(read_ahead), "auto",
     .help = "Fetch ahead of a reader that goes forward."},
    {"direct_io", GROUP_READING, TYPE_BOOL, AT(direct_io),
     .help = "Bypass the page cache: large reads get faster, small ones "
             "slower, and shared mappings fail."},
    {"twin", GROUP_READING, TYPE_ENUM, AT(twin), "auto", .words = "auto/off",
     .help = "Where the archive was published to its own key and is still "
             "the same, read it in a few large pieces instead of its "
             "members; off reads members."},
    {"cache_dir", GROUP_READING, TYPE_STRING, AT(cache_dir), .arg = "DIR",
     .shown = "$XDG_CACHE_HOME/s3zipfs, ~/.cache/s3zipfs or "
              "/var/cache/s3zipfs",
     .help = "Where known CRCs and the upload journal are kept; empty for "
             "nowhere."},

    {"publish", GROUP_PUBLISH, TYPE_ENUM, AT(publish), "owner",
     .words = "owner/all/off",
     .help = "Who may publish: the mount's owner and root, everybody (needs "
             "publish_to), nobody."},
    {"publish_to", GROUP_PUBLISH, TYPE_URLS, AT(publish_to),
     .arg = "s3://BUCKET[/PREFIX]",
     .help = "Publish and extract to these places only; may be given again."},
    {"publish_strategy", GROUP_PUBLISH, TYPE_ENUM, AT(publish_strategy), "duo",
     .words = "duo/stream/stitch/chain/again/auto",
     .help = "How an archive is put together; its bytes are always the "
             "same. duo copies large members inside the store, in one "
             "upload. stream sends everything through the client in equal "
             "parts. stitch copies every byte of a large member, chain "
             "those of small ones too: fewer bytes pass through the client, "
             "for more requests and scratch objects. again copies what did "
             "not change from the archive that is replaced. auto takes what "
             "is best by objective=. --strategy is the same."},
    {"overwrite", GROUP_PUBLISH, TYPE_BOOL, AT(overwrite),
     .help = "Replace an object that was not published by this program, or "
             "is not what extract would put there."},
    {"verify", GROUP_PUBLISH, TYPE_ENUM, AT(verify), "auto",
     .words = "auto/full",
     .help = "full reads a published archive back, and what extract had "
             "copied by a store that tells no CRC-32."},
    {"scratch", GROUP_PUBLISH, TYPE_STRING, AT(scratch), ".s3zipfs-scratch/",
     .arg = "PREFIX/",
     .help = "Key prefix, from the bucket's root, for what only passes "
             "through (uploads that tell a CRC, objects of stitch and "
             "chain): nothing below it is ever a member, and nothing stays "
             "there."},
    {"objective", GROUP_PUBLISH, TYPE_ENUM, AT(objective), "time",
     .words = "time/price/bytes",
     .help = "What auto saves: time, by bandwidth= and request_rate=; "
             "money, by prices=; or bytes through the client."},
    {"copy_limit", GROUP_PUBLISH, TYPE_U32, AT(copy_limit), "7",
     .arg = "TIMES", .max = 1000000,
     .help = "Bytes that chain, and auto's mixture, may copy inside the "
             "store, times the archive's size; where that is not enough, the "
             "smallest members pass through the client. 0, and "
             "objective=bytes: no limit."},
    {"bandwidth", GROUP_PUBLISH, TYPE_SIZE, AT(bandwidth), "0", .arg = "SIZE",
     .max = GIB(1024), .shown = "a gigabit line's",
     .help = "Bytes a second between this machine and the store, each way, "
             "for the predicted time."},
    {"request_rate", GROUP_PUBLISH, TYPE_U32, AT(request_rate), "0",
     .arg = "COUNT", .max = 1000000,
     .shown = "2000",
     .help = "Write requests a second, for the predicted time."},
    {"latency", GROUP_PUBLISH, TYPE_STRING, AT(latency),
     .arg = "FIRST/CREATE/COPY+MIB/UPLOAD/COMPLETE+PART/DELETE",
     .shown = "20/30/60+8/40/80+0.2/20, as fast as the round trip that was "
              "measured",
     .help = "Milliseconds to the store's answers by kind of call, for the "
             "predicted time: to the first byte of a read; of a copy, and "
             "for each MiB of it; of Complete, and for each part."},
    {"prices", GROUP_PUBLISH, TYPE_STRING, AT(prices), "5/0.4/0.09",
     .arg = "WRITE/READ/OUT",
     .help = "USD for a million writing requests, a million reading ones, "
             "and 10^9 bytes downloaded; inside the store's region the last "
             "one is 0."},
    {"storage_class", GROUP_PUBLISH, TYPE_STRING, AT(storage_class),
     .arg = "CLASS", .help = "Storage class of the published object."},
    {"sse_kms_key_id", GROUP_PUBLISH, TYPE_STRING, AT(sse_kms_key_id),
     .arg = "ID", .help = "Encrypt the published object with this KMS key."},

    {"log", GROUP_LOG, TYPE_ENUM, AT(log), "warn",
     .words = "error/warn/info/debug", .help = "What is worth a line."},
    {"log_file", GROUP_LOG, TYPE_STRING, AT(log_file), .arg = "FILE",
     .help = "Append the log to this file."},
    {"syslog", GROUP_LOG, TYPE_BOOL, AT(syslog),
     .help = "Log to syslog (a mount in the background does unless log_file "
             "is given)."},
    {"trace", GROUP_LOG, TYPE_STRING, AT(trace), .arg = "FILE",
     .help = "Append one JSON line to this file for each request to the "
             "store: when, what, the answer, bytes and times. Keys are in "
             "it, secrets are not; a new file is readable by its owner "
             "alone."},

    {"allow_other", GROUP_FUSE, TYPE_BOOL, AT(allow_other),
     .help = "Let other users in."},
    {"allow_root", GROUP_FUSE, TYPE_BOOL, AT(allow_root),
     .help = "Let root in."},
    {"uid", GROUP_FUSE, TYPE_UID, AT(uid), .arg = "ID", .shown = "who mounts",
     .help = "Owner of everything."},
    {"gid", GROUP_FUSE, TYPE_GID, AT(gid), .arg = "ID", .shown = "who mounts",
     .help = "Group of everything."},
    {"umask", GROUP_FUSE, TYPE_UMASK, AT(umask), .arg = "OCTAL",
     .shown = "modes are 0444 and 0555",
     .help = "Permission bits to take away."},
    {"fsname", GROUP_FUSE, TYPE_STRING, AT(fsname), .arg = "NAME",
     .shown = "the s3:// URL", .help = "Source as mount shows it."},
    {"subtype", GROUP_FUSE, TYPE_STRING, AT(subtype), .arg = "NAME",
     .shown = "s3zipfs", .help = "Type as mount shows it: fuse.NAME."},
    {"auto_unmount", GROUP_FUSE, TYPE_BOOL, AT(auto_unmount),
     .help = "Unmount when the process ends in whatever way."},
    {"ro", GROUP_FUSE, TYPE_BOOL, AT(ro),
     .help = "Mount read-only, as the tree is anyway; publishing is off."},
    {NULL},
};
