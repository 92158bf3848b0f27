# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A publish at a real store's latencies, on the store of references of
tests/bench, which refuses what AWS refuses and no server here does."""

import os
import shutil
import subprocess
import urllib.request

import pytest

from lib import refstore, strategies, where

MIB = 1 << 20
FLOOR = 5 * MIB
SOURCE = f"s3://{refstore.BUCKET}/{refstore.PREFIX}"
DEST = "dest/out.zip"
SIZES = {f"large/{i:02}": FLOOR + i * 300_001 for i in range(8)} | {
    "floor": FLOOR, "floor+1": FLOOR + 1, "empty": 0, "huge": 40 * MIB} | {
    f"small/{i:02}": 90_000 * i for i in range(24)}


def go():
    here = where.cache() / "go-venv" / "bin" / "go"
    return str(here) if here.exists() else shutil.which("go")


def test_store_itself():
    """Its own tests: CRCs, pages, conditions."""
    if not go():
        pytest.skip("no Go here")
    done = subprocess.run(
        [go(), "test", "-count=1", "."], capture_output=True, text=True,
        cwd=where.SOURCE / "tests" / "bench" / "store", check=False,
        env=dict(os.environ, GOFLAGS="", CGO_ENABLED="0"),
        timeout=200 * where.slow())
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def refs(tmp_path):
    """refs(sizes, *options of the store) -> RefStore"""
    made = []

    def make(sizes, *more):
        members = refstore.write_members(str(tmp_path / "members"), sizes)
        made.append(refstore.RefStore(str(tmp_path), members, *more))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def body(store, path):
    with urllib.request.urlopen(f"{store.endpoint}/{path}") as answer:
        return answer.read()


def nothing_left(store):
    """No unfinished upload and no scratch object."""
    assert b"<Upload>" not in body(store, "dest?uploads")
    assert b"<Contents>" not in body(
        store, f"dest?list-type=2&prefix={strategies.SCRATCH}")


def published(s3zip, store, *more):
    done = s3zip(store, "publish", SOURCE, f"s3://{DEST}", *more, limit=120)
    assert done.returncode == 0, done.stderr
    store.model(False)
    made = s3zip(store, "cat", SOURCE, text=False)
    assert body(store, DEST) == made.stdout
    nothing_left(store)


@pytest.mark.quick
@pytest.mark.parametrize("strategy", strategies.OWN)
def test_every_strategy(refs, s3zip, strategy):
    published(s3zip, refs(SIZES), "--strategy", strategy)


def test_fewest_bytes(refs, s3zip):
    published(s3zip, refs(SIZES), "--strategy", "auto",
              "--objective", "bytes")


@pytest.mark.parametrize("strategy", strategies.SCRATCHES)
@pytest.mark.parametrize("size", (4_000_000, FLOOR))
def test_no_source_has_ranges(refs, s3zip, strategy, size):
    """Members that can be copied whole or not at all."""
    published(s3zip, refs({f"{i:02}": size for i in range(10)}),
              "--strategy", strategy)


@pytest.mark.parametrize("strategy", strategies.SCRATCHES)
def test_slow_down(refs, s3zip, strategy):
    """Fewer writing calls a second than are asked for."""
    store = refs(SIZES, "-writes", "40")
    published(s3zip, store, "--strategy", strategy)
    assert any(o["status"].get("503")
               for o in store.stats()["operations"].values())
