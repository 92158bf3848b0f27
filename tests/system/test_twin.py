# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The published twin: read in few large pieces where it is this very
archive, left alone where it is not, and the same bytes either way."""

import math
import os
import re
import time

import pytest

from lib import sets
from lib.mount import get_attr, set_attr, stats
from lib.sets import MIB

pytestmark = [pytest.mark.fault, pytest.mark.quick]


def published(gw, bucket, mount, objects, prefix="set/"):
    """A bucket whose prefix is published to its own key; and the bytes."""
    source = bucket(gw, objects, prefix)
    m = mount(gw, source, prefix)
    assert set_attr(m.file(), "") == 0, \
        get_attr(m.file(), "user.publish.status")
    m.unmount()
    m = mount(gw, source, prefix, twin="off")
    data = m.read()
    m.unmount()
    assert gw.client.get_object(
        Bucket=source, Key=f"{prefix}archive.zip")["Body"].read() == data
    return source, data


def gets(log):
    """(of the archive, of members)"""
    out = [], []
    for call in log:
        if call.operation == "get":
            out[not call.path.endswith("/archive.zip")].append(call)
    return out


def asked(call):
    """Bytes of the range that a GET asks for."""
    first, last = re.fullmatch(r"bytes=(\d+)-(\d+)",
                               call.headers["range"]).groups()
    return int(last) + 1 - int(first)


def test_read_from_twin(gw, proxy, bucket, mount):
    objects = sets.duo() | {"none": sets.Obj(9 * MIB, sets.NONE)}
    source, data = published(gw, bucket, mount, objects)
    proxy.forget()
    m = mount(proxy, source, "set/")
    assert m.read() == data
    twin, members = gets(proxy.quiet())
    assert not members
    again = stats(m)["reissued"]        # a slow range is asked for twice
    ranges = [asked(c) for c in twin]
    # the kernel's first requests may come in any order: a piece for each
    assert 1 <= len(twin) <= math.ceil(len(data) / (8 * MIB)) + 8 + again
    assert sum(ranges) <= len(data) + again * 8 * MIB, ranges
    assert all("if-match" in c.headers for c in twin)


def test_cat_reads_twin(gw, proxy, bucket, mount, s3zip):
    source, data = published(gw, bucket, mount, sets.duo())
    proxy.forget()
    done = s3zip(proxy, "cat", f"s3://{source}/set/", text=False)
    assert done.returncode == 0 and done.stdout == data
    twin, members = gets(proxy.quiet())
    assert twin and not members


def test_random_reads(gw, proxy, bucket, mount):
    """One round trip each and no more bytes than the kernel asks for."""
    source, data = published(gw, bucket, mount,
                             {"none": sets.Obj(20 * MIB, sets.NONE)})
    m = mount(proxy, source, "set/", read_ahead="no")
    os.stat(m.file())
    proxy.forget()
    fd = os.open(m.file(), os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
        for at in (len(data) - 100, 15 * MIB, 3 * MIB, 9 * MIB):
            assert os.pread(fd, 65536, at) == data[at:at + 65536]
    finally:
        os.close(fd)
    log = proxy.quiet()
    twin, members = gets(log)
    assert not members and len(twin) == 4 and len(log) == 4
    assert sum(c.received for c in twin) <= 5 * 65536


def test_off(gw, proxy, bucket, mount):
    source, data = published(gw, bucket, mount, sets.nested())
    proxy.forget()
    m = mount(proxy, source, "set/", twin="off")
    assert m.read() == data
    twin, members = gets(proxy.quiet())
    assert members and not twin


def test_member_changed(gw, proxy, bucket, mount):
    """Another layout than the one that was published."""
    source, data = published(gw, bucket, mount,
                             {"a": sets.Obj(5000), "b": sets.Obj(7000)})
    gw.client.put_object(Bucket=source, Key="set/b", Body=b"new")
    proxy.forget()
    m = mount(proxy, source, "set/")
    now = m.read()
    assert now != data and b"new" in now
    twin, members = gets(proxy.quiet())
    assert members and not twin


def test_overwritten_before_reading(gw, proxy, bucket, mount):
    """Between lookup and read: right bytes, and the layout stays."""
    source, data = published(gw, bucket, mount, sets.duo())
    m = mount(proxy, source, "set/")
    inode = os.stat(m.file()).st_ino
    gw.client.put_object(Bucket=source, Key="set/archive.zip",
                         Body=b"x" * len(data))
    proxy.forget()
    assert m.read() == data
    twin, members = gets(proxy.quiet())
    assert members and twin
    assert os.stat(m.file()).st_ino == inode
    assert m.read() == data
    assert "instead" in m.log_text()


@pytest.mark.parametrize("how", ["overwritten", "deleted"])
def test_gone_in_the_middle(gw, bucket, mount, how):
    source, data = published(gw, bucket, mount,
                             {f"n{i}": sets.Obj(6 * MIB + i)
                              for i in range(12)})
    m = mount(gw, source, "set/", memory="16M")
    with open(m.file(), "rb", buffering=0) as f:
        got = f.read(1 * MIB)
        if how == "deleted":
            gw.client.delete_object(Bucket=source, Key="set/archive.zip")
        else:
            gw.client.put_object(Bucket=source, Key="set/archive.zip",
                                 Body=b"x" * 1000)
        while more := f.read(4 * MIB):
            got += more
    assert got == data


def test_store_errors(gw, proxy, bucket, mount):
    """403 to the archive alone."""
    source, data = published(gw, bucket, mount, sets.duo())
    m = mount(proxy, source, "set/")
    os.stat(m.file())
    proxy.rules({"method": "GET", "path": "archive\\.zip$", "status": 403,
                 "count": 0})
    assert m.read() == data


def test_published_while_mounted(gw, proxy, bucket, mount):
    """The mount that published it finds it at its next listing."""
    source = bucket(gw, sets.duo(), "set/")
    m = mount(proxy, source, "set/", ttl=1)
    data = m.read()
    inode = os.stat(m.file()).st_ino
    assert set_attr(m.file(), "") == 0
    assert set_attr(m.file(), "1", "user.s3zipfs.invalidate") == 0
    time.sleep(1.2)
    assert os.stat(m.file()).st_ino == inode
    with open(m.file(), "rb", buffering=0) as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        proxy.forget()
        assert f.readall() == data
    twin, members = gets(proxy.quiet())
    assert twin and not members


def test_publish_reads_members(gw, proxy, bucket, mount):
    """Parts are made of members, whose CRCs are checked."""
    source, data = published(gw, bucket, mount, sets.duo())
    dest = bucket(gw)
    m = mount(proxy, source, "set/")
    os.stat(m.file())
    proxy.forget()
    assert set_attr(m.file(), f"s3://{dest}/other.zip") == 0
    twin, members = gets(proxy.quiet())
    assert members and not [c for c in twin
                            if re.search(source, c.path)]
    body = gw.client.get_object(Bucket=dest, Key="other.zip")["Body"]
    assert body.read() == data
