# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Where CRCs come from, what that costs, and that nothing stays behind."""

import os
import subprocess
import threading
import time
import zipfile
import zlib

import pytest

from lib import procs, refzip, sets
from lib.faultproxy import count
from lib.mount import stats

LARGE = 9 * sets.MIB
COPY = {"method": "PUT", "headers_match": {"x-amz-copy-source": "."}}


def listing(path):
    """What `unzip -v` sees: name -> CRC of the central directory."""
    subprocess.run(["unzip", "-l", path], check=True, capture_output=True)
    with zipfile.ZipFile(path) as z:
        return {i.filename: i.CRC for i in z.infolist()}


def right(objects, seen):
    want = {k: zlib.crc32(v) for k, v in sets.expected(objects).items()}
    assert seen == want


def large(how, n=3):
    return {f"{how}-{i}": sets.Obj(LARGE + 1001 * i, how) for i in range(n)}


# --- what is asked, and when ------------------------------------------------

@pytest.mark.fault
@pytest.mark.big
def test_opening_asks_for_large_members_only(gw, proxy, bucket, mount):
    objects = large(sets.CRC32) | {f"s{i}": sets.Obj(sets.MIB)
                                   for i in range(5)}
    m = mount(proxy, bucket(gw, objects))
    os.stat(m.file())
    proxy.forget()
    with open(m.file(), "rb"):
        log = proxy.quiet()
        assert count(log) == {"head": 3}, count(log)
        assert all(sets.CRC32 in c.path for c in log)
        right(objects, listing(m.file()))
        log = [c for c in proxy.quiet() if c.operation == "head"]
    # the last small one may have come with a GET of its end
    assert 7 <= len(log) == len({c.path for c in log}) <= 8


@pytest.mark.fault
def test_directory_waits_for_its_own_entries(gw, proxy, bucket, s3zip):
    """The end of the central directory needs the last member's CRC alone."""
    source = bucket(gw, {f"k{i}": sets.Obj(5000 + i) for i in range(9)})
    whole = s3zip(proxy, "cat", f"s3://{source}", text=False, order="key",
                  cache_dir="").stdout
    size = len(whole)
    proxy.rules({"method": "HEAD", "path": "k[0-7]$", "status": 500,
                 "count": 0})
    done = s3zip(proxy, "cat", f"s3://{source}", "--range",
                 f"{size - 40}-{size - 1}", text=False, order="key",
                 cache_dir="")
    assert done.stdout == whole[-40:], done.stderr
    heads = [c.path for c in proxy.quiet() if c.operation == "head"]
    assert len(heads) == 1 and heads[0].endswith("k8")


@pytest.mark.fault
@pytest.mark.big
def test_second_listing_after_a_remount_asks_nothing(gw, proxy, bucket,
                                                     mount):
    objects = large(sets.CRC32) | large(sets.NONE) | {
        f"s{i}": sets.Obj(4000, k) for i, k in
        enumerate([sets.CRC32, sets.NONE, sets.CRC64])}
    m = mount(proxy, bucket(gw, objects))
    right(objects, listing(m.file()))
    m.unmount()
    source = m.url.removeprefix("s3://")
    proxy.forget()
    m = mount(proxy, source)
    right(objects, listing(m.file()))
    log = proxy.quiet()
    # the first page of a reader begins in the last member's body
    assert set(count(log)) <= {"list", "get"}, count(log)
    assert sum(c.received for c in log if c.operation == "get") <= 300_000
    assert stats(m)["crc_from_store"] == len(objects)


@pytest.mark.big
def test_whole_members_tell_their_crc(gw, bucket, mount):
    """A reader that goes forward needs no rung for small members."""
    objects = {f"s{i}": sets.Obj(3 * sets.MIB, sets.NONE) for i in range(4)}
    m = mount(gw, bucket(gw, objects))
    fd = os.open(m.file(), os.O_RDONLY)
    # without the kernel's read-ahead, whose requests may come in any order
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    while os.read(fd, 131072):
        pass
    os.close(fd)
    seen = stats(m)
    assert seen["crc_known"] == 4
    assert seen["crc_from_read"] == seen["crc_from_oracle"] == 0
    assert seen["read_twice"] == 0


# --- two mounts --------------------------------------------------------

@pytest.mark.fault
def test_two_mounts_share_what_they_know(gw, proxy, bucket, mount):
    """Two processes write one file at once; a third knows all of it."""
    parts = {w: {f"{w}/{i:03}": sets.Obj(300 + i, sets.NONE)
                 for i in range(150)} for w in ("x", "y")}
    source = bucket(gw, parts["x"] | parts["y"])
    one, two = mount(proxy, source), mount(proxy, source)
    threads = [threading.Thread(target=listing, args=(m.file(w),))
               for m, w in ((one, "x"), (two, "y"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    # both live on; what one learned the other finds at its next opening
    def known():
        proxy.forget()
        third = mount(proxy, source)
        listing(third.file())
        seen = stats(third)
        third.unmount()
        return seen["crc_from_store"] == 300 and \
            not set(count(proxy.quiet())) - {"list", "get"}
    procs.wait_for(known, 15, 0.5)
    proxy.forget()
    listing(one.file("y"))
    assert stats(one)["crc_from_store"] == 150
    assert "head" not in count(proxy.quiet())


# --- the oracle --------------------------------------------------------

@pytest.mark.big
def test_oracle(store, bucket, mount):
    """The store tells the CRCs; every one is right; nothing stays."""
    objects = large(sets.NONE, 4) | large(sets.CRC64, 2)
    source = bucket(store, objects)
    m = mount(store, source)
    right(objects, listing(m.file()))
    seen = stats(m)
    if store.name == "s3proxy":         # gives no CRC for a part
        assert seen["crc_from_oracle"] == 0
        assert m.log_text().count("not asked for CRCs by copies") == 1
    else:
        assert seen["crc_from_oracle"] == 6 and seen["crc_from_read"] == 0
        assert len(store.uploads(source)) == 1
    m.unmount()
    assert store.uploads(source) == []


@pytest.mark.big
def test_oracle_beside_other_rungs(store, bucket, mount):
    """What a store calls the CRC of a COMPOSITE source is not believed."""
    first = large(sets.NONE, 1)
    later = large(sets.COMPOSITE) | large(sets.CRC32)
    source = bucket(store, {f"a/{k}": o for k, o in first.items()} |
                    {f"b/{k}": o for k, o in later.items()})
    m = mount(store, source)
    listing(m.file("a"))    # the oracle is proved
    seen = listing(m.file("b"))
    assert seen == {k: zlib.crc32(sets.content("b/" + k, o.size))
                    for k, o in later.items()}


@pytest.mark.big
def test_oracle_in_ranges(store, bucket, mount):
    """A member of more than one copy, and small ones with crc=oracle."""
    size = 20 if store.name == "s3proxy" else 130   # its limit is 32
    objects = {"a": sets.Obj(size * sets.MIB, sets.NONE),
               "b": sets.Obj(100_000, sets.NONE)}
    source = bucket(store, objects)
    m = mount(store, source, crc="oracle")
    right(objects, listing(m.file()))
    if store.name != "s3proxy":
        assert stats(m)["crc_from_oracle"] == 2
    m.unmount()
    assert store.uploads(source) == []


@pytest.mark.big
def test_streaming_reads_large_members_once(gw, bucket, s3zip, tmp_path):
    """The header of a large member waits for the oracle, not for a read."""
    objects = large(sets.NONE)
    source = bucket(gw, objects)
    out = tmp_path / "a.zip"
    done = s3zip(gw, "cat", f"s3://{source}", "-o", str(out))
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(out) as z:
        assert z.testzip() is None and len(z.namelist()) == len(objects)
    assert gw.uploads(source) == []


@pytest.mark.fault
@pytest.mark.big
@pytest.mark.parametrize("options", [{"publish": "off"}, {"ro": True},
                                     {"crc": "read"}, {"cache_dir": ""}])
def test_oracle_needs_leave(gw, proxy, bucket, mount, options):
    objects = large(sets.NONE, 1)
    m = mount(proxy, bucket(gw, objects), **options)
    right(objects, listing(m.file()))
    assert not {"create", "copy"} & set(count(proxy.quiet()))


@pytest.mark.fault
@pytest.mark.big
@pytest.mark.parametrize("status,code", [(403, "AccessDenied"),
                                         (501, "NotImplemented")])
@pytest.mark.parametrize("match", [{"method": "POST", "query": "uploads"},
                                   COPY])
def test_oracle_refused(gw, proxy, bucket, mount, match, status, code):
    """Once, said once; the objects are read."""
    objects = large(sets.NONE)
    m = mount(proxy, bucket(gw, objects), log="info")
    proxy.rules({**match, "status": status, "code": code, "count": 0})
    right(objects, listing(m.file()))
    seen = count(proxy.quiet())
    assert seen["create"] == 1 and seen.get("copy", 0) <= 1
    assert m.log_text().count(f"copies from now on: {status} {code}") == 1


@pytest.mark.fault
@pytest.mark.big
def test_oracle_that_lies(gw, proxy, bucket, mount):
    """versitygw's quirk, made worse: some CRC for the range of a source."""
    objects = large(sets.NONE)
    m = mount(proxy, bucket(gw, objects), log="info")
    proxy.rules({**COPY, "count": 0, "replace": {
        "status": 200, "headers": {"Content-Type": "application/xml"},
        "body": '<CopyPartResult><ETag>"x"</ETag><ChecksumCRC32>AAAAAA=='
                "</ChecksumCRC32></CopyPartResult>"}})
    right(objects, listing(m.file()))
    assert count(proxy.quiet())["copy"] == 1
    assert "not that of its bytes" in m.log_text()


@pytest.mark.big
def test_oracle_of_a_killed_daemon(gw, bucket, mount):
    """The next start aborts what it left, and only that."""
    objects = large(sets.NONE)
    source = bucket(gw, objects)
    mine = gw.client.create_multipart_upload(Bucket=source, Key="mine")
    m = mount(gw, source)
    listing(m.file())
    other = mount(gw, source, crc="oracle")
    os.stat(other.file())
    before = gw.uploads(source)
    assert len(before) == 2
    m.kill()
    m.close()
    assert gw.uploads(source) == before
    again = mount(gw, source)
    left = [("mine", mine["UploadId"])]
    procs.wait_for(lambda: gw.uploads(source) == left, 15, 0.2)
    again.unmount()
    other.unmount()
    assert gw.uploads(source) == left
    gw.client.abort_multipart_upload(Bucket=source, Key="mine",
                                     UploadId=mine["UploadId"])


@pytest.mark.big
def test_oracle_upload_of_a_living_daemon_stays(gw, bucket, mount):
    source = bucket(gw, large(sets.NONE))
    m = mount(gw, source)
    listing(m.file())
    before = gw.uploads(source)
    assert len(before) == 1
    other = mount(gw, source)
    os.stat(other.file())
    time.sleep(0.5)
    other.unmount()
    assert gw.uploads(source) == before
    m.unmount()
    assert gw.uploads(source) == []


@pytest.mark.fault
@pytest.mark.big
def test_oracle_sees_a_change(gw, proxy, bucket, mount):
    """Overwritten between listing and copy: stale, never another CRC."""
    objects = large(sets.NONE, 1)
    source = bucket(gw, objects)
    m = mount(proxy, source)
    os.stat(m.file())
    proxy.rules({**COPY, "n": 2, "before": [
        "put_object", {"Bucket": source, "Key": "none-0",
                       "Body": "x" * LARGE}]})
    with open(m.file(), "rb") as f, pytest.raises(OSError) as e:
        f.seek(-64, 2)
        f.read()
    assert e.value.errno == 116     # ESTALE
    assert refzip.listing(gw.client, source)


# --- the scratch prefix ------------------------------------------------

def test_scratch_keys_are_no_members(gw, bucket, mount, s3zip):
    objects = {"a": sets.Obj(10), ".s3zipfs-scratch/x": sets.Obj(20),
               ".s3zipfs-scratchy": sets.Obj(30)}
    source = bucket(gw, objects)
    m = mount(gw, source)
    assert set(listing(m.file())) == {"a", ".s3zipfs-scratchy"}
    m = mount(gw, source, scratch="other/")
    assert len(listing(m.file())) == 3
    done = s3zip(gw, "ls", f"s3://{source}", scratch="noslash")
    assert done.returncode == 2 and "scratch" in done.stderr
