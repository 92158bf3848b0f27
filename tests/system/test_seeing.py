# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Seeing it: stats, SIGUSR1, trace=; and what was agreed with the kernel."""

import errno
import glob
import json
import mmap
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from lib import procs, servers, sets, where
from lib import mount as mounts
from lib.faultproxy import count
from lib.mount import get_attr, lines, set_attr, stats

pytestmark = [pytest.mark.quick]

STATS = "user.s3zipfs.stats"
MIB = sets.MIB


def traced(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


# --- stats -----------------------------------------------------------------

@pytest.mark.fault
def test_stats_count_what_the_proxy_saw(gw, proxy, bucket, mount):
    source = bucket(gw, {**{f"s{i}": sets.Obj(3000) for i in range(5)},
                         "big": sets.Obj(12 * MIB)})
    dest = bucket(gw)
    proxy.forget()
    m = mount(proxy, source)
    data = m.read()
    assert set_attr(m.file(), f"s3://{dest}/x.zip") == 0
    seen, said = count(proxy.quiet()), stats(m)
    kinds = ("list", "get", "head", "attributes", "create", "upload", "copy",
             "complete", "abort", "put", "delete", "delete_many", "list_uploads",
             "list_parts", "list_versions", "lock")
    assert {k: said[k] for k in kinds if said[k]} == seen
    # the publish reads too; the kernel's pages were read once
    assert said["read_bytes"] >= len(data)
    assert said["bytes_in"] >= said["fetched_bytes"] >= len(data) - 4096
    assert said["bytes_out"] > 0
    assert said["listed_keys"] >= 6
    assert said["lookups"] >= 1
    assert said["memory_used"] <= said["memory_peak"] <= said["memory_limit"]
    assert said["memory_limit"] == 128 * MIB
    assert said["errors_slow"] == said["errors_server"] == 0
    assert said["errors_network"] == said["errors_answer"] == 0
    for kind in kinds:
        assert (f"{kind}_total_ms_p99" in said) == (said[kind] > 0), kind
    assert said["get_total_ms_p50"] <= said["get_total_ms_p99"] < 60000
    assert said["get_first_ms_p50"] <= said["get_total_ms_p50"]


@pytest.mark.fault
def test_errors_and_retries_are_counted(gw, proxy, bucket, mount):
    m = mount(proxy, bucket(gw, {"x": sets.Obj(5000)}))
    proxy.rules({"method": "GET", "path": "/x$", "n": 1, "count": 2,
                 "status": 503, "code": "SlowDown"})
    m.read()
    said = stats(m)
    assert said["errors_slow"] == said["get_errors"] == 2
    assert said["retries"] == 2 and said["get"] == 3


@pytest.mark.fault
def test_latencies_are_those_of_the_store(gw, proxy, bucket, mount):
    m = mount(proxy, bucket(gw, {"x": sets.Obj(5000)}))
    proxy.rules({"method": "GET", "path": "/x$", "delay": 0.4, "count": 0})
    m.read()
    said = stats(m)
    assert 400 <= said["get_first_ms_p50"] <= said["get_total_ms_p99"]
    assert said["get_total_ms_p99"] < 1500 * where.slow()


def test_open_files(gw, bucket, mount):
    m = mount(gw, bucket(gw, {"x": sets.Obj(5000)}))
    before = stats(m)["open_files"]
    with open(m.file(), "rb"), open(m.file(), "rb"):
        assert stats(m)["open_files"] == before + 2
    procs.wait_for(lambda: stats(m)["open_files"] == before, 5)


def test_names_are_the_manuals(gw, bucket, mount, s3zip):
    m = mount(gw, bucket(gw, {"x": sets.Obj(5000)}))
    m.read()
    pod = s3zip(gw, "--pod", "stats").stdout
    names = re.findall(r"^=item B<([a-z0-9_]+)>$", pod, re.M)
    assert len(names) == len(set(names)) > 30
    said = [line.split(":")[0] for line in get_attr(m.path, STATS).split("\n")
            if line]
    fixed = [n for n in said if not re.search(r"_(errors|p50|p99)$", n)]
    assert fixed == names


def test_lines_of_other_attributes_are_in_the_manual(gw, bucket, mount,
                                                      s3zip):
    m = mount(gw, bucket(gw, {"x": sets.Obj(5000)}))
    items = s3zip(gw, "--pod", "attributes").stdout.split("=item ")
    for name in ("user.publish.plan", "user.s3zipfs.digest",
                 "user.s3zipfs.entries", "user.s3zipfs.skipped"):
        text, = [i for i in items if i.startswith(f"B<{name}>")]
        words = set(re.findall(r"[a-z0-9_-]+", text.partition(">")[2]))
        said = [line.split(":")[0]
                for line in get_attr(m.path, name).splitlines()]
        assert said and not set(said) - words, name


# --- SIGUSR1 ----------------------------------------------------------------

@pytest.mark.parametrize("level", ["warn", "error"])
def test_sigusr1(gw, bucket, mount, level):
    """Any number of them, at any log level; the mount goes on."""
    m = mount(gw, bucket(gw, {"x": sets.Obj(5000)}), log=level)
    want = m.read()
    for _ in range(20):
        os.kill(m.pid, signal.SIGUSR1)
    text = procs.wait_for(
        lambda: "stats: uptime: " in m.log_text() and m.log_text(), 10)
    said = {n for n in re.findall(r"stats: ([a-z0-9_]+): \d+$", text, re.M)}
    assert said == set(stats(m))
    assert re.search(r"stats: get: [1-9]", text)
    assert procs.alive(m.pid) and m.read() == want
    os.kill(m.pid, signal.SIGTERM)      # the end by a signal still works
    procs.wait_for(lambda: not procs.alive(m.pid), 20 * where.slow())
    assert not mounts.mounted(m.path)


@pytest.mark.fault
def test_sigusr1_during_the_start(gw, proxy, bucket, env, home):
    """It waits until there is something to tell."""
    source = bucket(gw, sets.one())
    path, log = os.path.join(home, "m"), os.path.join(home, "log")
    os.mkdir(path)
    proxy.rules({"method": "GET", "delay": 2, "n": 1})
    daemon = subprocess.Popen(
        [where.program("s3zipfs"), "-f", "-o", f"log_file={log}",
         f"s3://{source}", path], env=env(proxy))
    try:
        time.sleep(1)
        daemon.send_signal(signal.SIGUSR1)
        procs.wait_for(lambda: mounts.mounted(path), 20 * where.slow())
        procs.wait_for(lambda: "stats: uptime: " in open(
            log, encoding="utf-8").read(), 10)
        assert daemon.poll() is None and os.listdir(path)
    finally:
        daemon.terminate()
        assert daemon.wait(20 * where.slow()) == 0


# --- trace= -------------------------------------------------------------------

FIELDS = {"time", "op", "bucket", "status", "in", "out", "queue_ms",
          "first_ms", "total_ms", "attempt"}


def span(text):
    return tuple(int(n) for n in re.fullmatch(r"bytes=(\d+)-(\d+)",
                                              text).groups())


@pytest.mark.fault
def test_trace_of_a_mount(gw, proxy, bucket, mount, home):
    """A line for each exchange that the proxy saw, and no secret."""
    source = bucket(gw, {"s\"1 ü": sets.Obj(3000), "big": sets.Obj(12 * MIB)})
    dest = bucket(gw)
    trace = os.path.join(home, "trace.json")
    proxy.forget()
    m = mount(proxy, source, trace=trace)
    m.read()
    assert set_attr(m.file(), f"s3://{dest}/x.zip") == 0
    seen = proxy.quiet()
    m.unmount()
    told = traced(trace)
    assert stat.S_IMODE(os.stat(trace).st_mode) == 0o600
    by_op = {}
    for t in told:
        assert FIELDS <= set(t), t
        assert t["bucket"] in (source, dest) and t["attempt"] >= 1
        by_op[t["op"]] = by_op.get(t["op"], 0) + 1
    assert by_op == count(seen)
    assert any(t.get("key") == "s\"1 ü" for t in told)
    reached = 0
    for first, last in sorted(span(t["range"]) for t in told
                              if t["op"] == "get" and t["key"] == "big"):
        assert first <= reached
        reached = max(reached, last + 1)
    assert reached == 12 * MIB
    parts = [t for t in told if t["op"] in ("upload", "copy")]
    # an upload may be begun anew in another way
    numbers = {t["part"] for t in parts}
    assert numbers == set(range(1, len(numbers) + 1))
    assert all(t["upload"] for t in parts)
    for t in told:
        if t["op"] == "copy":
            assert source in t["source"] and t["out"] == 0
    assert sum(t["out"] for t in told) == sum(c.sent for c in seen)
    with open(trace, encoding="utf-8") as f:
        text = f.read()
    for secret in (servers.SECRET, "Signature", "Credential", "authorization",
                   "X-Amz-Security", "continuation"):
        assert secret.lower() not in text.lower(), secret


@pytest.mark.fault
def test_trace_of_retries_and_of_a_command(gw, proxy, bucket, s3zip, home):
    source = bucket(gw, {"x": sets.Obj(5000), "y": sets.Obj(100)})
    trace = os.path.join(home, "t.json")
    proxy.rules({"method": "GET", "path": "/x$", "n": 1, "status": 503,
                 "code": "SlowDown", "message": "slow"},
                {"method": "GET", "path": "/y$", "n": 1, "cut": 50,
                 "keep_length": True})
    done = s3zip(proxy, "cat", f"s3://{source}", "--output", "/dev/null",
                 trace=trace)
    assert done.returncode == 0, done.stderr
    told = traced(trace)
    x = [t for t in told if t.get("key") == "x"]
    assert [(t["status"], t.get("code"), t["attempt"]) for t in x] == [
        (503, "SlowDown", 1), (200, None, 2)]
    assert x[1]["in"] == 5000
    y = [t for t in told if t.get("key") == "y"]
    assert y[0]["in"] == 50 and y[0]["error"]
    assert y[1]["range"] == "bytes=50-99" and y[1]["status"] == 206
    first = len(told)
    assert s3zip(proxy, "ls", f"s3://{source}",
                 trace=trace).returncode == 0   # appends
    assert len(traced(trace)) > first


def test_trace_file_that_cannot_be(gw, bucket, mount, s3zip):
    source = bucket(gw, sets.one())
    with pytest.raises(mounts.MountFailed) as e:
        mount(gw, source, trace="/nonexistent/t")
    assert "/nonexistent/t" in e.value.text
    done = s3zip(gw, "ls", f"s3://{source}", trace="/nonexistent/t")
    assert done.returncode == 1 and "/nonexistent/t" in done.stderr


def test_a_full_disk_does_not_hurt(gw, bucket, mount):
    """/dev/full stands for it: reads go on, the loss is counted."""
    m = mount(gw, bucket(gw, {"x": sets.Obj(5000)}), trace="/dev/full")
    assert len(m.read()) > 5000
    procs.wait_for(lambda: stats(m)["trace_dropped"] >= 3, 5)
    assert m.log_text().count("trace: cannot write") == 1


# --- the kernel's side --------------------------------------------------------

def read_ahead_kb(path):
    device = os.stat(path).st_dev
    with open(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}"
              "/read_ahead_kb", encoding="ascii") as f:
        return int(f.read())


@pytest.mark.perm
def test_read_ahead_is_raised(needs_root, gw, bucket, mount):
    source = bucket(gw, sets.one())
    m = mount(gw, source)
    procs.wait_for(lambda: read_ahead_kb(m.path) == 16384, 5)
    small = mount(gw, source, memory="16M")
    procs.wait_for(lambda: read_ahead_kb(small.path) == 2048, 5)
    off = mount(gw, source, read_ahead="no")
    os.listdir(off.path)
    assert read_ahead_kb(off.path) == 128


@pytest.mark.perm
def test_nobody_looks_at_a_new_mount(gw, bucket, env, home):
    """Not the daemon itself either, to find the kernel's read-ahead: an
    umount at that moment would be told that it is busy."""
    path, said = f"{home}/quiet", f"{home}/said"
    os.mkdir(path)
    with open(said, "wb") as f:
        proc = subprocess.Popen(
            [where.program("s3zipfs"), "-d", "-o", "log=debug",
             f"s3://{bucket(gw, sets.one())}", path], env=env(gw), stderr=f)

    def text():
        with open(said, encoding="utf-8", errors="replace") as f:
            return f.read()
    try:
        procs.wait_for(lambda: "read_ahead_kb" in text(), 15 * where.slow())
    finally:
        procs.end_pid(proc.pid)
        proc.wait(20)
    assert "INIT" in text() and "GETATTR" not in text(), text()


@pytest.mark.perm
def test_background_requests(needs_root, gw, bucket, mount):
    """The kernel's own limits are 12 and 9."""
    m = mount(gw, bucket(gw, sets.one()))
    control = "/sys/fs/fuse/connections"
    made = not os.path.ismount(control)
    if made:
        subprocess.run(["mount", "-t", "fusectl", "none", control],
                       check=True)
    try:
        at = f"{control}/{os.minor(os.stat(m.path).st_dev)}"
        values = []
        for name in ("max_background", "congestion_threshold"):
            with open(f"{at}/{name}", encoding="ascii") as f:
                values.append(int(f.read()))
    finally:
        if made:
            subprocess.run(["umount", control], check=True)
    assert values == [64, 48]


@pytest.mark.fault
def test_a_second_open_reads_the_pages(gw, proxy, bucket, mount):
    """keep_cache: no request and no read reaches the daemon, also when
    another listing had the same result."""
    m = mount(proxy, bucket(gw, {"x": sets.Obj(3 * MIB),
                                 "y": sets.Obj(4000)}), ttl=1)
    want = m.read()

    def kept(pause):
        time.sleep(pause)
        proxy.quiet()
        proxy.forget()
        before = stats(m)["reads"]
        assert m.read() == want
        return (stats(m)["reads"] == before and
                set(count(proxy.quiet())) <= {"list"})
    # the kernel may drop a page whenever it wants the memory
    assert any(kept(0) for _ in range(5))
    assert any(kept(1.3) for _ in range(5))


def test_shared_mapping(gw, bucket, mount):
    m = mount(gw, bucket(gw, {"x": sets.Obj(300000)}))
    with open(m.file(), "rb") as f:
        with mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ) as p:
            mapped = bytes(p)
        assert mapped == f.read()


@pytest.mark.fault
def test_direct_io(gw, proxy, bucket, mount):
    """The same bytes, of any length; no pages are kept; a shared mapping is
    refused, as the manual says."""
    source = bucket(gw, {"x": sets.Obj(3 * MIB)})
    plain = mount(proxy, source).read()
    m = mount(proxy, source, direct_io=True)
    assert m.read() == plain
    reads = stats(m)["reads"]
    with open(m.file(), "rb", buffering=0) as f:
        assert os.pread(f.fileno(), 7, 1234567) == plain[1234567:1234574]
        assert os.pread(f.fileno(), 100, len(plain) - 3) == plain[-3:]
        with pytest.raises(OSError) as e:
            mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
        assert e.value.errno == errno.ENODEV
        with mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE,
                       mmap.PROT_READ) as p:
            assert p[1000:2000] == plain[1000:2000]
    assert stats(m)["reads"] > reads


# --- programs that ours runs ---------------------------------------------------

def test_credential_process_has_fresh_signals(gw, bucket, mount, home):
    """Ours are blocked or ignored; a program that is run must not inherit
    that (it could not be ended, nor write to a closed pipe)."""
    source, out = bucket(gw, sets.one()), os.path.join(home, "signals")
    answer = json.dumps({"Version": 1, "AccessKeyId": servers.ACCESS,
                         "SecretAccessKey": servers.SECRET})
    script = os.path.join(home, "creds.sh")
    with open(script, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\ngrep ^Sig /proc/self/status >{out}\n"
                f"echo '{answer}'\n")
    os.chmod(script, 0o755)
    config = os.path.join(home, "config")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"[default]\ncredential_process = {script}\n")
    m = mount(gw, source, env={"AWS_ACCESS_KEY_ID": None,
                               "AWS_SECRET_ACCESS_KEY": None,
                               "AWS_CONFIG_FILE": config})
    assert os.listdir(m.path) == ["archive.zip"]
    with open(out, encoding="utf-8") as f:
        masks = lines(f.read().replace("\t", " "))
    assert int(masks["SigBlk"], 16) == 0
    # 32 and 33 are glibc's own, posix_spawn ignores them
    assert int(masks["SigIgn"], 16) & 0x7fffffff == 0
    open_to = 0
    for thread in glob.glob(f"/proc/{m.pid}/task/*/status"):
        with open(thread, encoding="utf-8") as f:
            mask = int(lines(f.read().replace("\t", " "))["SigBlk"], 16)
        open_to += any(not mask >> (sig - 1) & 1 for sig in (
            signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1))
    assert open_to == 1     # the one in sigwait
