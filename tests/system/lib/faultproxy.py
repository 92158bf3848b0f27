# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A proxy in front of a real server: counts, and does things at the n-th
matching call. The other half is fault_addon.py, inside mitmdump.

A rule is a dict. What it matches: method, path, query (regular expressions,
searched), headers_match {name: expression}, n (which match, from 1), count (how
many from there, 0 = all). What it does, any of:
  status, code, message   answer an S3 <Error> without asking the server
  body, headers           answer these (with status) without asking
  replace                 {status, body, headers}: instead of the answer
  cut, keep_length        only so many bytes of the answer's body
  flip                    flip a bit of the answer's body at this offset
  drop_headers, set_headers   remove or set these in the answer
  delay                   seconds before the server is asked
  delay_answer            seconds before the answer is passed on
  kill                    close the connection without an answer
  kill_answer             the same, but the server has done it
  small_ranges            answer 400 InvalidRequest to a copy of a range of a
                          source of 5 MiB or less, as S3 does and no server
                          here; others pass
  before, after           [boto3 call, {arguments}] done on the server itself
  hold                    wait until release() is called
  record                  keep the bodies in the log: body, answer
"""

import json
import os
import re
import time
import urllib.request

from . import procs, servers, where

CONTROL = "/__fault_proxy__"


class FaultProxy:
    def __init__(self, tmp, backend):
        self.backend = backend
        self.port = procs.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        env = dict(os.environ, FAULT_BACKEND=backend.endpoint,
                   FAULT_ACCESS=servers.ACCESS, FAULT_SECRET=servers.SECRET)
        addon = where.SYSTEM / "lib" / "fault_addon.py"
        self.daemon = procs.Daemon(
            [where.tool("mitmdump"), "-q", "--mode",
             f"reverse:{backend.endpoint}", "--listen-host", "127.0.0.1",
             "-p", str(self.port), "-s", str(addon),
             "--set", "keep_host_header=true",
             "--set", "connection_strategy=lazy",   # the server may be dead
             "--set", f"confdir={tmp}/mitmproxy"],
            os.path.join(tmp, "mitmdump.log"), env)
        self.daemon.wait_port(self.port, 60)

    def control(self, word, value=None):
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(
            f"{self.endpoint}{CONTROL}/{word}", data=data,
            method="GET" if data is None else "PUT")
        with urllib.request.urlopen(request, timeout=30) as r:
            return json.loads(r.read())

    def rules(self, *rules):
        """Replaces the rules and forgets the counts and the log."""
        self.control("rules", list(rules))

    def log(self):
        """Calls so far: dicts with method, path, query, headers, status,
        sent, received, at, seconds and, if a rule hit, rule."""
        return [Call(c) for c in self.control("log")]

    def held(self, seconds=30):
        """Waits until a call hangs at a rule with hold."""
        procs.wait_for(lambda: self.control("held")["held"], seconds, 0.05)

    def release(self):
        self.control("release", {})

    def forget(self):
        self.control("forget", {})

    def quiet(self, seconds=0.3, limit=15):
        """Waits until no call came for so long; returns the log."""
        end = time.monotonic() + limit
        last = -1
        while time.monotonic() < end:
            now = len(self.control("log"))
            if now == last:
                break
            last = now
            time.sleep(seconds)
        return self.log()

    def stop(self):
        self.daemon.kill()      # SIGTERM makes it wait for connections


class Call(dict):
    """One call as the proxy saw it, with the S3 operation's name."""

    __getattr__ = dict.__getitem__

    @property
    def operation(self):
        query = self["query"]
        bucket_only = re.fullmatch(r"/[^/]*/?", self["path"]) is not None
        has = lambda word: re.search(rf"(^|&){word}(=|&|$)", query)  # noqa
        method = self["method"]
        if has("uploads"):
            return "list_uploads" if method == "GET" else "create"
        if has("uploadId"):
            copy = "x-amz-copy-source" in self["headers"]
            return {"PUT": "copy" if copy else "upload", "POST": "complete",
                    "DELETE": "abort", "GET": "list_parts"}[method]
        if method == "POST" and has("delete"):
            return "delete_many"
        if method == "GET" and has("attributes"):
            return "attributes"
        if method == "GET" and has("versions"):
            return "list_versions"
        if method == "GET" and has("object-lock"):
            return "lock"
        if method == "GET" and bucket_only:
            return "list"
        if method == "HEAD" and bucket_only:
            return "head_bucket"
        return method.lower()


def of_key(log, key):
    """The calls of one object: not those that only ask for CRCs."""
    return [call for call in log if call.path.endswith(f"/{key}")]


def count(log):
    """operation -> how many."""
    out = {}
    for call in log:
        out[call.operation] = out.get(call.operation, 0) + 1
    return out
