/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The bytes of archive.zip, layout version 1: names, records, layout,
 * pieces, and the serialisation whose SHA-256 is the layout's digest.
 *
 * Source of every rule: doc/zip-layout (APPNOTE 6.3.10 for the records).
 * Pure: output depends on the arguments alone; no I/O, no clock, no hash.
 */
#ifndef S3ZIPFS_ZIP_ZIP_H
#define S3ZIPFS_ZIP_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

/* ------------------------------------------------------------ members */

/* One object of a listing.  All pointers are borrowed from the arena of
 * the snapshot that holds it. */
struct zip_member {
    const char *key;  /* object key; a NUL follows but may also be inside */
    const char *name; /* entry name: key less the prefix, or its escape */
    const char *etag; /* without quotes and W/; "" if the store gave none */
    uint64_t size;    /* bytes */
    int64_t mtime;    /* LastModified, seconds since 1970, floored */
    uint16_t key_len;
    uint16_t name_len;
    uint16_t etag_len;
    uint8_t hint;     /* enum zip_hint: what the listing said of checksums;
                         not part of the bytes */
    uint8_t archived; /* storage class needs a restore; not of the bytes */
};

/* ChecksumAlgorithm and ChecksumType of ListObjectsV2. */
enum zip_hint {
    ZIP_HINT_UNKNOWN = 0,     /* the listing said nothing */
    ZIP_HINT_CRC32_FULL = 1,  /* CRC32, FULL_OBJECT */
    ZIP_HINT_CRC32_PARTS = 2, /* CRC32, COMPOSITE */
    ZIP_HINT_OTHER = 3,       /* another algorithm: no CRC32 stored */
};

/* A directory entry: name ends in '/' (size is 0 by the set rule). */
static inline bool
zip_is_dir(const struct zip_member *m)
{
    return m->name_len > 0 && m->name[m->name_len - 1] == '/';
}

/* -------------------------------------------------------------- names */

/* Bits; 0 is a clean name. */
enum zip_fault {
    /* key rule, poison: never emitted */
    ZIP_POISON_NUL = 1 << 0,
    ZIP_POISON_UTF8 = 1 << 1,
    ZIP_POISON_DOT = 1 << 2,      /* a "." or ".." component */
    ZIP_POISON_ABSOLUTE = 1 << 3, /* leading slash */
    ZIP_POISON_DRIVE = 1 << 4,    /* ^[A-Za-z]: */
    ZIP_POISON_EMPTY = 1 << 5,    /* an empty component, or no name */
    ZIP_POISON_LONG = 1 << 6,     /* over 65,535 bytes after escaping */
    /* set rule, conflict: the object yields */
    ZIP_CONFLICT_PREFIX = 1 << 8,    /* "a" beside "a/" or "a/b" */
    ZIP_CONFLICT_DIR_DATA = 1 << 9,  /* "d/" with bytes */
    ZIP_CONFLICT_MARKER = 1 << 10,   /* the directory's own marker, bytes */
    ZIP_CONFLICT_STRANGER = 1 << 11, /* not ours, at the archive's key */
    /* soft: emitted as is, reported; poison under portable_names */
    ZIP_SOFT_CONTROL = 1 << 16,
    ZIP_SOFT_BACKSLASH = 1 << 17,
    ZIP_SOFT_COMPONENT = 1 << 18, /* component over 255 bytes */
    ZIP_SOFT_CASE = 1 << 19,      /* ASCII case twin (set rule) */
    ZIP_SOFT_WINDOWS = 1 << 20,   /* < > : " | ? * or a device name */
};
#define ZIP_POISON_MASK 0x000000ffu
#define ZIP_CONFLICT_MASK 0x0000ff00u
#define ZIP_SOFT_MASK 0x00ff0000u

/* The key rule on one entry name: POISON and SOFT bits but
 * ZIP_SOFT_CASE. */
unsigned zip_name_faults(const char *name, size_t len);

/* The set rule.  m[0..n) must be sorted by name bytes
 * (zip_member_name_cmp), names distinct.  Writes to faults[i] the CONFLICT
 * bits and ZIP_SOFT_CASE of m[i] (ORed to what is there).  Case twins need
 * memory; returns 0 or -ENOMEM. */
int zip_set_faults(const struct zip_member *m, size_t n, unsigned *faults);

/* Bytes, then length: the order of order=key.  For qsort. */
int zip_member_name_cmp(const void *a, const void *b);

/* The injective escape of one name (doc/zip-layout.md, "Names"); conflict adds
 * the trailing bare '%'.  Applied to every name of the archive.  Appends
 * to out; returns what buf_add returns. */
int zip_name_escape(const char *name, size_t len, bool conflict,
                    struct buf *out);
/* The same for portable_names, where soft bytes are poison: they become
 * %XX too, and so does the first byte of a device name. */
int zip_name_escape_portable(const char *name, size_t len, bool conflict,
                             struct buf *out);

/* "poison: dot component", ... for one (the lowest) bit of faults. */
const char *zip_fault_text(unsigned faults);

/* ------------------------------------------------------------- records */

enum {
    ZIP_LOC_FIXED = 30,
    ZIP_CDH_FIXED = 46,
    ZIP_END_FIXED = 22,
    ZIP_END64_FIXED = 76, /* EOCD64 and locator */
    ZIP_LOC_EXTRA_MAX = 9 + 20,
    ZIP_CDH_EXTRA_MAX = 9 + 28,
    ZIP_END_MAX = 98,
};

/* Lengths in bytes. */
uint32_t zip_loc_len(const struct zip_member *m);
uint32_t zip_cdh_len(const struct zip_member *m, uint64_t loc_offset);
uint32_t zip_end_len(uint64_t count, uint64_t cd_offset, uint64_t cd_size);

/* Write exactly the length above to out; offset is that of the local
 * header.  Nothing else decides the bytes. */
void zip_loc_put(uint8_t *out, const struct zip_member *m, uint64_t offset,
                 uint32_t crc);
void zip_cdh_put(uint8_t *out, const struct zip_member *m, uint64_t offset,
                 uint32_t crc);
void zip_end_put(uint8_t *out, uint64_t count, uint64_t cd_offset,
                 uint64_t cd_size);

/* -------------------------------------------------------------- layout */

/* Members in archive order with their offsets.  Immutable once made. */
struct zip_layout {
    const struct zip_member *member; /* borrowed */
    size_t count;
    uint64_t *offset;    /* count + 1: local headers; [count] = cd_offset */
    uint64_t *cd_offset; /* count + 1: central headers, from the start of
                            the archive; [count] = the end records */
    uint64_t size;       /* of the archive, bytes */
};

/* 0, -ENOMEM, or -EFBIG if the archive would not fit 63 bits or count
 * UINT32_MAX.  zip_layout_free leaves the members alone. */
int zip_layout_init(struct zip_layout *l, const struct zip_member *m,
                    size_t count);
void zip_layout_free(struct zip_layout *l);

/* Where the body of member i begins; it is member[i].size long. */
static inline uint64_t
zip_data_offset(const struct zip_layout *l, size_t i)
{
    return l->offset[i + 1] - l->member[i].size;
}

enum zip_piece_kind {
    ZIP_PIECE_LOC,
    ZIP_PIECE_DATA, /* never empty */
    ZIP_PIECE_CDH,
    ZIP_PIECE_END,
};

/* [first, end) of the archive is one record or one body. */
struct zip_piece {
    enum zip_piece_kind kind;
    size_t index; /* of the member; count for ZIP_PIECE_END */
    uint64_t first, end;
};

/* The piece that holds byte offset < l->size; O(log count). */
void zip_piece_at(const struct zip_layout *l, uint64_t offset,
                  struct zip_piece *ret);
/* The piece after p, O(1); false at the end of the archive. */
bool zip_piece_next(const struct zip_layout *l, struct zip_piece *p);
/* The whole record of a LOC, CDH or END piece: p->end - p->first bytes.
 * crc is ignored for END. */
void zip_piece_put(uint8_t *out, const struct zip_layout *l,
                   const struct zip_piece *p, uint32_t crc);

/* -------------------------------------------------------------- digest */

/* Layout digest = SHA-256 over zip_digest_head then, per member in
 * archive order, what zip_digest_put appends to b. */
extern const char zip_digest_head[]; /* "s3zipfs-layout-1\n" */
int zip_digest_put(struct buf *b, const struct zip_member *m);
/* The members behind a whole serialisation, head included, that may come
 * from anybody: *ret is the caller's (free), its names and ETags are
 * borrowed from p, without a NUL, and key is the name.  0, -ENOMEM, or
 * -EBADMSG if p is not that, or tells of more than max. */
int zip_digest_parse(const void *p, size_t n, size_t max,
                     struct zip_member **ret, size_t *ret_count);

/* ---------------------------------------------- an archive read back */

/* Both take bytes of anybody and answer -EBADMSG unless an archive of this
 * program's own records has exactly these. */
struct zip_end {
    uint64_t count, cd_offset, cd_size;
};
/* tail: the last n bytes of an archive of size bytes, at least ZIP_END_MAX
 * or all of it. */
int zip_end_parse(const void *tail, size_t n, uint64_t size,
                  struct zip_end *ret);

/* Members as a central directory names them: name, size and mtime (clamped
 * as in the header); no ETag, key is the name. */
struct zip_directory {
    struct zip_layout layout;
    struct zip_member *member; /* layout.member; names borrowed from p */
    uint32_t *crc;
};
/* p: end->cd_size bytes, the central directory of an archive of size
 * bytes.  -ENOMEM too. */
int zip_directory_parse(struct zip_directory *ret, const void *p,
                        const struct zip_end *end, uint64_t size);
void zip_directory_free(struct zip_directory *d);

#endif
