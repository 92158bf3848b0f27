/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The one table: S3 code or HTTP status -> errno and what to do, and the
 * one line that a person reads.  Codes: S3 API reference, "List of error
 * codes", and those that MinIO and versitygw add.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "s3/call.h"

/* clang-format off */
static const struct s3_error_row by_code[] = {
    {"AccessDenied", 0, -EACCES, S3_HOW_FINAL},
    {"AccountProblem", 0, -EACCES, S3_HOW_FINAL},
    {"AllAccessDisabled", 0, -EACCES, S3_HOW_FINAL},
    {"AuthorizationHeaderMalformed", 0, -EACCES, S3_HOW_REGION},
    {"BadDigest", 0, -EIO, S3_HOW_TWICE},
    {"BandwidthLimitExceeded", 0, -EIO, S3_HOW_SLOW},
    {"ConditionalRequestConflict", 0, -EBUSY, S3_HOW_FINAL},
    {"EntityTooLarge", 0, -EFBIG, S3_HOW_FINAL},
    {"ExpiredToken", 0, -EACCES, S3_HOW_TOKEN},
    {"ExpiredTokenException", 0, -EACCES, S3_HOW_TOKEN},
    {"IncompleteBody", 0, -EIO, S3_HOW_AGAIN},
    {"InternalError", 0, -EIO, S3_HOW_AGAIN},
    {"InternalServerError", 0, -EIO, S3_HOW_AGAIN},
    {"InvalidAccessKeyId", 0, -EACCES, S3_HOW_FINAL},
    {"InvalidBucketName", 0, -EINVAL, S3_HOW_FINAL},
    {"InvalidObjectState", 0, -ENODATA, S3_HOW_FINAL},
    {"InvalidRange", 0, -EIO, S3_HOW_FINAL},
    {"InvalidSecurity", 0, -EACCES, S3_HOW_FINAL},
    {"InvalidToken", 0, -EACCES, S3_HOW_TOKEN},
    {"KeyTooLongError", 0, -ENAMETOOLONG, S3_HOW_FINAL},
    {"MethodNotAllowed", 0, -EOPNOTSUPP, S3_HOW_FINAL},
    {"NoSuchBucket", 0, -ENOENT, S3_HOW_FINAL},
    {"NoSuchKey", 0, -ENOENT, S3_HOW_FINAL},
    {"NoSuchUpload", 0, -ENOENT, S3_HOW_FINAL},
    {"NoSuchVersion", 0, -ENOENT, S3_HOW_FINAL},
    {"NotImplemented", 0, -EOPNOTSUPP, S3_HOW_FINAL},
    {"NotSignedUp", 0, -EACCES, S3_HOW_FINAL},
    {"ObjectNotInActiveTierError", 0, -ENODATA, S3_HOW_FINAL},
    {"OperationAborted", 0, -EBUSY, S3_HOW_FINAL},
    {"PermanentRedirect", 0, -EIO, S3_HOW_REGION},
    {"PreconditionFailed", 0, -ESTALE, S3_HOW_FINAL},
    {"QuotaExceeded", 0, -ENOSPC, S3_HOW_FINAL},
    {"Redirect", 0, -EIO, S3_HOW_REGION},
    {"RequestExpired", 0, -EACCES, S3_HOW_SKEW},
    {"RequestLimitExceeded", 0, -EIO, S3_HOW_SLOW},
    {"RequestThrottled", 0, -EIO, S3_HOW_SLOW},
    {"RequestTimeTooSkewed", 0, -EACCES, S3_HOW_SKEW},
    {"RequestTimeout", 0, -EIO, S3_HOW_AGAIN},
    {"ServiceUnavailable", 0, -EIO, S3_HOW_SLOW},
    {"SignatureDoesNotMatch", 0, -EACCES, S3_HOW_FINAL},
    {"SlowDown", 0, -EIO, S3_HOW_SLOW},
    {"SlowDownRead", 0, -EIO, S3_HOW_SLOW},
    {"SlowDownWrite", 0, -EIO, S3_HOW_SLOW},
    {"TemporaryRedirect", 0, -EIO, S3_HOW_REGION},
    {"Throttling", 0, -EIO, S3_HOW_SLOW},
    {"ThrottlingException", 0, -EIO, S3_HOW_SLOW},
    {"TokenRefreshRequired", 0, -EACCES, S3_HOW_TOKEN},
    {"TooManyRequests", 0, -EIO, S3_HOW_SLOW},
    {"UnauthorizedAccess", 0, -EACCES, S3_HOW_FINAL},
    {"XAmzContentChecksumMismatch", 0, -EIO, S3_HOW_TWICE},
    {"XAmzContentSHA256Mismatch", 0, -EIO, S3_HOW_TWICE},
    {"XMinioServerNotInitialized", 0, -EIO, S3_HOW_AGAIN},
    {"XMinioStorageFull", 0, -ENOSPC, S3_HOW_FINAL},
};

static const struct s3_error_row by_status[] = {
    {NULL, 301, -EIO, S3_HOW_REGION},
    {NULL, 307, -EIO, S3_HOW_REGION},
    {NULL, 308, -EIO, S3_HOW_REGION},
    {NULL, 401, -EACCES, S3_HOW_FINAL},
    {NULL, 403, -EACCES, S3_HOW_FINAL},
    {NULL, 404, -ENOENT, S3_HOW_FINAL},
    {NULL, 405, -EOPNOTSUPP, S3_HOW_FINAL},
    {NULL, 408, -EIO, S3_HOW_AGAIN},
    {NULL, 409, -EBUSY, S3_HOW_FINAL},
    {NULL, 412, -ESTALE, S3_HOW_FINAL},
    {NULL, 413, -EFBIG, S3_HOW_FINAL},
    {NULL, 429, -EIO, S3_HOW_SLOW},
    {NULL, 500, -EIO, S3_HOW_AGAIN},
    {NULL, 501, -EOPNOTSUPP, S3_HOW_FINAL},
    {NULL, 502, -EIO, S3_HOW_AGAIN},
    {NULL, 503, -EIO, S3_HOW_SLOW},
    {NULL, 504, -EIO, S3_HOW_AGAIN},
    {NULL, 507, -ENOSPC, S3_HOW_FINAL},
    {NULL, 509, -EIO, S3_HOW_SLOW},
};
/* clang-format on */

const struct s3_error_row *
s3_error_row(const char *code, int http)
{
    static const struct s3_error_row server = {NULL, 500, -EIO, S3_HOW_AGAIN};
    static const struct s3_error_row other = {NULL, 400, -EIO, S3_HOW_FINAL};
    size_t i;

    for (i = 0; *code && i < ARRAY_SIZE(by_code); i++) {
        if (strcmp(by_code[i].code, code) == 0)
            return &by_code[i];
    }
    for (i = 0; i < ARRAY_SIZE(by_status); i++) {
        if (by_status[i].http == http)
            return &by_status[i];
    }
    return http >= 500 ? &server : &other;
}

/* net's words are final but for a connection that broke. */
int
s3_net_errno(int err)
{
    return err == -ECONNRESET ? -EIO : err;
}

enum s3_how
s3_net_how(int err)
{
    switch (err) {
    case -EMFILE: /* others end */
    case -ETIMEDOUT:
    case -ECONNREFUSED:
    case -EHOSTUNREACH:
    case -ECONNRESET:
        return S3_HOW_AGAIN;
    case -EPROTO: /* a handshake that was cut looks like bad TLS */
        return S3_HOW_TWICE;
    default:
        return S3_HOW_FINAL;
    }
}

const char *
s3_http_words(int http)
{
    static const struct {
        int http;
        const char *words;
    } words[] = {
        {301, "Moved Permanently"},   {307, "Temporary Redirect"},
        {400, "Bad Request"},         {401, "Unauthorized"},
        {403, "Forbidden"},           {404, "Not Found"},
        {405, "Method Not Allowed"},  {409, "Conflict"},
        {412, "Precondition Failed"}, {416, "Range Not Satisfiable"},
        {429, "Too Many Requests"},   {500, "Internal Server Error"},
        {501, "Not Implemented"},     {502, "Bad Gateway"},
        {503, "Service Unavailable"}, {504, "Gateway Timeout"},
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(words); i++) {
        if (words[i].http == http)
            return words[i].words;
    }
    return "unexpected answer";
}

void
s3_error_say(char *out, size_t size, const char *text)
{
    text_escape(out, size, text, strlen(text));
}

void
s3_error_message(struct s3_error *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e->message, sizeof(e->message), fmt, ap);
    va_end(ap);
}

static void
say_where(char *out, size_t size, const char *bucket, const char *key,
          size_t key_len)
{
    char name[360], host[80];

    text_escape(host, sizeof(host), bucket, strlen(bucket));
    text_escape(name, sizeof(name), key ? key : "", key ? key_len : 0);
    snprintf(out, size, "s3://%s%s%s", host, key ? "/" : "", name);
}

int
s3_error_text(const struct s3_error *e, const char *op, const char *bucket,
              const char *key, size_t key_len, struct err *ret)
{
    char where[460], status[96] = "", id[96] = "", tries[40] = "";
    const char *words = e->message;

    if (e->err == 0)
        return 0;
    say_where(where, sizeof(where), bucket, key, key_len);
    if (e->http)
        snprintf(status, sizeof(status), "%d %s%s", e->http, e->code,
                 e->code[0] ? ": " : "");
    if (!words[0])
        words = e->http ? s3_http_words(e->http) : strerror(-e->err);
    if (e->request_id[0])
        snprintf(id, sizeof(id), " (request id %s)", e->request_id);
    if (e->attempts > 1)
        snprintf(tries, sizeof(tries), ", %d attempts", e->attempts);
    return err_set(ret, -e->err, "%s %s: %s%s%s%s", op, where, status, words,
                   id, tries);
}

bool
s3_error_is_checksum(const struct s3_error *e)
{
    static const char *const codes[] = {
        "BadDigest",       "InvalidPart",
        "InvalidRequest",  "XAmzContentChecksumMismatch",
        "InvalidArgument", "InvalidDigest",
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(codes); i++)
        if (strcmp(e->code, codes[i]) == 0)
            return e->http == 400;
    return false;
}
