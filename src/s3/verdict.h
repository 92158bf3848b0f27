/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What an exchange meant and whether another one follows (verdict.c).
 * Inside s3/ only.
 */
#ifndef S3ZIPFS_S3_VERDICT_H
#define S3ZIPFS_S3_VERDICT_H

#include "s3/call.h"

/* Fills c->error (err too, unless the verdict is OK or NEXT). */
enum s3_how s3_verdict(struct s3_call *c, const struct net_response *r);
/* REGION, SKEW, TOKEN: was something learned that makes another attempt
 * worth it? */
bool s3_verdict_learn(struct s3_call *c, const struct net_response *r,
                      enum s3_how how);
/* AGAIN, SLOW, TWICE: counts the failure; true and *ret_delay (ms) if
 * another attempt is due. */
bool s3_verdict_again(struct s3_call *c, const struct net_response *r,
                      enum s3_how how, uint32_t *ret_delay);

#endif
