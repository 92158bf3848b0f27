# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A loopback server of made-up objects, a million if need be (genlist.c),
and the same closed forms here: keys of a shape, size, time and bytes of an
object from its key and the seed."""

import json
import os
import subprocess
import urllib.request
import zlib

from . import refzip

HERE = os.path.dirname(os.path.abspath(__file__))
M64 = (1 << 64) - 1


class GenList:
    """The server, for `with`: SHAPE, COUNT and what every answer waits."""

    def __init__(self, tmp, shape, count, seed=7, delay_ms=0):
        self.seed = seed
        program = os.path.join(str(tmp), "genlist")
        if not os.path.exists(program):
            subprocess.run(
                [os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-o",
                 program, os.path.join(HERE, "genlist.c"), "-lpthread"],
                check=True)
        self.proc = subprocess.Popen(
            [program, shape, str(count), str(seed), str(delay_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.proc.stdout.readline())
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()     # ends it
        self.proc.wait(10)
        self.proc.stdout.close()

    @staticmethod
    def env():
        return {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true"}

    def stats(self):
        """Requests so far; most: listings at the same time."""
        with urllib.request.urlopen(self.endpoint + "/-stats") as r:
            return json.load(r)

    # --- closed forms ------------------------------------------------------

    def hash(self, key):
        return zlib.crc32(key, self.seed)

    def size(self, key):
        return self.hash(key) % 5000

    def mtime(self, key):
        return 1600000000 + self.hash(key) % 100000000

    def data(self, key):
        h = self.hash(key)
        return bytes((h + 7 * i + (i >> 8)) & 0xFF
                     for i in range(self.size(key)))

    def member(self, key, name=None):
        data = self.data(key)
        return refzip.Member(name or key, len(data), self.mtime(key),
                             zlib.crc32(data), data=data)


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & M64
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & M64
    return x ^ x >> 31


def uuid(i, seed):
    a, b = mix(2 * i + seed), mix(2 * i + 1 + seed)
    return (f"{a >> 32:08x}-{a >> 16 & 0xFFFF:04x}-{a & 0xFFFF:04x}-"
            f"{b >> 48:04x}-{b & 0xFFFFFFFFFFFF:012x}").encode()


def tree(i):
    return (b"y%d/m%02d/d%02d/part-%05d" %
            (i // 200000, i // 20000 % 10, i // 1000 % 20, i % 1000))


def utf8(i):
    return "дан/".encode() + b"\xe3\x81%c/" % (0x81 + i % 60) + (
        "é%d" % (i // 60)).encode()


def stem(i):
    return (b"a/very/long/way/down/to/where/the/objects-of-this/bucket=are/"
            b"kept/%d/%d" % (i % 977, i // 977))


def skew(i):
    return b"hot/item-%07d" % i if i % 10 else b"%d/cold" % i


def keys(shape, count, seed=7):
    """All keys, in no order."""
    make = {"flat": lambda i: b"%08d.dat" % i, "tree": tree, "utf8": utf8,
            "uuid": lambda i: uuid(i, seed), "stem": stem, "skew": skew}
    return map(make[shape], range(count))
