# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A store behind a relay that hands every byte on after a while (the one of
tests/bench), and what trace= says of calls in flight together."""

import json
import os
import subprocess
from datetime import datetime

from . import procs, where


class Relay:
    """The way to a store, ms milliseconds long."""

    def __init__(self, tmp, store, ms):
        program = os.path.join(tmp, "delay")
        if not os.path.exists(program):
            subprocess.run(
                [os.environ.get("CC", "cc"), "-O2", "-o", program,
                 str(where.SOURCE / "tests" / "bench" / "delay.c")],
                check=True)
        self.port = procs.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.daemon = procs.Daemon(
            [program, str(self.port), str(store.port), str(ms)],
            os.path.join(tmp, "delay.log"))
        self.daemon.wait_port(self.port)

    def stop(self):
        self.daemon.stop()


class Call:
    """An exchange, from its submission (at) and its start to its end, in
    seconds."""

    def __init__(self, line):
        self.op, self.line = line["op"], line
        self.at = datetime.fromisoformat(
            line["time"].replace("Z", "+00:00")).timestamp()
        self.start = self.at + line["queue_ms"] / 1000
        self.end = self.start + line["total_ms"] / 1000


def calls(path, *ops):
    """Those of the trace, or of these kinds."""
    with open(path, encoding="utf-8") as f:
        found = [Call(json.loads(line)) for line in f]
    return [c for c in found if not ops or c.op in ops]


def most(some):
    """In flight together at most."""
    times = sorted([(c.end, -1) for c in some] + [(c.start, 1) for c in some])
    now = top = 0
    for _, step in times:
        now += step
        top = max(top, now)
    return top


def row(some):
    """The longest row of calls each of which began when the one before it
    had ended."""
    n, free = 0, 0.0
    for c in sorted(some, key=lambda c: c.end):
        if c.start >= free:
            n, free = n + 1, c.end
    return n
