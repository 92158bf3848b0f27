# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Mount = cat = published, byte for byte, and equal to what an independent
writer makes of the same members; on every server, for every set."""

import hashlib
import json
import random

import pytest

from lib import refzip, sets, strategies
from lib.mount import get_attr, set_attr, status

QUICK = {"one", "zeros", "markers", "nested", "awkward", "duo"}
# What a set needs of a server.
NEEDS = {"utf8": "utf8", "awkward": None}


def cases():
    for name in sets.COMPARED:
        marks = [pytest.mark.quick] if name in QUICK else []
        if name in ("article", "article-nocrc", "checksums", "duo"):
            marks.append(pytest.mark.big)
        yield pytest.param(name, marks=marks)


def body(store, bucket, key):
    return store.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def reference(store, bucket, prefix, objects, data):
    """The reference writer's archive, in the order that data shows."""
    order = [name for name, *_ in refzip.central_directory(data)]
    contents = sets.expected(objects, prefix)
    assert sorted(order) == sorted(n.encode() for n in contents)
    members = refzip.members(store.client, bucket, prefix, contents, order)
    return members, refzip.write(members)


def same(a, b, what):
    """Bytes are equal; without megabytes of pytest's diff if not."""
    if a == b:
        return
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y),
              min(len(a), len(b)))
    raise AssertionError(f"{what}: {len(a)} and {len(b)} bytes, differ at "
                         f"{at}: {a[at:at + 40]!r} and {b[at:at + 40]!r}")


@pytest.mark.parametrize("name", cases())
def test_mount_cat_publish(store, bucket, mount, s3zip, home, name):
    if name == "utf8" and not store.utf8:
        objects = {k: v for k, v in sets.awkward().items() if k.isalnum()}
    else:
        objects = sets.COMPARED[name](store)
    source, dest = bucket(store, objects, "set/"), bucket(store)

    m = mount(store, source, "set/")
    data = m.read()
    members, wanted = reference(store, source, "set/", objects, data)
    same(data, wanted, "mount and reference writer")
    assert refzip.digest(members) in get_attr(
        m.file(), "user.s3zipfs.digest")

    out = f"{home}/cat.zip"
    done = s3zip(store, "cat", f"s3://{source}/set/", "-o", out)
    assert done.returncode == 0, done.stderr
    with open(out, "rb") as f:
        same(f.read(), data, "cat and mount")

    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0, \
        get_attr(m.file(), "user.publish.status")
    same(body(store, dest, "out.zip"), data, "published and mount")
    said = status(m.file())
    assert said["state"] == "done"
    assert said["verified"] in ("store-crc", "readback-headers", "full")


@pytest.mark.quick
def test_empty_root(store, bucket, mount, s3zip):
    source, dest = bucket(store), bucket(store)
    m = mount(store, source)
    assert m.read() == refzip.end_records(0, 0, 0)
    done = s3zip(store, "cat", f"s3://{source}", text=False)
    assert done.returncode == 0 and len(done.stdout) == 22
    assert set_attr(m.file(), f"s3://{dest}/empty.zip") == 0
    assert body(store, dest, "empty.zip") == refzip.end_records(0, 0, 0)


@pytest.mark.big
def test_order_key(store, bucket, mount, s3zip):
    """order=key: ascending name bytes; published too."""
    objects = sets.duo() | sets.nested()
    source, dest = bucket(store, objects), bucket(store)
    m = mount(store, source, order="key")
    data = m.read()
    order = [n for n, *_ in refzip.central_directory(data)]
    assert order == sorted(order)
    same(data, reference(store, source, "", objects, data)[1], "reference")
    assert set_attr(m.file(), f"s3://{dest}/key.zip") == 0
    same(body(store, dest, "key.zip"), data, "published")
    done = s3zip(store, "cat", f"s3://{source}", text=False, order="key")
    same(done.stdout, data, "cat")


@pytest.mark.big
def test_strategy_stream(store, bucket, mount):
    source, dest = bucket(store, sets.duo()), bucket(store)
    m = mount(store, source, publish_strategy="stream")
    data = m.read()
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0
    same(body(store, dest, "out.zip"), data, "published")
    said = status(m.file())
    assert int(said["copied"].split()[0]) == 0


def random_sets(store, bucket, mount, first, count):
    """Every strategy on random sets: each set is put once, read once, and
    published once by each."""
    source, dest = bucket(store), bucket(store)
    wanted = {}
    for seed in range(first, first + count):
        objects = strategies.random_set(random.Random(seed))
        if not store.composite:
            objects = {k: sets.Obj(o.size) for k, o in objects.items()}
        sets.fill(store, source, objects, f"{seed}/")
        wanted[seed] = objects
    for order in ("plan", "key"):
        mounted = mount(store, source, order=order)
        for seed, objects in wanted.items():
            data = mounted.read(str(seed))
            same(data, reference(store, source, f"{seed}/", objects,
                                 data)[1], f"set {seed}, order={order}")
        for strategy in strategies.ALL:
            m = mount(store, source, order=order, publish_strategy=strategy)
            for seed in wanted:
                what = f"set {seed}, order={order}, {strategy}"
                key = f"{order}-{strategy}-{seed}.zip"
                file = m.file(str(seed))
                assert set_attr(file, f"s3://{dest}/{key}") == 0, (
                    what, get_attr(file, "user.publish.status"))
                same(body(store, dest, key), mounted.read(str(seed)), what)
                store.client.delete_object(Bucket=dest, Key=key)
            m.unmount()
        mounted.unmount()
    strategies.nothing_left(store, source, dest)


@pytest.mark.big
def test_random_sets(store, bucket, mount):
    random_sets(store, bucket, mount, 1, 4)


@pytest.mark.long
@pytest.mark.big
def test_many_random_sets(store, bucket, mount):
    random_sets(store, bucket, mount, 100, 24)


@pytest.mark.big
def test_store_verified(store, bucket, mount):
    """CRC32 sources, copied in ranges: checked by the store where the store
    can."""
    if not store.range_crc or not store.mp_object_size:
        wanted = ("readback-headers", "full")
    else:
        wanted = ("store-crc",)
    source, dest = bucket(store, sets.ranged()), bucket(store)
    m = mount(store, source)
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0
    assert status(m.file())["verified"] in wanted
    if wanted == ("store-crc",):
        head = store.client.head_object(Bucket=dest, Key="out.zip",
                                        ChecksumMode="ENABLED")
        assert head["ChecksumType"] == "FULL_OBJECT"
        assert head["ChecksumCRC32"] == sets.crc_base64(m.read())


@pytest.mark.big
def test_store_verified_without_crc(gw, bucket, mount):
    """Sources without CRC32 on versitygw: true CRCs on ranged copies, so
    the store checks the whole."""
    source = bucket(gw, sets.duo(sets.NONE))
    dest = bucket(gw)
    m = mount(gw, source)
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0
    assert status(m.file())["verified"] == "store-crc"
    same(body(gw, dest, "out.zip"), m.read(), "published")
    head = gw.client.head_object(Bucket=dest, Key="out.zip",
                                 ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == sets.crc_base64(m.read())


@pytest.mark.big
def test_verify_full(gw, bucket, mount):
    source, dest = bucket(gw, sets.duo()), bucket(gw)
    m = mount(gw, source, verify="full")
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0
    assert status(m.file())["verified"] == "full"


@pytest.mark.big
def test_any_range(gw, bucket, mount, s3zip):
    """Random (offset, length) through the mount and `cat --range`."""
    import random
    source = bucket(gw, sets.duo() | sets.nested())
    m = mount(gw, source, memory="32M")
    data = m.read()
    rnd = random.Random(5)
    with open(m.file(), "rb", buffering=0) as f:
        for _ in range(150):
            at = rnd.randrange(len(data))
            n = rnd.choice([1, 100, 4096, 65536, 300000])
            f.seek(at)
            same(f.read(n), data[at:at + n], f"read {n} at {at}")
    for first, last in ((0, 0), (100, 5_000_000), (len(data) - 22,
                                                   len(data) - 1)):
        done = s3zip(gw, "cat", f"s3://{source}", "--range",
                     f"{first}-{last}", text=False)
        same(done.stdout, data[first:last + 1], f"range {first}-{last}")


@pytest.mark.big
def test_readers_at_once(gw, bucket, mount):
    """Several readers of one file, forward and backward, mmap too."""
    import mmap
    import os
    from concurrent.futures import ThreadPoolExecutor
    source = bucket(gw, sets.article(6, sets.NONE))
    m = mount(gw, source, memory="32M")

    def forward(_):
        return hashlib.sha256(m.read()).hexdigest()

    def backward(_):
        with open(m.file(), "rb") as f:
            size = os.fstat(f.fileno()).st_size
            pieces = []
            for at in reversed(range(0, size, 1 << 20)):
                f.seek(at)
                pieces.append(f.read(1 << 20))
        return hashlib.sha256(b"".join(reversed(pieces))).hexdigest()

    def mapped(_):
        with open(m.file(), "rb") as f:
            with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as view:
                return hashlib.sha256(view).hexdigest()

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(fn, i) for i in range(2)
                for fn in (forward, backward, mapped)]
        assert len({j.result(120) for j in jobs}) == 1


def test_own_prefixes_are_archives_too(gw, bucket, mount):
    """Every directory has its archive, names relative to it."""
    source = bucket(gw, sets.nested())
    m = mount(gw, source)
    names = [n for n, *_ in refzip.central_directory(m.read("b"))]
    assert sorted(names) == [b"c", b"d/e", b"d/f"]
    names = [n for n, *_ in refzip.central_directory(m.read("b", "d"))]
    assert sorted(names) == [b"e", b"f"]


def test_ls_json_says_the_order(gw, bucket, mount, s3zip):
    source = bucket(gw, sets.nested() | sets.zeros())
    data = mount(gw, source).read()
    done = s3zip(gw, "ls", f"s3://{source}", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    entries = said["entries"] if isinstance(said, dict) else said
    assert [(e["name"].encode(), e["size"], e["offset"]) for e in entries] \
        == [(n, s, o) for n, s, _, o in refzip.central_directory(data)]
