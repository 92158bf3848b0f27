/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the files of index/ share among themselves.
 *
 * A slot is what is known of one prefix.  It has three lines, each a
 * question with its cached answer, its waiters and at most one run under
 * way: the layout, the names of sub-prefixes, and whether anything is
 * there.  All slots, lines, waiters and runs are under index.lock; it is
 * never held across a call to another room or to a waiter.
 */
#ifndef S3ZIPFS_INDEX_INDEX_IMPL_H
#define S3ZIPFS_INDEX_INDEX_IMPL_H

#include <pthread.h>

#include "index/index.h"
#include "index/split.h"

/* ------------------------------------------------------------- pager.c */

/* Guards against pages that do not advance. */
struct pager {
    uint64_t pages;
    unsigned empty; /* in a row */
    char *token;    /* to ask with */
    char *first;    /* first name of the page before */
    size_t first_len;
    char *mark_token, *mark_first; /* of the marked page: Brent's cycle
                                      detection */
    size_t mark_first_len;
};
int pager_check(struct pager *g, const struct s3_page *p, struct err *e);
/* p->next will be asked for. 0 or -ENOMEM. */
int pager_turn(struct pager *g, const struct s3_page *p);
void pager_free(struct pager *g);

/* -------------------------------------------------------------- walk.c */

/* One listing, page after page.  Memory of the owner; answers end()
 * exactly once. */
struct walk {
    struct index *ix;
    const char *prefix; /* borrowed */
    bool delimiter;
    unsigned max_keys; /* 0 = full pages, else one page only */
    /* 0, or -errno with words to stop. */
    int (*page)(void *user, const struct s3_page *p, struct err *e);
    void (*end)(void *user, int r, const struct err *e);
    void *user;

    struct pager pager;
};
void walk_start(struct walk *w);
void walk_free(struct walk *w);

/* ----------------------------------------------------------- listing.c */

/* Members of a stretch of keys, as they came. */
struct block {
    struct block *next;
    size_t count, cap;
    struct zip_member member[];
};
struct block_list {
    struct block *first, *last;
};
void blocks_free(struct block_list *b);

/* The objects below one prefix, as listed. */
struct listing {
    const struct conf *conf; /* borrowed, and prefix */
    const char *prefix;
    size_t prefix_len;
    size_t root_len; /* include= and exclude= see the key after that */
    struct arena arena;
    uint64_t objects; /* listed, members or not */
    size_t excluded;
    bool has_marker;  /* the prefix's own marker, with bytes */
    bool has_archive; /* an object at the archive's own key */
    struct zip_member marker, archive;
    struct zip_member *member; /* gathered; name = key after prefix */
    size_t count;
};
/* n entries more, their members into b.  -EFBIG beyond conf->max_entries,
 * -EPROTO, -ENOMEM. */
int listing_add(struct listing *li, const struct s3_entry *entry, size_t n,
                struct block_list *b, struct err *e);
/* Moves the members of b behind those that are gathered; room for them
 * and two more must be there: listing_reserve. */
int listing_reserve(struct listing *li, size_t count);
void listing_gather(struct listing *li, struct block_list *b);
/* Everything that was listed; conf and prefix stay. */
void listing_free(struct listing *li);

/* -------------------------------------------------- scan.c, scan_range.c */

enum { SCAN_SLOTS = 16 };

/* A question that cuts a range: which is the first key above? */
struct probe {
    char *above;
    char *found; /* NULL = none */
    size_t found_len;
};
struct round {
    unsigned count, open; /* probes, and those without an answer */
    bool void_;           /* an answer failed: nothing is learned */
    struct probe probe[];
};

/* Keys above `after` and up to `upto`, read page after page. */
struct range {
    struct range *next; /* ascending */
    char *after;        /* NULL = from the beginning of the prefix */
    char *upto;         /* NULL = to its end */
    struct pager pager;
    struct block_list blocks;
    char *first, *last; /* keys that came: some, and the newest */
    size_t first_len, last_len;
    unsigned since_first; /* pages */
    bool ready, done;     /* neither: its page is under way */
    bool by_stem;         /* the next round's way */
    unsigned rest, sleep; /* pages since the last round; to wait for one */
    struct round *round;  /* under way */
};

/* One LIST under way, or a free place for one. */
struct scan_ask {
    struct scan *scan;
    struct range *range; /* NULL = free */
    int probe;           /* of the range's round; < 0 = the range's page */
    s3_id id;            /* 0 = not known yet */
};

/* One listing of all objects below a prefix, by many walkers side by side
 * once it is long.  Answers end() exactly once, on a loop thread (maybe
 * before scan_start returns). */
struct scan {
    struct index *ix;
    const char *prefix; /* borrowed */
    size_t prefix_len;
    struct listing *listing; /* borrowed; complete at a good end */
    const char *const *cut;  /* borrowed until scan_start returns: */
    size_t cut_count;        /* ascending keys to begin at */
    void (*end)(void *user, int r, const struct err *e);
    void *user;
    uint64_t pages; /* LIST requests that were answered */

    pthread_mutex_t lock; /* of all below, and of listing, pages */
    struct scan_ask ask[SCAN_SLOTS];
    unsigned slots;  /* of ask[] in use */
    unsigned flying; /* LISTs under way */
    unsigned holds;  /* threads that send, without the lock */
    struct range *ranges;
    struct alphabet alphabet;
    bool serial;  /* one walker, no cuts */
    bool was_cut; /* there are borders, so order matters */
    bool again;   /* the store does not sort: once more, serial */
    int r;        /* first failure: the end is near */
    struct err e;
    bool e_is_whole; /* names the prefix already */
};
void scan_start(struct scan *sc);
void scan_free(struct scan *sc);

/* With the lock held, all of these. */
/* The store cannot be split: go on with one walker, or begin again. */
void scan_no_split(struct scan *sc);
struct range *range_new(const char *after, const char *upto);
void range_free(struct range *r);
/* A page of r came.  -errno with words; sets sc->again. */
int range_page(struct scan *sc, struct range *r, const struct s3_page *p,
               struct err *e);
/* Pages that may be left; 0 if no round can be begun just now. */
double range_left(const struct scan *sc, const struct range *r);
/* Begins a round of at most most probes; false if there is no point. */
bool range_round(struct scan *sc, struct range *r, unsigned most);
/* A probe's answer; p NULL = it failed.  The last one cuts r. */
int range_probed(struct scan *sc, struct range *r, int probe,
                 const struct s3_page *p);

/* ------------------------------------------------------- fingerprint.c */

/* By name; does nothing if they are. */
void members_sort(struct zip_member *m, size_t n);
/* Sorts li, checks that keys are distinct, and hashes all of it that a
 * layout is made of.  stranger: li->archive is not ours. */
int build_fingerprint(struct listing *li, bool stranger, uint8_t ret[32],
                      struct err *e);

/* ------------------------------------------------------------- build.c */

/* Key rule, set rule, order, layout, digest.  Takes li's memory, after
 * build_fingerprint.  Pure but for memory. */
int build_layout(struct layout **ret, struct listing *li, const char *bucket,
                 bool stranger, struct err *e);

/* ------------------------------------------------------------ layout.c */

bool layout_same(const struct layout *a, const struct layout *b);
/* Takes *w (may be NULL) if it is l's; one run at a time. */
void layout_set_twin(struct layout *l, struct layout_twin **w,
                     const char *digest, uint64_t size);
/* What was left out, in the log. */
void layout_log_skips(const struct layout *l);

/* -------------------------------------------------------------- dirs.c */

struct dir {
    atomic_int refs;
    struct arena arena;
    const char **name;
    size_t count, cap;
    bool exists;
};
void dir_unref(struct dir *d);

/* ------------------------------------------------------------- slots.c */

enum line_kind { LINE_LAYOUT, LINE_DIR, LINE_EXISTS, LINES };

/* Answers are references (l, d) or r and words. */
struct answer {
    int r;
    struct err e;
    struct layout *l;
    struct dir *d;
    bool too_big;
};
void answer_free(struct answer *a);

struct waiter {
    struct waiter *next;
    index_id id;
    uint64_t need; /* answered by this run of the line or a later one */
    enum line_kind kind;
    union {
        index_layout_cb *layout;
        index_dir_cb *dir;
        index_exists_cb *exists;
    } cb;
    void *user;
};
void waiter_answer(struct waiter *w, const struct answer *a);

struct line {
    struct waiter *waiting; /* first come first */
    bool running;
    uint64_t run;   /* number of the newest run */
    uint64_t floor; /* runs below are not to be used again */
    uint64_t until; /* ms: the answer is good before */
    int r;          /* of the answer */
    struct err *e;  /* words if r < 0 */
};

struct slot {
    struct slot *chain;       /* of the hash table */
    struct slot *prev, *next; /* by use, newest first */
    char *prefix;
    size_t len;
    struct line line[LINES];
    struct layout *layout; /* the newest known, fresh or not */
    struct dir *dir;
    bool told_hidden, told_shadow; /* logged */
};

/* With the lock held, all of these.  slot_get: NULL without memory. */
struct slot *slot_get(struct index *ix, const char *prefix);
struct slot *slot_find(struct index *ix, const char *prefix, size_t len);
void slot_set_layout(struct index *ix, struct slot *s, struct layout *l);
void slot_set_dir(struct slot *s, struct dir *d);
void slots_free(struct index *ix);
/* Without the lock: a timer that forgets what is out of date and unused,
 * and sets itself again. */
void slots_sweep_later(struct index *ix);

/* --------------------------------------------------------------- run.c */

/* One run of a line.  A run is alive until run_end. */
struct run {
    struct run *prev, *next; /* index.runs */
    struct index *ix;
    struct slot *slot;
    enum line_kind kind;
    uint64_t start_ms;
    struct walk walk;
    struct scan scan;
    struct listing listing;
    bool stranger;
    bool plain_head;          /* asked without checksum */
    struct layout_twin *twin; /* what may be one */
    char twin_digest[65];
    uint64_t twin_size;
    struct dir *dir;
    struct answer answer;
};
/* With the lock held; NULL without memory. */
struct run *run_new(struct index *ix, struct slot *s, enum line_kind kind);
void run_start(struct run *r);
/* The answer is in r->answer: cache it, tell the waiters, free r. */
void run_end(struct run *r);
void run_free(struct run *r);
/* fetch.c, dirs.c: what a run does; each ends with run_end. */
void layout_run(struct run *r);
void dir_run(struct run *r);
void exists_run(struct run *r);

/* Answers and frees the whole list. */
void waiters_answer(struct waiter *w, const struct answer *a);

/* ------------------------------------------------------------- cache.c */

/* Of "a/b/", 2; of "a/", 0. */
size_t parent_len(const char *prefix, size_t len);
/* With the lock held, both; too big: -EFBIG is remembered. */
bool line_is_fresh(const struct line *n, uint64_t now);
bool line_too_big(const struct slot *s, uint64_t now);

/* Ask a line.  proto: kind, callback and user.  peek (may be NULL) may
 * answer from elsewhere, with the lock held. */
typedef bool peek_fn(struct index *ix, struct slot *s, struct answer *ret);
index_id line_ask(struct index *ix, const char *prefix,
                  const struct waiter *proto, unsigned flags, peek_fn *peek);

/* index.c: "s3://bucket/prefix: " before the words. */
void index_err_prefix(const struct index *ix, const char *prefix,
                      struct err *e);

struct index {
    struct net *net;
    struct s3 *s3;
    const struct conf *conf;
    char *bucket, *root;
    size_t root_len;

    pthread_mutex_t lock; /* of all below */
    struct slot **table;
    struct slot *newest, *oldest;
    size_t slots;
    uint64_t members; /* in the slots' layouts */
    index_id next_id;
    struct run *runs;
    struct waiter *cancelled; /* to be told */
    bool sweeping;            /* a timer is set, for sweep_due */
    uint64_t sweep_due;

    atomic_bool no_split;    /* the store does not sort, or does not know
                                start-after: one walker from now on */
    _Atomic(uint64_t) built; /* layouts that were planned */
};

#endif
