# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The long lane: a member above 5 GiB, and more entries than 65,535."""

import os
import zipfile

import pytest

from lib import refzip
from lib.mount import set_attr, status

pytestmark = pytest.mark.long

GIB = 1 << 30


def test_member_above_5_gib(gw, bucket, mount):
    """A sparse file with an ETag is an object to versitygw."""
    source, dest = bucket(gw), bucket(gw)
    size = 5 * GIB + 12345
    etag = "d41d8cd98f00b204e9800998ecf8427e-7"
    gw.plant(source, "huge.bin", size, etag, 1_700_000_000)
    gw.plant(source, "small.txt", 77, etag, 1_700_000_001)
    m = mount(gw, source)
    listed = refzip.listing(gw.client, source)
    total = os.stat(m.file()).st_size
    with zipfile.ZipFile(m.file()) as z:
        # What follows a member above 4 GiB has 12 bytes more.
        assert total == refzip.size(
            [refzip.Member(k.encode(), *listed[k][:2])
             for k in z.namelist()])
        assert {i.filename: i.file_size for i in z.infolist()} == {
            "huge.bin": size, "small.txt": 77}
        assert z.getinfo("huge.bin").CRC == crc_of_zeros(size)
    assert set_attr(m.file(), f"s3://{dest}/out.zip", limit=900) == 0, \
        status(m.file())
    head = gw.client.head_object(Bucket=dest, Key="out.zip")
    assert head["ContentLength"] == total
    assert m.peak_memory() < 400 << 20
    published = os.path.join(gw.root, dest, "out.zip")
    with zipfile.ZipFile(published) as z:
        assert z.getinfo("small.txt").file_size == 77
        assert z.testzip() is None
    same_files(m.file(), published)


def crc_of_zeros(size):
    import zlib
    block, crc = bytes(1 << 24), 0
    while size:
        n = min(size, len(block))
        crc = zlib.crc32(block[:n], crc)
        size -= n
    return crc


def same_files(a, b):
    import subprocess
    assert subprocess.run(["cmp", a, b], check=False,
                          timeout=900).returncode == 0


def test_65600_members(gw, bucket, mount, s3zip):
    source, dest = bucket(gw), bucket(gw)
    count = 65600
    for i in range(count):
        gw.plant(source, f"d{i % 16}/{i:06d}", 0, mtime=1_700_000_000 + i)
    m = mount(gw, source)
    data = m.read()
    listed = refzip.listing(gw.client, source)
    assert len(listed) == count
    with zipfile.ZipFile(m.file()) as z:
        order = [i.filename for i in z.infolist()]
    members = [refzip.Member(n.encode(), 0, listed[n][1]) for n in order]
    assert data == refzip.write(members)
    assert set_attr(m.file(), f"s3://{dest}/out.zip", limit=120) == 0, \
        status(m.file())
    got = gw.client.get_object(Bucket=dest, Key="out.zip")["Body"].read()
    assert got == data
    done = s3zip(gw, "verify", f"s3://{dest}/out.zip", limit=120)
    assert done.returncode == 0, done.stderr
