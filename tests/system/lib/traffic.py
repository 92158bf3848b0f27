# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""What a publish sent, call by call and byte by byte, beside its plan.

`Planned` is read from `s3zip plan --json`, `Seen` from the log of the fault
proxy; both say the same things, so equality is one comparison: what was sent
for parts, for CRCs and to read back, however it ended. An upload is described
by its parts, and a part that is copied from a scratch object by what that
object is made of: numbers and keys do not matter. Uploads that are thrown
away are for CRCs: they are counted, not described.
"""

import hashlib
import re
from collections import Counter
from urllib.parse import parse_qs, unquote

# Calls that write, and what they are in a plan's totals.
WRITES = {"create": "create", "complete": "complete", "copy": "copy",
          "upload": "upload", "put": "upload", "delete": "delete"}
# Reads, the same; others (of bucket settings) are no requests of a plan.
READS = {"get": "get", "head": "head", "attributes": "head", "list": "list"}
PREVIOUS = "previous"


def described(parts):
    """A short name for what an object is made of."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


class Planned:
    def __init__(self, plan, said=None):
        """said: totals by who knows the store and the CRCs better."""
        self.plan = plan
        totals = plan["totals"] | (said or {})
        requests = dict(totals["requests"])
        self.reads = {k: requests.pop(k) for k in ("get", "head", "list")}
        self.writes = Counter({k: n for k, n in requests.items() if n})
        self.uploaded = totals["uploaded"]
        self.downloaded = totals["downloaded"]
        self.copied = totals["copied"]
        self.scratch = {}       # number -> its description
        self.uploads = Counter()
        for one in plan.get("scratch", []):
            parts = self.parts(one["parts"])
            self.scratch[one["number"]] = described(parts)
            self.uploads[parts] += 1
        self.uploads[self.parts(plan["parts"])] += 1

    def source(self, source):
        if "key" in source:
            return source["key"]
        if "scratch" in source:
            return self.scratch[source["scratch"]]
        return PREVIOUS

    def parts(self, parts):
        return tuple(
            ("upload", p["bytes"]) if p["kind"] == "upload" else
            ("copy", self.source(p["source"]), p["source"]["first"],
             p["source"]["last"]) for p in parts)


class Seen:
    """log: the calls of one publish from `source` to s3://dest/key; sizes:
    key -> size of what is in the source bucket; previous: size of the
    archive that was at the destination before."""

    def __init__(self, log, source, dest, key, sizes, previous=0):
        self.source, self.dest, self.key = source, dest, key
        self.sizes = {f"{source}/{k}": s for k, s in sizes.items()}
        self.previous = f"{dest}/{key}" if previous else None
        self.sizes[f"{dest}/{key}"] = previous
        self.made = {}          # bucket/key of a scratch object -> parts
        self.open = {}          # upload id -> {number: part}
        self.created = set()    # bucket/key of uploads
        self.again = []         # parts sent more than once
        self.writes, self.reads = Counter(), Counter()
        self.uploads = Counter()
        self.uploaded = self.downloaded = self.copied = 0
        # as they were asked for: each after the answers that it needs
        for call in sorted(log, key=lambda c: c.at):
            self.take(call)

    # --- one call ---------------------------------------------------------

    def take(self, call):
        ours = WRITES.get(call.operation)
        if ours:
            self.writes[ours] += 1
            getattr(self, "take_" + call.operation)(call)
        elif call.operation == "abort":
            self.take_abort(call)
        elif call.operation in READS:
            self.reads[READS[call.operation]] += 1
            if call.operation == "get":
                self.downloaded += call.received

    @staticmethod
    def object(call):
        return unquote(call.path).lstrip("/")

    @staticmethod
    def upload_id(call):
        return parse_qs(call.query)["uploadId"][0]

    def add(self, call, part):
        number = int(parse_qs(call.query)["partNumber"][0])
        parts = self.open.setdefault(self.upload_id(call), {})
        if number in parts:
            self.again.append((self.object(call), number, part))
        parts[number] = part

    def take_create(self, call):
        self.created.add(self.object(call))

    def take_abort(self, call):
        """The end of an upload for CRCs; planned with its beginning."""
        self.open.pop(self.upload_id(call), None)
        self.writes["delete"] += self.object(call) in self.created

    def take_upload(self, call):
        self.uploaded += call.sent
        self.add(call, ("upload", call.sent))

    def take_copy(self, call):
        source = unquote(call.headers["x-amz-copy-source"]).lstrip("/")
        source = source.partition("?versionId=")[0]
        wanted = call.headers.get("x-amz-copy-source-range")
        if wanted:
            first, last = map(int, re.fullmatch(
                r"bytes=(\d+)-(\d+)", wanted).groups())
        else:
            first, last = 0, self.size(source) - 1
        self.copied += last + 1 - first
        self.add(call, ("copy", self.name(source), first, last))

    def take_put(self, call):
        self.uploaded += call.sent
        self.finish(self.object(call), (("upload", call.sent),))

    def take_complete(self, call):
        parts = self.open.pop(self.upload_id(call), {})
        self.finish(self.object(call),
                    tuple(part for _, part in sorted(parts.items())))

    def take_delete(self, call):
        pass

    # --- objects ----------------------------------------------------------

    def finish(self, name, parts):
        self.uploads[parts] += 1
        self.made[name] = parts
        self.sizes[name] = sum(self.length(p) for p in parts)

    @staticmethod
    def length(part):
        return part[1] if part[0] == "upload" else part[3] + 1 - part[2]

    def size(self, name):
        return self.sizes[name]

    def name(self, source):
        """As Planned names it."""
        if source in self.made:
            return described(self.made[source])
        if source == self.previous:
            return PREVIOUS
        bucket, _, key = source.partition("/")
        assert bucket == self.source, f"a copy of {source}"
        return key


def equal(seen, planned):
    """Writes and bytes are those of the plan; reads are at most as many."""
    assert seen.writes == planned.writes, (seen.writes, planned.writes)
    assert not seen.again, seen.again
    for word in ("uploaded", "copied", "downloaded"):
        assert getattr(seen, word) == getattr(planned, word), (
            word, getattr(seen, word), getattr(planned, word))
    assert seen.uploads == planned.uploads, (
        "only sent", seen.uploads - planned.uploads,
        "only planned", planned.uploads - seen.uploads)
    assert not seen.open, seen.open
    for kind in ("get", "head", "list"):
        assert seen.reads[kind] <= planned.reads[kind], (
            kind, seen.reads, planned.reads)
