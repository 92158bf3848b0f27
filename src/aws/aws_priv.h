/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Private to aws/: what its files share, externs grouped by file.
 *
 * A provider answers 0 with an identity, -ENOENT if nothing is configured
 * for it (the chain goes on), or another -errno with words: it is
 * configured and does not work, and the chain ends there, as botocore's
 * does.
 */
#ifndef S3ZIPFS_AWS_AWS_PRIV_H
#define S3ZIPFS_AWS_AWS_PRIV_H

#include <pthread.h>
#include <sys/queue.h>

#include "aws/aws.h"
#include "aws/ini.h"

enum {
    ANSWER_MAX = 64 * 1024, /* of a credential service or helper */
    ROLE_CHAIN_MAX = 16,
};

/* The two files, as they are now, and the profile in use. */
struct profiles {
    struct ini config, creds;
};

struct waiter {
    aws_identity_cb *cb;
    void *user;
    STAILQ_ENTRY(waiter) link;
};
STAILQ_HEAD(waiter_list, waiter);

struct aws {
    struct net *net;
    /* Fixed after aws_new: */
    char **env;             /* "K=V"..., NULL-terminated */
    char *profile;          /* never NULL */
    bool profile_by_option; /* then the environment's keys do not count */
    bool profile_named;     /* by option or environment: must exist */
    char *config_path, *creds_path;
    bool anonymous;
    char *region, *endpoint, *addressing, *ca_bundle, *sts_endpoint;
    char *imds_endpoint;
    unsigned imds_timeout_s, imds_attempts;
    bool imds_disabled, imds_v1_disabled;
    int stop_fd;         /* readable when stopping */
    struct scope *scope; /* stopped when stopping */

    pthread_mutex_t lock; /* everything below; not held in callbacks */
    pthread_cond_t wake;
    pthread_t thread;
    bool started, stopping;
    bool want; /* somebody needs a new identity */
    struct aws_identity *current;
    int64_t refresh_at;  /* seconds since 1970; 0 = never by itself */
    int64_t wait_at;     /* from then on callers wait for the next one */
    uint64_t fetched_ms; /* of current */
    uint64_t failed_ms;  /* of last_error */
    unsigned failures;   /* in a row */
    struct err last_error;
    struct waiter_list waiters;
};

/* One run through the chain, on the refresh thread. */
struct lookup {
    struct aws *a;
    struct profiles files;
    const char *visited[ROLE_CHAIN_MAX];
    int depth;
};

/* env.c: a copy of the environment */
char **env_copy(const char *const *override);
void env_free(char **env);
/* NULL if unset or empty. */
const char *env_get(char *const *env, const char *name);
bool env_true(char *const *env, const char *name);

/* words.c: small parsers */
/* As a shell splits words, without expansion.  *ret is NULL-terminated;
 * free it with words_free.  0, -EINVAL, -ENOMEM. */
int words_split(const char *s, char ***ret);
void words_free(char **words);
/* ISO 8601 with a zone ("Z", "+00:00") or none (UTC); -EINVAL. */
int parse_time(const char *s, int64_t *ret);
bool word_is_true(const char *s);

struct url {
    bool https;
    char host[256];      /* without brackets and port */
    char authority[272]; /* as in a Host header */
    const char *path;    /* in the parsed string; "" if none */
};
/* Refuses user names and all that is not a plain http(s) URL: -EINVAL. */
int parse_url(const char *s, struct url *ret);
bool host_is_loopback(const char *host);

/* profile.c: the two files */
int profiles_load(struct profiles *p, const struct aws *a, struct err *e);
void profiles_free(struct profiles *p);
bool profile_exists(const struct profiles *p, const char *name);
/* The credentials file wins over the config file, as in botocore. */
const char *profile_get(const struct profiles *p, const char *name,
                        const char *key);
const char *profile_get_nested(const struct profiles *p, const char *name,
                               const char *group, const char *key);
const struct ini_section *profile_in_creds(const struct profiles *p,
                                           const char *name);
const struct ini_section *profile_in_config(const struct profiles *p,
                                            const char *name);
/* endpoint_url of a service in [services NAME]; NULL. */
const char *services_endpoint(const struct profiles *p, const char *name,
                              const char *service);

/* settings.c */
int settings_find(struct aws *a, const struct aws_conf *c, struct err *e);
void settings_free(struct aws *a);

/* identity.c */
/* expires 0 = never.  Words that cannot be header values are refused. */
int identity_new(struct aws_identity **ret, const char *access,
                 const char *secret, const char *token, int64_t expires,
                 struct err *e, const char *source_fmt, ...)
    __attribute__((format(printf, 7, 8)));

/* chain.c */
int chain_fetch(struct aws *a, struct aws_identity **ret, struct err *e);
int provide_env(struct lookup *l, struct aws_identity **ret, struct err *e);
/* What a profile itself gives, roles excepted. */
int provide_profile(struct lookup *l, const char *profile,
                    struct aws_identity **ret, struct err *e);

/* role.c */
int provide_role(struct lookup *l, const char *profile,
                 struct aws_identity **ret, struct err *e);
int provide_web_identity(struct lookup *l, const char *profile, bool with_env,
                         struct aws_identity **ret, struct err *e);

/* sts.c */
struct sts_call {
    const struct aws_identity *signer; /* NULL = not signed */
    const char *action, *role, *session, *external_id, *duration, *token;
};
int sts_assume(struct aws *a, const struct sts_call *c, const char *source,
               struct aws_identity **ret, struct err *e);

/* process.c */
int provide_process(struct lookup *l, const char *profile,
                    struct aws_identity **ret, struct err *e);

/* container.c, imds.c */
int provide_container(struct lookup *l, struct aws_identity **ret,
                      struct err *e);
int provide_imds(struct lookup *l, struct aws_identity **ret, struct err *e);

/* json.c */
/* Credentials in the form that all of AWS's services and helpers share.
 * token_key: "Token" or "SessionToken". */
int identity_from_json(struct aws_identity **ret, const char *text,
                       const char *token_key, bool need_expiry,
                       const char *source, struct err *e);

/* http.c */
/* A net_call that aws_free ends early. */
int http_call(struct aws *a, const struct net_request *req, int *ret_status,
              char **ret_body, struct err *e);
/* False if stopping. */
bool http_pause(struct aws *a, unsigned ms);
/* A small file, white space at its end cut off. */
int read_token(const char *path, char **ret, struct err *e);

#endif
