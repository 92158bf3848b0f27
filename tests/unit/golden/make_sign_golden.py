#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Writes sign_golden.h: requests and what botocore's S3SigV4Auth makes of
them. Needs botocore; run it by hand after adding a case, commit both."""

import datetime
import hashlib
import os
import sys
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ACCESS = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzE//////////wEaDEXAMPLE+/=="
HOST = "bucket.s3.eu-west-1.amazonaws.com"
EMPTY = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


def path_of(key):
    return "/" + quote(key, safe="/-_.~")


def case(name, method="GET", host=HOST, path="/", query="", headers=(),
         payload=EMPTY, region="eu-west-1", token=None, time=1440938160,
         secret=SECRET):
    return dict(name=name, method=method, host=host, path=path, query=query,
                headers=list(headers), payload=payload, region=region,
                token=token, time=time, secret=secret)


def cases():
    yield case("plain", path="/test.txt")
    yield case("root")
    yield case("token", path="/test.txt", token=TOKEN)
    for n in (59, 60, 61, 64, 200):
        yield case(f"secret of {n} bytes",
                   secret=("0123456789abcdef" * 13)[:n])
    yield case("port", host="127.0.0.1:7070", path="/bucket/key",
               region="us-east-1")
    yield case("leap day", path="/k", time=1709164799)
    yield case("every byte but NUL in a key",
               path=path_of(bytes(range(1, 256))))
    for byte in range(1, 256):
        yield case(f"key with byte 0x{byte:02x}",
                   path=path_of(b"dir/a" + bytes([byte]) + b"b"))
    yield case("path is not normalised", path="/a//b/./c/../d/%2F/")
    yield case("sub-resource without value", method="POST", path="/k",
               query="uploads")
    yield case("sub-resource with =", method="POST", path="/k",
               query="uploads=")
    yield case("upload part", method="PUT", path="/k",
               query="uploadId=a%2Bb~c&partNumber=17", payload=UNSIGNED)
    yield case("list",
               query="prefix=a%20b%2F&list-type=2&max-keys=1000&"
                     "encoding-type=url&delimiter=%2F&"
                     "continuation-token=1%2Fabc%3D%3D")
    yield case("a name is a prefix of another",
               query="ab=1&a=2&a-b=3&a.b=4&a=1&A=0&a%20=5")
    copy = ["x-amz-copy-source-range: bytes=0-5242879",
            "x-amz-copy-source: bucket/a%2Bb/c%20d",
            'x-amz-copy-source-if-match: "0123abc"']
    yield case("copy headers", method="PUT", path="/out.zip",
               query="partNumber=1&uploadId=x", headers=copy)
    yield case("copy headers, another order", method="PUT",
               path="/out.zip", query="uploadId=x&partNumber=1",
               headers=reversed(copy), token=TOKEN)
    yield case("white space in values", method="PUT", path="/k",
               headers=["X-Amz-Meta-A:   a   b\t c  ", "x-amz-meta-b:",
                        'If-Match: "e"', "Range: bytes=0-1"])
    yield case("checksums", method="POST", path="/k", query="uploadId=x",
               headers=["x-amz-checksum-type: FULL_OBJECT",
                        "x-amz-checksum-crc32: y/Q5Jg==",
                        "x-amz-checksum-algorithm: CRC32",
                        "x-amz-mp-object-size: 123",
                        "content-type: application/xml",
                        "if-none-match: *"],
               payload=hashlib.sha256(b"<xml/>").hexdigest())


def sign(c):
    creds = Credentials(ACCESS, c["secret"], c["token"])
    auth = botocore.auth.S3SigV4Auth(creds, "s3", c["region"])
    url = f"https://{c['host']}{c['path']}"
    request = AWSRequest(method=c["method"],
                         url=url + ("?" + c["query"] if c["query"] else ""))
    for line in c["headers"]:
        name, _, value = line.partition(":")
        request.headers[name] = value
    now = datetime.datetime.fromtimestamp(c["time"], datetime.timezone.utc)
    with mock.patch("botocore.auth.get_current_datetime",
                    lambda: now.replace(tzinfo=None)), \
            mock.patch.object(auth, "payload", lambda r: c["payload"]):
        auth.add_auth(request)
    return request.headers


def c_string(value):
    if value is None:
        return "NULL"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace(
        "\t", "\\t") + '"'


def field(name, value):
    """One initialiser, in lines of less than 80 columns."""
    text = c_string(value)
    if len(text) < 58:
        return f"     .{name} = {text},\n"
    parts = [text[i:i + 65] for i in range(0, len(text), 65)]
    # No cut inside an escape.
    for i in range(len(parts) - 1):
        while parts[i].endswith("\\"):
            parts[i], parts[i + 1] = parts[i][:-1], "\\" + parts[i + 1]
    return f"     .{name} =\n         " + \
        '"\n         "'.join(parts) + ",\n"


def entry(c):
    headers = sign(c)
    assert headers["X-Amz-Content-SHA256"] == c["payload"]
    default = case("")
    out = ""
    for name in ("name", "method", "host", "path", "query", "payload",
                 "region", "token", "secret"):
        if c[name] != default[name]:
            out += field(name, c[name])
    if c["time"] != default["time"]:
        out += f"     .time = {c['time']},\n"
        out += field("date", headers["X-Amz-Date"])
    if c["headers"]:
        out += "     .headers = {" + ",\n                 ".join(
            c_string(h) for h in c["headers"]) + "},\n"
    out += field("authorization", headers["Authorization"])
    return "    {" + out.lstrip() + "    },\n"


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "sign_golden.h")
    default = case("")
    with open(path, "w", encoding="ascii") as f:
        f.write("/* SPDX-License-Identifier: MIT\n"
                " * Copyright (c) 2026 The s3zipfs authors */\n"
                "/*\n * Written by make_sign_golden.py with botocore "
                f"{botocore.__version__}: do not edit.\n"
                " * What a case leaves out is GOLDEN_*.\n */\n")
        for name, value in (("ACCESS", ACCESS), ("SECRET", SECRET),
                            ("METHOD", default["method"]),
                            ("HOST", default["host"]),
                            ("PATH", default["path"]),
                            ("QUERY", default["query"]),
                            ("REGION", default["region"]),
                            ("DATE", sign(default)["X-Amz-Date"])):
            f.write(f"#define GOLDEN_{name} {c_string(value)}\n")
        f.write(f"#define GOLDEN_TIME {default['time']}\n\n"
                "static const struct golden golden[] = {\n")
        for c in cases():
            f.write(entry(c))
        f.write("};\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
