/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the headers of a GET or HEAD say about the object.
 */
#include "s3/object_info.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

struct field {
    const char *header;
    size_t at; /* offset of a const char * in struct s3_object */
};

static const struct field fields[] = {
    {"x-amz-checksum-crc32", offsetof(struct s3_object, checksum_crc32)},
    {"x-amz-meta-s3zipfs-layout", offsetof(struct s3_object, layout_digest)},
    {"x-amz-storage-class", offsetof(struct s3_object, storage_class)},
    {"x-amz-version-id", offsetof(struct s3_object, version_id)},
};

/* Appends a string to info->text; its place is given as an offset. */
static int
keep(struct s3_object_info *info, const char *value, size_t *ret_at)
{
    *ret_at = info->text.len;
    return buf_add(&info->text, value, strlen(value) + 1);
}

int
s3_etag_header(char out[S3_ETAG_MAX + 1], const struct net_response *r)
{
    const char *header = net_header(r, "etag");
    char copy[S3_ETAG_MAX + 32], *bare;

    if (!header || strlen(header) >= sizeof(copy))
        return -EPROTO;
    strcpy(copy, header);
    bare = s3_etag_bare(copy);
    if (!bare || !*bare)
        return -EPROTO;
    strcpy(out, bare);
    return 0;
}

int
s3_object_info_take(struct s3_object_info *info, const struct net_response *r)
{
    const char *type = net_header(r, "x-amz-checksum-type");
    const char *modified = net_header(r, "last-modified"), *value;
    char etag[S3_ETAG_MAX + 1] = "";
    size_t at[ARRAY_SIZE(fields)], etag_at, i;
    struct s3_object *o = &info->object;
    int e;

    buf_free(&info->text);
    info->text = BUF_INIT(8 * 1024);
    memset(o, 0, sizeof(*o));
    s3_etag_header(etag, r);
    e = keep(info, etag, &etag_at);
    for (i = 0; e == 0 && i < ARRAY_SIZE(fields); i++) {
        value = net_header(r, fields[i].header);
        if (value && !s3_word_ok(value, S3_VALUE_MAX))
            value = NULL;
        e = keep(info, value ? value : "", &at[i]);
    }
    if (e < 0)
        return e;
    for (i = 0; i < ARRAY_SIZE(fields); i++)
        *(const char **)(void *)((char *)o + fields[i].at) =
            info->text.data + at[i];
    o->etag = info->text.data + etag_at;
    o->type = type ? s3_parse_type(type) : S3_TYPE_NONE;
    o->have_crc32 = s3_full_crc32(&o->crc32, o->checksum_crc32, type, o->etag);
    if (modified)
        s3_parse_http_date(&o->mtime, modified);
    return 0;
}

void
s3_object_info_free(struct s3_object_info *info)
{
    buf_free(&info->text);
}
