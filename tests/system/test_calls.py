# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Every S3 call that the programs make, one by one, against real servers:
tests/unit/s3_live does the checks."""

import fcntl
import subprocess

import pytest

from lib import where


def program():
    """Built on demand, by one worker at a time."""
    name = "tests/unit/s3_live"
    with open(where.build() / "config.status", "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        subprocess.run(["make", "-C", str(where.build()), name], check=True,
                       stdout=subprocess.DEVNULL)
    return str(where.build() / name)


def live(store, bucket, *words):
    done = subprocess.run(
        [program(), store.endpoint, bucket, *words], text=True,
        capture_output=True, timeout=400, check=False,
        env={**store.env(), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


@pytest.mark.big
def test_calls(store, bucket):
    words = []
    if store.any_key:
        words.append("any-key")
    if not store.mp_object_size:
        words.append("no-size")
    live(store, bucket(store), *words)


def test_calls_of_a_versioned_bucket(versioned):
    name = versioned.versioned_bucket()
    live(versioned, name, "versions")
    assert versioned.all_versions(name) == []


def test_calls_of_a_locked_bucket(versioned):
    live(versioned, versioned.locked_bucket(), "lock")
