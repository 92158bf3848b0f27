#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Records of archive.zip, written a second time from doc/zip-layout.md.

usage: make_zip_golden.py > zip_golden.h

Shares no code with src/zip: the unit tests compare the two.
"""
import datetime
import hashlib
import struct

M = 0xFFFFFFFF
NAMES = [b"a", b"d/", "sm\u00f6rg\u00e5s/\u2603.txt".encode(), b"x" * 300,
         b"\x7f"]
EPOCH = datetime.datetime(1970, 1, 1)


def dos(mtime):
    low = int((datetime.datetime(1980, 1, 1) - EPOCH).total_seconds())
    high = int((datetime.datetime(2107, 12, 31, 23, 59, 58)
                - EPOCH).total_seconds())
    t = EPOCH + datetime.timedelta(seconds=min(max(mtime, low), high))
    return (t.hour << 11 | t.minute << 5 | t.second // 2,
            (t.year - 1980) << 9 | t.month << 5 | t.day)


def ut(mtime):
    return struct.pack("<HHBI", 0x5455, 5, 1, min(max(mtime, 0), M))


def facts(name, size, offset):
    directory = name.endswith(b"/")
    need = 45 if size >= M or offset >= M else 20 if directory else 10
    flags = 0x800 if any(c >= 0x80 for c in name) else 0
    return directory, need, flags


def loc(name, size, mtime, offset, crc):
    _, need, flags = facts(name, size, offset)
    time, date = dos(mtime)
    zip64 = struct.pack("<HHQQ", 1, 16, size, size) if size >= M else b""
    extra = zip64 + ut(mtime)
    return struct.pack("<4sHHHHHIIIHH", b"PK\3\4", need, flags, 0, time,
                       date, crc, min(size, M), min(size, M), len(name),
                       len(extra)) + name + extra


def cdh(name, size, mtime, offset, crc):
    directory, need, flags = facts(name, size, offset)
    time, date = dos(mtime)
    body = b""
    if size >= M:
        body += struct.pack("<QQ", size, size)
    if offset >= M:
        body += struct.pack("<Q", offset)
    extra = ut(mtime)
    if body:
        extra = struct.pack("<HH", 1, len(body)) + body + extra
    attributes = 0x41ED0010 if directory else 0x81A40000
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 0x032D, need, flags,
                       0, time, date, crc, min(size, M), min(size, M),
                       len(name), len(extra), 0, 0, 0, attributes,
                       min(offset, M)) + name + extra


def end(count, cd_offset, cd_size):
    out = b""
    if count >= 0xFFFF or cd_offset >= M or cd_size >= M:
        out += struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0,
                           count, count, cd_size, cd_offset)
        out += struct.pack("<4sIQI", b"PK\6\7", 0, cd_offset + cd_size, 1)
        count, cd_offset, cd_size = 0xFFFF, M, M
    return out + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count,
                             cd_size, cd_offset, 0)


def c_bytes(b):
    # Closed and opened again after each byte: "\x0" "1" is not "\x01".
    lines = [b[i:i + 16] for i in range(0, len(b), 16)] or [b""]
    return "\n        ".join(
        '"' + "".join("\\%03o" % c for c in line) + '"' for line in lines)


def record_cases():
    for i, (size, offset) in enumerate(
            (s, o) for s in (0, 1, M - 2, M - 1, M, M + 1, 1 << 40)
            for o in (0, M - 1, M, M + 1)):
        name = NAMES[i % len(NAMES)]
        if name.endswith(b"/"):
            size = 0
        yield name, size, 1700000001 + 86400 * i, offset, 0x12345678 + i
    for mtime in (-1, 0, 315532799, 315532800, 315532801, 951782399,
                  951782400, 1709164799, 1709164800, 1709251199, 4107542400,
                  M - 1, M, M + 1, 4354819197, 4354819198, 4354819199,
                  4354819200, 1 << 40, -(1 << 40)):
        yield b"time", 5, mtime, 77, 0xDEADBEEF


def end_cases():
    for count in (0, 1, 65534, 65535, 65536, 65537):
        yield count, 1000, 2000
    for value in (M - 1, M, M + 1):
        yield 3, value, 300
        yield 3, 300, value
    yield 0, 0, 0


def digest_cases():
    members = [(b"a", 5, 1700000000, b"d41d8cd98f00b204e9800998ecf8427e"),
               (b"b\xc3\xa9/", 0, -1, b""),
               (b"c" * 300, M + 1, M + 1, b"x-2")]
    for name, size, mtime, etag in members:
        yield name, size, mtime, etag, (
            struct.pack("<H", len(name)) + name +
            struct.pack("<QqH", size, mtime, len(etag)) + etag)


TYPES = """struct golden_record {
    const char *name;
    size_t name_len;
    uint64_t size;
    int64_t mtime;
    uint64_t offset;
    uint32_t crc;
    const char *loc;
    size_t loc_len;
    const char *cdh;
    size_t cdh_len;
};
struct golden_end {
    uint64_t count, cd_offset, cd_size;
    const char *bytes;
    size_t len;
};
struct golden_digest {
    const char *name;
    size_t name_len;
    uint64_t size;
    int64_t mtime;
    const char *etag;
    size_t etag_len;
    const char *bytes;
    size_t len;
};
"""


def field(b):
    return "{}, {}".format(c_bytes(b), len(b))


def main():
    print("/* SPDX-License-Identifier: MIT\n"
          " * Copyright (c) 2026 The s3zipfs authors */\n"
          "/*\n * Written by make_zip_golden.py; not to be edited.\n */\n"
          "#include <stddef.h>\n#include <stdint.h>\n\n" + TYPES)
    print("static const struct golden_record golden_records[] = {")
    for name, size, mtime, offset, crc in record_cases():
        args = (name, size, mtime, offset, crc)
        print("    {{{}, UINT64_C({}), INT64_C({}), UINT64_C({}), {}u,\n"
              "     {},\n     {}}},".format(
                  field(name), size, mtime, offset, crc,
                  field(loc(*args)), field(cdh(*args))))
    print("};")
    print("static const struct golden_end golden_ends[] = {")
    for args in end_cases():
        print("    {{UINT64_C({}), UINT64_C({}), UINT64_C({}), {}}},".format(
            *args, field(end(*args))))
    print("};")
    print("static const struct golden_digest golden_digests[] = {")
    whole = b"s3zipfs-layout-1\n"
    for name, size, mtime, etag, data in digest_cases():
        whole += data
        print("    {{{}, UINT64_C({}), INT64_C({}), {}, {}}},".format(
            field(name), size, mtime, field(etag), field(data)))
    print("};")
    print("#define GOLDEN_DIGEST_HEX \\\n    \"{}\"".format(
        hashlib.sha256(whole).hexdigest()))


main()
