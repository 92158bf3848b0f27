# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Scratch objects in buckets that keep versions, or everything."""

import json

import pytest

from lib import sets

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


def test_never_members(gw, bucket, s3zip):
    """Whatever lies below the scratch prefix is not in an archive."""
    b = bucket(gw, {"a": sets.Obj(5), SCRATCH + "x/000001": sets.Obj(9)})
    done = s3zip(gw, "ls", f"s3://{b}", "--json")
    assert [e["name"] for e in json.loads(done.stdout)["entries"]] == ["a"]
