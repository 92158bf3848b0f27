/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An error as a person will read it: an errno and one line of text, made
 * where the error happens and printed once, at the top.
 */
#ifndef S3ZIPFS_BASE_ERR_H
#define S3ZIPFS_BASE_ERR_H

/* Plain data; no ownership.  Zero-initialised means "no error". */
struct err {
    int num;        /* positive errno, 0 = none */
    char text[640]; /* one line, UTF-8, no trailing full stop */
};

/* Sets *e (unless e is NULL) and returns -num; long text is cut.  num must
 * be positive.  Arguments that come from the network go through
 * text_escape first. */
int err_set(struct err *e, int num, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "what: " in front of the text of *e; returns -e->num. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
