/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Where credentials are looked for, in botocore's order (its
 * credentials.create_credential_resolver).  The legacy files that botocore
 * still reads after the config file (AWS_CREDENTIAL_FILE, ~/.boto) and SSO
 * are left out: SSO works through
 * credential_process = aws configure export-credentials.
 */
#include <errno.h>
#include <string.h>

#include "aws/aws_priv.h"

int
provide_env(struct lookup *l, struct aws_identity **ret, struct err *e)
{
    char *const *env = l->a->env;
    const char *access = env_get(env, "AWS_ACCESS_KEY_ID");
    const char *secret = env_get(env, "AWS_SECRET_ACCESS_KEY");
    const char *token = env_get(env, "AWS_SECURITY_TOKEN");
    const char *expiry = env_get(env, "AWS_CREDENTIAL_EXPIRATION");
    int64_t expires = 0;

    if (!access)
        return -ENOENT;
    if (!secret)
        return err_set(e, EACCES,
                       "AWS_ACCESS_KEY_ID is set, but not "
                       "AWS_SECRET_ACCESS_KEY");
    if (!token)
        token = env_get(env, "AWS_SESSION_TOKEN");
    if (expiry && parse_time(expiry, &expires) < 0)
        return err_set(e, EACCES, "AWS_CREDENTIAL_EXPIRATION is no time");
    return identity_new(ret, access, secret, token, expires, e, "environment");
}

static int
static_keys(const struct ini_section *s, const char *profile, const char *path,
            struct aws_identity **ret, struct err *e)
{
    const char *access = ini_get(s, "aws_access_key_id");
    const char *secret = ini_get(s, "aws_secret_access_key");
    const char *token = ini_get(s, "aws_security_token");

    if (!access)
        return -ENOENT;
    if (!secret)
        return err_set(e, EACCES,
                       "profile %s in %s has no "
                       "aws_secret_access_key",
                       profile, path);
    if (!token)
        token = ini_get(s, "aws_session_token");
    return identity_new(ret, access, secret, token, 0, e, "profile %s (%s)",
                        profile, path);
}

/* The part of the chain that a source_profile gets too. */
static int
after_web_identity(struct lookup *l, const char *profile,
                   struct aws_identity **ret, struct err *e)
{
    int r = static_keys(profile_in_creds(&l->files, profile), profile,
                        l->a->creds_path, ret, e);

    if (r == -ENOENT)
        r = provide_process(l, profile, ret, e);
    if (r == -ENOENT)
        r = static_keys(profile_in_config(&l->files, profile), profile,
                        l->a->config_path, ret, e);
    return r;
}

int
provide_profile(struct lookup *l, const char *profile,
                struct aws_identity **ret, struct err *e)
{
    int r = provide_web_identity(l, profile, false, ret, e);

    return r == -ENOENT ? after_web_identity(l, profile, ret, e) : r;
}

static int
nothing_found(struct lookup *l, struct err *e)
{
    const struct aws *a = l->a;
    bool sso = profile_get(&l->files, a->profile, "sso_start_url") ||
               profile_get(&l->files, a->profile, "sso_session");

    if (sso)
        return err_set(e, EACCES,
                       "profile %s uses SSO: set "
                       "credential_process = aws configure "
                       "export-credentials --profile %s in a profile of its "
                       "own",
                       a->profile, a->profile);
    return err_set(e, EACCES,
                   "no credentials: looked in %sprofile %s (%s, "
                   "%s), the container endpoint%s",
                   a->profile_by_option ? "" : "the environment, ", a->profile,
                   a->creds_path, a->config_path,
                   a->imds_disabled ? " (instance metadata is disabled)"
                                    : " and the instance metadata");
}

static int
run_chain(struct lookup *l, struct aws_identity **ret, struct err *e)
{
    const char *profile = l->a->profile;
    bool with_env = !l->a->profile_by_option;
    int r = -ENOENT;

    if (with_env)
        r = provide_env(l, ret, e);
    if (r == -ENOENT)
        r = provide_role(l, profile, ret, e);
    if (r == -ENOENT)
        r = provide_web_identity(l, profile, with_env, ret, e);
    if (r == -ENOENT)
        r = after_web_identity(l, profile, ret, e);
    if (r == -ENOENT)
        r = provide_container(l, ret, e);
    if (r == -ENOENT)
        r = provide_imds(l, ret, e);
    return r == -ENOENT ? nothing_found(l, e) : r;
}

int
chain_fetch(struct aws *a, struct aws_identity **ret, struct err *e)
{
    struct lookup l = {.a = a};
    int r;

    if (a->anonymous)
        return identity_new(ret, "", "", NULL, 0, e, "no_sign_request");
    r = profiles_load(&l.files, a, e);
    if (r < 0)
        return r;
    r = run_chain(&l, ret, e);
    profiles_free(&l.files);
    return r;
}
