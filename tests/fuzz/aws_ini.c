/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * aws/: the two configuration files' dialect.
 */
#include "aws/ini.h"

#include "fuzz.h"

static void
check_section(const struct ini *ini, const struct ini_section *s)
{
    size_t i;

    NEED(s->name && ini_section(ini, s->name));
    for (i = 0; i < s->count; i++) {
        NEED(s->pair[i].key && s->pair[i].key[0] && s->pair[i].value);
        NEED(ini_get(s, s->pair[i].key));
    }
    ini_get_nested(s, "s3", "endpoint_url");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ini ini = {0};
    struct err e = {0};
    char *text = copy_of(data, size);
    int r = ini_parse(&ini, text, size, "file", &e);
    size_t i;

    NEED(r == 0 || (r == -EINVAL && e.num == EINVAL));
    for (i = 0; r == 0 && i < ini.count; i++)
        check_section(&ini, &ini.section[i]);
    ini_free(&ini);
    free(text);
    return 0;
}
