/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * AssumeRole and AssumeRoleWithWebIdentity of the Security Token Service
 * (API version 2011-06-15).  Its answers are parsed without entities,
 * DTDs or network access.
 */
#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/aws_priv.h"
#include "base/text.h"

enum {
    FORM_MAX = 64 * 1024,
    ATTEMPTS = 3,
    PAUSE_MS = 500,
    STS_TOTAL_MS = 20000,
};

/* ----------------------------------------------------------------- XML */

struct sts_answer {
    char *access, *secret, *token, *expiry; /* xmlChar, xmlFree */
    char *code, *message;
};

static void
answer_free(struct sts_answer *a)
{
    xmlFree(a->access);
    xmlFree(a->secret);
    xmlFree(a->token);
    xmlFree(a->expiry);
    xmlFree(a->code);
    xmlFree(a->message);
}

static void
take_text(xmlNode *n, const char *name, char **to)
{
    if (!*to && strcmp((const char *)n->name, name) == 0)
        *to = (char *)xmlNodeGetContent(n);
}

/* The names are unique in both kinds of answer.  libxml2 itself bounds the
 * depth of a document (256). */
static void
take_node(xmlNode *n, struct sts_answer *a)
{
    for (; n; n = n->next) {
        if (n->type != XML_ELEMENT_NODE)
            continue;
        take_text(n, "AccessKeyId", &a->access);
        take_text(n, "SecretAccessKey", &a->secret);
        take_text(n, "SessionToken", &a->token);
        take_text(n, "Expiration", &a->expiry);
        take_text(n, "Code", &a->code);
        take_text(n, "Message", &a->message);
        take_node(n->children, a);
    }
}

static int
parse_answer(const char *body, struct sts_answer *a)
{
    xmlDoc *doc = xmlReadMemory(body, (int)strlen(body), "sts.xml", NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR |
                                    XML_PARSE_NOWARNING);
    int r = -EPROTO;

    if (doc && !doc->intSubset) {
        take_node(xmlDocGetRootElement(doc), a);
        r = 0;
    }
    xmlFreeDoc(doc);
    return r;
}

static int
refused(const struct sts_call *c, int status, const struct sts_answer *a,
        struct err *e)
{
    const char *code = a->code ? a->code : "";
    const char *message = a->message ? a->message : "";
    char code_text[80], text[300];

    text_escape(code_text, sizeof(code_text), code, strlen(code));
    text_escape(text, sizeof(text), message, strlen(message));
    return err_set(e, EACCES, "%s of %s: %d %s: %s", c->action, c->role,
                   status, code_text, text);
}

static int
identity_from_answer(const struct sts_call *c, const struct sts_answer *a,
                     const char *source, struct aws_identity **ret,
                     struct err *e)
{
    int64_t expires;

    if (!a->access || !a->secret || !a->token || !a->expiry ||
        parse_time(a->expiry, &expires) < 0)
        return err_set(e, EPROTO, "%s of %s: the answer has no credentials",
                       c->action, c->role);
    return identity_new(ret, a->access, a->secret, a->token, expires, e,
                        "%s (%s)", source, c->role);
}

static int
read_answer(const struct sts_call *c, int status, const char *body,
            const char *source, struct aws_identity **ret, struct err *e)
{
    struct sts_answer a = {0};
    int r = parse_answer(body, &a);

    if (status != 200)
        r = refused(c, status, &a, e);
    else if (r < 0)
        err_set(e, EPROTO, "%s of %s: the answer is no XML", c->action,
                c->role);
    else
        r = identity_from_answer(c, &a, source, ret, e);
    answer_free(&a);
    return r;
}

/* ------------------------------------------------------------- request */

static int
add_field(struct buf *b, const char *name, const char *value)
{
    int r;

    if (!value)
        return 0;
    r = buf_addf(b, "&%s=", name);
    return r == 0 ? text_percent(b, value, strlen(value), false) : r;
}

static int
make_form(struct buf *b, const struct sts_call *c)
{
    int r = buf_addf(b, "Action=%s&Version=2011-06-15", c->action);

    if (r == 0)
        r = add_field(b, "RoleArn", c->role);
    if (r == 0)
        r = add_field(b, "RoleSessionName", c->session);
    if (r == 0)
        r = add_field(b, "ExternalId", c->external_id);
    if (r == 0)
        r = add_field(b, "DurationSeconds", c->duration);
    if (r == 0)
        r = add_field(b, "WebIdentityToken", c->token);
    return r;
}

/* The AWS partitions have domains of their own. */
static const char *
domain(const char *region)
{
    static const struct {
        const char *prefix, *domain;
    } table[] = {
        {"cn-", "amazonaws.com.cn"},    {"us-isob-", "sc2s.sgov.gov"},
        {"us-iso-", "c2s.ic.gov"},      {"us-isof-", "csp.hci.ic.gov"},
        {"eu-isoe-", "cloud.adc-e.uk"}, {"eusc-", "amazonaws.eu"},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strncmp(region, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].domain;
    return "amazonaws.com";
}

static void
sts_url(const struct aws *a, char out[300])
{
    if (a->sts_endpoint)
        snprintf(out, 300, "%s%s", a->sts_endpoint,
                 a->sts_endpoint[strlen(a->sts_endpoint) - 1] == '/' ? ""
                                                                     : "/");
    else if (a->region)
        snprintf(out, 300, "https://sts.%s.%s/", a->region, domain(a->region));
    else
        snprintf(out, 300, "https://sts.amazonaws.com/");
}

static const char type_header[] =
    "Content-Type: application/x-www-form-urlencoded; charset=utf-8";

static int
sign(const struct aws *a, const struct sts_call *c, const struct url *u,
     const struct buf *form, struct buf *out)
{
    const char *const headers[] = {type_header, NULL};
    struct iovec v = {form->data, form->len};
    char hash[65];
    struct aws_sign s = {
        .method = "POST",
        .host = u->authority,
        .path = u->path,
        .query = "",
        .headers = headers,
        .payload_hash = hash,
        .region = a->region ? a->region : "us-east-1",
        .service = "sts",
        .now = time(NULL),
    };
    int r;

    if (!c->signer)
        return 0;
    r = aws_sha256_iov(hash, &v, 1);
    return r == 0 ? aws_sign_v4(&s, c->signer, out) : r;
}

/* signed: lines that aws_sign_v4 wrote; they are cut into a list. */
static void
list_headers(struct buf *signed_lines, const char *list[8])
{
    char *p = signed_lines->data, *save = NULL;
    int n = 0;

    list[n++] = type_header;
    for (p = p ? strtok_r(p, "\n", &save) : NULL; p && n < 7;
         p = strtok_r(NULL, "\n", &save))
        list[n++] = p;
    list[n] = NULL;
}

static int
send_once(struct aws *a, const struct sts_call *c, const struct buf *form,
          int *ret_status, char **ret_body, struct err *e)
{
    CLEANUP_BUF struct buf lines = BUF_INIT(FORM_MAX);
    struct iovec v = {form->data, form->len};
    char url[300];
    const char *headers[8];
    struct url u;
    struct net_request req = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = &v,
        .body_count = 1,
        .has_body = true,
        .total_ms = STS_TOTAL_MS,
        .urgent = true,
    };
    int r;

    sts_url(a, url);
    if (parse_url(url, &u) < 0)
        return err_set(e, EINVAL, "the STS endpoint %s is not a URL", url);
    r = sign(a, c, &u, form, &lines);
    if (r < 0)
        return err_set(e, -r, "cannot sign: %s", strerror(-r));
    list_headers(&lines, headers);
    r = http_call(a, &req, ret_status, ret_body, e);
    return r < 0 && e ? err_prefix(e, "%s at %s", c->action, u.authority) : r;
}

static bool
worth_again(int r, int status)
{
    if (r == -ECANCELED || r == -EINVAL)
        return false;
    return r < 0 || status >= 500 || status == 429;
}

int
sts_assume(struct aws *a, const struct sts_call *c, const char *source,
           struct aws_identity **ret, struct err *e)
{
    CLEANUP_BUF struct buf form = BUF_INIT(FORM_MAX);
    CLEANUP_FREE char *body = NULL;
    int status = 0, attempt = 1;
    int r = make_form(&form, c);

    if (r < 0)
        return err_set(e, -r, "%s of %s: %s", c->action, c->role,
                       strerror(-r));
    for (;;) {
        r = send_once(a, c, &form, &status, &body, e);
        if (!worth_again(r, status) || attempt++ == ATTEMPTS)
            break;
        if (!http_pause(a, PAUSE_MS))
            return err_set(e, ECANCELED, "cancelled");
        free(STEAL(body));
    }
    if (r < 0)
        return r;
    return read_answer(c, status, body, source, ret, e);
}
