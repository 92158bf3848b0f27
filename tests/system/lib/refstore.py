# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A store that keeps references instead of bytes (tests/bench/store): a
model of a real store's latencies and rates, started for one set."""

import json
import os
import urllib.parse
import urllib.request

from . import procs, where

BUCKET, PREFIX = "src", "main"


def build():
    """The program that contrib/deps builds, or None."""
    return where.tool("bench-store")


def write_members(path, sizes):
    """sizes: of each name below src/main/; as `plan --sizes` takes them."""
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(f"{size}\t{name}\n" for name, size in sizes.items())
    return path


class RefStore:
    """The members are those of a file. more: options of the program."""

    def __init__(self, folder, members, *more, tls=False):
        port, self.admin = procs.free_port(), procs.free_port()
        self.folder, self.trust = folder, None
        words = ["-listen", f"127.0.0.1:{port}", "-admin",
                 f"127.0.0.1:{self.admin}", "-members",
                 f"{BUCKET}/{PREFIX}/={members}", *more]
        if tls:
            self.trust = os.path.join(folder, "trust.pem")
            words += ["-tls", self.trust]
        self.endpoint = f"http{'s' if tls else ''}://127.0.0.1:{port}"
        self.daemon = procs.Daemon([build(), *words],
                                   os.path.join(folder, "store.log"))
        self.daemon.wait_port(self.admin)
        self.daemon.wait_port(port)

    def ask(self, path, **values):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin}{path}",
            urllib.parse.urlencode(values).encode() if values else None)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def model(self, on):
        """Latencies, rates and line, on or off."""
        self.ask("/model", on="yes" if on else "no")

    def members(self, file):
        """Others in place of those that are there."""
        self.ask("/members", at=f"{BUCKET}/{PREFIX}/", file=file)

    def reset(self, log):
        """Counts from zero, and logs a JSON line for each request."""
        self.ask("/reset", log=log)

    def stats(self):
        return json.loads(self.ask("/stats"))

    def stop(self):
        self.daemon.stop()
