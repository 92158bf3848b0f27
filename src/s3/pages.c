/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * From one page of a listing to the next: the one guard of all five.  Called
 * by their parsers with where the store says that the next page begins.
 *
 * Stores have been seen that name the same place for ever, or a few in turn.
 * Where a page begins is compared with the page before and with a marked one;
 * the mark moves at every power of two pages, so that each cycle is found
 * within about twice its length (R. P. Brent, BIT 20, 1980).
 */
#include <errno.h>
#include <string.h>

#include "s3/call.h"

enum { PLACE_MAX = 16 * 1024 };

static int
bad(struct s3_call *c, const char *list, const char *why)
{
    s3_error_message(&c->error, "malformed %s: %s", list, why);
    return -EPROTO;
}

void
s3_pages_free(struct s3_pages *p)
{
    free(p->at);
    free(p->mark);
    *p = (struct s3_pages){.most = p->most};
}

/* Both parts in one string, so that no two places look alike. */
static char *
place(const char *next, const char *more)
{
    struct buf b = BUF_INIT(PLACE_MAX);

    if (buf_addf(&b, "%zu %s%s", strlen(next), next, more ? more : "") < 0)
        buf_free(&b);
    return buf_steal(&b);
}

int
s3_pages_turn(struct s3_pages *p, struct s3_call *c, const char *list,
              const char *next, const char *more)
{
    bool mark = (p->count & (p->count + 1)) == 0;
    char *at;

    if (!next || !*next)
        return bad(c, list, "truncated, and the next page begins nowhere");
    if (p->most && p->count + 1 >= p->most)
        return bad(c, list, "too many pages");
    at = place(next, more);
    if (!at)
        return -ENOMEM;
    if ((p->at && strcmp(at, p->at) == 0) ||
        (p->mark && strcmp(at, p->mark) == 0)) {
        free(at);
        return bad(c, list, "a page that does not advance");
    }
    p->count++;
    free(p->at);
    p->at = at;
    if (mark) {
        free(p->mark);
        p->mark = strdup(at);
        if (!p->mark)
            return -ENOMEM;
    }
    return 0;
}

int
s3_pages_turn_number(struct s3_pages *p, struct s3_call *c, const char *list,
                     uint64_t next)
{
    char digits[24] = "";

    if (next > 0)
        snprintf(digits, sizeof(digits), "%llu", (unsigned long long)next);
    return s3_pages_turn(p, c, list, digits, NULL);
}
