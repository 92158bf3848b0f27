/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * libcurl handles: the options that all exchanges share are set once, and
 * a handle is reused (with its connection, which the multi handle keeps).
 * Also what libcurl's result codes mean.  Knows no threads and no queues.
 */
#include "net/net_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
    CONNECT_MS = 5000,
    KEEPALIVE_S = 30,
    HEAD_MAX = 64 * 1024,
    /* One recv() each: measured, larger ones gain nothing and cost memory
     * per connection, smaller ones cost calls. */
    RECV_BUFFER = 128 * 1024,
    SEND_BUFFER = 512 * 1024,
    SMALL_BUFFER = CURL_MAX_WRITE_SIZE, /* libcurl's own least */
    IDLE_S = 118, /* others are not used: libcurl's own */
};

static void
set_tls(CURL *c, const struct net_conf *conf)
{
    struct stat st;

    if (conf->ca_bundle) {
        if (stat(conf->ca_bundle, &st) == 0 && S_ISDIR(st.st_mode))
            curl_easy_setopt(c, CURLOPT_CAPATH, conf->ca_bundle);
        else
            curl_easy_setopt(c, CURLOPT_CAINFO, conf->ca_bundle);
    }
    if (conf->no_verify_tls) {
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void
set_transport(CURL *c)
{
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    /* S3 wants connections spread over the addresses that DNS gives, and
     * libcurl keeps the order of one answer as long as it caches it. */
    curl_easy_setopt(c, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    curl_easy_setopt(c, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}

/* libcurl says only that it could not connect when no socket could be made;
 * that the process has too many open files is for a person to mend. */
static curl_socket_t
open_socket(void *user, curlsocktype type, struct curl_sockaddr *at)
{
    int fd = socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
    struct exchange *x = user;

    (void)type;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        x->no_files = errno;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

struct slot *
slot_new(struct net *n, struct loop *l)
{
    struct slot *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->head = BUF_INIT(HEAD_MAX);
    s->easy = curl_easy_init();
    if (!s->easy) {
        free(s);
        return NULL;
    }
    set_transport(s->easy);
    set_tls(s->easy, &n->conf);
    if (n->conf.user_agent)
        curl_easy_setopt(s->easy, CURLOPT_USERAGENT, n->conf.user_agent);
    curl_easy_setopt(s->easy, CURLOPT_SHARE, l->share);
    curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->errtext);
    curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, exchange_on_head);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, exchange_on_data);
    curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, exchange_on_read);
    curl_easy_setopt(s->easy, CURLOPT_SEEKFUNCTION, exchange_on_seek);
    curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return s;
}

void
slot_free(struct slot *s)
{
    if (!s)
        return;
    curl_easy_cleanup(s->easy);
    buf_free(&s->head);
    free(s);
}

/* Loopback and the link-local metadata services are never behind a proxy,
 * whatever the proxy variables say. */
static bool
never_proxied(const char *url)
{
    static const char *const local[] = {
        "localhost:", "localhost/", "127.",        "[::1]",
        "169.254.",   "[fe80:",     "[fd00:ec2::",
    };
    const char *host = strstr(url, "://");
    size_t i;

    if (!host)
        return false;
    for (i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        if (strncasecmp(host + 3, local[i], strlen(local[i])) == 0)
            return true;
    return strcasecmp(host + 3, "localhost") == 0;
}

/* libcurl's idea of the method decides about bodies: UPLOAD sends one,
 * NOBODY expects none; the word on the wire is ours. */
static void
set_method(CURL *c, const struct exchange *x)
{
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    if (x->req.has_body || x->body_size) {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE,
                         (curl_off_t)x->body_size);
    } else if (strcmp(x->method, "HEAD") == 0) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    }
    if (strcmp(x->method, "GET") != 0 && strcmp(x->method, "HEAD") != 0)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, x->method);
}

/* Only what sends much needs a large buffer to send from, and only what may
 * receive much one to receive into: copies and HEADs are many at a time.  A
 * handle keeps the former until this is called again. */
static void
set_buffers(CURL *c, const struct exchange *x)
{
    bool get = strcmp(x->method, "GET") == 0;
    bool large = x->body_size > SMALL_BUFFER;

    curl_easy_setopt(c, CURLOPT_BUFFERSIZE,
                     (long)(get ? RECV_BUFFER : SMALL_BUFFER));
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE,
                     (long)(large ? SEND_BUFFER : SMALL_BUFFER));
}

int
slot_prepare(struct slot *s, struct exchange *x)
{
    uint32_t connect = x->req.connect_ms ? x->req.connect_ms : CONNECT_MS;
    CURL *c = s->easy;

    s->errtext[0] = '\0';
    buf_reset(&s->head);
    set_method(c, x);
    set_buffers(c, x);
    if (curl_easy_setopt(c, CURLOPT_URL, x->url) != CURLE_OK)
        return -ENOMEM;
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)x->req.total_ms);
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, (long)x->req.fresh);
    curl_easy_setopt(c, CURLOPT_MAXAGE_CONN,
                     (long)(x->req.busy ? NET_IDLE_S : IDLE_S));
    curl_easy_setopt(c, CURLOPT_PROXY, never_proxied(x->url) ? "" : NULL);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_READDATA, x);
    curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
    curl_easy_setopt(c, CURLOPT_PRIVATE, x);
    return 0;
}

/* The errno of the last connect or transfer, if it is one that callers
 * tell apart. */
static int
os_errno(CURL *easy, int otherwise)
{
    long os = 0;

    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os);
    switch (os) {
    case ECONNREFUSED:
    case ETIMEDOUT:
        return -(int)os;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
        return -EHOSTUNREACH;
    default:
        return otherwise;
    }
}

int
curl_errno(CURL *easy, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_COULDNT_CONNECT:
        return os_errno(easy, -EHOSTUNREACH);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return -EHOSTUNREACH;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_URL_MALFORMAT:
        return -EINVAL;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return os_errno(easy, -ECONNRESET) == -ETIMEDOUT ? -ETIMEDOUT
                                                         : -ECONNRESET;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
        return -ECONNRESET;
    default:
        return -EPROTO;
    }
}
