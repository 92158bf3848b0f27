/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * XML of a store, read as a flat run of elements, with hostile input in
 * mind: no document type, no entities but the five, bounded depth and
 * text, nothing from the network.  Namespaces are ignored: stores differ.
 * Must not know what the elements mean, <Error> apart.
 */
#include <errno.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#include "s3/call.h"

enum { XML_DEPTH_MAX = 16, XML_PATH_MAX = 256, XML_TEXT_MAX = 16 * 1024 };

struct reader {
    const struct s3_xml *x;
    xmlParserCtxtPtr parser;
    int result;              /* first failure */
    unsigned depth;          /* elements that are open */
    bool is_error;           /* the root is Error */
    char path[XML_PATH_MAX]; /* of the open elements below the root */
    struct buf text;         /* since the last tag */
    struct s3_error *err;
    char *region;
};

static void
stop(struct reader *rd, int r)
{
    if (rd->result == 0)
        rd->result = r;
    xmlStopParser(rd->parser);
}

static bool
root_allowed(const struct s3_xml *x, const char *name)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(x->root) && x->root[i]; i++) {
        if (strcmp(x->root[i], name) == 0)
            return true;
    }
    return false;
}

static bool
path_push(struct reader *rd, const char *name)
{
    size_t at = strlen(rd->path), n = strlen(name);

    if (at + n + 2 > sizeof(rd->path))
        return false;
    if (at)
        rd->path[at++] = '/';
    memcpy(rd->path + at, name, n + 1);
    return true;
}

static void
path_pop(struct reader *rd)
{
    char *slash = strrchr(rd->path, '/');

    *(slash ? slash : rd->path) = '\0';
}

static void
on_open(void *user, const xmlChar *name, const xmlChar *prefix,
        const xmlChar *uri, int spaces, const xmlChar **space, int attributes,
        int defaulted, const xmlChar **attribute)
{
    struct reader *rd = user;
    const char *word = (const char *)name;
    int r = 0;

    (void)prefix, (void)uri, (void)spaces, (void)space;
    (void)attributes, (void)defaulted, (void)attribute;
    if (rd->result)
        return;
    buf_reset(&rd->text);
    if (rd->depth == 0) {
        rd->is_error = strcmp(word, "Error") == 0;
        if (!rd->is_error && !root_allowed(rd->x, word))
            r = -EPROTO;
    } else if (rd->depth >= XML_DEPTH_MAX || !path_push(rd, word)) {
        r = -EPROTO;
    } else if (!rd->is_error && rd->x->open) {
        r = rd->x->open(rd->x->user, rd->path);
    }
    rd->depth++;
    if (r < 0)
        stop(rd, r);
}

/* InvalidObjectState says which class the object is in. */
static void
error_storage_class(struct s3_error *e, const char *text)
{
    size_t at = strlen(e->message);
    char word[64];

    s3_error_say(word, sizeof(word), text);
    snprintf(e->message + at, sizeof(e->message) - at, " (storage class %s)",
             word);
}

static void
error_element(struct reader *rd, const char *text)
{
    struct s3_error *e = rd->err;

    if (!e)
        return;
    if (strcmp(rd->path, "Code") == 0)
        s3_error_say(e->code, sizeof(e->code), text);
    else if (strcmp(rd->path, "Message") == 0)
        s3_error_say(e->message, sizeof(e->message), text);
    else if (strcmp(rd->path, "RequestId") == 0)
        s3_error_say(e->request_id, sizeof(e->request_id), text);
    else if (strcmp(rd->path, "HostId") == 0)
        s3_error_say(e->host_id, sizeof(e->host_id), text);
    else if (strcmp(rd->path, "StorageClass") == 0)
        error_storage_class(e, text);
    else if (strcmp(rd->path, "Region") == 0 && rd->region &&
             s3_region_ok(text))
        strcpy(rd->region, text);
}

static void
on_close(void *user, const xmlChar *name, const xmlChar *prefix,
         const xmlChar *uri)
{
    struct reader *rd = user;
    int r = 0;

    (void)name, (void)prefix, (void)uri;
    if (rd->result)
        return;
    rd->depth--;
    if (rd->depth == 0)
        return;
    if (!rd->text.data && buf_add(&rd->text, "", 0) < 0)
        r = -ENOMEM;
    else if (rd->is_error)
        error_element(rd, rd->text.data);
    else
        r = rd->x->close(rd->x->user, rd->path, rd->text.data, rd->text.len);
    buf_reset(&rd->text);
    path_pop(rd);
    if (r < 0)
        stop(rd, r);
}

static void
on_text(void *user, const xmlChar *text, int n)
{
    struct reader *rd = user;
    int r;

    if (rd->result || rd->depth < 2)
        return;
    r = buf_add(&rd->text, text, (size_t)n);
    if (r < 0)
        stop(rd, r == -EMSGSIZE ? -EPROTO : r);
}

/* S3 sends none, and they are how small documents become large ones. */
static void
on_doctype(void *user, const xmlChar *name, const xmlChar *external,
           const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    stop(user, -EPROTO);
}

static void
on_reference(void *user, const xmlChar *name)
{
    (void)name;
    stop(user, -EPROTO);
}

static xmlParserCtxtPtr
new_parser(struct reader *rd)
{
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_open,
        .endElementNs = on_close,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .internalSubset = on_doctype,
        .externalSubset = on_doctype,
        .reference = on_reference,
    };
    xmlParserCtxtPtr p = xmlCreatePushParserCtxt(&sax, rd, NULL, 0, NULL);

    if (p)
        xmlCtxtUseOptions(p, XML_PARSE_NONET | XML_PARSE_NOERROR |
                                 XML_PARSE_NOWARNING);
    return p;
}

int
s3_xml_parse(const struct s3_xml *x, const void *p, size_t n,
             struct s3_error *err, char region[S3_REGION_MAX])
{
    struct reader rd = {
        .x = x, .text = BUF_INIT(XML_TEXT_MAX), .err = err, .region = region};
    int bad;

    if (n == 0 || n > INT_MAX)
        return -EPROTO;
    rd.parser = new_parser(&rd);
    if (!rd.parser)
        return -ENOMEM;
    bad = xmlParseChunk(rd.parser, p, (int)n, 1);
    if (rd.result == 0 && (bad || !rd.parser->wellFormed || rd.depth))
        rd.result = -EPROTO;
    if (rd.result == 0 && rd.is_error)
        rd.result = S3_CALL_ERROR;
    if (rd.parser->myDoc)
        xmlFreeDoc(rd.parser->myDoc);
    xmlFreeParserCtxt(rd.parser);
    buf_free(&rd.text);
    return rd.result;
}

int
s3_xml_answer(struct s3_call *c, const struct s3_xml *x)
{
    int r = s3_xml_parse(x, buf_str(&c->body), c->body.len, &c->error, NULL);

    if (r == -EPROTO && !c->error.message[0])
        s3_error_message(&c->error, "malformed answer (%s expected)",
                         x->root[0]);
    return r;
}

int
s3_body_error(struct s3_call *c)
{
    static const struct s3_xml error_only = {.root = {NULL}};
    int r;

    if (c->body.len == 0)
        return 0;
    r = s3_xml_parse(&error_only, c->body.data, c->body.len, &c->error, NULL);
    return r == S3_CALL_ERROR ? r : 0;
}
