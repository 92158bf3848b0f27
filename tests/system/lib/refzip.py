# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""An independent writer and reader of archive.zip.

Written from doc/zip-layout alone, with struct and zlib; it shares nothing
with the C code, so that equal bytes mean something.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime, timezone

M32 = 0xFFFFFFFF
M16 = 0xFFFF


@dataclass
class Member:
    name: bytes
    size: int
    mtime: int          # seconds of LastModified, floored
    crc: int = 0
    etag: str = ""
    data: bytes = b""

    @property
    def directory(self):
        return self.name.endswith(b"/")


def dos_time(seconds):
    low = int(datetime(1980, 1, 1, tzinfo=timezone.utc).timestamp())
    high = int(datetime(2107, 12, 31, 23, 59, 58,
                        tzinfo=timezone.utc).timestamp())
    t = datetime.fromtimestamp(min(max(seconds, low), high), timezone.utc)
    return (t.hour << 11 | t.minute << 5 | t.second // 2,
            (t.year - 1980) << 9 | t.month << 5 | t.day)


def _common(m, offset):
    big = m.size >= M32
    version = 45 if big or offset >= M32 else 20 if m.directory else 10
    flags = 0x800 if any(b >= 0x80 for b in m.name) else 0
    return big, version, flags


def _ut(m):
    return struct.pack("<HHBI", 0x5455, 5, 1, min(max(m.mtime, 0), M32))


def local_header(m, offset):
    big, version, flags = _common(m, offset)
    extra = struct.pack("<HHQQ", 1, 16, m.size, m.size) if big else b""
    extra += _ut(m)
    size = M32 if big else m.size
    return struct.pack("<IHHHHHIIIHH", 0x04034B50, version, flags, 0,
                       *dos_time(m.mtime), m.crc, size, size, len(m.name),
                       len(extra)) + m.name + extra


def central_header(m, offset):
    big, version, flags = _common(m, offset)
    fields = ([m.size, m.size] if big else [])
    fields += [offset] if offset >= M32 else []
    extra = b""
    if fields:
        extra = struct.pack(f"<HH{len(fields)}Q", 1, 8 * len(fields), *fields)
    extra += _ut(m)
    size = M32 if big else m.size
    return struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0x032D, version,
                       flags, 0, *dos_time(m.mtime), m.crc, size, size,
                       len(m.name), len(extra), 0, 0, 0,
                       0x41ED0010 if m.directory else 0x81A40000,
                       min(offset, M32)) + m.name + extra


def end_records(count, cdsize, cdoff):
    end = b""
    if count >= M16 or cdsize >= M32 or cdoff >= M32:
        end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count,
                          count, cdsize, cdoff)
        end += struct.pack("<IIQI", 0x07064B50, 0, cdoff + cdsize, 1)
        count, cdsize, cdoff = M16, M32, M32
    return end + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count,
                             cdsize, cdoff, 0)


def offsets(members):
    out, at = [], 0
    for m in members:
        out.append(at)
        at += len(local_header(m, at)) + m.size
    return out, at


def write(members):
    """The whole archive, from members that hold their data."""
    at, cdoff = offsets(members)
    pieces = []
    for m, o in zip(members, at):
        m.crc = zlib.crc32(m.data)
        pieces += [local_header(m, o), m.data]
    cd = b"".join(central_header(m, o) for m, o in zip(members, at))
    pieces += [cd, end_records(len(members), len(cd), cdoff)]
    return b"".join(pieces)


def size(members):
    """The size of the archive, from names and sizes alone."""
    at, cdoff = offsets(members)
    cdsize = sum(len(central_header(m, o)) for m, o in zip(members, at))
    return cdoff + cdsize + len(end_records(len(members), cdsize, cdoff))


def serialised(members):
    """What a layout's digest is of."""
    out = [b"s3zipfs-layout-1\n"]
    for m in members:
        tag = m.etag.removeprefix("W/").strip('"').encode()
        out += [struct.pack("<H", len(m.name)), m.name,
                struct.pack("<QQH", m.size, m.mtime, len(tag)), tag]
    return b"".join(out)


def digest(members):
    return hashlib.sha256(serialised(members)).hexdigest()


def central_directory(data):
    """(name, size, crc, offset) in order, from an archive without zip64."""
    (sig, _, _, _, count, cdsize, cdoff, comment) = struct.unpack(
        "<IHHHHIIH", data[-22:])
    assert sig == 0x06054B50 and comment == 0
    at, out = cdoff, []
    for _ in range(count):
        f = struct.unpack("<IHHHHHHIIIHHHHHII", data[at:at + 46])
        assert f[0] == 0x02014B50
        out.append((data[at + 46:at + 46 + f[10]], f[9], f[7], f[16]))
        at += 46 + f[10] + f[11] + f[12]
    assert at == cdoff + cdsize == len(data) - 22
    return out


def listing(client, bucket, prefix=""):
    """key -> (size, floored seconds, ETag) of everything below prefix."""
    out = {}
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix)
    for page in pages:
        for o in page.get("Contents", []):
            out[o["Key"]] = (o["Size"], int(o["LastModified"].timestamp()),
                             o["ETag"])
    return out


def members(client, bucket, prefix, contents, order):
    """Members in the given order of names (bytes), with data and times from
    the store's own listing."""
    listed = listing(client, bucket, prefix)
    out = []
    for name in order:
        key = prefix + name.decode()
        size_, mtime, etag = listed[key]
        data = contents[name.decode()]
        assert len(data) == size_
        out.append(Member(name, size_, mtime, 0, etag, data))
    return out
