# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""SlowDown: the rate of the kind of request that it answers is cut, of
reads or of writes, the work ends well, and nothing is left behind."""

import threading

import pytest

from lib import sets
from lib.faultproxy import count
from lib.mount import set_attr, stats, status

pytestmark = [pytest.mark.fault, pytest.mark.big]

SLOW = {"status": 503, "code": "SlowDown"}
PARTS = {"method": "PUT", "query": "partNumber="}
GETS = {"method": "GET", "path": "/(m|large-|s)[^/]*$"}


def body(store, bucket, key):
    return store.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_storm_on_the_writes_of_a_publish(gw, proxy, bucket, mount):
    """About three refusals a part, while others read."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    data = m.read()
    proxy.rules({**PARTS, **SLOW, "n": 1, "count": 40})
    ended = threading.Event()
    wrong = []

    def read_on():
        while not ended.is_set():
            wrong.extend([] if m.read() == data else ["other bytes"])

    reader = threading.Thread(target=read_on)
    reader.start()
    try:
        assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=200) == 0, \
            status(m.file())
    finally:
        ended.set()
        reader.join()
    assert not wrong
    assert body(gw, dest, "o.zip") == data
    assert gw.uploads(dest) == []
    said = stats(m)
    assert said["errors_slow"] > 0 and said["write_cuts"] > 0
    assert said["read_cuts"] == said["read_rate"] == 0


def test_storm_on_reads(gw, proxy, bucket, mount):
    objects = {f"s{i:03}": sets.Obj(3000) for i in range(60)}
    source, dest = bucket(gw, objects), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({**GETS, **SLOW, "n": 1, "count": 150})
    data = m.read()
    said = stats(m)
    assert said["errors_slow"] == 150 and said["read_cuts"] > 0
    assert said["write_cuts"] == said["write_rate"] == 0
    assert len(data) > 60 * 3000
    proxy.rules()
    assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=200) == 0
    assert body(gw, dest, "o.zip") == data


def test_storm_that_does_not_end(gw, proxy, bucket, mount):
    """The publish gives up, and its abort comes through."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({**PARTS, **SLOW, "count": 0})
    assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=200) != 0
    assert "SlowDown" in str(status(m.file()))
    assert gw.uploads(dest) == []
    assert count(proxy.log())["abort"] >= 1
