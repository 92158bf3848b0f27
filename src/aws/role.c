/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Roles: role_arn with source_profile or credential_source, and web
 * identity tokens.  Rules as in botocore's AssumeRoleProvider.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "aws/aws_priv.h"
#include "base/text.h"

static const char *
setting(const struct lookup *l, const char *profile, const char *key)
{
    return profile_get(&l->files, profile, key);
}

static bool
has_role(const struct lookup *l, const char *profile)
{
    return setting(l, profile, "role_arn") &&
           !setting(l, profile, "web_identity_token_file");
}

static bool
has_keys(const struct lookup *l, const char *profile)
{
    return setting(l, profile, "aws_access_key_id") ||
           setting(l, profile, "aws_secret_access_key");
}

static bool
visited(const struct lookup *l, const char *profile)
{
    int i;

    for (i = 0; i < l->depth; i++)
        if (strcmp(l->visited[i], profile) == 0)
            return true;
    return false;
}

/* ------------------------------------------------- where the source is */

static int
from_credential_source(struct lookup *l, const char *profile,
                       const char *source, struct aws_identity **ret,
                       struct err *e)
{
    int r;

    if (strcasecmp(source, "Environment") == 0)
        r = provide_env(l, ret, e);
    else if (strcasecmp(source, "EcsContainer") == 0)
        r = provide_container(l, ret, e);
    else if (strcasecmp(source, "Ec2InstanceMetadata") == 0)
        r = provide_imds(l, ret, e);
    else
        return err_set(e, EACCES,
                       "profile %s: credential_source %s is not "
                       "known",
                       profile, source);
    if (r == -ENOENT)
        return err_set(e, EACCES,
                       "profile %s: no credentials in its "
                       "credential_source %s",
                       profile, source);
    return r;
}

static int
check_source_profile(const struct lookup *l, const char *profile,
                     const char *source, struct err *e)
{
    if (!profile_exists(&l->files, source))
        return err_set(e, EACCES,
                       "profile %s: its source_profile %s does "
                       "not exist",
                       profile, source);
    /* A profile may name itself if it has keys of its own. */
    if (visited(l, source) &&
        (strcmp(source, profile) != 0 || !has_keys(l, source)))
        return err_set(e, EACCES,
                       "profile %s: source_profile %s closes a "
                       "circle",
                       profile, source);
    return 0;
}

static int
from_source_profile(struct lookup *l, const char *profile, const char *source,
                    struct aws_identity **ret, struct err *e)
{
    int r = check_source_profile(l, profile, source, e);

    if (r < 0)
        return r;
    if (!has_keys(l, source) && has_role(l, source))
        return provide_role(l, source, ret, e);
    r = provide_profile(l, source, ret, e);
    if (r == -ENOENT)
        return err_set(e, EACCES,
                       "profile %s: its source_profile %s has no "
                       "credentials",
                       profile, source);
    return r;
}

static int
source_identity(struct lookup *l, const char *profile,
                struct aws_identity **ret, struct err *e)
{
    const char *kind = setting(l, profile, "credential_source");
    const char *source = setting(l, profile, "source_profile");

    if (!kind == !source)
        return err_set(e, EACCES,
                       "profile %s has a role_arn and %s of "
                       "source_profile and credential_source",
                       profile, kind ? "both" : "neither");
    if (kind)
        return from_credential_source(l, profile, kind, ret, e);
    return from_source_profile(l, profile, source, ret, e);
}

/* --------------------------------------------------------- assume role */

static const char *
session_name(char out[64], const char *set)
{
    if (set && *set)
        return set;
    snprintf(out, 64, "s3zipfs-%lld", (long long)time(NULL));
    return out;
}

static const char *
duration(const char *set)
{
    uint64_t v;

    return set && text_parse_u64(&v, set) ? set : NULL;
}

int
provide_role(struct lookup *l, const char *profile, struct aws_identity **ret,
             struct err *e)
{
    struct sts_call c = {.action = "AssumeRole"};
    struct aws_identity *source = NULL;
    char name[64], words[300];
    int r;

    if (!has_role(l, profile))
        return -ENOENT;
    if (setting(l, profile, "mfa_serial"))
        return err_set(e, EACCES,
                       "profile %s wants a code from an MFA "
                       "device: use credential_process",
                       profile);
    if (l->depth == ROLE_CHAIN_MAX)
        return err_set(e, EACCES, "profile %s: more than %d roles in a row",
                       profile, ROLE_CHAIN_MAX);
    l->visited[l->depth++] = profile;
    r = source_identity(l, profile, &source, e);
    if (r < 0)
        return r;
    c.signer = source;
    c.role = setting(l, profile, "role_arn");
    c.session = session_name(name, setting(l, profile, "role_session_name"));
    c.external_id = setting(l, profile, "external_id");
    c.duration = duration(setting(l, profile, "duration_seconds"));
    snprintf(words, sizeof(words), "role of profile %s", profile);
    r = sts_assume(l->a, &c, words, ret, e);
    aws_identity_unref(source);
    return r;
}

/* -------------------------------------------------------- web identity */

static const char *
env_or_setting(const struct lookup *l, const char *profile, bool with_env,
               const char *variable, const char *key)
{
    const char *v = with_env ? env_get(l->a->env, variable) : NULL;

    return v ? v : setting(l, profile, key);
}

int
provide_web_identity(struct lookup *l, const char *profile, bool with_env,
                     struct aws_identity **ret, struct err *e)
{
    const char *path =
        env_or_setting(l, profile, with_env, "AWS_WEB_IDENTITY_TOKEN_FILE",
                       "web_identity_token_file");
    struct sts_call c = {.action = "AssumeRoleWithWebIdentity"};
    CLEANUP_FREE char *token = NULL;
    char name[64];
    int r;

    if (!path || !*path)
        return -ENOENT;
    c.role = env_or_setting(l, profile, with_env, "AWS_ROLE_ARN", "role_arn");
    if (!c.role || !*c.role)
        return err_set(e, EACCES,
                       "a web identity token file is set, but no "
                       "role (AWS_ROLE_ARN, role_arn)");
    c.session = session_name(name, env_or_setting(l, profile, with_env,
                                                  "AWS_ROLE_SESSION_NAME",
                                                  "role_session_name"));
    r = read_token(path, &token, e);
    if (r < 0)
        return r;
    c.token = token;
    return sts_assume(l->a, &c, "web identity", ret, e);
}
