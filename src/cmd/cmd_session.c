/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Start: log, net, aws, s3, state, crc, index, pool, publisher.  End: the
 * publisher aborts its uploads while everything still works; then net ends
 * whatever is under way, answering into rooms that must still be there.
 */
#include "config.h"

#include "cmd/cmd_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"
#include "state/state.h"

static int
open_log(const struct conf *c, bool background, struct err *e)
{
    const char *target = c->log_file;

    if (!target && (c->syslog || background))
        target = "syslog";
    return log_open(c->debug ? LOG_DEBUG : (enum log_level)c->log, target, e);
}

static int
start_net(struct cmd_session *s, const struct conf *c,
          const struct aws_conf *ac, struct err *e)
{
    CLEANUP_FREE char *found = NULL;
    struct net_conf nc = {
        .connections = c->connections,
        .ca_bundle = c->ca_bundle,
        .no_verify_tls = c->no_verify_tls,
        .user_agent = "s3zipfs/" VERSION,
    };
    int r;

    if (!nc.ca_bundle) {
        r = aws_find_ca_bundle(ac, &found, e);
        if (r < 0)
            return r;
        nc.ca_bundle = found;
    }
    net_raise_files();
    if (c->no_verify_tls)
        log_warn("no_verify_tls: the store's certificate is not checked");
    return net_new(&s->net, &nc, e);
}

static int
start_store(struct cmd_session *s, const struct conf *c, struct err *e)
{
    struct aws_conf ac = {
        .profile = c->profile,
        .credentials_file = c->credentials_file,
        .config_file = c->config_file,
        .region = c->region,
        .no_sign_request = c->no_sign_request,
    };
    struct s3_conf sc = {
        .endpoint = c->endpoint,
        .region = c->region,
        .path_style = c->path_style,
        .requester_pays = c->requester_pays,
        .expected_bucket_owner = c->expected_bucket_owner,
        .dest_expected_owner = c->dest_expected_owner,
        .sign_payload = c->sign_payload,
        .storage_class = c->storage_class,
        .sse_kms_key_id = c->sse_kms_key_id,
        .trace = c->trace,
    };
    int r = start_net(s, c, &ac, e);

    if (r == 0)
        r = aws_new(&s->aws, s->net, &ac, e);
    if (r == 0)
        r = s3_new(&s->s3, s->net, s->aws, &sc, e);
    return r;
}

static int
start_rooms(struct cmd_session *s, const struct conf *c,
            const struct cmd_place *at, struct err *e)
{
    struct read_pool_conf pc = {
        .memory = c->memory,
        .connections = c->connections,
        .read_ahead = c->read_ahead != CONF_NO,
    };
    struct publisher_deps pd = {
        .net = s->net,
        .s3 = s->s3,
        .s3_dest = s->s3,
        .conf = c,
        .root = at->root,
    };
    struct crc_oracle_conf oc = {
        .bucket = at->scratch ? at->scratch : at->bucket,
        .scratch = c->scratch,
        .may_write =
            c->publish != CONF_PUBLISH_OFF && !c->ro && !c->no_sign_request,
    };
    int r;

    state_open(&s->state, c->cache_dir);
    r = crc_new(&s->crc, s->net, s->s3, s->state, c->crc, e);
    if (r == 0 && crc_allow_oracle(s->crc, &oc) < 0)
        r = err_set(e, ENOMEM, "out of memory");
    if (r == 0)
        r = index_new(&s->index, s->net, s->s3, c, at->bucket, at->root, e);
    if (r < 0)
        return r;
    r = read_pool_new(&s->pool, s->net, s->s3, &pc);
    if (r < 0)
        return err_set(e, -r, "memory: %s", strerror(-r));
    pd.state = s->state;
    pd.pool = s->pool;
    pd.index = s->index;
    return publisher_new(&s->publisher, &pd, e);
}

void
cmd_fit_memory(struct conf *c)
{
    uint64_t limit = conf_cgroup_memory("/proc", "/sys/fs/cgroup");
    uint64_t fits = conf_fit_memory(c->memory, limit);

    c->group_memory = limit;
    c->memory_limit = fits < c->memory ? limit : 0;
    c->memory = fits;
}

int
cmd_check_options(const struct conf *c, struct err *e)
{
    struct plan_latency t;
    struct plan_prices p;

    if (c->prices && !plan_prices_parse(&p, c->prices))
        return err_set(e, EINVAL,
                       "prices: not WRITE/READ/OUT, as 5/0.4/0.09: '%s'",
                       c->prices);
    if (c->latency && !plan_latency_parse(&t, c->latency))
        return err_set(e, EINVAL,
                       "latency: not FIRST/CREATE/COPY+MIB/UPLOAD/"
                       "COMPLETE+PART/DELETE, as 20/30/60+8/40/80+0.2/20: "
                       "'%s'",
                       c->latency);
    return 0;
}

static void
warn_of_memory(const struct conf *c)
{
    if (c->memory_limit)
        log_warn("memory: cut down to %llu bytes, since the control group "
                 "may have %llu",
                 (unsigned long long)c->memory,
                 (unsigned long long)c->memory_limit);
}

int
cmd_session_open(struct cmd_session *s, const struct conf *conf,
                 const struct cmd_place *at, bool background, struct err *e)
{
    int r;

    memset(s, 0, sizeof(*s));
    r = open_log(conf, background, e);
    if (r == 0)
        warn_of_memory(conf);
    if (r == 0)
        r = start_store(s, conf, e);
    if (r == 0)
        r = start_rooms(s, conf, at, e);
    if (r < 0)
        cmd_session_close(s);
    return r;
}

void
cmd_session_close(struct cmd_session *s)
{
    publisher_free(s->publisher);
    crc_free(s->crc);
    read_pool_free(s->pool);
    net_free(s->net);
    s3_free(s->s3);
    aws_free(s->aws);
    index_free(s->index);
    state_close(s->state);
    memset(s, 0, sizeof(*s));
    log_close();
}
