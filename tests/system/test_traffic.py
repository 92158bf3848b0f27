# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Traffic is the plan: what a proxy counts between a mount and the server,
operation by operation and byte by byte, for every strategy. The second
publish of a process is counted: by then the store's quirks are known."""

import io
import json
import os
import random
import re
import zipfile

import pytest

from lib import procs, servers, sets, strategies, traffic
from lib.mount import get_attr, lines, number, set_attr, status

pytestmark = [pytest.mark.fault, pytest.mark.big]

SETS = {
    "duo": sets.duo,
    "ranged": sets.ranged,
    "small": lambda kind: {f"s{i}": sets.Obj(700_000 + i, kind)
                           for i in range(20)},
    "random": lambda kind: {
        k: sets.Obj(o.size, kind) for k, o in strategies.random_set(
            random.Random(20260221)).items()},
}


# What auto chooses by: the time would depend on rates that were just seen.
OBJECTIVE = "price"


def planned(s3zip, at, source, prefix, said, **options):
    """Parts as the mount has them, which knows the store and what auto takes
    there. Through the proxy: what is kept is kept by endpoint."""
    done = s3zip(at, "plan", f"s3://{source}/{prefix}", "--json",
                 "--strategy", said["strategy"], objective=OBJECTIVE,
                 **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said_plan(path):
    """What the mount itself says it would do: it knows the store, and the
    listing is made."""
    said = lines(get_attr(path, "user.publish.plan"))
    requests = {word: int(n) for word, n in
                re.findall(r"(\w+) (\d+)", said["requests"])}
    return {word: number(said[word]) for word in
            ("uploaded", "downloaded", "copied")} | {
        "strategy": said["strategy"], "requests": requests | {"list": 0}}


def publish(m, prefix, dest, key):
    assert set_attr(m.file(prefix), f"s3://{dest}/{key}") == 0, \
        status(m.file(prefix))


def check(proxy, store, bucket, mount, s3zip, strategy, objects, alone=False,
          **options):
    """alone: by the plan of another process, with nothing of the mount's."""
    source, dest = bucket(store), bucket(store)
    for prefix in ("first/", "second/"):
        sets.fill(store, source, objects, prefix)
    m = mount(proxy, source, publish_strategy=strategy,
              objective=OBJECTIVE, **options)
    publish(m, "first", dest, "1.zip")      # the quirks are learned
    said = said_plan(m.file("second"))
    plan = planned(s3zip, proxy, source, "second/", said)
    proxy.forget()
    publish(m, "second", dest, "2.zip")
    assert status(m.file("second"))["restarts"] == "0"
    m.unmount()
    log = proxy.quiet()
    seen = traffic.Seen(log, source, dest, "2.zip",
                        {"second/" + k: o.size for k, o in objects.items()})
    if alone:
        said = plan["totals"] | {"requests": plan["totals"]["requests"] |
                                 {"list": 0}}   # the mount has it listed
    traffic.equal(seen, traffic.Planned(plan, said))
    strategies.nothing_left(store, source, dest)
    for call in log:
        if call.operation == "copy":
            assert "x-amz-copy-source-if-match" in call.headers
        if call.operation == "get":
            assert "if-match" in call.headers


@pytest.mark.parametrize("strategy, name", strategies.each(
    [(name, name) for name in SETS], only=strategies.ALL))
def test_traffic_is_the_plan(gw, proxy, bucket, mount, s3zip, strategy, name):
    """What the first publish learned of the store is in the state file."""
    check(proxy, gw, bucket, mount, s3zip, strategy, SETS[name](sets.CRC32),
          alone=True)


@pytest.mark.parametrize("strategy", [strategies.DUO, strategies.STREAM])
def test_traffic_of_reading_it_all(gw, proxy, bucket, mount, s3zip, strategy):
    check(proxy, gw, bucket, mount, s3zip, strategy, sets.ranged(sets.CRC32),
          verify="full")


@pytest.mark.parametrize("strategy", strategies.ALL)
def test_traffic_without_stored_crcs(running, bucket, mount, s3zip,
                                     strategy):
    """The store's answers to copies tell the CRCs: no HEAD, no download."""
    if "localstack" not in servers.second():
        pytest.skip("no server here tells CRCs of all copies")
    store, proxy = running.store("localstack"), running.proxy("localstack")
    proxy.rules()
    check(proxy, store, bucket, mount, s3zip, strategy,
          SETS["random"](sets.NONE))


@pytest.mark.parametrize("strategy", strategies.ALL)
def test_traffic_of_three(gw, proxy, bucket, mount, s3zip, strategy):
    """Under chain one of them is told too late: behind its own header."""
    check(proxy, gw, bucket, mount, s3zip, strategy,
          {f"m{i}": sets.Obj(6_000_000 + i, sets.NONE) for i in range(3)})


# --- no CRC32 is stored, and ranges are answered wrongly ----------------------

def unknown(kind):
    """kind: of the members whose ranges are answered wrongly, then."""
    return sets.article(8, sets.NONE, seed=2) | {
        "large": sets.Obj(45 * sets.MIB, kind),
        "ranged": sets.Obj(11 * sets.MIB, kind),
        "other": sets.Obj(1_200_000, sets.CRC64),
        "least": sets.Obj(1, sets.NONE)}


@pytest.mark.parametrize("strategy, kind, crc", strategies.each(
    [(kind, kind) for kind in (sets.NONE, sets.CRC32)],
    [(crc, crc) for crc in ("auto", "read")], only=strategies.ALL))
def test_traffic_for_crcs(gw, proxy, bucket, mount, s3zip, strategy, kind,
                          crc):
    """What is copied is not read for its CRC either: the store tells that,
    by a copy, unless it must not be asked."""
    source, dest, objects = bucket(gw), bucket(gw), unknown(kind)
    for prefix in ("first/", "second/"):
        sets.fill(gw, source, objects, prefix)
    m = mount(proxy, source, publish_strategy=strategy,
              objective=OBJECTIVE, crc=crc)
    publish(m, "first", dest, "1.zip")      # the quirks are learned
    said = said_plan(m.file("second"))
    plan = planned(s3zip, proxy, source, "second/", said, crc=crc)
    proxy.forget()
    publish(m, "second", dest, "2.zip")
    m.unmount()
    seen = traffic.Seen(proxy.quiet(), source, dest, "2.zip",
                        {"second/" + k: o.size for k, o in objects.items()})
    traffic.equal(seen, traffic.Planned(plan, said))
    body = gw.client.get_object(Bucket=dest, Key="2.zip")["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        assert z.testzip() is None and len(z.namelist()) == len(objects)
    strategies.nothing_left(gw, source, dest)
    assert gw.uploads(source) == gw.uploads(dest) == []


# --- the archive that is there already ---------------------------------------

def again_set(count):
    """Small and large members; under order=key they keep their places."""
    return {f"m{i:03d}": sets.Obj(6 * sets.MIB if i % 4 == 0 else 400_000)
            for i in range(count)}


class Again:
    """A prefix that is published to the same key again and again."""

    def __init__(self, proxy, store, bucket, mount, count):
        self.proxy, self.store = proxy, store
        self.source, self.dest = bucket(store), bucket(store)
        self.objects = again_set(count)
        sets.fill(store, self.source, self.objects, "p/")
        self.m = mount(proxy, self.source, order="key",
                       publish_strategy="again")
        publish(self.m, "p", self.dest, "o.zip")

    def change(self, names, seed):
        for name in names:
            size = self.objects[name].size - 1000   # it moves what follows
            self.objects[name] = sets.Obj(size, seed=seed)
            sets.put(self.store, self.source, "p/" + name,
                     self.objects[name])
        invalidate(self.m.file("p"))

    def plan(self, s3zip):
        done = s3zip(self.proxy, "plan", f"s3://{self.source}/p/",
                     f"s3://{self.dest}/o.zip", "--json", order="key",
                     strategy="again")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def counted(self, s3zip, heads):
        """The next publish, beside its plan."""
        size = self.store.client.head_object(
            Bucket=self.dest, Key="o.zip")["ContentLength"]
        # the mount writes what it knows within a second
        procs.wait_for(lambda: self.plan(s3zip)["totals"]["requests"]["head"]
                       == heads, 20)
        plan = self.plan(s3zip)
        plan["totals"]["requests"]["list"] = 0      # the listing is made
        self.proxy.forget()
        publish(self.m, "p", self.dest, "o.zip")
        seen = traffic.Seen(self.proxy.quiet(), self.source, self.dest,
                            "o.zip", {"p/" + k: o.size for k, o in
                                      self.objects.items()}, size)
        return seen, traffic.Planned(plan)


def invalidate(path):
    assert set_attr(path, "1", "user.s3zipfs.invalidate") == 0
    os.stat(path)


@pytest.mark.parametrize("count", [24, 48])
def test_traffic_of_again(gw, proxy, bucket, mount, s3zip, count):
    """Bytes and requests go with what changed, whatever else is there."""
    one = Again(proxy, gw, bucket, mount, count)
    one.change(["m002"], 1)
    publish(one.m, "p", one.dest, "o.zip")      # the quirks are learned
    one.change(["m005", "m014"], 2)
    seen, planned_ = one.counted(s3zip, 1)
    traffic.equal(seen, planned_)
    assert seen.uploaded < 4 * sets.PART
    assert sum(seen.writes.values()) <= 12
    assert gw.client.get_object(Bucket=one.dest, Key="o.zip")[
        "Body"].read() == one.m.read("p")
    strategies.nothing_left(gw, one.source, one.dest)
