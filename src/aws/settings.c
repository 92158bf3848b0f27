/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Region, endpoints, CA bundle and the rest that is looked up once, at the
 * start: option, environment, profile.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws_priv.h"
#include "base/buf.h"
#include "base/text.h"

enum { PATH_BYTES_MAX = 4096, WAIT_S_MAX = 60, ATTEMPTS_MAX = 10 };

static int
set(char **to, const char *value)
{
    if (!value || !*value)
        return 0;
    *to = strdup(value);
    return *to ? 0 : -ENOMEM;
}

/* ---------------------------------------------------------------- paths */

static const char *
home(const struct aws *a)
{
    const char *home = env_get(a->env, "HOME");
    struct passwd *pw;

    if (home)
        return home;
    pw = getpwuid(getuid()); /* before threads that could call it too */
    return pw ? pw->pw_dir : "";
}

/* A leading "~/" becomes the home directory. */
static char *
expand(const struct aws *a, const char *path)
{
    CLEANUP_BUF struct buf b = BUF_INIT(PATH_BYTES_MAX);

    if (strncmp(path, "~/", 2) != 0)
        return strdup(path);
    if (buf_addf(&b, "%s%s", home(a), path + 1) < 0)
        return NULL;
    return buf_steal(&b);
}

static int
find_path(const struct aws *a, char **to, const char *option,
          const char *variable, const char *otherwise)
{
    const char *path = option ? option : env_get(a->env, variable);

    *to = expand(a, path ? path : otherwise);
    return *to ? 0 : -ENOMEM;
}

/* botocore asks AWS_DEFAULT_PROFILE first. */
static int
find_profile(struct aws *a, const char *option)
{
    const char *name = option;

    a->profile_by_option = option != NULL;
    if (!name)
        name = env_get(a->env, "AWS_DEFAULT_PROFILE");
    if (!name)
        name = env_get(a->env, "AWS_PROFILE");
    a->profile_named = name != NULL;
    return set(&a->profile, name ? name : "default");
}

/* ------------------------------------------------------------- settings */

static const char *
find_region(const struct aws *a, const struct profiles *p, const char *option)
{
    const char *v = option;

    if (!v || !*v)
        v = env_get(a->env, "AWS_REGION");
    if (!v)
        v = env_get(a->env, "AWS_DEFAULT_REGION");
    return v ? v : profile_get(p, a->profile, "region");
}

static int
find_endpoint(const struct aws *a, const struct profiles *p,
              const char *variable, const char *service, char **ret,
              struct err *e)
{
    const char *section = profile_get(p, a->profile, "services");
    const char *v = env_get(a->env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

    if (!v)
        v = profile_get(p, a->profile, "ignore_configured_endpoint_urls");
    if (word_is_true(v))
        return 0;
    v = env_get(a->env, variable);
    if (!v)
        v = env_get(a->env, "AWS_ENDPOINT_URL");
    if (!v && section)
        v = services_endpoint(p, section, service);
    if (!v || !*v)
        v = profile_get(p, a->profile, "endpoint_url");
    return set(ret, v) < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

static const char *
env_or_profile(const struct aws *a, const struct profiles *p,
               const char *variable, const char *key)
{
    const char *v = env_get(a->env, variable);

    return v ? v : profile_get(p, a->profile, key);
}

static unsigned
number(const char *s, unsigned otherwise, unsigned max)
{
    uint64_t v;

    if (!s || !text_parse_u64(&v, s) || v == 0)
        return otherwise;
    return v > max ? max : (unsigned)v;
}

/* The instance's metadata service. */
static int
find_imds(struct aws *a, const struct profiles *p)
{
    const char *v;

    a->imds_disabled = env_true(a->env, "AWS_EC2_METADATA_DISABLED");
    a->imds_v1_disabled = word_is_true(env_or_profile(
        a, p, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"));
    a->imds_timeout_s =
        number(env_or_profile(a, p, "AWS_METADATA_SERVICE_TIMEOUT",
                              "metadata_service_timeout"),
               1, WAIT_S_MAX);
    a->imds_attempts =
        number(env_or_profile(a, p, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
                              "metadata_service_num_attempts"),
               1, ATTEMPTS_MAX);
    v = env_or_profile(a, p, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                       "ec2_metadata_service_endpoint");
    if (v && *v)
        return set(&a->imds_endpoint, v);
    v = env_or_profile(a, p, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                       "ec2_metadata_service_endpoint_mode");
    return set(&a->imds_endpoint, v && strcasecmp(v, "ipv6") == 0
                                      ? "http://[fd00:ec2::254]/"
                                      : "http://169.254.169.254/");
}

static int
find_from_files(struct aws *a, const struct profiles *p,
                const struct aws_conf *c, struct err *e)
{
    int r = 0;

    if (a->profile_named && !profile_exists(p, a->profile))
        return err_set(e, EINVAL, "there is no profile %s in %s or %s",
                       a->profile, a->config_path, a->creds_path);
    if (set(&a->region, find_region(a, p, c->region)) < 0 ||
        set(&a->addressing,
            profile_get_nested(p, a->profile, "s3", "addressing_style")) < 0 ||
        set(&a->ca_bundle,
            env_or_profile(a, p, "AWS_CA_BUNDLE", "ca_bundle")) < 0 ||
        find_imds(a, p) < 0)
        return err_set(e, ENOMEM, "out of memory");
    r = find_endpoint(a, p, "AWS_ENDPOINT_URL_S3", "s3", &a->endpoint, e);
    if (r == 0)
        r = find_endpoint(a, p, "AWS_ENDPOINT_URL_STS", "sts",
                          &a->sts_endpoint, e);
    return r;
}

int
settings_find(struct aws *a, const struct aws_conf *c, struct err *e)
{
    struct profiles p;
    int r;

    a->env = env_copy(c->environ_override);
    a->anonymous = c->no_sign_request;
    if (!a->env || find_profile(a, c->profile) < 0 ||
        find_path(a, &a->config_path, c->config_file, "AWS_CONFIG_FILE",
                  "~/.aws/config") < 0 ||
        find_path(a, &a->creds_path, c->credentials_file,
                  "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials") < 0)
        return err_set(e, ENOMEM, "out of memory");
    r = profiles_load(&p, a, e);
    if (r < 0)
        return r;
    r = find_from_files(a, &p, c, e);
    profiles_free(&p);
    return r;
}

void
settings_free(struct aws *a)
{
    env_free(a->env);
    free(a->profile);
    free(a->config_path);
    free(a->creds_path);
    free(a->region);
    free(a->endpoint);
    free(a->addressing);
    free(a->ca_bundle);
    free(a->sts_endpoint);
    free(a->imds_endpoint);
}

/* --------------------------------------------------------------- public */

const char *
aws_region(const struct aws *a)
{
    return a->region;
}

const char *
aws_endpoint_url(const struct aws *a)
{
    return a->endpoint;
}

const char *
aws_addressing_style(const struct aws *a)
{
    return a->addressing;
}

const char *
aws_ca_bundle(const struct aws *a)
{
    return a->ca_bundle;
}

int
aws_find_ca_bundle(const struct aws_conf *c, char **ret, struct err *e)
{
    struct aws a = {0};
    int r = settings_find(&a, c, e);

    if (r == 0) {
        *ret = a.ca_bundle;
        a.ca_bundle = NULL;
    }
    settings_free(&a);
    return r;
}
