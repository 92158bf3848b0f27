/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Shared by the two halves of s3zip doctor.
 */
#ifndef S3ZIPFS_CMD_DOCTOR_H
#define S3ZIPFS_CMD_DOCTOR_H

#include "cmd/cmd.h"

struct doctor {
    struct cmd_args *a;
    struct cmd_session s;
    struct layout *layout; /* NULL if it could not be listed */
    int failures;
    bool missing_list, missing_get, missing_attributes, missing_put,
        missing_abort, missing_list_uploads;
};

enum doctor_grade { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_FAIL };
void doctor_say(struct doctor *d, enum doctor_grade grade, const char *what,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* cmd_doctor_iam.c */
void doctor_permissions(struct doctor *d);
void doctor_policy(struct doctor *d);
/* The code of a refusal, or a line with it in it: does it speak of rights,
 * and not of who asks? */
bool doctor_forbidden(const char *text);

#endif
