# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Prefixes of many objects: listed side by side, laid out to the byte.

The server generates its listing (lib/genlist.py). It checks no signature
and imitates no decision of S3; real servers are in the other tests.
"""

import os
import random
import re
import subprocess
import threading
import time
import zlib

import pytest

from lib import genlist, procs, refzip, where
from lib.mount import environment

SHAPES = ["flat", "tree", "uuid", "utf8", "stem", "skew"]
PAGE = 1000


@pytest.fixture
def server(tmp_path_factory):
    tmp = tmp_path_factory.getbasetemp()
    made = []

    def start(*args, **more):
        made.append(genlist.GenList(tmp, *args, **more))
        return made[-1]

    yield start
    for one in made:
        one.__exit__()


class Run:
    """s3zip, with what it cost."""

    def __init__(self, home, at, *args):
        env = environment(home, **at.env(), AWS_ENDPOINT_URL_S3=at.endpoint)
        env.pop("MALLOC_PERTURB_")      # it would be measured
        start = time.monotonic()
        self.memory = 0
        with subprocess.Popen(
                [where.program("s3zip"), *args], env=env, cwd=home,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as proc:
            watch = threading.Thread(target=self.watch, args=(proc.pid,))
            watch.start()
            self.out = proc.stdout.read()
            self.err = proc.stderr.read().decode()
            _, status, used = os.wait4(proc.pid, 0)
            proc.returncode = os.waitstatus_to_exitcode(status)
            watch.join()
        self.code = proc.returncode
        self.seconds = time.monotonic() - start
        self.cpu = used.ru_utime + used.ru_stime

    def watch(self, pid):
        """ru_maxrss begins with the memory of who forks: look ourselves."""
        try:
            while True:
                self.memory = max(self.memory, procs.peak_memory(pid))
                time.sleep(0.01)
        except (OSError, ValueError):
            pass

    def __str__(self):
        return (f"{self.seconds:.2f} s, {self.cpu:.2f} s of CPU, "
                f"{self.memory >> 20} MiB")


def layout(run):
    """(offset, size, name) of each line of `s3zip ls`."""
    found = []
    for line in run.out.splitlines():
        m = re.match(rb"\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$", line)
        if m:
            found.append((int(m[1]), int(m[2]), m[4]))
    return found


def closed_form(at, keys):
    """Bytes of the archive below 4 GiB, whatever the order."""
    count = loc = cdh = 0
    for key in keys:
        size = zlib.crc32(key, at.seed) % 5000
        count += 1
        loc += 39 + len(key) + size
        cdh += 55 + len(key)
    assert loc + cdh < 1 << 32
    return loc + cdh + (76 if count >= 0xFFFF else 0) + 22


def check_size(home, at, size, *options):
    """The end record is the last 22 bytes. Returns the run."""
    run = Run(home, at, "cat", "s3://b", "--range", f"{size - 22}-{size - 1}",
              *options)
    assert run.code == 0, run.err
    assert len(run.out) == 22 and run.out.startswith(b"PK\5\6")
    return run


def check_entries(home, at, shape, count, samples, *options):
    """Every name once, at the offset that the closed forms give; some
    entries read, and compared with a render."""
    ls = Run(home, at, "ls", "s3://b", *options)
    assert ls.code == 0, ls.err
    found = layout(ls)
    assert len(found) == count
    assert {name for _, _, name in found} == set(
        genlist.keys(shape, count, at.seed))
    offset = 0
    for start, size, name in found:
        assert (start, size) == (offset, at.size(name)), name
        offset += 39 + len(name) + size
    rng = random.Random(5)
    for start, size, name in rng.sample(found, samples):
        m = at.member(name)
        want = refzip.local_header(m, start) + m.data
        got = Run(home, at, "cat", "s3://b", "--range",
                  f"{start}-{start + len(want) - 1}", *options)
        assert got.code == 0, got.err
        assert got.out == want, name
    return ls


@pytest.mark.quick
@pytest.mark.parametrize("shape", SHAPES)
def test_20000(home, server, shape):
    count = 20000
    at = server(shape, count)
    run = check_size(home, at, closed_form(at, genlist.keys(shape, count)))
    print(f"\n{shape}: {run}; {at.stats()}")
    pages = count // PAGE
    assert pages <= at.stats()["list"] < 2 * pages + 100
    check_entries(home, at, shape, count, 1)


@pytest.mark.quick
@pytest.mark.big
def test_side_by_side(home, server):
    """The same bytes as one walker gives, several pages at a time."""
    at = server("uuid", 50000, delay_ms=50)
    many = Run(home, at, "cat", "s3://b", "--range", "0-9")
    most = at.stats()["most"]
    one = Run(home, at, "cat", "s3://b", "--range", "0-9",
              "--connections", "1")
    print(f"\nside by side: {many}; one walker: {one}; {most} at once")
    assert many.code == one.code == 0
    assert many.out == one.out
    assert 4 <= most <= 16


@pytest.mark.quick
def test_one_page_is_one_request(home, server):
    at = server("tree", 1000)
    assert Run(home, at, "ls", "s3://b").code == 0
    assert at.stats()["list"] <= 2      # the probe, and the page


@pytest.mark.quick
def test_max_entries(home, server):
    at = server("flat", 100000, delay_ms=5)
    run = Run(home, at, "ls", "s3://b", "--max-entries", "10000")
    assert run.code == 1
    assert "max_entries=10000" in run.err
    assert at.stats()["list"] < 80


@pytest.mark.long
@pytest.mark.parametrize("shape", ["tree", "uuid"])
def test_a_million(home, server, shape):
    count = 1000000
    at = server(shape, count)
    run = check_size(home, at, closed_form(at, genlist.keys(shape, count)))
    print(f"\n{shape}: listed and laid out in {run}; {at.stats()}")
    assert at.stats()["list"] < 2 * count // PAGE
    ls = check_entries(home, at, shape, count, 2)
    print(f"ls: {ls}")
