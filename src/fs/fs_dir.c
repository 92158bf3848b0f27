/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Reading directories: opendir takes a snapshot of one delimiter listing,
 * readdir walks it.  No layout is computed here, so there is no
 * readdirplus either.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

struct fs_dir {
    struct fs_open open; /* first: closed by its address */
    bool archive;        /* show its name */
    size_t count;
    char **name; /* into names */
    char *names;
};

static void
dir_free(struct fs_dir *d)
{
    if (!d)
        return;
    free(d->name);
    free(d->names);
    free(d);
}

static void
dir_close(struct fs_open *o)
{
    dir_free((struct fs_dir *)o);
}

static int
dir_copy(struct fs_dir *d, const struct index_dir *from, const char *hide)
{
    size_t i, n, bytes = 0, at = 0;

    for (i = 0; i < from->count; i++)
        bytes += strlen(from->name[i]) + 1;
    d->name = calloc(from->count + 1, sizeof(*d->name));
    d->names = malloc(bytes + 1);
    if (!d->name || !d->names)
        return -ENOMEM;
    for (i = 0; i < from->count; i++) {
        if (strcmp(from->name[i], hide) == 0)
            continue;
        n = strlen(from->name[i]) + 1;
        memcpy(d->names + at, from->name[i], n);
        d->name[d->count++] = d->names + at;
        at += n;
    }
    return 0;
}

static void
tell_shadow(struct fs *f, const struct fs_node *n)
{
    char text[256];

    if (!atomic_exchange(&f->shadow_told, true))
        log_warn("the prefix %s%s/ is in the archive, but the archive's "
                 "own name hides it in the tree",
                 text_escape(text, sizeof(text), n->prefix, n->prefix_len),
                 f->d.conf->name);
}

static int
dir_new(struct fs_call *c, const struct index_dir *from, struct fs_dir **ret)
{
    const struct conf *conf = c->fs->d.conf;
    struct fs_dir *d = calloc(1, sizeof(*d));
    int r = d ? dir_copy(d, from, conf->name) : -ENOMEM;

    if (r < 0) {
        dir_free(d);
        return r;
    }
    if (d->count != from->count)
        tell_shadow(c->fs, c->node);
    d->open.close = dir_close;
    d->archive = conf->archive == CONF_ARCHIVE_LISTED && !from->too_big;
    *ret = d;
    return 0;
}

static void
on_dir(void *user, int r, const struct index_dir *from, const struct err *e)
{
    struct fs_call *c = user;
    struct fs_dir *d = NULL;

    if (r == 0 && !from->exists && c->node->id != FS_ROOT_ID)
        r = -ENOENT;
    if (r == 0)
        r = dir_new(c, from, &d);
    if (r < 0) {
        fs_call_err(c, r, e);
        return;
    }
    c->fi.fh = (uintptr_t)d;
    fs_call_close(c);
    fs_opens_add(c->fs, &d->open); /* first: a release may follow at once */
    if (fuse_reply_open(c->req, &c->fi) != 0) {
        fs_opens_remove(c->fs, &d->open);
        dir_free(d);
    }
    fs_call_put(c);
}

static void
cancel_index(struct fs_call *c, uint64_t id)
{
    index_cancel(c->fs->d.index, id);
}

void
fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *f = fuse_req_userdata(req);
    struct fs_call *c = fs_call_new(f, req, ino);
    unsigned stage;

    if (!c)
        return;
    if (!fs_node_allows(f, c->node, req, R_OK)) {
        fs_call_err(c, -EACCES, NULL);
        return;
    }
    c->fi = *fi;
    stage = fs_call_stage(c, cancel_index);
    fs_call_armed(c, stage, index_dir(f->d.index, c->node->prefix, on_dir, c));
}

/* ------------------------------------------------------------- readdir */

static uint64_t
child_number(const struct fs *f, const struct fs_node *n, const char *name)
{
    char prefix[FS_PREFIX_MAX + 1];
    size_t len = n->prefix_len + strlen(name) + 1;

    if (len > FS_PREFIX_MAX)
        return UINT32_MAX; /* "unknown", as libfuse has it */
    memcpy(prefix, n->prefix, n->prefix_len);
    memcpy(prefix + n->prefix_len, name, strlen(name));
    prefix[len - 1] = '/';
    return fs_dir_number(&f->nodes, prefix, len);
}

static uint64_t
parent_number(const struct fs *f, const struct fs_node *n)
{
    size_t len = n->prefix_len;

    if (len <= f->root_len)
        return FS_ROOT_ID;
    for (len--; len > f->root_len && n->prefix[len - 1] != '/'; len--)
        ;
    return len == f->root_len ? FS_ROOT_ID
                              : fs_dir_number(&f->nodes, n->prefix, len);
}

/* Entry number i of the directory: 0 is ".", 1 "..", 2 the archive (if it
 * is shown), then the names.  NULL after the last. */
static const char *
entry(const struct fs *f, const struct fs_node *n, const struct fs_dir *d,
      uint64_t i, struct stat *st)
{
    static const uint8_t unknown[FS_DIGEST];

    memset(st, 0, sizeof(*st));
    st->st_mode = S_IFDIR;
    if (i == 0) {
        st->st_ino = n->number;
        return ".";
    }
    if (i == 1) {
        st->st_ino = parent_number(f, n);
        return "..";
    }
    i -= 2;
    if (d->archive && i-- == 0) {
        /* The number depends on the layout, which nobody asked for. */
        st->st_ino =
            fs_archive_number(&f->nodes, n->prefix, n->prefix_len, unknown);
        st->st_mode = S_IFREG;
        return f->d.conf->name;
    }
    if (i >= d->count)
        return NULL;
    st->st_ino = child_number(f, n, d->name[i]);
    return d->name[i];
}

static size_t
fill(fuse_req_t req, const struct fs_node *n, const struct fs_dir *d,
     uint64_t i, char *out, size_t size)
{
    const struct fs *f = fuse_req_userdata(req);
    const char *name;
    struct stat st;
    size_t used = 0, len;

    while ((name = entry(f, n, d, i, &st)) != NULL) {
        len = fuse_add_direntry(req, out + used, size - used, name, &st,
                                (off_t)++i);
        if (len > size - used)
            break;
        used += len;
    }
    return used;
}

void
fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
           struct fuse_file_info *fi)
{
    struct fs *f = fuse_req_userdata(req);
    const struct fs_dir *d = (const struct fs_dir *)(uintptr_t)fi->fh;
    struct fs_node *n = fs_table_find(&f->nodes, ino);
    char *out = malloc(size);

    if (!out || !n)
        fuse_reply_err(req, n ? ENOMEM : ENOENT);
    else
        fuse_reply_buf(req, out, fill(req, n, d, (uint64_t)off, out, size));
    free(out);
    fs_node_put(&f->nodes, n);
}

void
fs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs_dir *d = (struct fs_dir *)(uintptr_t)fi->fh;

    (void)ino;
    fs_opens_remove(fuse_req_userdata(req), &d->open);
    dir_free(d);
    fuse_reply_err(req, 0);
}
