# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""What things cost: requests counted by the proxy."""

import io
import os
import subprocess
import time
import zipfile

import pytest

from lib import refzip, sets
from lib.faultproxy import count
from lib.mount import stats

pytestmark = [pytest.mark.fault, pytest.mark.quick]


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ls_makes_one_listing_per_directory(gw, proxy, bucket, mount):
    m = mount(proxy, bucket(gw, sets.nested()))
    proxy.forget()
    run("ls", "--color=never", m.path)
    log = proxy.quiet()
    assert count(log) == {"list": 1}
    assert "delimiter" in log[0].query
    run("ls", "--color=never", m.path)      # within ttl
    assert count(proxy.quiet()) == {"list": 1}


def test_ls_long_lists_recursively_once(gw, proxy, bucket, mount):
    m = mount(proxy, bucket(gw, sets.nested()))
    run("ls", m.path)
    proxy.forget()
    run("ls", "-l", m.path)
    log = proxy.quiet()
    assert set(count(log)) == {"list"}, count(log)
    assert sum("delimiter" not in c.query for c in log) == 1
    proxy.forget()
    run("ls", "-l", m.path)
    run("stat", m.file())
    assert count(proxy.quiet()) == {}


def test_ls_color_stats(gw, proxy, bucket, mount):
    m = mount(proxy, bucket(gw, sets.nested()))
    proxy.forget()
    run("ls", "--color=always", m.path)
    log = proxy.quiet()
    assert set(count(log)) == {"list"}
    assert sum("delimiter" not in c.query for c in log) <= 1


def test_find(gw, proxy, bucket, mount):
    """Directories below are listed once each; no body is read."""
    m = mount(proxy, bucket(gw, sets.nested()))
    directories = 1 + 4 + 12    # the root; b, b/d, b2, z; level0..level11
    proxy.forget()
    run("find", m.path, "-type", "d")
    log = proxy.quiet()
    assert set(count(log)) == {"list"}
    delimited = [c.query for c in log if "delimiter" in c.query
                 and "max-keys=1&" not in c.query + "&"]
    assert len(delimited) <= directories
    assert len(set(delimited)) == len(delimited), "listed twice"


def test_small_member_costs_one_get(gw, proxy, bucket, mount):
    objects = {f"s{i}": sets.Obj(2000) for i in range(5)}
    m = mount(proxy, bucket(gw, objects))
    os.stat(m.file())
    proxy.forget()
    m.read()
    seen = count(proxy.quiet())
    assert set(seen) == {"get"} and seen["get"] == 5 + stats(m)["reissued"]


@pytest.mark.big
def test_large_members_with_crc(gw, proxy, bucket, mount):
    """ceil(size / 8 MiB) GETs and at most one HEAD each."""
    size = 20 * sets.MIB
    m = mount(proxy, bucket(gw, {"x": sets.Obj(size), "y": sets.Obj(size)}))
    os.stat(m.file())
    proxy.forget()
    m.read()
    log = proxy.quiet()
    seen = count(log)
    # the kernel's first requests may come in any order: a piece for each
    again = stats(m)["reissued"]
    assert 6 <= seen["get"] <= 6 + 8 + again, seen
    assert (sum(c.received for c in log if c.operation == "get")
            <= 2 * size + again * 8 * sets.MIB)
    assert seen.get("head", 0) <= 2, seen


@pytest.mark.big
def test_random_read_is_bounded(gw, proxy, bucket, mount):
    """A read inside a body does not fetch the member."""
    m = mount(proxy, bucket(gw, {"x": sets.Obj(40 * sets.MIB)}))
    with open(m.file(), "rb", buffering=0) as f:
        size = os.fstat(f.fileno()).st_size
        proxy.quiet()
        proxy.forget()
        os.pread(f.fileno(), 4096, size // 2)
    log = [c for c in proxy.quiet() if c.operation == "get"]
    assert log and sum(c.received for c in log) <= 9 * sets.MIB


def test_second_central_directory_is_free(gw, proxy, bucket, mount):
    """CRCs learned once are kept for the next mount."""
    m = mount(proxy, bucket(gw, {f"n{i}": sets.Obj(3000, sets.NONE)
                                 for i in range(6)}))
    run("unzip", "-l", m.file())
    source = m.url
    m.unmount()
    proxy.forget()
    m = mount(proxy, source.removeprefix("s3://"))
    run("unzip", "-l", m.file())
    log = proxy.quiet()
    # unzip's first read is a page: it begins in the last member's body
    assert set(count(log)) <= {"list", "get"}, count(log)
    assert all("range" in c.headers for c in log if c.operation == "get")
    assert sum(c.received for c in log if c.operation == "get") <= 4096


def test_ttl(gw, proxy, bucket, mount):
    m = mount(proxy, bucket(gw, sets.one()), ttl=2)
    os.stat(m.file())
    proxy.forget()
    os.stat(m.file())
    assert count(proxy.quiet()) == {}
    time.sleep(2.2)
    os.stat(m.file())
    assert count(proxy.quiet())["list"] >= 1


def test_one_listing_at_a_time(gw, proxy, bucket, mount):
    """Lookups that come together wait for one listing."""
    m = mount(proxy, bucket(gw, sets.one()))
    proxy.rules({"method": "GET", "path": "^/[^/]*/?$", "delay_answer": 0.5,
                 "count": 0})
    jobs = [subprocess.Popen(["stat", m.file()], stdout=subprocess.DEVNULL)
            for _ in range(5)]
    assert [j.wait(20) for j in jobs] == [0] * 5
    log = proxy.quiet()
    assert sum("delimiter" not in c.query for c in log) == 1


def test_listing_pages(gw, proxy, bucket, s3zip):
    """More than a page; every page's token is new."""
    source = bucket(gw, sets.many(2100))
    done = s3zip(proxy, "ls", f"s3://{source}")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) >= 2100
    pages = [c for c in proxy.log() if "delimiter" not in c.query]
    assert len(pages) == 3
    assert refzip.listing(gw.client, source)


@pytest.mark.big
def test_slow_range_is_sent_again(gw, proxy, bucket, mount):
    """One GET that hangs holds nobody up, and every byte is right."""
    hang = 60
    objects = {f"m{i:03}": sets.Obj(300_000 + i) for i in range(120)}
    m = mount(proxy, bucket(gw, objects), memory="16M")
    with open(m.file(), "rb", buffering=0) as f:
        data = f.read(os.fstat(f.fileno()).st_size // 3)
        proxy.rules({"method": "GET", "path": "/m1", "n": 5, "delay": hang})
        begin = time.monotonic()
        while more := f.read(1 << 20):
            data += more
        assert time.monotonic() - begin < hang
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        assert sorted(z.namelist()) == sorted(objects)
        for key, obj in objects.items():
            assert z.read(key) == obj.data(key)
    log = [c for c in proxy.log() if c.operation == "get"]
    assert stats(m)["reissued"] >= 1
    again = len(log) - len({c.path for c in log})
    # the one that hangs is logged when it is over
    assert again <= stats(m)["reissued"]


def in_sequence(calls):
    """How many of them waited for each other: the longest chain in which
    each began after the one before had ended."""
    n, end = 0, float("-inf")
    for c in sorted(calls, key=lambda c: c.at + c.seconds):
        if c.at >= end:
            n, end = n + 1, c.at + c.seconds
    return n


def test_cold_mount_in_sequence(gw, proxy, bucket, mount):
    """At most 4 requests in sequence from lookup to first data."""
    objects = {f"d/{i:04}": sets.Obj(2000 + i) for i in range(1000)}
    m = mount(proxy, bucket(gw, objects))
    proxy.quiet()
    proxy.forget()
    with open(m.file(), "rb", buffering=0) as f:
        assert f.read(4096)
    log = [c for c in proxy.quiet() if c.seconds is not None]
    first = min((c for c in log if c.operation == "get"), key=lambda c: c.at)
    before = [c for c in log if c.at + c.seconds <= first.at]
    assert set(count(before)) <= {"list", "head"}
    assert 1 <= in_sequence(before) <= 3


@pytest.mark.big
def test_random_reads_cost_one_round_trip(gw, proxy, bucket, mount):
    """64 KiB somewhere in a body: what the kernel asks for, at once."""
    m = mount(proxy, bucket(gw, {"x": sets.Obj(40 * sets.MIB)}))
    with open(m.file(), "rb", buffering=0) as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        proxy.quiet()               # its CRC is asked for at opening
        for i in (23, 5, 31, 12, 38, 17):
            asked = stats(m)["read_bytes"]
            proxy.forget()
            assert len(os.pread(f.fileno(), 65536, i * sets.MIB + 777)) \
                == 65536
            log = proxy.quiet(0.1)
            assert count(log).keys() == {"get"}
            assert in_sequence(log) == 1
            assert sum(c.received for c in log) \
                <= stats(m)["read_bytes"] - asked


@pytest.mark.big
def test_two_forward_readers_share(gw, proxy, bucket, mount):
    """Turn by turn, with little memory: every member is fetched once."""
    objects = {f"m{i:03}": sets.Obj(300_000 + i) for i in range(160)}
    m = mount(proxy, bucket(gw, objects), memory="16M")
    with open(m.file(), "rb", buffering=0) as a, \
            open(m.file(), "rb", buffering=0) as b:
        half = os.fstat(a.fileno()).st_size // 2
        proxy.forget()
        b.seek(half)
        at = 0
        while at < half:
            at += len(a.read(200_000))
            b.read(200_000)
        while b.read(1 << 20):
            pass
    gets = [c for c in proxy.quiet() if c.operation == "get"]
    # at its end the first one has half of the window fetched of what the
    # other one had read long ago
    share = 16 * sets.MIB * 3 // 4 // 2 // 300_000
    assert len(gets) <= len(objects) + share + 4, len(gets)
