# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Freshness: layouts never change, names show new ones, stale ones say so."""

import errno
import os
import time

import pytest

from lib import refzip, sets
from lib.mount import get_attr, set_attr

pytestmark = pytest.mark.quick


def names(data):
    return sorted(n.decode() for n, *_ in refzip.central_directory(data))


def test_new_object_after_ttl(gw, bucket, mount):
    source = bucket(gw, sets.one())
    m = mount(gw, source, ttl=1)
    first = os.stat(m.file())
    gw.client.put_object(Bucket=source, Key="two", Body=b"22")
    assert os.stat(m.file()).st_ino == first.st_ino
    time.sleep(1.3)
    second = os.stat(m.file())
    assert second.st_ino != first.st_ino
    assert second.st_size > first.st_size
    assert names(m.read()) == ["one.txt", "two"]


def test_same_layout_keeps_inode(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.one()), ttl=1)
    first = os.stat(m.file()).st_ino
    digest = get_attr(m.file(), "user.s3zipfs.digest")
    time.sleep(1.3)
    assert os.stat(m.file()).st_ino == first
    assert get_attr(m.file(), "user.s3zipfs.digest") == digest


def test_open_file_keeps_its_layout(gw, bucket, mount):
    source = bucket(gw, {"a": sets.Obj(100), "b": sets.Obj(100)})
    m = mount(gw, source, ttl=0)
    before = m.read()
    with open(m.file(), "rb") as f:
        gw.client.put_object(Bucket=source, Key="c", Body=b"ccc")
        assert names(m.read()) == ["a", "b", "c"]
        assert f.read() == before
        assert os.fstat(f.fileno()).st_size == len(before)


def test_stale_layout(gw, bucket, mount):
    """Reads that need a changed member are ESTALE; those that do not go on;
    the lookup that follows lists again whatever the ttl."""
    source = bucket(gw, {"a": sets.Obj(100), "b": sets.Obj(100)})
    m = mount(gw, source, ttl=3600)
    os.stat(m.file())
    gw.client.put_object(Bucket=source, Key="b", Body=b"other")
    with open(m.file(), "rb", buffering=0) as f:
        with pytest.raises(OSError) as e:
            while f.read(50):
                pass
        assert e.value.errno == errno.ESTALE
    assert names(m.read()) == ["a", "b"]
    assert b"other" in m.read()


def test_deleted_directory(gw, bucket, mount):
    source = bucket(gw, {"d/a": sets.Obj(1), "e": sets.Obj(1)})
    m = mount(gw, source, ttl=1)
    assert names(m.read("d")) == ["a"]
    gw.client.delete_object(Bucket=source, Key="d/a")
    time.sleep(1.3)
    with pytest.raises(OSError) as e:
        m.read("d")
    assert e.value.errno == errno.ENOENT
    assert os.listdir(m.path) == ["archive.zip"]


def test_fresh_publish(gw, bucket, mount, s3zip):
    """setfattr publishes what the name shows; s3zip lists afresh."""
    source, dest = bucket(gw, sets.one()), bucket(gw)
    m = mount(gw, source, ttl=3600)
    old = m.read()
    gw.client.put_object(Bucket=source, Key="two", Body=b"22")
    assert set_attr(m.file(), f"s3://{dest}/old.zip") == 0

    def got(key):
        return gw.client.get_object(Bucket=dest, Key=key)["Body"].read()
    assert got("old.zip") == old
    assert set_attr(m.file(), "1", "user.s3zipfs.invalidate") == 0
    assert set_attr(m.file(), f"s3://{dest}/new.zip") == 0
    assert names(got("new.zip")) == ["one.txt", "two"]
    done = s3zip(gw, "publish", f"s3://{source}", f"s3://{dest}/cmd.zip")
    assert done.returncode == 0, done.stderr
    assert got("cmd.zip") == got("new.zip")


def test_same_bytes_from_any_mount(gw, bucket, mount):
    """Not the clock, TZ, locale, memory or connections."""
    source = bucket(gw, sets.nested() | sets.utf8())
    one = mount(gw, source).read()
    other = mount(gw, source, memory="64M", connections=2,
                  env={"TZ": "America/St_Johns", "LC_ALL": "C"}).read()
    assert one == other
