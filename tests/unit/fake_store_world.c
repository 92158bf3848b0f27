/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What a process that is killed leaves: a copy of the store and of its
 * state file as they were at that moment.  The process itself, which is
 * this one, goes on until it has ended in good order; then the copy takes
 * the place of what it did meanwhile.
 */
#include <sqlite3.h>
#include <string.h>

#include "fake_store_op.h"

struct fake_world {
    struct fake_object *objects;
    struct fake_upload *open;
    struct sqlite3 *db[FAKE_HOSTS];
};

static uint8_t *
copy_data(const uint8_t *data, uint64_t size)
{
    uint8_t *to = malloc(size + 1);

    memcpy(to, data, size);
    return to;
}

static struct fake_object *
copy_objects(const struct fake_object *o)
{
    struct fake_object *head = NULL, **end = &head;

    for (; o; o = o->next, end = &(*end)->next) {
        *end = malloc(sizeof(**end));
        **end = *o;
        (*end)->next = NULL;
        if (o->data)
            (*end)->data = copy_data(o->data, o->size);
    }
    return head;
}

static struct fake_upload *
copy_uploads(const struct fake_upload *u)
{
    struct fake_upload *head = NULL, **end = &head;
    size_t i;

    for (; u; u = u->next, end = &(*end)->next) {
        *end = malloc(sizeof(**end));
        **end = *u;
        (*end)->next = NULL;
        (*end)->part = u->parts ? calloc(u->parts, sizeof(*u->part)) : NULL;
        for (i = 0; i < u->parts; i++) {
            (*end)->part[i] = u->part[i];
            if (u->part[i].data)
                (*end)->part[i].data =
                    copy_data(u->part[i].data, u->part[i].size);
        }
    }
    return head;
}

void
fake_kill_now(void)
{
    struct fake_world *w = calloc(1, sizeof(*w));
    size_t i;

    w->objects = copy_objects(fake.objects);
    w->open = copy_uploads(fake.open);
    for (i = 0; i < FAKE_HOSTS; i++)
        w->db[i] = fake_db_copy(&fake.state[i]);
    fake.left = w;
}

void
fake_store_free(void)
{
    struct fake_object *o;

    while ((o = fake.objects)) {
        fake.objects = o->next;
        free(o->data);
        free(o);
    }
    find_anew();
    while (fake.open)
        fake_upload_drop(fake.open);
}

bool
fake_killed(void)
{
    struct fake_world *w = STEAL(fake.left);
    size_t i;

    fake.trouble_at = 0;
    fake.kill_late = false; /* the last call of all was not the store's */
    if (!w)
        return false;
    fake_store_free();
    fake.objects = w->objects;
    find_anew();
    fake.open = w->open;
    for (i = 0; i < FAKE_HOSTS; i++) {
        sqlite3_close(fake.state[i].db);
        fake.state[i].db = w->db[i];
    }
    free(w);
    return true;
}
