# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Traffic is the plan: what a proxy counts between a mount and the server,
operation by operation and byte by byte, for every strategy. The second
publish of a process is counted: by then the store's quirks are known."""

import json
import os
import random

import pytest

from lib import sets, strategies, traffic
from lib.mount import set_attr, status

pytestmark = [pytest.mark.fault, pytest.mark.big]

SETS = {
    "duo": lambda: sets.duo(sets.NONE),
    "crc32": sets.duo,
    "ranged": sets.ranged,
    "small": lambda: {f"s{i}": sets.Obj(700_000 + i, sets.NONE)
                      for i in range(20)},
    "random": lambda: strategies.random_set(random.Random(20260221)),
}


def planned(s3zip, store, source, prefix, strategy):
    done = s3zip(store, "plan", f"s3://{source}/{prefix}", "--json",
                 strategy=strategy)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def publish(m, prefix, dest, key):
    assert set_attr(m.file(prefix), f"s3://{dest}/{key}") == 0, \
        status(m.file(prefix))


@pytest.mark.parametrize("strategy, name", strategies.each(
    [(name, name) for name in SETS], only=strategies.ALL))
def test_traffic_is_the_plan(gw, proxy, bucket, mount, s3zip, strategy,
                             name):
    source, dest = bucket(gw), bucket(gw)
    objects = SETS[name]()
    sets.fill(gw, source, sets.ranged(), "first/")
    sets.fill(gw, source, objects, "second/")
    m = mount(proxy, source, publish_strategy=strategy)
    publish(m, "first", dest, "1.zip")      # the quirks are learned
    plan = planned(s3zip, gw, source, "second/", strategy)
    os.stat(m.path + "/second")
    proxy.forget()
    publish(m, "second", dest, "2.zip")
    log = [c for c in proxy.quiet() if "delimiter" not in c.query]
    seen = traffic.Seen(log, source, dest, "2.zip",
                        {"second/" + k: o.size for k, o in objects.items()})
    traffic.equal(seen, traffic.Planned(plan))
    strategies.nothing_left(gw, source, dest)
    if status(m.file("second"))["verified"] == "store-crc":
        assert not seen.verifying
    else:   # what was uploaded is read back, after one look
        assert seen.verifying["head"] == 1
        assert seen.verifying["get"] <= seen.uploaded
    for call in log:
        if call.operation == "copy":
            assert "x-amz-copy-source-if-match" in call.headers
        if call.operation == "get":
            assert "if-match" in call.headers
