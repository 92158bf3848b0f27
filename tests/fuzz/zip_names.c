/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * zip/: the key rule and the escape of one name.  What escape writes passes
 * the key rule, and can be read back: so it is injective.
 */
#include "base/text.h"
#include "fuzz.h"
#include "zip/zip.h"

typedef int escape_fn(const char *name, size_t len, bool conflict,
                      struct buf *out);

static void
check(escape_fn *escape, const char *name, size_t n, bool conflict,
      bool portable)
{
    struct buf out = BUF_INIT(1 << 20), back = BUF_INIT(1 << 20);
    unsigned faults, bad = ZIP_POISON_MASK & ~(unsigned)ZIP_POISON_LONG;

    NEED(escape(name, n, conflict, &out) == 0);
    NEED(out.len >= n + conflict);
    faults = zip_name_faults(buf_str(&out), out.len);
    if (portable)
        bad |= ZIP_SOFT_CONTROL | ZIP_SOFT_BACKSLASH | ZIP_SOFT_WINDOWS;
    if (out.len > 0)
        NEED((faults & bad) == 0);
    NEED(!(faults & ZIP_POISON_LONG) == (out.len <= UINT16_MAX));
    if (conflict) {
        NEED(out.data[out.len - 1] == '%');
        out.len--;
    }
    NEED(text_unpercent(&back, buf_str(&out), out.len, false) == 0);
    NEED(back.len == n && memcmp(buf_str(&back), name, n) == 0);
    buf_free(&out);
    buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = copy_of(data, size);
    unsigned faults = zip_name_faults(name, size);
    struct buf out = BUF_INIT(1 << 20);

    NEED((faults & (ZIP_CONFLICT_MASK | ZIP_SOFT_CASE)) == 0);
    NEED(zip_fault_text(faults));
    check(zip_name_escape, name, size, false, false);
    check(zip_name_escape, name, size, true, false);
    check(zip_name_escape_portable, name, size, false, true);
    check(zip_name_escape_portable, name, size, true, true);
    /* a clean name without '%' stays as it is */
    NEED(zip_name_escape(name, size, false, &out) == 0);
    if (!(faults & ZIP_POISON_MASK) && size > 0 && !memchr(name, '%', size))
        NEED(out.len == size && memcmp(out.data, name, size) == 0);
    buf_free(&out);
    free(name);
    return 0;
}
