/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Credentials as JSON, as credential_process, the container endpoint and
 * the instance metadata give them.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "aws/aws_priv.h"
#include "base/text.h"

static const char *
text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static int
no_credentials(const json_t *o, const char *source, struct err *e)
{
    const char *code = text_of(o, "Code"), *message = text_of(o, "Message");
    char text[200] = "";

    if (!message)
        message = text_of(o, "message");
    if (message)
        text_escape(text, sizeof(text), message, strlen(message));
    else if (code)
        text_escape(text, sizeof(text), code, strlen(code));
    return err_set(e, EACCES, "%s gave no credentials%s%s", source,
                   text[0] ? ": " : "", text);
}

static int
from_object(struct aws_identity **ret, const json_t *o, const char *token_key,
            bool need_expiry, const char *source, struct err *e)
{
    const char *access = text_of(o, "AccessKeyId");
    const char *secret = text_of(o, "SecretAccessKey");
    const char *token = text_of(o, token_key);
    const char *expiry = text_of(o, "Expiration");
    int64_t expires = 0;

    if (!access || !secret || (need_expiry && (!token || !expiry)))
        return no_credentials(o, source, e);
    if (expiry && parse_time(expiry, &expires) < 0)
        return err_set(e, EPROTO, "%s: Expiration is no time", source);
    return identity_new(ret, access, secret, token, expires, e, "%s", source);
}

int
identity_from_json(struct aws_identity **ret, const char *text,
                   const char *token_key, bool need_expiry, const char *source,
                   struct err *e)
{
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    int r;

    if (!json_is_object(o)) {
        json_decref(o);
        return err_set(e, EPROTO, "the answer of %s is no JSON object",
                       source);
    }
    /* credential_process has a Version, the services have none. */
    if (json_object_get(o, "Version") &&
        json_integer_value(json_object_get(o, "Version")) != 1)
        r = err_set(e, EPROTO, "%s: only Version 1 is known", source);
    else
        r = from_object(ret, o, token_key, need_expiry, source, e);
    json_decref(o);
    return r;
}
