# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A mount in a real control group: memory= is what the group lets it have,
and larger archives are read and published within it."""

import hashlib
import os
import time

import pytest

from lib import procs, sets
from lib.mount import set_attr, stats, status

pytestmark = pytest.mark.big

SYS = "/sys/fs/cgroup"
LIMIT = 64 * sets.MIB
MEMORY = (LIMIT - 16 * sets.MIB) // 2     # doc/operations, "Memory"
NONE = "no control group can be made here"
# of v1 and v2: the folder, and the files of limit and of kills
KINDS = ((os.path.join(SYS, "memory"), "memory.limit_in_bytes",
          "memory.oom_control"),
         (SYS, "memory.max", "memory.events"))


def make_group():
    """(folder, file of kills), or None."""
    for top, limit, kills in KINDS:
        path = os.path.join(top, f"s3zipfs-test-{os.getpid()}")
        try:
            os.mkdir(path)
        except OSError:
            continue
        try:
            with open(os.path.join(path, limit), "r+", encoding="ascii") as f:
                f.write(str(LIMIT))
            return path, os.path.join(path, kills)
        except OSError:     # the controller is not there
            os.rmdir(path)
    return None


def remove_group(path):
    """The kernel needs a moment after the last process."""
    for _ in range(100):
        try:
            os.rmdir(path)
            return
        except OSError:
            time.sleep(0.1)
    os.rmdir(path)


@pytest.fixture
def group():
    made = make_group()
    if not made:
        pytest.skip(NONE)
    yield made
    remove_group(made[0])


def kills_in(path):
    with open(path, encoding="ascii") as f:
        return dict(line.split() for line in f).get("oom_kill", "0")


def inside(folder):
    """What a program is started with, to be in the group from the start."""
    return ("sh", "-c", 'echo $$ >"$0" && exec "$@"',
            os.path.join(folder, "cgroup.procs"))


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while data := f.read(sets.MIB):
            h.update(data)
    return h.hexdigest()


def test_memory_is_the_groups(gw, group, bucket, mount):
    folder, kills = group
    objects = {f"m{i:02}": sets.Obj(9 * sets.MIB) for i in range(12)}
    source = bucket(gw, objects)
    outside = mount(gw, source)
    assert stats(outside)["memory_limit"] == 128 * sets.MIB
    want = digest(outside.file())
    outside.unmount()
    m = mount(gw, source, wrap=inside(folder))
    with open(os.path.join(folder, "cgroup.procs"), encoding="ascii") as f:
        assert str(m.pid) in f.read().split()
    assert stats(m)["memory_limit"] == MEMORY
    assert "control group" in m.log_text()
    assert os.stat(m.file()).st_size > LIMIT
    assert digest(m.file()) == want
    said = stats(m)
    assert said["memory_peak"] <= MEMORY
    assert kills_in(kills) == "0" and procs.alive(m.pid)
    m.unmount()


@pytest.mark.parametrize("strategy", ["duo", "stream"])
def test_publish_in_it(gw, group, bucket, mount, strategy):
    """With the page cache full of the archive; parts go through temporary
    files, whose pages fill it anew."""
    folder, kills = group
    objects = {f"m{i:02}": sets.Obj(9 * sets.MIB) for i in range(12)}
    source, dest = bucket(gw, objects), bucket(gw)
    m = mount(gw, source, publish_strategy=strategy, wrap=inside(folder))
    want = digest(m.file())
    for i in range(3):
        assert set_attr(m.file(), f"s3://{dest}/{i}.zip") == 0, \
            status(m.file())
    assert kills_in(kills) == "0" and procs.alive(m.pid)
    body = gw.client.get_object(Bucket=dest, Key="0.zip")["Body"].read()
    assert hashlib.sha256(body).hexdigest() == want
    m.unmount()


def test_no_more_than_was_asked_for(gw, group, bucket, mount):
    """A memory= below what the group has stays."""
    folder, _ = group
    source = bucket(gw, sets.one())
    m = mount(gw, source, memory="16M", wrap=inside(folder))
    assert stats(m)["memory_limit"] == 16 * sets.MIB
    m.unmount()
