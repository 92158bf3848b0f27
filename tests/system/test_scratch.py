# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Scratch objects in buckets that keep versions, or everything."""

import io
import json
import zipfile

import pytest

from lib import sets, strategies

SCRATCH = ".s3zipfs-scratch/"
STRATEGIES = ("stitch", "chain")


def objects():
    """Enough for scratch objects whose ranges are copied."""
    return sets.ranged() | {f"mid/{i}": sets.Obj(2 * sets.MIB + i)
                            for i in range(4)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_versions_are_removed(versioned, s3zip, strategy):
    bucket = versioned.versioned_bucket()
    sets.fill(versioned, bucket, objects(), "p/")
    done = s3zip(versioned, "publish", f"s3://{bucket}/p/",
                 f"s3://{bucket}/out.zip", "--json", strategy=strategy)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["strategy"] == strategy
    want = s3zip(versioned, "cat", f"s3://{bucket}/p/", text=False).stdout
    body = versioned.client.get_object(Bucket=bucket, Key="out.zip")["Body"]
    assert body.read() == want
    assert versioned.all_versions(bucket, SCRATCH) == []
    assert versioned.uploads(bucket) == []


def test_a_bucket_that_keeps_everything(versioned, s3zip):
    """Refused in words before anything is written; duo needs no scratch."""
    bucket = versioned.locked_bucket()
    source = versioned.bucket()
    sets.fill(versioned, source, objects(), "p/")
    done = s3zip(versioned, "publish", f"s3://{source}/p/",
                 f"s3://{bucket}/out.zip", "--json", strategy="stitch")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["error"].startswith("EOPNOTSUPP")
    assert "Object Lock" in answer["error"]
    assert versioned.all_versions(bucket) == []
    assert versioned.uploads(bucket) == []
    done = s3zip(versioned, "publish", f"s3://{source}/p/",
                 f"s3://{bucket}/out.zip", strategy="duo")
    assert done.returncode == 0, done.stderr


SMALL = {
    "alike": lambda kind: {f"m{i}": sets.Obj(4_000_000 + i, kind)
                           for i in range(10)},
    "one-lends": lambda kind: {"large": sets.Obj(5 * sets.MIB, kind)} | {
        f"m{i}": sets.Obj(1_700_000 + i, kind) for i in range(6)},
}


@pytest.mark.fault
@pytest.mark.parametrize("strategy, name, kind", strategies.each(
    [(name, name) for name in SMALL],
    [("crc32", sets.CRC32), ("none", sets.NONE)],
    only=(*strategies.ALL, strategies.AGAIN)))
def test_no_range_of_small_sources(gw, proxy, bucket, s3zip, strategy, name,
                                   kind):
    """S3 copies no range of an object of 5 MiB or less: none is asked for,
    neither to publish nor to verify.  (The oracle tries one, for its proof
    would say more then, and takes the whole when that is refused.)"""
    objects = SMALL[name](kind)
    source, dest = bucket(gw, objects), bucket(gw)
    proxy.rules({"method": "PUT", "small_ranges": True, "count": 0,
                 "headers_match": {"x-amz-copy-source": "."}})
    at = [f"s3://{source}", f"s3://{dest}/o.zip"]
    done = s3zip(proxy, "publish", *at, "--json", strategy=strategy,
                 objective="bytes")
    assert done.returncode == 0, done.stderr + done.stdout
    done = s3zip(proxy, "verify", at[1], "--against", at[0], crc="oracle")
    assert done.returncode == 0, done.stderr
    log = proxy.log()
    refused = [(c.path, c.headers["x-amz-copy-source"]) for c in log
               if c.operation == "copy" and c.status == 400 and
               strategies.SCRATCH + "crc-" not in c.path]
    assert not refused, refused
    assert strategy != "chain" or any(c.operation == "copy" for c in log)
    body = gw.client.get_object(Bucket=dest, Key="o.zip")["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        assert z.testzip() is None and len(z.namelist()) == len(objects)
    strategies.nothing_left(gw, source, dest)


def test_never_members(gw, bucket, s3zip):
    """Whatever lies below the scratch prefix is not in an archive."""
    b = bucket(gw, {"a": sets.Obj(5), SCRATCH + "x/000001": sets.Obj(9)})
    done = s3zip(gw, "ls", f"s3://{b}", "--json")
    assert [e["name"] for e in json.loads(done.stdout)["entries"]] == ["a"]
