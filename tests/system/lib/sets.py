# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Sets of objects: what the tests put into buckets, made from seeds.

A set is a dict from key to Obj. Bytes come from the key and the size
alone, so a test can always say what a member must hold.
"""

import base64
import hashlib
import random
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

MIB = 1 << 20
PART = 5 * MIB

# How the checksum came to be stored with the object.
CRC32, COMPOSITE, CRC64, NONE = "crc32", "composite", "crc64", "none"


@dataclass(frozen=True)
class Obj:
    size: int
    checksum: str = CRC32
    seed: int = 0

    def data(self, key):
        return content(key, self.size, self.seed)


_block = random.Random(20260221).randbytes(MIB)


def content(key, size, seed=0):
    """Bytes that depend on key and seed from the first byte on, and do not
    repeat at part or block borders."""
    if size == 0:
        return b""
    mark = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    start = int.from_bytes(mark[:3], "big") % (MIB - 4099)
    unit = mark + _block[start:start + 4096 + mark[3] % 3]
    unit += hashlib.sha256(mark).digest() * 3
    whole, rest = divmod(size, len(_block) - start)
    if size <= len(unit):
        return unit[:size]
    tail = _block[start:] * (whole + 1) + _block[:rest]
    return (unit + tail)[:size]


def crc_base64(data):
    return base64.b64encode(struct.pack(">I", zlib.crc32(data))).decode()


def put(store, bucket, key, obj, client=None):
    """Puts one object the way its checksum asks for."""
    client = client or store.client
    data = obj.data(key)
    if obj.checksum == CRC32:
        client.put_object(Bucket=bucket, Key=key, Body=data,
                          ChecksumCRC32=crc_base64(data))
    elif obj.checksum == COMPOSITE:
        put_parts(client, bucket, key, data)
    else:
        # versitygw and localstack add CRC64NVME by themselves, as S3 does
        client.put_object(Bucket=bucket, Key=key, Body=data)
        if obj.checksum == NONE and store.strip_checksum:
            store.strip_checksum(bucket, key)


def put_parts(client, bucket, key, data, part=PART):
    """A multipart upload with CRC32 COMPOSITE, as boto3's upload_file."""
    where = {"Bucket": bucket, "Key": key}
    upload = client.create_multipart_upload(
        ChecksumAlgorithm="CRC32", **where)["UploadId"]
    parts = []
    for number, first in enumerate(range(0, max(len(data), 1), part), 1):
        piece = data[first:first + part]
        answer = client.upload_part(
            UploadId=upload, PartNumber=number, Body=piece,
            ChecksumCRC32=crc_base64(piece), **where)
        parts.append({"PartNumber": number, "ETag": answer["ETag"],
                      "ChecksumCRC32": crc_base64(piece)})
    client.complete_multipart_upload(
        UploadId=upload, MultipartUpload={"Parts": parts}, **where)


def fill(store, bucket, objects, prefix=""):
    """Puts a whole set below prefix, several at a time."""
    def one(item):
        put(store, bucket, prefix + item[0], item[1])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, objects.items()))
    return bucket


def expected(objects, prefix=""):
    """name -> bytes, as the archive of prefix must hold them."""
    return {key: obj.data(prefix + key) for key, obj in objects.items()}


# --- the sets ----------------------------------------------------------

def one():
    return {"one.txt": Obj(1000)}


def zeros():
    return {f"zero-{i}": Obj(0) for i in range(5)} | {"last": Obj(1)}


def markers():
    return {"dir/": Obj(0), "dir/inside": Obj(12), "empty/": Obj(0),
            "deep/er/": Obj(0), "file": Obj(3)}


def many(count):
    rnd = random.Random(count)
    return {f"many/{i % 7}/{i:05d}.dat": Obj(rnd.randrange(0, 200))
            for i in range(count)}


def article(count=24, checksum=CRC32, mean=5.0, seed=1):
    """Sizes of the article that the mission comes from: N(5, 1) MiB."""
    rnd = random.Random(seed)
    sizes = [min(max(rnd.gauss(mean, 1), 2), 8) for _ in range(count)]
    return {f"article/{i:04d}.bin": Obj(int(s * MIB), checksum)
            for i, s in enumerate(sizes)}


def nested():
    depth = "/".join(f"level{i}" for i in range(12))
    return {"a": Obj(5), "b/c": Obj(6), "b/d/e": Obj(7), "b/d/f": Obj(70),
            "b2/c": Obj(8), depth + "/leaf": Obj(9), "z/y": Obj(10)}


AWKWARD = ["a b.txt", "plus+sign", "percent%41", "a%20b", "amp&er", "<xml>",
           "quote\"'", "hash#", "quest?ion", "tilde~", "star*", "(paren)",
           "colon:semi;", "comma,equals=", "dollar$", "at@", "excl!",
           "%2Fliteral", "back\\slash", " lead", "trail ", "CAPS", "caps",
           "-dash", "dir with space/plus+dir/x"]
UTF8 = ["\u00fcn\u00efc\u00f6d\u00e9/\u65e5\u672c\u8a9e.txt",
        "emoji\U0001f600.bin", "e\u0301 decomposed", "\u00e9 composed",
        "\u0440\u0443\u0441\u0441\u043a\u0438\u0439"]


def awkward():
    return {k: Obj(20 + i) for i, k in enumerate(AWKWARD)}


def utf8():
    return {k: Obj(30 + i) for i, k in enumerate(UTF8)}


def checksums():
    """Every way that a checksum may be stored, small and large."""
    out = {}
    for kind in (CRC32, COMPOSITE, CRC64, NONE):
        out[f"{kind}-small"] = Obj(3000, kind)
        out[f"{kind}-large"] = Obj(11 * MIB + 77, kind)
    return out


def duo(checksum=CRC32):
    """Large enough for copies, small enough to be quick: 6 copies or so."""
    out = {f"large-{i}": Obj(6 * MIB + i * 1001, checksum) for i in range(6)}
    out |= {f"small/{i}": Obj(300000 + i, checksum) for i in range(8)}
    return out


def ranged(checksum=CRC32):
    """As duo, but with members of which ranges are copied."""
    out = {f"large-{i}": Obj(11 * MIB + i * 1001, checksum) for i in range(3)}
    out |= {f"small/{i}": Obj(300000 + i, checksum) for i in range(4)}
    return out


# name -> objects(store); what is compared on every server
COMPARED = {
    "one": lambda store: one(),
    "zeros": lambda store: zeros(),
    "markers": lambda store: markers(),
    "many": lambda store: many(store.many),
    "article": lambda store: article(),
    "article-nocrc": lambda store: article(12, NONE, seed=2),
    "nested": lambda store: nested(),
    "awkward": lambda store: awkward(),
    "utf8": lambda store: utf8(),
    "checksums": lambda store: checksums(),
    "duo": lambda store: duo(),
}
