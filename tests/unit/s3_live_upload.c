/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3_live: uploads of parts sent, copied and from a file, their completion
 * and their lists.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "s3_live.h"

/* Two uploaded parts, verified by the store. */
void
check_upload_crc(const char *key, const char *big, size_t n)
{
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)big, (uInt)n);
    uint32_t tail = (uint32_t)crc32(0, (const Bytef *)"tail", 4);
    uint32_t whole = (uint32_t)crc32_combine(crc, tail, 4);
    char id[2048], seen[2048], etag[2][300];
    struct s3_done_part part[2] = {{1, etag[0], true, crc},
                                   {2, etag[1], true, tail}};

    live_create(key, true, id);
    check(live_uploads(key, seen) == 1 && strcmp(seen, id) == 0,
          "the upload is listed");
    check(live_uploads("no such", seen) == 0, "and no other");
    check(live_upload(key, id, 1, big, n, true, crc ^ 1) == -EIO,
          "a part with a wrong CRC is EIO");
    check(live_upload(key, id, 1, big, n, true, crc) == 0, "upload part 1");
    strcpy(etag[0], got.etag);
    check(live_upload(key, id, 2, "tail", 4, true, tail) == 0,
          "upload part 2");
    strcpy(etag[1], got.etag);
    check(live_complete(key, id, part, 2, true, whole ^ 1, n + 4, true) ==
              -EIO,
          "complete with a wrong CRC is EIO");
    check(live_complete(key, id, part, 2, true, whole, n + 4, true) == 0,
          "complete");
    check(live_head(key, got.etag) == 0 && got.o.size == n + 4, "head");
    check(strcmp(got.text, "digest-2") == 0, "layout digest");
    if (got.o.have_crc32)
        check(got.o.crc32 == whole, "crc of the whole");
    /* 200, 404 or 403, as stores go; the object stays. */
    live_complete(key, id, part, 2, true, whole, n + 4, true);
    printf("# complete again: %d %s\n", got.e.http, got.e.code);
    check(live_head(key, NULL) == 0 && got.o.size == n + 4, "head again");
}

/* A copied whole, a copied range, a part that MD5 or SHA-256 guards. */
void
check_copy(const char *key, const char *source, const char *big, size_t n)
{
    char id[2048], etag[3][300], from[300];
    struct s3_done_part part[3] = {{1, etag[0]}, {2, etag[1]}, {3, etag[2]}};
    size_t half = n / 2, total = 2 * n - half + 4;

    check(live_head(source, NULL) == 0, "head of the source");
    strcpy(from, got.etag);
    live_create(key, false, id);
    check(live_copy(key, id, 1, source, from, 0, n, n) == 0, "copy the whole");
    strcpy(etag[0], got.etag);
    check(live_copy(key, id, 2, source, from, half, n - half, n) == 0,
          "copy a range");
    strcpy(etag[1], got.etag);
    check(live_copy(key, id, 2, source, "0123", 0, n, n) == -ESTALE,
          "copy of another ETag is ESTALE");
    check(live_copy(key, id, 2, "gone", from, 0, n, n) == -ESTALE,
          "copy of a key that is gone is ESTALE");
    check(live_upload(key, id, 3, "tail", 4, false, 0) == 0, "upload");
    strcpy(etag[2], got.etag);
    check(live_complete(key, id, part, 3, false, 0, total, false) == 0,
          "complete");
    check(live_get(key, got.etag, n - 10, 20, 0) == 0 && got.n == 20 &&
              memcmp(got.data, big + n - 10, 10) == 0 &&
              memcmp(got.data + 10, big + half, 10) == 0,
          "the seam reads right");
    check(live_get(key, NULL, 2 * n - half, 4, 0) == 0 &&
              memcmp(got.data, "tail", 4) == 0,
          "and the tail");
    live_create(key, false, id);
    check(live_upload(key, id, 1, "tail", 4, false, 0) == 0, "upload");
    strcpy(etag[0], got.etag);
    check(live_complete(key, id, part, 1, false, 0, 0, true) == -EEXIST,
          "complete on a taken key is EEXIST");
    check(live_abort_upload(key, id) == 0, "abort");
    check(live_abort_upload(key, id) == 0, "abort again");
    check(live_uploads(key, id) == 0, "no upload is left");
}

static const char *
verdict(bool have, uint32_t crc, const char *p, size_t n)
{
    if (!have)
        return "none";
    return crc == crc32(0, (const Bytef *)p, (uInt)n) ? "right" : "wrong";
}

static void
check_pages(const char *key, const char *id)
{
    unsigned i;

    for (i = 3; i < 1100; i++)
        if (live_upload(key, id, i, "tail", 4, false, 0) < 0)
            check(false, "upload of a small part");
    check(live_parts(key, id) == 0 && got.count == 1100, "two pages");
}

/* ListParts of an upload with the algorithm and of one without: an
 * uploaded part, a whole copied, a range copied.  source begins with the n
 * bytes of big. */
void
check_parts(const char *source, const char *big, size_t n, bool crc)
{
    uint32_t tail = (uint32_t)crc32(0, (const Bytef *)"tail", 4);
    char id[2048], from[300];
    size_t size;

    check(live_head(source, NULL) == 0, "head of the source");
    strcpy(from, got.etag);
    size = got.o.size;
    printf("# parts from %s, %s algorithm\n", source, crc ? "with" : "no");
    live_create("dir/parts", crc, id);
    check(live_parts("dir/parts", id) == 0 && got.count == 0, "no part yet");
    printf("#   of none: %s\n", got.crc32 ? "CRC32" : "not CRC32");
    check(live_upload("dir/parts", id, 10000, "tail", 4, crc, tail) == 0,
          "upload the last part");
    check(live_copy("dir/parts", id, 2, source, from, 0, size, size) == 0,
          "copy whole");
    check(live_copy("dir/parts", id, 1, source, from, 9, n / 2, size) == 0,
          "copy a range");
    printf("#   the copied range's CRC: %s\n",
           verdict(got.p.have_crc32, got.p.crc32, big + 9, n / 2));
    check(live_parts("dir/parts", id) == 0 && got.count == 3, "three parts");
    check(got.first.number == 1 && got.first.size == n / 2, "the first");
    check(got.last.number == 10000 && got.last.size == 4, "the last");
    printf("#   listed: %s, the range's CRC %s, the uploaded part's %s\n",
           got.crc32 ? "CRC32" : "not CRC32",
           verdict(got.first.have_crc32, got.first.crc32, big + 9, n / 2),
           verdict(got.last.have_crc32, got.last.crc32, "tail", 4));
    if (!crc)
        check_pages("dir/parts", id);
    check(live_abort_upload("dir/parts", id) == 0, "abort");
    if (live_parts("dir/parts", id) == 0)
        printf("#   of what is gone: %zu\n", got.count);
    else
        check(got.e.err == -ENOENT, "what is gone has no parts");
}

void
check_below(void)
{
    char id[2][2048];

    live_create("dir/one", false, id[0]);
    live_create("dir/two", false, id[1]);
    check(live_below("dir/") == 2 && live_below("dir/t") == 1 &&
              live_below("dirt") == 0,
          "uploads below a prefix");
    check(live_abort_upload("dir/two", id[1]) == 0, "abort");
    check(live_below("") == 1, "the other is there");
    check(live_abort_upload("dir/one", id[0]) == 0, "abort");
    check(live_below("dir/") == 0, "none is left");
}

void
check_file(const char *big, size_t n)
{
    FILE *f = tmpfile();
    struct s3_file file = {fileno(f), 4, n};
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)big, (uInt)n);
    struct s3_upload_args a = {.at = live_where("out/file"),
                               .number = 1,
                               .file = &file,
                               .crc32 = crc};
    struct s3_done_part part = {1, got.etag, true, crc};
    char id[2048], etag[300];
    int i;

    fwrite("head", 4, 1, f);
    fwrite(big, n, 1, f);
    fwrite("tail", 4, 1, f);
    fflush(f);
    part.etag = etag;
    for (i = 0; i < 2; i++) { /* guarded by MD5 or SHA-256, by the CRC */
        live_create("out/file", i, id);
        a.upload_id = id;
        a.send_crc32 = i;
        live_start();
        s3_upload_part(live.s3, &a, live_on_part, NULL);
        check(live_await() == 0, "upload from a file");
        strcpy(etag, got.etag);
        check(live_complete("out/file", id, &part, 1, i, crc, n, false) == 0,
              "complete");
        check(live_get("out/file", got.etag, 0, 0, n) == 0 && got.n == n &&
                  memcmp(got.data, big, n) == 0,
              "the file's bytes");
    }
    check(live_delete_key("out/file", NULL) == 0, "delete");
    fclose(f);
}
