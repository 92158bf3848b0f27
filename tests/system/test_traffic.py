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

from lib import servers, sets, strategies, traffic
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


def planned(s3zip, at, source, prefix, strategy):
    """Through the proxy: what is known of a store is kept by endpoint."""
    done = s3zip(at, "plan", f"s3://{source}/{prefix}", "--json",
                 strategy=strategy, objective=OBJECTIVE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said_plan(path):
    """What the mount itself says it would do: it knows the store."""
    said = lines(get_attr(path, "user.publish.plan"))
    requests = re.findall(r"(\w+) (\d+)", said["requests"])
    return {word: int(n) for word, n in requests} | {
        word: number(said[word]) for word in ("uploaded", "downloaded")}


def publish(m, prefix, dest, key):
    assert set_attr(m.file(prefix), f"s3://{dest}/{key}") == 0, \
        status(m.file(prefix))


def check(proxy, store, bucket, mount, s3zip, strategy, objects):
    source, dest = bucket(store), bucket(store)
    for prefix in ("first/", "second/"):
        sets.fill(store, source, objects, prefix)
    m = mount(proxy, source, publish_strategy=strategy,
              objective=OBJECTIVE)
    publish(m, "first", dest, "1.zip")      # the quirks are learned
    said = said_plan(m.file("second"))      # the listing is made
    plan = planned(s3zip, proxy, source, "second/", strategy)
    assert said["uploaded"] == plan["totals"]["uploaded"]
    plan["totals"]["requests"] |= {"head": said["head"], "list": 0}
    proxy.forget()
    publish(m, "second", dest, "2.zip")
    log = proxy.quiet()
    seen = traffic.Seen(log, source, dest, "2.zip",
                        {"second/" + k: o.size for k, o in objects.items()})
    traffic.equal(seen, traffic.Planned(plan))
    strategies.nothing_left(store, source, dest)
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


@pytest.mark.parametrize("strategy, name", strategies.each(
    [(name, name) for name in SETS], only=strategies.ALL))
def test_traffic_is_the_plan(gw, proxy, bucket, mount, s3zip, strategy, name):
    check(proxy, gw, bucket, mount, s3zip, strategy, SETS[name](sets.CRC32))


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


# --- no CRC32 is stored, and ranges are answered wrongly ----------------------

def unknown(kind):
    """kind: of the members whose ranges are answered wrongly, then."""
    return sets.article(8, sets.NONE, seed=2) | {
        "large": sets.Obj(45 * sets.MIB, kind),
        "ranged": sets.Obj(11 * sets.MIB, kind),
        "other": sets.Obj(1_200_000, sets.CRC64),
        "least": sets.Obj(1, sets.NONE)}


@pytest.mark.parametrize("strategy, kind", strategies.each(
    [(kind, kind) for kind in (sets.NONE, sets.CRC32)],
    only=(strategies.STITCH, strategies.CHAIN, strategies.AUTO,
          strategies.DUO)))
def test_what_is_copied_is_not_read(gw, proxy, bucket, mount, s3zip,
                                    strategy, kind):
    """Not for its CRC either: the store tells that, by a copy."""
    source, dest, objects = bucket(gw), bucket(gw), unknown(kind)
    for prefix in ("first/", "second/"):
        sets.fill(gw, source, objects, prefix)
    m = mount(proxy, source, publish_strategy=strategy,
              objective=OBJECTIVE)
    publish(m, "first", dest, "1.zip")      # the quirks are learned
    plan = planned(s3zip, proxy, source, "second/", strategy)
    said = said_plan(m.file("second"))
    proxy.forget()
    publish(m, "second", dest, "2.zip")
    seen = traffic.Seen(proxy.quiet(), source, dest, "2.zip",
                        {"second/" + k: o.size for k, o in objects.items()})
    for word in ("copy", "create", "upload"):
        assert said[word] == seen.writes[word], (word, said, seen.writes)
    assert said["downloaded"] >= seen.downloaded
    # a proof, if there was none before, and the one byte, which gives none
    more = (64 << 10) + 1
    assert seen.downloaded <= plan["totals"]["downloaded"] + more
    body = gw.client.get_object(Bucket=dest, Key="2.zip")["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        assert z.testzip() is None and len(z.namelist()) == len(objects)
    strategies.nothing_left(gw, source, dest)
    m.unmount()
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

    def counted(self, s3zip):
        """The next publish, beside its plan."""
        size = self.store.client.head_object(
            Bucket=self.dest, Key="o.zip")["ContentLength"]
        said = said_plan(self.m.file("p"))
        done = s3zip(self.proxy, "plan", f"s3://{self.source}/p/",
                     f"s3://{self.dest}/o.zip", "--json", order="key",
                     strategy="again")
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)
        plan["totals"]["requests"] |= {"head": said["head"], "list": 0}
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
    seen, planned_ = one.counted(s3zip)
    traffic.equal(seen, planned_)
    assert seen.uploaded < 4 * sets.PART
    assert sum(seen.writes.values()) <= 12
    assert gw.client.get_object(Bucket=one.dest, Key="o.zip")[
        "Body"].read() == one.m.read("p")
    strategies.nothing_left(gw, one.source, one.dest)
