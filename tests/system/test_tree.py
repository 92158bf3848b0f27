# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The tree that a mount shows: names, attributes, read-only answers."""

import errno
import os
import stat
import subprocess

import pytest

from lib import refzip, sets
from lib.mount import get_attr, lines, set_attr, wait_attr

pytestmark = pytest.mark.quick


def names(data):
    return sorted(n.decode() for n, *_ in refzip.central_directory(data))


def error(call, *args):
    with pytest.raises(OSError) as e:
        call(*args)
    return e.value.errno


def test_names(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.nested() | sets.markers()))
    assert sorted(os.listdir(m.path)) == [
        "archive.zip", "b", "b2", "deep", "dir", "empty", "level0", "z"]
    assert sorted(os.listdir(m.path + "/b")) == ["archive.zip", "d"]
    assert os.listdir(m.path + "/b/d") == ["archive.zip"]
    assert error(os.stat, m.path + "/nowhere") == errno.ENOENT
    assert error(os.stat, m.path + "/nowhere/archive.zip") == errno.ENOENT
    assert error(os.stat, m.path + "/a") == errno.ENOENT    # a plain object
    assert error(os.listdir, m.path + "/b/archive.zip") == errno.ENOTDIR


def test_attributes(gw, bucket, mount):
    source = bucket(gw, sets.nested())
    m = mount(gw, source, uid=4321, gid=1234)
    listed = refzip.listing(gw.client, source)
    s = os.stat(m.file())
    assert s.st_size == len(m.read())
    assert s.st_blocks == -(-s.st_size // 512)
    assert s.st_blksize == 1 << 20
    assert s.st_mtime == max(t for _, t, _ in listed.values())
    assert stat.S_IMODE(s.st_mode) == 0o444 and stat.S_ISREG(s.st_mode)
    assert (s.st_uid, s.st_gid) == (4321, 1234)
    d = os.stat(m.path + "/b")
    assert stat.S_IMODE(d.st_mode) == 0o555 and d.st_nlink == 1
    assert (d.st_uid, d.st_gid) == (4321, 1234)


def test_umask(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.one()), umask="027")
    assert stat.S_IMODE(os.stat(m.file()).st_mode) == 0o440
    assert stat.S_IMODE(os.stat(m.path).st_mode) == 0o550


def test_empty_root_time(gw, bucket, mount):
    m = mount(gw, bucket(gw))
    s = os.stat(m.file())
    assert (s.st_size, s.st_mtime) == (22, 0)


def test_read_only(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.nested()))
    f, d = m.file(), m.path
    changes = [
        (os.open, f, os.O_WRONLY), (os.open, f, os.O_RDWR),
        (os.open, f"{d}/new", os.O_CREAT | os.O_WRONLY),
        (os.truncate, f, 0), (os.unlink, f), (os.mkdir, f"{d}/new"),
        (os.rmdir, f"{d}/b"), (os.rename, f, f"{d}/y"),
        (os.symlink, "x", f"{d}/l"), (os.link, f, f"{d}/l"),
        (os.chmod, f, 0o644), (os.chown, f, 0, 0), (os.utime, f),
        (os.mkfifo, f"{d}/p"), (os.setxattr, f, "user.other", b"x"),
    ]
    seen = {f"{c[0].__name__}{c[1:]}": error(*c) for c in changes}
    xattr = seen.pop([k for k in seen if k.startswith("setxattr")][0])
    assert set(seen.values()) == {errno.EROFS}, seen
    assert xattr in (errno.EROFS, errno.EOPNOTSUPP)


def test_xattrs_not_listed(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.nested()))
    assert os.listxattr(m.file()) == [] and os.listxattr(m.path) == []
    assert error(os.getxattr, m.file(), "user.nothing") == errno.ENODATA
    for name in ("digest", "entries", "skipped", "stats"):
        assert get_attr(m.file(), "user.s3zipfs." + name)
    assert "7" in get_attr(m.file(), "user.s3zipfs.entries")
    done = subprocess.run(["cp", "-a", m.file(), f"{m.home}/copy.zip"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert os.listxattr(f"{m.home}/copy.zip") == []


def test_status_before_any_publish(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.one()))
    text = get_attr(m.file(), "user.publish.status")
    assert text.startswith("state: none")
    assert lines(get_attr(m.file(), "user.publish.plan"))


def test_hidden(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.nested()), archive="hidden")
    assert "archive.zip" not in os.listdir(m.path)
    assert len(names(m.read())) == 7


def test_name(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.nested()), name="all of it.zip")
    assert "all of it.zip" in os.listdir(m.path)
    assert len(names(m.read(name="all of it.zip"))) == 7
    assert error(os.stat, m.file()) == errno.ENOENT


def test_include_exclude(gw, bucket, mount):
    """Any exclude wins, then any include; matched after the mount's prefix;
    directories stay visible."""
    keys = ["keep.txt", "keep.bin", "logs/a.txt", "logs/deep/b.txt",
            "logs/deep/c.bin", "tmp/d.txt"]
    source = bucket(gw, {k: sets.Obj(10) for k in keys}, "p/")
    m = mount(gw, source, "p/", include=["*.txt", "**/*.txt"],
              exclude=["tmp/**"])
    assert names(m.read()) == ["keep.txt", "logs/a.txt", "logs/deep/b.txt"]
    assert names(m.read("logs")) == ["a.txt", "deep/b.txt"]
    assert {"logs", "tmp"} <= set(os.listdir(m.path))
    m = mount(gw, source, "p/", exclude="*.txt")
    assert names(m.read()) == ["keep.bin", "logs/a.txt", "logs/deep/b.txt",
                               "logs/deep/c.bin", "tmp/d.txt"]


def test_max_entries(gw, bucket, mount):
    source = bucket(gw, {f"d/{i}": sets.Obj(1) for i in range(12)}
                    | {"e/one": sets.Obj(1)})
    m = mount(gw, source, max_entries=10)
    assert error(os.stat, m.file("d")) == errno.EFBIG
    assert "archive.zip" not in os.listdir(m.path + "/d")
    assert names(m.read("e")) == ["one"]
    m = mount(gw, source, max_entries=13)
    assert len(names(m.read())) == 13


def test_prefix_without_slash(gw, bucket, mount):
    source = bucket(gw, {"x": sets.Obj(1), "xy/z": sets.Obj(2)}, "x/")
    gw.client.put_object(Bucket=source, Key="xx", Body=b"stranger")
    assert names(mount(gw, source, "x").read()) == ["x", "xy/z"]


def test_a_subprefix_named_archive_zip(gw, bucket, mount):
    source = bucket(gw, {"archive.zip/in": sets.Obj(5), "f": sets.Obj(6)})
    m = mount(gw, source)
    assert names(m.read()) == ["archive.zip/in", "f"]
    assert os.path.isfile(m.file())
    assert os.listdir(m.path) == ["archive.zip"]
    assert "archive.zip" in m.log_text()


def test_own_key_is_no_member(gw, bucket, mount):
    """The published archive at its own key is not in itself; a stranger's
    object there is counted as a conflict."""
    source = bucket(gw, sets.nested())
    m = mount(gw, source, ttl=0)
    before = m.read()
    assert set_attr(m.file(), "") == 0
    assert m.read() == before
    assert names(m.read()) == sorted(sets.nested())
    stranger = bucket(gw, sets.one())
    gw.client.put_object(Bucket=stranger, Key="archive.zip", Body=b"mine")
    m = mount(gw, stranger)
    assert names(m.read()) == ["one.txt"]
    skipped = get_attr(m.file(), "user.s3zipfs.skipped")
    assert lines(skipped)["conflict"].startswith("1"), skipped


def test_published_archives_below_are_members(gw, bucket, mount):
    source = bucket(gw, {"a/x": sets.Obj(10), "b/y": sets.Obj(11)})
    m = mount(gw, source, ttl=0)
    assert set_attr(m.file("a"), "") == 0
    assert names(m.read()) == ["a/archive.zip", "a/x", "b/y"]


def test_many_directories(gw, bucket, mount):
    """More sub-prefixes than one listing page and one readdir reply."""
    source = bucket(gw, {f"dir-{i:04d}/f": sets.Obj(1) for i in range(1200)})
    m = mount(gw, source)
    found = os.listdir(m.path)
    assert len(found) == 1201 and len(set(found)) == 1201


def test_unmount_with_open_file(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.nested()))
    with open(m.file(), "rb"):
        done = subprocess.run(["fusermount3", "-u", m.path],
                              capture_output=True, check=False)
        assert done.returncode != 0
    m.unmount()


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(gw, bucket, mount, closed):
    """The way to the background leaves sockets and pipes alone."""
    m = mount(gw, bucket(gw, sets.nested()),
              wrap=("sh", "-c", f'exec "$@" {closed}', "sh"))
    assert "archive.zip" in os.listdir(m.path)
    assert refzip.central_directory(m.read())
    m.unmount()


def test_invalidate(gw, bucket, mount):
    source = bucket(gw, sets.one())
    m = mount(gw, source)
    assert names(m.read()) == ["one.txt"]
    gw.client.put_object(Bucket=source, Key="two", Body=b"2")
    assert names(m.read()) == ["one.txt"]      # within ttl
    assert set_attr(m.file(), "1", "user.s3zipfs.invalidate") == 0
    assert names(m.read()) == ["one.txt", "two"]


def test_wait_without_job(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.one()))
    code, text = wait_attr(m.file(), 10)
    assert code == 0 and text.startswith("state: none")
