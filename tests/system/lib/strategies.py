# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The strategies that publish executes, and what each of them sends.

One list: a test that is about any strategy takes it from here.
"""

import itertools

import pytest

from . import sets

DUO, STREAM, STITCH, CHAIN = "duo", "stream", "stitch", "chain"
AGAIN, AUTO = "again", "auto"

# What publish_strategy= executes.
ALL = (DUO, STREAM, STITCH, CHAIN, AUTO)
# Those that make scratch objects on sets of many members.
SCRATCHES = tuple(s for s in (STITCH, CHAIN) if s in ALL)
SCRATCH = ".s3zipfs-scratch/"       # the default of scratch=

# Those with plans of their own: what goes wrong is tried on each.
OWN = tuple(s for s in ALL if s in (DUO, STREAM, STITCH, CHAIN))

# Kinds of calls that a publish of sets.duo() does not make under a
# strategy: copies, downloads, scratch objects' own.
WITHOUT = {DUO: {"scratch"}, STREAM: {"copy", "scratch"}, CHAIN: {"get"}}


def does(strategy, kind):
    return kind not in WITHOUT.get(strategy, ())


def each(*more, only=OWN):
    """Parameters: every strategy with every one of more, as pytest.params
    with ids. more: lists of (id, value) or (id, value, kind of call that
    the test needs: a strategy without such calls is left out)."""
    for strategy, *chosen in itertools.product(only, *more):
        if all(does(strategy, kind) for _, _, *needs in chosen
               for kind in needs):
            yield pytest.param(
                strategy, *(value for _, value, *_ in chosen),
                id="-".join([strategy, *(c[0] for c in chosen)]))


def scratch_left(store, bucket):
    """Keys of scratch objects that are still there."""
    answer = store.client.list_objects_v2(Bucket=bucket, Prefix=SCRATCH)
    return [o["Key"] for o in answer.get("Contents", [])]


def nothing_left(store, *buckets):
    """No unfinished upload and no scratch object (but the one that tells
    CRCs as long as its process lives)."""
    for bucket in buckets:
        left = [u for u in store.uploads(bucket)
                if not u[0].startswith(SCRATCH + "crc-")]
        assert not left, f"uploads left behind: {left}"
        left = scratch_left(store, bucket)
        assert not left, f"scratch objects left behind: {left}"


def few(checksum=sets.NONE):
    """The least on which every strategy does all that it does."""
    out = {f"large-{i}": sets.Obj(6 * sets.MIB + i * 1001, checksum)
           for i in range(3)}
    return out | {f"small/{i}": sets.Obj(300_000 + i, checksum)
                  for i in range(2)}


def random_set(rnd, large=5, small=20, floor=sets.PART):
    """A set with few large members (around and above the floor) and small
    ones, some of them empty; every kind of stored checksum."""
    kinds = (sets.CRC32, sets.CRC32, sets.NONE, sets.COMPOSITE)
    sizes = [floor + rnd.choice((0, 1, -1, rnd.randrange(floor // 8),
                                 rnd.randrange(2 * floor)))
             for _ in range(rnd.randint(0, large))]
    sizes += [rnd.choice((0, 1, rnd.randrange(100_000),
                          rnd.randrange(1_500_000)))
              for _ in range(rnd.randint(1, small))]
    rnd.shuffle(sizes)
    return {f"{rnd.choice('abc')}/{i:03d}-{rnd.randrange(1 << 16):x}":
            sets.Obj(size, rnd.choice(kinds)) for i, size in enumerate(sizes)}
