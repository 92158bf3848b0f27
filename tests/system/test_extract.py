# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""s3zip extract, and s3zip verify by what the store tells: the bytes, the
traffic, and that nothing stays behind."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import time
import zipfile
import zlib

import pytest

from lib import left as lefts
from lib import procs, refzip, sets, where
from lib.faultproxy import count

LARGE = 9 * sets.MIB
SCRATCH = ".s3zipfs-scratch/"
COPY = {"method": "PUT", "headers_match": {"x-amz-copy-source": "."}}


def mixed():
    """Some that are copied, some that pass, a directory, empty ones."""
    return {"big-1": sets.Obj(LARGE), "big-2": sets.Obj(sets.PART),
            "below": sets.Obj(sets.PART - 1), "dir/": sets.Obj(0),
            "dir/empty": sets.Obj(0)} | {
        f"dir/s{i}": sets.Obj(1000 + 37 * i) for i in range(30)}


def objects_of(store, bucket, prefix=""):
    """key -> bytes, of everything below prefix."""
    return {k: store.client.get_object(Bucket=bucket, Key=k)["Body"].read()
            for k in refzip.listing(store.client, bucket, prefix)}


def run_json(s3zip, at, *args, **options):
    done = s3zip(at, *args, "--json", **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def published(store, bucket, s3zip, objects, **options):
    """An archive of objects -> (its bucket, its key)."""
    source, there = bucket(store, objects), bucket(store)
    done = s3zip(store, "publish", f"s3://{source}", f"s3://{there}/a.zip",
                 **options)
    assert done.returncode == 0, done.stderr
    return there, "a.zip"


def put(store, bucket, key, data, checksum=sets.NONE):
    more = {"ChecksumCRC32": sets.crc_base64(data)} \
        if checksum == sets.CRC32 else {}
    store.client.put_object(Bucket=bucket, Key=key, Body=data, **more)
    if checksum == sets.NONE and store.strip_checksum:
        store.strip_checksum(bucket, key)


def zipped(members, method=zipfile.ZIP_STORED, comment=b""):
    """A zip as Python makes it, from name -> bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in members.items():
            z.writestr(name, data)
        z.comment = comment
    return out.getvalue()


def nothing_left(store, *buckets):
    for b in buckets:
        assert store.uploads(b) == []
        assert refzip.listing(store.client, b, SCRATCH) == {}


# --- extract: what comes out --------------------------------------------

@pytest.mark.big
def test_round_trip(store, bucket, s3zip):
    objects = mixed()
    there, key = published(store, bucket, s3zip, objects)
    dest = bucket(store)
    said = run_json(s3zip, store, "extract", f"s3://{there}/{key}",
                    f"s3://{dest}/out")
    want = {"out/" + k: v for k, v in sets.expected(objects).items()}
    assert objects_of(store, dest) == want
    assert said["members"] == said["extracted"] == len(objects)
    assert said["copied"] >= LARGE + sets.PART
    small = sum(o.size for o in objects.values() if o.size < sets.PART)
    assert said["uploaded"] == small
    nothing_left(store, there, dest)
    # again: all of it is there
    again = run_json(s3zip, store, "extract", f"s3://{there}/{key}",
                     f"s3://{dest}/out/")
    assert again["skipped"] == len(objects) and again["extracted"] == 0
    assert again["requests"]["create"] == again["requests"]["put"] == 0


@pytest.mark.big
def test_foreign_archives(store, bucket, s3zip):
    """Deflated members, a comment, bytes in front, descriptors."""
    rnd = random.Random(7)
    words = b"".join(b"%d " % rnd.randrange(9999) for _ in range(3_000_000))
    members = {"text/small": words[:70000], "text/large": words,
               "noise": rnd.randbytes(7 << 20), "none": b""}
    data = zipped(members, zipfile.ZIP_DEFLATED, b"a comment")
    there = bucket(store)
    put(store, there, "plain.zip", data)
    put(store, there, "shifted.zip", b"#!/bin/sh\n" * 40 + data)
    out = io.BytesIO()
    with zipfile.ZipFile(Unseekable(out), "w") as z:    # descriptors
        for name, value in members.items():
            z.writestr(name, value)
    put(store, there, "piped.zip", out.getvalue())
    for name in ("plain", "shifted", "piped"):
        dest = bucket(store)
        said = run_json(s3zip, store, "extract", f"s3://{there}/{name}.zip",
                        f"s3://{dest}")
        assert objects_of(store, dest) == members, name
        if name == "piped":
            assert said["copied"] >= sum(
                len(v) for v in members.values() if len(v) >= sets.PART)
        nothing_left(store, there, dest)


class Unseekable:
    """What zipfile writes to without going back."""

    def __init__(self, out):
        self.out = out

    def write(self, data):
        return self.out.write(data)

    def flush(self):
        pass


def test_refusals(gw, bucket, s3zip):
    there, dest = bucket(gw), bucket(gw)
    data = zipped({"a": b"1", "b": b"2"})
    bad = {
        "parent": zipped({"../x": b"1"}), "absolute": zipped({"/x": b"1"}),
        "twice": zipped({"aa": b"1", "bb": b"2"}).replace(b"bb", b"aa"),
        "locked": patched_flags(data, 1),
        "method": zipped({"a": b"1" * 99}, zipfile.ZIP_BZIP2),
        "overlap": overlapping(data), "text": b"no zip" * 100,
        "cut": data[:-1], "empty": b"",
    }
    for name, value in bad.items():
        put(gw, there, name, value)
        done = s3zip(gw, "extract", f"s3://{there}/{name}", f"s3://{dest}/o")
        assert done.returncode == 1, (name, done)
        assert len(done.stderr.strip().splitlines()) == 1, (name, done)
    assert objects_of(gw, dest) == {}
    # an unsafe name can be left out
    put(gw, there, "some", zipped({"../x": b"1", "ok": b"2"}))
    said = run_json(s3zip, gw, "extract", f"s3://{there}/some",
                    f"s3://{dest}", badkeys="skip")
    assert said["excluded"] == 1 and objects_of(gw, dest) == {"ok": b"2"}


def patched_flags(data, flag):
    out = bytearray(data)
    for sig, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        first = data.find(sig)
        while first >= 0:
            out[first + at] |= flag
            first = data.find(sig, first + 4)
    return bytes(out)


def overlapping(data):
    """Both entries say that they begin at the first byte."""
    out = bytearray(data)
    second = data.rfind(b"PK\1\2")
    out[second + 42:second + 46] = bytes(4)
    return bytes(out)


@pytest.mark.big
def test_damage_is_found(store, bucket, s3zip):
    """A large member is not there after its bytes were found wrong."""
    objects = {"big": sets.Obj(LARGE), "small": sets.Obj(3000)}
    options = {"verify": "full"} if store.name == "s3proxy" else {}
    source = bucket(store, objects)
    data = s3zip(store, "cat", f"s3://{source}", text=False).stdout
    first = {n: o for n, _, _, o in refzip.central_directory(data)}
    for name in ("big", "small"):
        there, dest = bucket(store), bucket(store)
        at = first[name.encode()] + 2000
        put(store, there, "a.zip",
            data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        done = s3zip(store, "extract", f"s3://{there}/a.zip",
                     f"s3://{dest}", **options)
        assert done.returncode == 1 and name in done.stderr, done
        assert "CRC-32" in done.stderr
        assert name not in objects_of(store, dest)
        nothing_left(store, there, dest)


def test_never_overwrites(gw, bucket, s3zip):
    there, dest = bucket(gw), bucket(gw)
    put(gw, there, "a.zip", zipped({"a": b"mine", "b": b"b"}))
    put(gw, dest, "a", b"yours", sets.CRC32)
    args = ("extract", f"s3://{there}/a.zip", f"s3://{dest}")
    done = s3zip(gw, *args)
    assert done.returncode == 1 and "there already" in done.stderr
    assert objects_of(gw, dest) == {"a": b"yours"}      # looked at first
    said = run_json(s3zip, gw, *args, overwrite=True)
    assert said["extracted"] == 2
    assert objects_of(gw, dest) == {"a": b"mine", "b": b"b"}
    # the archive itself is no member's place
    put(gw, there, "self.zip", zipped({"self.zip": b"x"}))
    done = s3zip(gw, "extract", f"s3://{there}/self.zip", f"s3://{there}",
                 overwrite=True)
    assert done.returncode == 1 and "place" in done.stderr


@pytest.mark.fault
@pytest.mark.big
def test_somebody_is_faster(gw, proxy, bucket, s3zip):
    """The condition of each write is what counts, not the look before."""
    there = bucket(gw)
    put(gw, there, "a.zip", zipped({"a": b"mine",
                                    "big": bytes(sets.PART + 1)}))
    for name in ("a", "big"):
        dest = bucket(gw)
        args = {"Bucket": dest, "Key": name, "Body": "yours"}
        method = "PUT" if name == "a" else "POST"
        query = "uploadId" if name == "big" else "^$"
        proxy.rules({"method": method, "path": f"/{name}$", "query": query,
                     "before": ["put_object", args]})
        done = s3zip(proxy, "extract", f"s3://{there}/a.zip",
                     f"s3://{dest}/")
        assert done.returncode == 1, done
        assert objects_of(gw, dest)[name] == b"yours"
        nothing_left(gw, dest)


def test_bounds(gw, bucket, s3zip):
    """publish=off, ro and publish_to= hold for extract, too."""
    there, dest = bucket(gw), bucket(gw)
    put(gw, there, "a.zip", zipped({"a": b"1"}))
    args = ("extract", f"s3://{there}/a.zip", f"s3://{dest}/x")
    for options in ({"publish": "off"}, {"ro": True},
                    {"publish_to": f"s3://{dest}/y"},
                    {"publish_to": f"s3://{dest}/x/z"},
                    {"publish_to": f"s3://{there}/x"}):
        done = s3zip(gw, *args, **options)
        assert done.returncode == 1, (options, done)
    assert objects_of(gw, dest) == {}
    done = s3zip(gw, *args, publish_to=[f"s3://{there}", f"s3://{dest}/x"])
    assert done.returncode == 0, done


@pytest.mark.big
def test_deflated_lies(gw, bucket, s3zip):
    """Sizes and data that do not fit each other, small and streamed."""
    rnd = random.Random(5)
    there, dest = bucket(gw), bucket(gw)
    for size in (100_000, 12 << 20):
        data = zipped({"m": rnd.randbytes(size)}, zipfile.ZIP_DEFLATED)
        middle = len(data) // 2
        lies = {"longer": with_size(data, size - 7),
                "shorter": with_size(data, size + 7),
                "damaged": data[:middle] + rnd.randbytes(300) +
                data[middle + 300:]}
        for what, value in lies.items():
            put(gw, there, "a.zip", value)
            done = s3zip(gw, "extract", f"s3://{there}/a.zip",
                         f"s3://{dest}")
            assert done.returncode == 1, (size, what)
            assert "entry 0 (m)" in done.stderr, (size, what, done.stderr)
            assert objects_of(gw, dest) == {}
            nothing_left(gw, dest)


def with_size(data, size):
    """The only entry says that it has so many bytes."""
    out = bytearray(data)
    out[22:26] = size.to_bytes(4, "little")
    at = data.rfind(b"PK\1\2")
    out[at + 24:at + 28] = size.to_bytes(4, "little")
    return bytes(out)


# --- extract: traffic ---------------------------------------------------

@pytest.mark.fault
@pytest.mark.big
def test_large_bodies_stay_in_the_store(gw, proxy, bucket, s3zip):
    """Bytes down: directory, headers and the small ones; requests few."""
    objects = {f"big-{i}": sets.Obj(LARGE + i) for i in range(3)} | {
        f"s/{i:03}": sets.Obj(500) for i in range(200)}
    there, key = published(gw, bucket, s3zip, objects)
    gw.strip_checksum(there, key)
    dest = bucket(gw)
    proxy.rules()
    said = run_json(s3zip, proxy, "extract", f"s3://{there}/{key}",
                    f"s3://{dest}")
    log = proxy.quiet()
    seen = count(log)
    assert objects_of(gw, dest) == sets.expected(objects)
    got = sum(c.received for c in log if c.operation == "get")
    assert got == said["downloaded"] < 400_000
    assert seen["copy"] == 3 and seen["put"] == 200
    assert seen["get"] <= 3 + 2 + 3, seen
    assert "head" in seen and seen["head"] == 1       # the archive
    for c in log:
        if c.operation == "copy":
            assert c.headers["x-amz-copy-source-if-match"]
        if c.operation in ("put", "complete"):
            assert c.headers["if-none-match"] == "*"


@pytest.mark.fault
@pytest.mark.big
def test_a_second_run_finishes_the_work(gw, proxy, bucket, s3zip):
    objects = mixed()
    there, key = published(gw, bucket, s3zip, objects)
    gw.strip_checksum(there, key)
    dest = bucket(gw)
    args = ("extract", f"s3://{there}/{key}", f"s3://{dest}")
    proxy.rules({"method": "PUT", "path": "dir/s29", "status": 403,
                 "code": "AccessDenied", "count": 0})
    done = s3zip(proxy, *args)
    assert done.returncode == 1 and "AccessDenied" in done.stderr
    assert "dir/s29" in done.stderr
    nothing_left(gw, dest)
    proxy.quiet()   # what was cut off may arrive yet
    before = objects_of(gw, dest)
    proxy.rules()
    said = run_json(s3zip, proxy, *args)
    assert said["skipped"] == len(before)
    assert said["extracted"] == len(objects) - len(before) > 0
    assert objects_of(gw, dest) == sets.expected(objects)


@pytest.mark.fault
@pytest.mark.big
def test_archive_changes_meanwhile(gw, proxy, bucket, s3zip):
    there, dest = bucket(gw), bucket(gw)
    data = zipped({"big": bytes(sets.PART + 1)})
    put(gw, there, "a.zip", data)
    args = {"Bucket": there, "Key": "a.zip", "Body": "new"}
    proxy.rules({**COPY, "before": ["put_object", args]})
    done = s3zip(proxy, "extract", f"s3://{there}/a.zip", f"s3://{dest}")
    assert done.returncode == 1 and "changed meanwhile" in done.stderr, done
    assert objects_of(gw, dest) == {}
    nothing_left(gw, dest)


@pytest.mark.fault
@pytest.mark.big
def test_store_without_part_copies(gw, proxy, bucket, s3zip):
    """501 to a copy: the bytes pass through, and are right."""
    objects = {"big": sets.Obj(20 * sets.MIB), "small": sets.Obj(10)}
    there, key = published(gw, bucket, s3zip, objects)
    dest = bucket(gw)
    proxy.rules({**COPY, "status": 501, "code": "NotImplemented",
                 "count": 0})
    said = run_json(s3zip, proxy, "extract", f"s3://{there}/{key}",
                    f"s3://{dest}", memory="16M")
    assert said["copied"] == 0
    assert said["uploaded"] == sum(o.size for o in objects.values())
    assert objects_of(gw, dest) == sets.expected(objects)
    nothing_left(gw, dest)


@pytest.mark.big
def test_quirk_of_ranged_copies(gw, bucket, s3zip):
    """versitygw tells the whole source's CRC-32 of a range of it: read once
    to know who is wrong, then copied without; a true error is still one."""
    objects = {f"big-{i}": sets.Obj(LARGE + i) for i in range(3)}
    source = bucket(gw, objects)
    data = s3zip(gw, "cat", f"s3://{source}", text=False).stdout
    there, dest = bucket(gw), bucket(gw)
    put(gw, there, "a.zip", data, sets.CRC32)
    said = run_json(s3zip, gw, "extract", f"s3://{there}/a.zip",
                    f"s3://{dest}")
    assert objects_of(gw, dest) == sets.expected(objects)
    assert said["unchecked"] < 3 and said["uploaded"] == 0
    nothing_left(gw, there, dest)
    # verify=full reads each that the store says nothing of
    dest = bucket(gw)
    said = run_json(s3zip, gw, "extract", f"s3://{there}/a.zip",
                    f"s3://{dest}", verify="full")
    assert said["unchecked"] == 0
    assert said["downloaded"] >= sum(o.size for o in objects.values())
    assert objects_of(gw, dest) == sets.expected(objects)
    # what was copied without a CRC is known again
    again = run_json(s3zip, gw, "extract", f"s3://{there}/a.zip",
                     f"s3://{dest}")
    assert again["skipped"] == 3


@pytest.mark.fault
@pytest.mark.big
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_signals(gw, proxy, bucket, env, sig):
    there, dest = bucket(gw), bucket(gw)
    put(gw, there, "a.zip", zipped({"big": bytes(sets.PART + 1)}))
    proxy.rules({**COPY, "hold": True})
    proc = subprocess.Popen(
        [where.program("s3zip"), "extract", f"s3://{there}/a.zip",
         f"s3://{dest}"], env=env(proxy), stderr=subprocess.PIPE)
    proxy.held()
    assert len(gw.uploads(dest)) == 1
    proc.send_signal(sig)
    time.sleep(0.5)
    proxy.release()
    _, err = proc.communicate(timeout=30)
    assert proc.returncode == 128 + sig, err
    procs.wait_for(lambda: gw.uploads(dest) == [], 10)
    assert objects_of(gw, dest) == {}


@pytest.mark.fault
@pytest.mark.big
def test_killed(gw, proxy, bucket, s3zip, env):
    """The next run aborts what a killed one left, and nothing else."""
    there, dest = bucket(gw), bucket(gw)
    members = {"big": bytes(sets.PART + 1), "small": b"s"}
    put(gw, there, "a.zip", zipped(members))
    other = gw.client.create_multipart_upload(Bucket=dest, Key="big")
    proxy.rules({**COPY, "hold": True})
    proc = subprocess.Popen(
        [where.program("s3zip"), "extract", f"s3://{there}/a.zip",
         f"s3://{dest}"], env=env(proxy), stderr=subprocess.PIPE)
    proxy.held()
    proc.kill()
    proc.communicate(timeout=30)
    proxy.release()
    assert len(gw.uploads(dest)) == 2
    proxy.quiet()
    proxy.rules()
    done = s3zip(proxy, "extract", f"s3://{there}/a.zip", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert objects_of(gw, dest) == members
    assert gw.uploads(dest) == [("big", other["UploadId"])]
    gw.client.abort_multipart_upload(Bucket=dest, Key="big",
                                     UploadId=other["UploadId"])


IDS = "SELECT upload_id FROM upload"


@pytest.mark.fault
@pytest.mark.big
def test_killed_before_the_id_was_known(gw, proxy, bucket, s3zip, env, home):
    """What Create made is empty, and nobody guesses whose it is; a person
    who asks has it aborted, but not what may be another's."""
    there, dest = bucket(gw), bucket(gw)
    members = {"big": bytes(sets.PART + 1), "small": b"s"}
    put(gw, there, "a.zip", zipped(members))
    proxy.rules({"method": "POST", "query": "uploads", "delay_answer": 30})
    proc = subprocess.Popen(
        [where.program("s3zip"), "extract", f"s3://{there}/a.zip",
         f"s3://{dest}"], env=env(proxy), stderr=subprocess.PIPE)
    procs.wait_for(lambda: len(gw.uploads(dest)) == 1, 10)
    proc.kill()
    proc.communicate(timeout=30)
    proxy.rules()
    assert lefts.rows(home, IDS) == [(None,)]
    other = gw.client.create_multipart_upload(Bucket=dest, Key="big")
    other = ("big", other["UploadId"])
    # too young to be told from another host's
    done = s3zip(proxy, "cleanup", f"s3://{dest}", "--json")
    assert done.returncode == 0, done.stderr
    assert [t["kind"] for t in json.loads(done.stdout)["cleaned"]] == \
        ["young"] * 2
    gw.client.upload_part(Bucket=dest, Key=other[0], UploadId=other[1],
                          PartNumber=1, Body=b"theirs")
    lefts.later(gw, dest, home, "upload")
    done = s3zip(proxy, "extract", f"s3://{there}/a.zip", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert objects_of(gw, dest) == members
    assert len(gw.uploads(dest)) == 2
    assert lefts.rows(home, IDS) == [(None,)]
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" aborted\n") == 1
    assert gw.uploads(dest) == [other]
    assert lefts.rows(home, IDS) == []
    gw.client.abort_multipart_upload(Bucket=dest, Key=other[0],
                                     UploadId=other[1])


@pytest.mark.fault
@pytest.mark.big
def test_an_answer_to_create_is_lost(gw, proxy, bucket, s3zip, home):
    """Another Create, in a row of its own: the journal knows both uploads,
    and the one without id is empty."""
    there, dest = bucket(gw), bucket(gw)
    members = {"big": bytes(sets.PART + 1)}
    put(gw, there, "a.zip", zipped(members))
    proxy.rules({"method": "POST", "query": "uploads", "n": 1, "count": 1,
                 "replace": {"status": 502, "body": "", "headers": {}}})
    done = s3zip(proxy, "extract", f"s3://{there}/a.zip", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert objects_of(gw, dest) == members
    (key, upload), = gw.uploads(dest)
    assert "Parts" not in gw.client.list_parts(Bucket=dest, Key=key,
                                               UploadId=upload)
    assert lefts.rows(home, IDS) == [(None,)]
    lefts.later(gw, dest, home, "upload")
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert gw.uploads(dest) == []
    assert lefts.rows(home, IDS) == []


@pytest.mark.fault
@pytest.mark.big
def test_complete_is_lost_over_another(gw, proxy, bucket, s3zip):
    """The object that is to be replaced has the member's size, and no CRC
    tells it apart: a gateway answers Complete in place of the store."""
    there, dest = bucket(gw), bucket(gw)
    members = {"big": b"n" * (sets.PART + 1)}
    put(gw, there, "a.zip", zipped(members))
    old = gw.plant(dest, "big", 0, "e" * 32)    # no checksum
    with open(old, "wb") as f:
        f.write(b"o" * (sets.PART + 1))
    proxy.rules({"method": "POST", "query": "uploadId", "n": 1, "count": 1,
                 "status": 502, "body": "", "headers": {}})
    done = s3zip(proxy, "extract", f"s3://{there}/a.zip", f"s3://{dest}",
                 overwrite=True)
    assert done.returncode == 0, done.stderr
    assert objects_of(gw, dest) == members
    assert gw.uploads(dest) == []


@pytest.mark.big
def test_more_than_one_range(gw, bucket, s3zip, home):
    """A member of three copied parts, and of three ranges to verify."""
    size = 300 << 20
    source, there, dest = bucket(gw), bucket(gw), bucket(gw)
    gw.plant(source, "large", size)
    sets.put(gw, source, "small", sets.Obj(500))
    path = f"{home}/a.zip"
    done = s3zip(gw, "cat", f"s3://{source}", "-o", path)
    assert done.returncode == 0, done.stderr
    planted = gw.plant(there, "a.zip", 0, "e" * 32)     # no checksum
    shutil.copyfile(path, planted)
    said = run_json(s3zip, gw, "verify", f"s3://{there}/a.zip")
    assert said["checked"] == "store" and said["copied"] > size
    said = run_json(s3zip, gw, "extract", f"s3://{there}/a.zip",
                    f"s3://{dest}")
    assert said["copied"] == size and said["unchecked"] == 0
    assert said["requests"]["copy"] == 3
    assert refzip.listing(gw.client, dest)["large"][0] == size
    with open(os.path.join(gw.root, dest, "large"), "rb") as f:
        assert not any(f.read(1 << 20).strip(b"\0") for _ in range(300))
    nothing_left(gw, there, dest)
    # a byte of its middle, which three ranges hold
    with open(planted, "r+b") as f:
        f.seek(size // 2)
        f.write(b"x")
    done = s3zip(gw, "verify", f"s3://{there}/a.zip")
    assert done.returncode == 1 and "(large): CRC-32" in done.stderr
    done = s3zip(gw, "extract", f"s3://{there}/a.zip", f"s3://{dest}/2")
    assert done.returncode == 1 and "(large): CRC-32" in done.stderr
    assert "2/large" not in refzip.listing(gw.client, dest)


# --- memory -------------------------------------------------------------

@pytest.mark.big
def test_memory_bound(gw, bucket, env):
    """Deflated and streamed members, much larger than memory=."""
    block = random.Random(3).randbytes(1 << 20)
    there, dest = bucket(gw), bucket(gw)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for i in range(4):
            with z.open(f"m{i}", "w") as f:
                for _ in range(50):
                    f.write(block)
                f.write(bytes(100 << 20))       # a bomb, as it were
    put(gw, there, "a.zip", out.getvalue())
    peak = peak_of(env(gw), "extract", f"s3://{there}/a.zip",
                   f"s3://{dest}", "--memory", "16M")
    assert peak < (16 + 64) << 20, peak
    sizes = {o["Key"]: o["Size"] for o in gw.client.list_objects_v2(
        Bucket=dest)["Contents"]}
    assert sizes == {f"m{i}": 150 << 20 for i in range(4)}
    peak = peak_of(env(gw), "verify", f"s3://{there}/a.zip", fails=True)
    assert peak < 80 << 20


def peak_of(environ, *args, fails=False):
    """Largest resident set of a run of s3zip, in bytes; a child's ru_maxrss
    would begin with this process's."""
    proc = subprocess.Popen([where.program("s3zip"), *args], env=environ,
                            stderr=subprocess.DEVNULL)
    peak = 0
    while proc.poll() is None:
        try:
            peak = procs.peak_memory(proc.pid)
        except (OSError, ValueError):
            pass                                # it has just ended
        time.sleep(0.01)
    assert (proc.returncode != 0) == fails
    return peak


# --- verify -------------------------------------------------------------

def verify_case(store, bucket, s3zip, checksum=sets.NONE):
    """An archive in pieces: (bucket, bytes, offsets of entries)."""
    objects = {f"big-{i}": sets.Obj(LARGE + i) for i in range(2)} | {
        f"s/{i:03}": sets.Obj(700 + i) for i in range(60)}
    source, there = bucket(store, objects), bucket(store)
    data = s3zip(store, "cat", f"s3://{source}", text=False).stdout
    put(store, there, "a.zip", data, checksum)
    return source, there, data


@pytest.mark.big
def test_verify_by_the_store(store, bucket, s3zip):
    source, there, data = verify_case(store, bucket, s3zip)
    if store.name == "s3proxy":     # tells no CRC-32 of a part
        said = run_json(s3zip, store, "verify", f"s3://{there}/a.zip")
        assert said["checked"] == "read"
        return
    url = f"s3://{there}/a.zip"
    said = run_json(s3zip, store, "verify", url, "--against",
                    f"s3://{source}")
    assert said["checked"] == "store" and said["against"] is True
    assert said["crc32"] == f"{zlib.crc32(data):08x}"
    assert said["downloaded"] < 200_000 and said["copied"] > 2 * LARGE
    nothing_left(store, there, source)
    read = run_json(s3zip, store, "verify", url, "--read")
    assert read["checked"] == "read" and read["crc32"] == said["crc32"]
    assert read["downloaded"] >= len(data) and read["copied"] == 0
    done = s3zip(store, "verify", url)
    assert "checked: store" in done.stdout


@pytest.mark.big
def test_verify_reads_where_the_store_is_not_believed(store, bucket, s3zip):
    """versitygw's quirk, and a store without CRCs of parts."""
    _, there, data = verify_case(store, bucket, s3zip, sets.CRC32)
    said = run_json(s3zip, store, "verify", f"s3://{there}/a.zip")
    assert said["crc32"] == f"{zlib.crc32(data):08x}"
    believed = store.range_crc and store.name != "s3proxy"
    assert said["checked"] == ("store" if believed else "read")
    nothing_left(store, there)
    for option in ({"crc": "read"}, {"publish": "off"}):
        said = run_json(s3zip, store, "verify", f"s3://{there}/a.zip",
                        **option)
        assert said["checked"] == "read"


@pytest.mark.big
def test_verify_finds_a_flipped_byte(store, bucket, s3zip):
    """In a body, a header, the directory and the end records; both ways."""
    _, there, data = verify_case(store, bucket, s3zip)
    first = {n: o for n, _, _, o in refzip.central_directory(data)}
    directory = len(data) - 22 - 40
    places = {"big body": first[b"big-1"] + LARGE // 2,
              "small body": first[b"s/030"] + 200,
              "big header": first[b"big-0"] + 10,
              "small header": first[b"s/007"] + 31,
              "directory": directory, "end": len(data) - 4}
    url = f"s3://{there}/a.zip"
    for what, at in places.items():
        put(store, there, "a.zip",
            data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
        for more in ([], ["--read"]):
            done = s3zip(store, "verify", url, *more)
            assert done.returncode == 1, (what, more, done)
            assert done.stderr.startswith(f"s3zip: {url}: "), (what, done)
            if "body" in what:
                assert "CRC-32" in done.stderr
    nothing_left(store, there)


@pytest.mark.fault
@pytest.mark.big
def test_verify_never_accuses_by_hearsay(gw, proxy, bucket, s3zip):
    """A CRC-32 that was wrong on its way: the bytes are looked at."""
    _, there, data = verify_case(gw, bucket, s3zip)
    wrong = sets.crc_base64(b"wrong")
    body = ("<CopyPartResult><ETag>&quot;e&quot;</ETag><ChecksumCRC32>"
            f"{wrong}</ChecksumCRC32></CopyPartResult>")
    proxy.rules({**COPY, "n": 2, "count": 0, "status": 200, "body": body,
                 "headers": {"content-type": "application/xml"}})
    said = run_json(s3zip, proxy, "verify", f"s3://{there}/a.zip")
    assert said["checked"] == "read" and said["crc32"] == f"{zlib.crc32(data):08x}"
    nothing_left(gw, there)


@pytest.mark.fault
@pytest.mark.big
def test_verify_one_copy_for_many(gw, proxy, bucket, s3zip):
    """Entries share a copy: proof, one range; directory and HEAD."""
    _, there, _ = verify_case(gw, bucket, s3zip)
    proxy.rules()
    assert run_json(s3zip, proxy, "verify",
                    f"s3://{there}/a.zip")["checked"] == "store"
    log = proxy.quiet()
    seen = count(log)
    assert seen["copy"] == 2 and seen["create"] == seen["abort"] == 1, seen
    assert seen["get"] == 3, seen
    for c in log:
        if c.operation in ("copy", "create"):
            assert f"/{there}/{SCRATCH}" in c.path


@pytest.mark.fault
@pytest.mark.big
def test_verify_is_interrupted(gw, proxy, bucket, s3zip, env):
    _, there, _ = verify_case(gw, bucket, s3zip)
    proxy.rules({**COPY, "n": 2, "hold": True})
    proc = subprocess.Popen(
        [where.program("s3zip"), "verify", f"s3://{there}/a.zip"],
        env=env(proxy), stderr=subprocess.PIPE)
    proxy.held()
    proc.send_signal(signal.SIGINT)
    time.sleep(0.5)
    proxy.release()
    _, err = proc.communicate(timeout=30)
    assert proc.returncode == 130, err
    nothing_left(gw, there)
