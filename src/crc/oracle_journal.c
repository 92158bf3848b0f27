/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The oracle's uploads in the journal (state/journal.h): a row is written
 * before Create, gets the upload's id after it, and goes with the upload.
 * What a killed process left is found by the next one, which claims the row
 * first.
 *
 * All functions block: the worker thread only.
 */
#include "crc/impl.h"

#include <errno.h>
#include <string.h>

void
oracle_journal_add(struct crc *c, const char *key, struct journal_claim *ret)
{
    LOCK_SCOPE(&c->rows_lock);
    const struct journal_new a = {.kind = JOURNAL_CRC,
                                  .endpoint = s3_endpoint_id(c->s3),
                                  .bucket = c->oracle.bucket,
                                  .key = key,
                                  .key_len = strlen(key)};

    journal_add(c->state, &a, ret);
}

void
oracle_journal_id(struct crc *c, const struct journal_claim *claim,
                  const char *id)
{
    LOCK_SCOPE(&c->rows_lock);

    journal_set_id(c->state, claim, id);
}

void
oracle_journal_end(struct crc *c, struct journal_claim *claim, bool gone)
{
    LOCK_SCOPE(&c->rows_lock);

    if (gone)
        journal_remove(c->state, claim);
    else
        journal_leave(c->state, claim);
}

bool
oracle_journal_take(struct crc *c, const struct journal_row *row,
                    struct journal_claim *ret)
{
    LOCK_SCOPE(&c->rows_lock);

    return !row->alive && journal_take(c->state, row, ret) == 0;
}

size_t
oracle_journal_rows(struct crc *c, struct journal_row **ret)
{
    LOCK_SCOPE(&c->rows_lock);
    const struct journal_query q = {.endpoint = s3_endpoint_id(c->s3),
                                    .bucket = c->oracle.bucket,
                                    .kinds = 1 << JOURNAL_CRC};
    size_t count = 0;

    *ret = NULL;
    journal_rows(c->state, &q, ret, &count);
    return count;
}
