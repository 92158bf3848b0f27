/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A bucket of made-up objects on loopback, fast enough for a million:
 * ListObjectsV2 (prefix, delimiter, start-after, continuation-token,
 * max-keys, encoding-type), GET with Range, HEAD.  Keys come from a shape
 * and a count; size, time, ETag and bytes of an object from its key and a
 * seed.  genlist.py has the same closed forms.
 *
 *   genlist SHAPE COUNT SEED [MILLISECONDS of every answer]
 *
 * Prints its port, and ends with its standard input.  It imitates no
 * decision of S3: no signature is checked, and nothing can be changed.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { KEY_SIZE = 160, HEAD_SIZE = 16384, PAGE = 1000 };

static const char **key;
static long count, delay_ms;
static uint32_t seed, crc_table[256];
static atomic_long lists, gets, heads, now_listing, most_listing;

/* --------------------------------------------------------- closed forms */

static void
crc_init(void)
{
    uint32_t c;
    int i, k;

    for (i = 0; i < 256; i++) {
        for (c = (uint32_t)i, k = 0; k < 8; k++)
            c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        crc_table[i] = c;
    }
}

/* zlib.crc32(name, seed) */
static uint32_t
hash_of(const char *name)
{
    uint32_t c = ~seed;

    for (; *name; name++)
        c = crc_table[(c ^ (unsigned char)*name) & 0xff] ^ c >> 8;
    return ~c;
}

static long
size_of(uint32_t h)
{
    return h % 5000;
}

static time_t
mtime_of(uint32_t h)
{
    return 1600000000 + h % 100000000;
}

static unsigned char
byte_of(uint32_t h, long at)
{
    return (unsigned char)(h + (unsigned long)at * 7 + (at >> 8));
}

static uint64_t
mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static void
uuid_name(char *out, long i)
{
    uint64_t a = mix(2 * (uint64_t)i + seed);
    uint64_t b = mix(2 * (uint64_t)i + 1 + seed);

    snprintf(out, KEY_SIZE, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff),
             (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffff));
}

static int
key_name(char *out, const char *shape, long i)
{
    if (strcmp(shape, "flat") == 0)
        snprintf(out, KEY_SIZE, "%08ld.dat", i);
    else if (strcmp(shape, "tree") == 0)
        snprintf(out, KEY_SIZE, "y%ld/m%02ld/d%02ld/part-%05ld", i / 200000,
                 i / 20000 % 10, i / 1000 % 20, i % 1000);
    else if (strcmp(shape, "uuid") == 0)
        uuid_name(out, i);
    else if (strcmp(shape, "utf8") == 0)
        snprintf(out, KEY_SIZE, "\xd0\xb4\xd0\xb0\xd0\xbd/%c%c%c/\xc3\xa9%ld",
                 0xe3, 0x81, (int)(0x81 + i % 60), i / 60);
    else if (strcmp(shape, "stem") == 0)
        snprintf(out, KEY_SIZE,
                 "a/very/long/way/down/to/where/the/objects-of-this/"
                 "bucket=are/kept/%ld/%ld",
                 i % 977, i / 977);
    else if (strcmp(shape, "skew") == 0)
        snprintf(out, KEY_SIZE, i % 10 ? "hot/item-%07ld" : "%ld/cold", i);
    else
        return -1;
    return 0;
}

static int
key_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
make_keys(const char *shape)
{
    char name[KEY_SIZE];
    long i;

    key = malloc(sizeof(*key) * (size_t)(count + 1));
    if (!key)
        return -1;
    for (i = 0; i < count; i++) {
        if (key_name(name, shape, i) < 0 || !(key[i] = strdup(name)))
            return -1;
    }
    qsort(key, (size_t)count, sizeof(*key), key_cmp);
    return 0;
}

/* The first key >= name, or > name. */
static long
find(const char *name, bool above)
{
    long low = 0, high = count;

    while (low < high) {
        long mid = low + (high - low) / 2;
        int c = strcmp(key[mid], name);

        if (c < 0 || (above && c == 0))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* --------------------------------------------------------------- output */

struct out {
    char *data;
    size_t len, cap;
};

static void
need(struct out *o, size_t n)
{
    if (o->len + n <= o->cap)
        return;
    o->cap = 2 * (o->len + n);
    o->data = realloc(o->data, o->cap);
    if (!o->data)
        abort();
}

static void
put(struct out *o, const char *s)
{
    size_t n = strlen(s);

    need(o, n);
    memcpy(o->data + o->len, s, n);
    o->len += n;
}

static void __attribute__((format(printf, 2, 3)))
putf(struct out *o, const char *fmt, ...)
{
    va_list ap;

    need(o, 1024);
    va_start(ap, fmt);
    o->len += (size_t)vsnprintf(o->data + o->len, 1024, fmt, ap);
    va_end(ap);
}

static void
put_name(struct out *o, const char *name, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t i;

    need(o, 3 * n);
    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];

        if (isalnum(c) || strchr("-_.~/", c)) {
            o->data[o->len++] = (char)c;
            continue;
        }
        o->data[o->len++] = '%';
        o->data[o->len++] = hex[c >> 4];
        o->data[o->len++] = hex[c & 15];
    }
}

static void
put_entry(struct out *o, const char *name)
{
    uint32_t h = hash_of(name);
    time_t at = mtime_of(h);
    struct tm t;

    gmtime_r(&at, &t);
    put(o, "<Contents><Key>");
    put_name(o, name, strlen(name));
    putf(o,
         "</Key><LastModified>%04d-%02d-%02dT%02d:%02d:%02d.000Z"
         "</LastModified><ETag>&quot;%08x%08x%08x%08x&quot;</ETag>"
         "<Size>%ld</Size><StorageClass>STANDARD</StorageClass></Contents>",
         t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
         t.tm_sec, h, ~h, h * 3, h * 5, size_of(h));
}

/* -------------------------------------------------------------- listing */

struct query {
    char prefix[KEY_SIZE], after[KEY_SIZE], token[KEY_SIZE];
    bool delimiter;
    long max;
};

static void
decode(char *out, const char *in, size_t n)
{
    size_t i, k = 0;
    char two[3] = "";

    for (i = 0; i < n && k + 1 < KEY_SIZE; i++) {
        if (in[i] == '%' && i + 2 < n) {
            memcpy(two, in + i + 1, 2);
            out[k++] = (char)strtol(two, NULL, 16);
            i += 2;
        } else {
            out[k++] = in[i] == '+' ? ' ' : in[i];
        }
    }
    out[k] = '\0';
}

static void
parse_query(struct query *q, const char *s)
{
    char value[KEY_SIZE];

    *q = (struct query){.max = PAGE};
    while (*s) {
        size_t n = strcspn(s, "&"), name = strcspn(s, "=&");

        decode(value, name < n ? s + name + 1 : "",
               name < n ? n - name - 1 : 0);
        if (strncmp(s, "prefix=", 7) == 0)
            strcpy(q->prefix, value);
        else if (strncmp(s, "start-after=", 12) == 0)
            strcpy(q->after, value);
        else if (strncmp(s, "continuation-token=", 19) == 0)
            strcpy(q->token, value);
        else if (strncmp(s, "delimiter=", 10) == 0)
            q->delimiter = true;
        else if (strncmp(s, "max-keys=", 9) == 0)
            q->max = atol(value) < PAGE ? atol(value) : PAGE;
        s += n + (s[n] == '&');
    }
}

static long
first_of(const struct query *q)
{
    long at = find(q->prefix, false), after;

    if (*q->token)
        return atol(q->token + 1);
    after = find(q->after, true);
    return *q->after && after > at ? after : at;
}

/* One common prefix, and the first key that has it not. */
static long
put_common(struct out *o, long i, const char *slash)
{
    char end[KEY_SIZE];
    size_t n = (size_t)(slash - key[i]) + 1;

    put(o, "<CommonPrefixes><Prefix>");
    put_name(o, key[i], n);
    put(o, "</Prefix></CommonPrefixes>");
    memcpy(end, key[i], n);
    end[n - 1] = '/' + 1;
    end[n] = '\0';
    return find(end, false);
}

static void
list_page(struct out *o, const char *query)
{
    struct query q;
    size_t n;
    long i, done = 0;

    parse_query(&q, query);
    n = strlen(q.prefix);
    put(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
           "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
           "<EncodingType>url</EncodingType>");
    i = first_of(&q);
    while (i < count && done < q.max && strncmp(key[i], q.prefix, n) == 0) {
        const char *slash = q.delimiter ? strchr(key[i] + n, '/') : NULL;

        done++;
        if (slash)
            i = put_common(o, i, slash);
        else
            put_entry(o, key[i++]);
    }
    if (i < count && strncmp(key[i], q.prefix, n) == 0)
        putf(o,
             "<IsTruncated>true</IsTruncated><NextContinuationToken>t%ld"
             "</NextContinuationToken>",
             i);
    else
        put(o, "<IsTruncated>false</IsTruncated>");
    putf(o, "<KeyCount>%ld</KeyCount></ListBucketResult>", done);
}

/* ------------------------------------------------------------- requests */

static bool
send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

static bool
answer(int fd, int status, const char *headers, const struct out *body,
       bool head)
{
    char line[512];
    int n = snprintf(line, sizeof(line),
                     "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status,
                     body->len, headers);

    return send_all(fd, line, (size_t)n) &&
           (head || send_all(fd, body->data, body->len));
}

static bool
answer_list(int fd, const char *query)
{
    struct out o = {0};
    long now = atomic_fetch_add(&now_listing, 1) + 1;
    long most = atomic_load(&most_listing);
    bool ok;

    while (now > most &&
           !atomic_compare_exchange_weak(&most_listing, &most, now))
        ;
    atomic_fetch_add(&lists, 1);
    list_page(&o, query);
    if (delay_ms)
        usleep((useconds_t)delay_ms * 1000);
    atomic_fetch_sub(&now_listing, 1);
    ok = answer(fd, 200, "Content-Type: application/xml\r\n", &o, false);
    free(o.data);
    return ok;
}

static bool
answer_stats(int fd)
{
    struct out o = {0};
    bool ok;

    putf(&o, "{\"list\": %ld, \"get\": %ld, \"head\": %ld, \"most\": %ld}",
         (long)lists, (long)gets, (long)heads, (long)most_listing);
    ok = answer(fd, 200, "", &o, false);
    free(o.data);
    return ok;
}

static bool
answer_object(int fd, const char *name, const char *head_lines, bool head)
{
    const char *range = strcasestr(head_lines, "\r\nrange: bytes=");
    long i = find(name, false), first = 0, last, size, at;
    struct out o = {0};
    char headers[400], when[64], part[100] = "";
    struct tm t;
    time_t mtime;
    uint32_t h;
    bool ok;

    atomic_fetch_add(head ? &heads : &gets, 1);
    if (i == count || strcmp(key[i], name) != 0)
        return answer(fd, 404, "", &o, head);
    h = hash_of(name);
    size = size_of(h);
    last = size - 1;
    if (range && sscanf(range + 15, "%ld-%ld", &first, &last) >= 1)
        snprintf(part, sizeof(part), "Content-Range: bytes %ld-%ld/%ld\r\n",
                 first, last = last < size ? last : size - 1, size);
    mtime = mtime_of(h);
    strftime(when, sizeof(when), "%a, %d %b %Y %T GMT", gmtime_r(&mtime, &t));
    snprintf(headers, sizeof(headers),
             "ETag: \"%08x%08x%08x%08x\"\r\nLast-Modified: %s\r\n%s", h, ~h,
             h * 3, h * 5, when, part);
    need(&o, (size_t)size + 1);
    for (at = first; at <= last; at++)
        o.data[o.len++] = (char)byte_of(h, at);
    ok = answer(fd, *part ? 206 : 200, headers, &o, head);
    free(o.data);
    return ok;
}

static bool
serve(int fd, char *request)
{
    bool head = strncmp(request, "HEAD ", 5) == 0;
    char *path = strchr(request, ' ') + 1, *end = strpbrk(path, " \r");
    char *lines = strstr(request, "\r\n"), *query, *slash;
    char name[KEY_SIZE];

    *end = '\0';
    query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    slash = strchr(path + 1, '/');
    if (strcmp(path, "/-stats") == 0)
        return answer_stats(fd);
    if (!slash || !slash[1])
        return answer_list(fd, query ? query : "");
    decode(name, slash + 1, strlen(slash + 1));
    return answer_object(fd, name, lines ? lines : "", head);
}

static void *
connection(void *arg)
{
    int fd = (int)(intptr_t)arg, one = 1;
    char buffer[HEAD_SIZE + 1];
    size_t have = 0;
    ssize_t n;
    char *end;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    while (have < HEAD_SIZE &&
           (n = recv(fd, buffer + have, HEAD_SIZE - have, 0)) > 0) {
        have += (size_t)n;
        buffer[have] = '\0';
        end = strstr(buffer, "\r\n\r\n");
        if (!end)
            continue;
        end[2] = '\0';
        if (!strchr(buffer, ' ') || !serve(fd, buffer))
            break;
        have = 0; /* nobody pipelines, and no request has a body */
    }
    close(fd);
    return NULL;
}

/* ----------------------------------------------------------------- main */

static void *
accepting(void *arg)
{
    int fd, listener = (int)(intptr_t)arg;
    pthread_t t;

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        if (pthread_create(&t, NULL, connection, (void *)(intptr_t)fd) == 0)
            pthread_detach(t);
        else
            close(fd);
    }
    return NULL;
}

static int
listen_on_loopback(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(fd, 128) < 0 || getsockname(fd, (struct sockaddr *)&at, &n) < 0)
        return -1;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

int
main(int argc, char **argv)
{
    pthread_t t;
    int fd;

    if (argc < 4)
        return 2;
    count = atol(argv[2]);
    seed = (uint32_t)strtoul(argv[3], NULL, 10);
    delay_ms = argc > 4 ? atol(argv[4]) : 0;
    crc_init();
    if (make_keys(argv[1]) < 0)
        return 2;
    fd = listen_on_loopback();
    if (fd < 0 ||
        pthread_create(&t, NULL, accepting, (void *)(intptr_t)fd) != 0)
        return 1;
    while (getchar() != EOF)
        ;
    return 0;
}
