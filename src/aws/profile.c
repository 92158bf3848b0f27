/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * ~/.aws/config and ~/.aws/credentials: which section is which profile.
 * They are read again for each new identity, because other tools write
 * fresh credentials into them.
 */
#include <errno.h>
#include <string.h>

#include "aws/aws_priv.h"

int
profiles_load(struct profiles *p, const struct aws *a, struct err *e)
{
    int r;

    memset(p, 0, sizeof(*p));
    r = ini_load(&p->config, a->config_path, e);
    if (r == 0)
        r = ini_load(&p->creds, a->creds_path, e);
    if (r < 0)
        profiles_free(p);
    return r;
}

void
profiles_free(struct profiles *p)
{
    ini_free(&p->config);
    ini_free(&p->creds);
}

/* "profile NAME" with the quoting of a shell, as botocore reads it. */
static bool
is_titled(const char *section, const char *kind, const char *name)
{
    char **words;
    bool same;

    if (strncmp(section, kind, strlen(kind)) != 0 ||
        words_split(section, &words) < 0)
        return false;
    same = words[0] && words[1] && !words[2] && strcmp(words[1], name) == 0;
    words_free(words);
    return same;
}

static const struct ini_section *
titled(const struct ini *ini, const char *kind, const char *name)
{
    size_t i;

    for (i = ini->count; i-- > 0;) {
        if (is_titled(ini->section[i].name, kind, name))
            return &ini->section[i];
        /* [default] needs no title. */
        if (strcmp(kind, "profile") == 0 && strcmp(name, "default") == 0 &&
            strcmp(ini->section[i].name, "default") == 0)
            return &ini->section[i];
    }
    return NULL;
}

const struct ini_section *
profile_in_creds(const struct profiles *p, const char *name)
{
    return ini_section(&p->creds, name);
}

const struct ini_section *
profile_in_config(const struct profiles *p, const char *name)
{
    return titled(&p->config, "profile", name);
}

bool
profile_exists(const struct profiles *p, const char *name)
{
    return profile_in_creds(p, name) || profile_in_config(p, name);
}

const char *
profile_get(const struct profiles *p, const char *name, const char *key)
{
    const char *v = ini_get(profile_in_creds(p, name), key);

    return v ? v : ini_get(profile_in_config(p, name), key);
}

const char *
profile_get_nested(const struct profiles *p, const char *name,
                   const char *group, const char *key)
{
    const char *v = ini_get_nested(profile_in_creds(p, name), group, key);

    if (v)
        return v;
    return ini_get_nested(profile_in_config(p, name), group, key);
}

const char *
services_endpoint(const struct profiles *p, const char *name,
                  const char *service)
{
    return ini_get_nested(titled(&p->config, "services", name), service,
                          "endpoint_url");
}
