/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What publish's tests ask of the fake store: its journal's rows, an hour
 * that passes, a job that is stopped by the n-th call.
 */
#include <errno.h>
#include <string.h>

#include "fake_store_op.h"
#include "publish_fake.h"

const struct plan_limits fake_limits = {
    FAKE_FLOOR, 1 << 20, 1 << 30, FAKE_CAP, FAKE_SPLIT, FAKE_PARTS,
};

void
fake_stop_job(void)
{
    struct publish_job *job;

    pthread_mutex_lock(&fake.lock);
    job = fake.abort_job ? publish_job_ref(fake.abort_job) : NULL;
    pthread_mutex_unlock(&fake.lock);
    if (!job)
        return;
    publish_abort(job, fake.abort_why ? fake.abort_why : -EINTR);
    publish_job_unref(job);
}

void
fake_later(void)
{
    struct fake_upload *u;
    size_t i;

    fake.young = false;
    for (u = fake.open; u; u = u->next)
        u->initiated -= 3600;
    for (i = 0; i < FAKE_HOSTS; i++)
        fake_sql_of(&fake.state[i],
                    "UPDATE upload SET intent = intent - 3600");
}

int
fake_journal_rows(void)
{
    return fake_sql_all("SELECT count(upload_id) FROM upload");
}

int
fake_journal_unknown(void)
{
    return fake_sql_all("SELECT count(*) - count(upload_id) FROM upload");
}

int
fake_journal_notes(void)
{
    return fake_sql_all("SELECT (SELECT count(*) FROM upload_part) +"
                        " (SELECT count(*) FROM upload_scratch)");
}

void
index_invalidate(struct index *ix, const char *prefix)
{
    LOCK_SCOPE(&fake.lock);

    (void)ix;
    strncat(fake.invalidated, prefix,
            sizeof(fake.invalidated) - strlen(fake.invalidated) - 1);
    strncat(fake.invalidated, ",",
            sizeof(fake.invalidated) - strlen(fake.invalidated) - 1);
}
