/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the headers of a GET or HEAD say about the object, kept beyond the
 * exchange.  Inside s3/ only.
 */
#ifndef S3ZIPFS_S3_OBJECT_INFO_H
#define S3ZIPFS_S3_OBJECT_INFO_H

#include "s3/call.h"

struct s3_object_info {
    struct s3_object object; /* strings in text */
    struct buf text;
};

/* All but size, which depends on the kind of answer.  0 or -ENOMEM. */
int s3_object_info_take(struct s3_object_info *info,
                        const struct net_response *r);
void s3_object_info_free(struct s3_object_info *info);

#endif
