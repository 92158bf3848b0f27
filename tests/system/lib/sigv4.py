# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Which credentials signed a call that the proxy logged, and whether the
signature is right: computed again from the call as it was received."""

import hashlib
import hmac
import re


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def fields(call):
    """Credential, SignedHeaders and Signature of a call, or None."""
    text = call.headers.get("authorization")
    if text is None:
        return None
    return dict(re.findall(r"(\w+)=([^,\s]+)", text))


def access_key(call):
    found = fields(call)
    return found and found["Credential"].split("/")[0]


def right(call, secret):
    """True if this secret made the call's signature."""
    f = fields(call)
    key_id, date, region, service, last = f["Credential"].split("/")
    query = "&".join(sorted(q if "=" in q else q + "="
                            for q in call.query.split("&") if q))
    names = f["SignedHeaders"].split(";")
    headers = "".join(
        f"{n}:{' '.join(call.headers[n].split())}\n" for n in names)
    canonical = "\n".join([call.method, call.path, query, headers,
                           f["SignedHeaders"],
                           call.headers["x-amz-content-sha256"]])
    scope = f"{date}/{region}/{service}/{last}"
    text = "\n".join(["AWS4-HMAC-SHA256", call.headers["x-amz-date"], scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = _hmac(("AWS4" + secret).encode(), date)
    for word in (region, service, last):
        key = _hmac(key, word)
    return hmac.new(key, text.encode(),
                    hashlib.sha256).hexdigest() == f["Signature"]
