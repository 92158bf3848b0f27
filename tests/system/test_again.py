# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""s3zip plan with what is known from before: the archive that was published,
and the rates that publishes saw."""

import json
import os
import sqlite3
import zlib

import pytest

from lib import refzip, sets
from lib.faultproxy import count

pytestmark = [pytest.mark.fault, pytest.mark.quick]
MB = 1_000_000


def plan(s3zip, at, *args, **options):
    done = s3zip(at, "plan", *args, "--json", **options)
    assert done.returncode == 0, done.stderr
    p = json.loads(done.stdout)
    p["by_name"] = {s["strategy"]: s for s in p["strategies"]}
    return p


def state(home):
    return sqlite3.connect(
        os.path.join(home, "cache", "s3zipfs", "state.sqlite"), timeout=30)


def keep(home, at, bucket, key, objects):
    """The row of an archive that this user published, written by other
    hands than the program's."""
    head = at.client.head_object(Bucket=bucket, Key=key)
    data = at.client.get_object(Bucket=bucket, Key=key)["Body"].read()
    order = [n for n, *_ in refzip.central_directory(data)]
    members = refzip.members(at.client, bucket, "", sets.expected(objects),
                             order)
    raw = refzip.serialised(members)
    assert head["Metadata"]["s3zipfs-layout"] == refzip.digest(members)
    blob = zlib.compress(raw)
    with state(home) as db:
        db.execute(
            "INSERT OR REPLACE INTO former (endpoint, bucket, key, etag,"
            " digest, raw, bytes, layout) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (at.endpoint, bucket, key.encode(), head["ETag"].strip('"'),
             refzip.digest(members), len(raw), len(blob), blob))
    db.close()


def test_plan_again(gw, bucket, s3zip, home):
    objects = {f"m{i:02}": sets.Obj(1_200_000 + i) for i in range(20)}
    source = bucket(gw, objects)
    url = f"s3://{source}"
    before = plan(s3zip, gw, url, order="key")
    assert "no previous" in before["by_name"]["again"]["refused"]
    done = s3zip(gw, "publish", url, order="key")
    assert done.returncode == 0, done.stderr
    keep(home, gw, source, "archive.zip", objects)

    # all of it but the directory is there already
    p = plan(s3zip, gw, url, "--strategy", "again", order="key")
    assert p["strategy"] == "again"
    assert p["totals"]["uploaded"] < 10_000
    assert p["totals"]["copied"] > 24 * MB
    assert any(x.get("source", {}).get("previous") for x in p["parts"])
    p = plan(s3zip, gw, url, order="key", publish_strategy="again")
    assert p["strategy"] == "again"     # as a publish would
    best = min(s["totals"]["uploaded"] + s["totals"]["downloaded"]
               for s in p["strategies"] if "totals" in s)
    p = plan(s3zip, gw, url, "--strategy", "auto", order="key",
             objective="bytes")
    assert p["totals"]["uploaded"] + p["totals"]["downloaded"] == best
    assert [s["strategy"] for s in p["strategies"] if s.get("auto")] == [
        p["strategy"]]

    # one member is another
    sets.put(gw, source, "m10", sets.Obj(1_200_000, seed=5))
    p = plan(s3zip, gw, url, order="key")["by_name"]["again"]
    assert MB < p["totals"]["uploaded"] < 12 * MB
    assert p["totals"]["copied"] > 12 * MB

    # the archive is another
    gw.client.put_object(Bucket=source, Key="archive.zip", Body=b"x")
    p = plan(s3zip, gw, url, order="key", badkeys="skip")
    assert "refused" in p["by_name"]["again"]


def test_plan_looks_once(gw, proxy, bucket, s3zip, home):
    """A HEAD where there is something to compare it with, none elsewhere."""
    objects = {f"m{i:02}": sets.Obj(1_200_000) for i in range(6)}
    source, other = bucket(gw, objects), bucket(gw, {})
    url, dest = f"s3://{source}", f"s3://{other}/x.zip"
    proxy.forget()
    plan(s3zip, proxy, url, dest)
    assert "head" not in count(proxy.quiet())
    done = s3zip(proxy, "publish", url, dest)
    assert done.returncode == 0, done.stderr
    with state(home) as db:
        db.execute(
            "INSERT OR REPLACE INTO former (endpoint, bucket, key, etag,"
            " digest, raw, bytes, layout) VALUES (?, ?, ?, 'e', 'd', 1, 1,"
            " x'00')", (proxy.endpoint, other, b"x.zip"))
    db.close()
    proxy.forget()
    p = plan(s3zip, proxy, url, dest)
    log = proxy.quiet()
    assert count(log)["head"] == 1
    assert set(count(log)) == {"list", "head"}
    assert "refused" in p["by_name"]["again"]
    done = s3zip(gw, "plan", url, f"s3://{source}/inside")
    assert done.returncode == 1 and "member" in done.stderr


def test_plan_rates(gw, bucket, s3zip, home):
    source = bucket(gw, sets.nested())
    url = f"s3://{source}"
    r = plan(s3zip, gw, url)["rates"]
    assert r["bandwidth"] == {"value": 125e6, "origin": "assumed"}
    assert r["request_rate"]["origin"] == "assumed"
    assert r["round_trip"]["origin"] == "measured"      # by its listing
    with state(home) as db:
        db.execute("INSERT INTO rate (endpoint, bandwidth, request_rate,"
                   " round_trip, copy_rate, complete_rate)"
                   " VALUES (?, 3e6, 40, 0.5, 7e6, 9e6)", (gw.endpoint,))
    db.close()
    r = plan(s3zip, gw, url)["rates"]
    latency = r.pop("latency_ms")       # goes with the round trip
    assert latency["first_byte"] == 500 and latency["create"] == 750
    assert r.pop("side_by_side") == {"with_body": 96, "without": 512}
    assert r == {"bandwidth": {"value": 3e6, "origin": "measured"},
                 "request_rate": {"value": 40, "origin": "measured"},
                 "round_trip": {"value": 0.5, "origin": "measured"},
                 "copy_rate": {"value": 7e6, "origin": "measured"},
                 "complete_rate": {"value": 9e6, "origin": "measured"}}
    r = plan(s3zip, gw, url, bandwidth="1M", request_rate="7")["rates"]
    assert r["bandwidth"] == {"value": 1 << 20, "origin": "given"}
    assert r["request_rate"] == {"value": 7, "origin": "given"}
    r = plan(s3zip, gw, url, latency="1/2/3+4/5/6+0.7/8")["rates"]
    assert r["latency_ms"] == {
        "first_byte": 1, "create": 2, "copy": 3, "copy_mib": 4, "upload": 5,
        "complete": 6, "complete_part": 0.7, "delete": 8}
    done = s3zip(gw, "plan", url, latency="1/2")
    assert done.returncode != 0 and "latency: not FIRST/" in done.stderr
    done = s3zip(gw, "plan", url)
    assert "\nrequest-rate: 40/s (measured)\n" in done.stdout
    assert "\ncopy-rate: " in done.stdout
    assert "\ncomplete-rate: " in done.stdout


@pytest.mark.parametrize("known", ["here", "elsewhere"])
def test_publish_again(store, bucket, s3zip, tmp_path, known):
    """What did not change is copied from the archive that is there, whether
    this host published it or another one did."""
    objects = {f"m{i:02}": sets.Obj(2 * sets.MIB + i) for i in range(16)}
    source = bucket(store, objects)
    url = f"s3://{source}"

    def publish(cache):
        done = s3zip(store, "publish", url, "--json", order="key",
                     publish_strategy="again", cache_dir=str(tmp_path / cache))
        assert done.returncode == 0, done.stderr
        want = s3zip(store, "cat", url, text=False, order="key").stdout
        got = store.client.get_object(Bucket=source, Key="archive.zip")
        assert got["Body"].read() == want
        return json.loads(done.stdout)

    first = publish("a")
    assert first["strategy"] == "duo"       # nothing to copy from
    for n in (3, 11):
        sets.put(store, source, f"m{n:02}", sets.Obj(2 * sets.MIB + 7, seed=n))
        again = publish("a" if known == "here" else f"other-{n}")
        assert again["strategy"] == "again"
        # the floor for the one that changed, and the directory
        assert again["uploaded"] < 2 * sets.PART + 10_000
        assert again["copied"] > 20 * sets.MIB
