# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The half of faultproxy.py that runs inside mitmdump."""

import asyncio
import json
import os
import re
import time
from email.utils import formatdate
from urllib.parse import unquote

import boto3
from botocore.config import Config
from mitmproxy import http

CONTROL = "/__fault_proxy__/"
STREAM_ABOVE = 64 * 1024
RANGE_SOURCE_MOST = 5 << 20     # S3 copies no range of what is not larger


def error_body(code, message):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}'
            f"</Code><Message>{message}</Message>"
            "<RequestId>FAULT0123456789</RequestId>"
            "<HostId>fault-host-id</HostId></Error>").encode()


class Rule:
    def __init__(self, spec):
        self.spec, self.seen = spec, 0

    def fits(self, flow):
        spec, request = self.spec, flow.request
        path, _, query = request.path.partition("?")
        if "method" in spec and not re.fullmatch(spec["method"],
                                                 request.method):
            return False
        if not re.search(spec.get("path", ""), path):
            return False
        if "query" in spec and not re.search(spec["query"], query):
            return False
        return all(re.search(want, request.headers.get(name, ""))
                   for name, want in spec.get("headers_match", {}).items())

    def hits(self, flow):
        """Counts a fitting call; true for the n-th and so on."""
        if not self.fits(flow):
            return False
        self.seen += 1
        first, count = self.spec.get("n", 1), self.spec.get("count", 1)
        return self.seen >= first and (count == 0 or
                                       self.seen < first + count)


class Faults:
    def __init__(self):
        self.rules, self.log, self.held = [], [], 0
        self.gate = asyncio.Event()
        self.client = None

    def backend(self):
        if self.client is None:
            self.client = boto3.client(
                "s3", endpoint_url=os.environ["FAULT_BACKEND"],
                region_name="us-east-1",
                aws_access_key_id=os.environ["FAULT_ACCESS"],
                aws_secret_access_key=os.environ["FAULT_SECRET"],
                config=Config(
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required"))
        return self.client

    async def act(self, call):
        name, arguments = call
        method = getattr(self.backend(), name)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, lambda: method(**arguments))

    async def is_small_range(self, flow):
        """Does it copy a range of a source that S3 copies only whole?"""
        headers = flow.request.headers
        if "x-amz-copy-source-range" not in headers:
            return False
        source = unquote(headers["x-amz-copy-source"]).lstrip("/")
        bucket, _, key = source.partition("?versionId=")[0].partition("/")
        loop = asyncio.get_running_loop()
        head = await loop.run_in_executor(
            None, lambda: self.backend().head_object(Bucket=bucket, Key=key))
        return head["ContentLength"] <= RANGE_SOURCE_MOST

    # --- control -----------------------------------------------------------

    def control(self, flow):
        word = flow.request.path[len(CONTROL):]
        answer = {}
        if word == "rules":
            self.rules = [Rule(r) for r in json.loads(flow.request.content)]
            self.log = []
            self.gate.set()
            self.gate = asyncio.Event()
        elif word == "log":
            answer = self.log
        elif word == "forget":
            self.log = []
        elif word == "held":
            answer = {"held": self.held}
        elif word == "release":
            self.gate.set()
        flow.response = http.Response.make(
            200, json.dumps(answer), {"Content-Type": "application/json"})

    # --- hooks of mitmproxy --------------------------------------------------

    def requestheaders(self, flow):
        if flow.request.path.startswith(CONTROL):
            return
        flow.metadata["start"] = time.monotonic()
        path, _, query = flow.request.path.partition("?")
        entry = {"method": flow.request.method, "path": path, "query": query,
                 "headers": {k.lower(): v for k, v in
                             flow.request.headers.items()},
                 "sent": 0, "received": 0, "status": None, "rule": None,
                 "at": time.monotonic(), "seconds": None}
        self.log.append(entry)
        flow.metadata["entry"] = entry
        for number, rule in enumerate(self.rules):
            if rule.hits(flow):
                flow.metadata["rule"] = rule.spec
                entry["rule"] = number
                break
        length = flow.request.headers.get("content-length", "0")
        entry["sent"] = int(length) if length.isdigit() else 0
        if entry["sent"] > STREAM_ABOVE and "rule" not in flow.metadata:
            flow.request.stream = True

    async def request(self, flow):
        if flow.request.path.startswith(CONTROL):
            self.control(flow)
            return
        rule = flow.metadata.get("rule")
        if rule is None:
            return
        if rule.get("small_ranges") and await self.is_small_range(flow):
            self.answer(flow, {
                "status": 400, "code": "InvalidRequest",
                "message": "The specified copy source is not supported as a "
                           "byte-range copy source"})
            return
        if "delay" in rule:
            await asyncio.sleep(rule["delay"])
        if rule.get("hold"):
            self.held += 1
            try:
                await self.gate.wait()
            finally:
                self.held -= 1
        if "before" in rule:
            await self.act(rule["before"])
        if rule.get("kill"):
            flow.kill()
        elif "status" in rule:
            self.answer(flow, rule)

    def answer(self, flow, rule):
        headers = {"Content-Type": "application/xml",
                   "Date": formatdate(usegmt=True),
                   "x-amz-request-id": "FAULT0123456789"}
        headers.update(rule.get("headers", {}))
        body = rule.get("body", "").encode()
        if "code" in rule:
            body = error_body(rule["code"], rule.get("message", "as told"))
        if flow.request.method == "HEAD":
            body = b""
        flow.response = http.Response.make(rule["status"], body, headers)

    def responseheaders(self, flow):
        entry = flow.metadata.get("entry")
        if entry is None:
            return
        entry["status"] = flow.response.status_code
        length = flow.response.headers.get("content-length", "0")
        entry["received"] = int(length) if length.isdigit() else 0
        if entry["received"] > STREAM_ABOVE and "rule" not in flow.metadata:
            flow.response.stream = True

    async def response(self, flow):
        entry = flow.metadata.get("entry")
        if entry is None:
            return
        entry["status"] = flow.response.status_code
        rule = flow.metadata.get("rule") or {}
        if "replace" in rule:
            new = rule["replace"]
            flow.response = http.Response.make(
                new["status"], new.get("body", ""), new.get("headers", {}))
            if "code" in new:
                flow.response.content = error_body(new["code"], "as told")
            entry["status"] = flow.response.status_code
        if rule.get("record"):
            entry["body"] = flow.request.get_text()
            entry["answer"] = flow.response.get_text()
        self.damage(flow.response, rule)
        for name in rule.get("drop_headers", []):
            flow.response.headers.pop(name, None)
        for name, value in rule.get("set_headers", {}).items():
            flow.response.headers[name] = value
        if "after" in rule:
            await self.act(rule["after"])
        if "delay_answer" in rule:
            await asyncio.sleep(rule["delay_answer"])
        if rule.get("kill_answer"):
            flow.kill()
        entry["seconds"] = time.monotonic() - flow.metadata["start"]

    @staticmethod
    def damage(response, rule):
        if "flip" in rule and len(response.content) > rule["flip"]:
            body = bytearray(response.content)
            body[rule["flip"]] ^= 1
            response.content = bytes(body)
        if "cut" in rule:
            length = response.headers.get("content-length")
            response.content = response.content[:rule["cut"]]
            if rule.get("keep_length", True) and length is not None:
                response.headers["content-length"] = length
                response.headers["connection"] = "close"


addons = [Faults()]
