# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Publishes at a store that is 50 ms away: what does not depend on each
other is in flight together. No time is asserted, but how many calls stood in
a row, and how many were side by side, beside what the plan allows."""

import json
import os

import pytest

from lib import relay, sets
from lib.sets import MIB

pytestmark = pytest.mark.quick

WRITES = ("create", "copy", "upload", "complete", "put")
# Create, a copy or an upload, Complete: for each upload of the plan's row.
STAGE = 3
MORE = 16


@pytest.fixture(scope="module")
def far(gw, running):
    """versitygw, 50 ms a round trip."""
    one = relay.Relay(running.folder("relay"), gw, 25)
    yield one
    one.stop()


def some(checksum=sets.CRC32):
    """Members that are copied, and small ones for headers in rows."""
    out = {f"large/{i}": sets.Obj(5 * MIB + MIB // 8 * i, checksum)
           for i in range(6)}
    return out | {f"small/{i:02d}": sets.Obj(20_000 + 1001 * i, checksum)
                  for i in range(40)}


CASES = {
    "duo": {"publish_strategy": "duo"},
    "stream": {"publish_strategy": "stream"},
    "stitch": {"publish_strategy": "stitch"},
    "mixed": {"publish_strategy": "auto", "objective": "bytes"},
    "auto": {"publish_strategy": "auto"},
}


def publish(far, s3zip, home, source, dest, **options):
    """The calls of one, beside its plan."""
    trace = os.path.join(home, "trace")
    where = (f"s3://{source}", f"s3://{dest}/a.zip")
    plan = s3zip(far, "plan", *where, "--json", **options)
    assert plan.returncode == 0, plan.stderr
    done = s3zip(far, "publish", *where, trace=trace, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(plan.stdout), trace


def check(plan, trace):
    """The store's ways may be learned by an attempt that is begun anew, and
    calls of different length stand in a row though they need not."""
    writes = relay.calls(trace, *WRITES)
    assert relay.row(writes) <= 2 * STAGE * plan["sequence"] + MORE
    side = {}
    for scratch in plan.get("scratch", []):
        side[scratch["depth"]] = side.get(scratch["depth"], 0) + 1
    for kind in ("create", "copy"):
        assert relay.most(relay.calls(trace, kind)) >= max(
            side.values(), default=0), kind


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_calls_in_a_row(gw, far, bucket, s3zip, home, options):
    plan, trace = publish(far, s3zip, home, bucket(gw, some()), bucket(gw),
                          **options)
    check(plan, trace)


def test_chain(gw, far, bucket, s3zip, home):
    """A header in a scratch object that the copy of its member's body stands
    behind: its CRC is asked for by HEAD, beside all others."""
    plan, trace = publish(far, s3zip, home, bucket(gw, some()), bucket(gw),
                          publish_strategy="chain")
    check(plan, trace)
    heads = relay.calls(trace, "head")
    assert len(heads) > 8 and relay.most(heads) >= 8


def test_no_stored_crcs(gw, far, bucket, s3zip, home):
    """The same where copies that are thrown away tell them."""
    plan, trace = publish(far, s3zip, home, bucket(gw, some(sets.NONE)),
                          bucket(gw), publish_strategy="chain")
    check(plan, trace)


def test_again(gw, far, bucket, s3zip, home):
    """What did not change comes from the archive before."""
    options = {"order": "key", "publish_strategy": "again"}
    source, dest = bucket(gw, some()), bucket(gw)
    publish(far, s3zip, home, source, dest, **options)
    os.remove(os.path.join(home, "trace"))
    sets.fill(gw, source, {"small/20x": sets.Obj(30_000)})
    plan, trace = publish(far, s3zip, home, source, dest, **options)
    assert plan["strategy"] == "again"
    assert relay.calls(trace, "copy")
    check(plan, trace)
