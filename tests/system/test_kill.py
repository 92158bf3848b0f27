# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""kill -9 of client and of server at random moments: run again until done,
there is one right object, no upload and no scratch object.

S3ZIPFS_SEED repeats a run; the seed is printed when a round fails."""

import os
import random
import subprocess
import time
from urllib.parse import parse_qs

import pytest

from lib import left as lefts
from lib import mount as mounts
from lib import procs, sets, strategies, where
from lib.mount import set_attr, set_start, status

pytestmark = [pytest.mark.fault, pytest.mark.big]

VICTIMS = ("command", "server", "daemon")
KEY = "o.zip"
KILLED = (*strategies.ALL, strategies.AGAIN)
QUICK, LONG = 8, 50     # kills in all, over the strategies


def share(total, index, of):
    return total * (index + 1) // of - total * index // of


def cases():
    """(strategy, how often): the short ones in every lane."""
    for total, marks in ((QUICK, []), (LONG, [pytest.mark.long])):
        for i, strategy in enumerate(KILLED):
            times = share(total, i, len(KILLED))
            yield pytest.param(strategy, times, marks=marks,
                               id=f"{strategy}-{times}")


class Rig:
    """A source, and what its archive must be; at: the server or a proxy in
    front of it."""

    def __init__(self, gw, env, strategy, mount, source, at=None):
        self.gw, self.at, self.env = gw, at or gw, env(at or gw)
        self.strategy, self.mount, self.source = strategy, mount, source
        self.options = {"publish_strategy": strategy}
        if strategy == strategies.AGAIN:
            self.options["order"] = "key"
        self.read()

    def learn(self, source, dest):
        """What another publish sees of the store: who goes on with one does
        not begin again for that."""
        done = mounts.s3zip(["publish", f"s3://{source}", f"s3://{dest}/x"],
                            self.env, {"publish_strategy": "duo"})
        assert done.returncode == 0, done.stderr

    def read(self):
        done = mounts.s3zip(["cat", f"s3://{self.source}"], self.env,
                            self.options, text=False)
        assert done.returncode == 0, done.stderr
        self.data = done.stdout

    def prepare(self, dest):
        """again: what is there already differs by a member."""
        if self.strategy != strategies.AGAIN:
            return
        self.finish(self.command(dest), dest, "the one before")
        sets.put(self.gw, self.source, "large-3", sets.Obj(
            7 * sets.MIB, sets.NONE, time.time_ns()))
        self.read()

    def command(self, dest):
        return subprocess.Popen(
            [where.program("s3zip"), "publish", f"s3://{self.source}",
             f"s3://{dest}/{KEY}",
             *(f"--{k}={v}" for k, v in self.options.items())],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def mounted(self):
        return self.mount(self.at, self.source, **self.options)

    # --- the victims ------------------------------------------------------

    def kill_command(self, dest, delay):
        """True if it was killed before it was done."""
        proc = self.command(dest)
        time.sleep(delay)
        proc.kill()
        proc.communicate()
        return proc.returncode < 0

    def kill_daemon(self, dest, delay):
        m = self.mounted()
        os.stat(m.file())
        caller = set_start(m.file(), f"s3://{dest}/{KEY}")
        time.sleep(delay)
        m.kill()
        procs.wait_for(lambda: not procs.alive(m.pid), 10)
        m.close()
        caller.communicate(timeout=30)
        return caller.returncode != 0

    def kill_server(self, dest, delay):
        proc = self.command(dest)
        time.sleep(delay)
        early = proc.poll() is None
        self.gw.kill()
        time.sleep(delay)
        self.gw.restart()
        proc.communicate(timeout=150)
        return early

    # --- in the end -------------------------------------------------------

    def finish(self, proc, dest, what):
        text, _ = proc.communicate(timeout=150)
        assert proc.returncode == 0, f"{what}: {text}"
        self.check(dest, what)

    def run_again(self, dest, what, as_mount):
        if not as_mount:
            self.finish(self.command(dest), dest, what)
            return
        m = self.mounted()
        assert set_attr(m.file(), f"s3://{dest}/{KEY}") == 0, (
            what, status(m.file()))
        m.unmount()
        self.check(dest, what)

    def clean(self, dest, what):
        """An upload whose id nobody was told may be left, and is known."""
        left = self.gw.uploads(dest)
        assert len(left) <= lefts.without_id(self.env["HOME"]), f"{what}: {left}"
        if left:
            lefts.later(self.gw, dest, self.env["HOME"])
            done = mounts.s3zip(["cleanup", f"s3://{dest}"], self.env)
            assert done.returncode == 0, f"{what}: {done.stderr}"

    def check(self, dest, what):
        listed = self.gw.client.list_objects_v2(Bucket=dest)
        keys = [o["Key"] for o in listed.get("Contents", [])]
        assert keys == [KEY], f"{what}: {keys}"
        got = self.gw.client.get_object(Bucket=dest, Key=KEY)["Body"].read()
        assert got == self.data, f"{what}: not what is read"
        self.clean(dest, what)
        assert self.gw.uploads(dest) == [], what
        strategies.nothing_left(self.gw, self.source)


def undisturbed(rig):
    """Seconds."""
    start, dest = time.monotonic(), rig.gw.bucket()
    rig.finish(rig.command(dest), dest, "undisturbed")
    return time.monotonic() - start


def one_round(rig, rnd, number, takes):
    """A kill that came before the end, and what was made good after it."""
    victim = VICTIMS[number % len(VICTIMS)]
    for _ in range(20):
        takes *= 0.9    # another machine's load, another publish
        delay = rnd.uniform(0, takes)
        what = f"{rig.strategy}, {victim} killed after {delay:.3f} s"
        dest = rig.gw.bucket()
        rig.prepare(dest)
        early = getattr(rig, "kill_" + victim)(dest, delay)
        rig.run_again(dest, what, victim == "daemon")
        rig.gw.client.delete_object(Bucket=dest, Key=KEY)
        if early:
            return
    raise AssertionError(f"{victim}: never before the end")


@pytest.mark.parametrize("strategy, times", cases())
def test_killed_and_run_again(own_gw, env, mount, strategy, times):
    seed = int(os.environ.get("S3ZIPFS_SEED") or time.time_ns() % 10**9)
    print(f"S3ZIPFS_SEED={seed}")
    rnd = random.Random(seed)
    source = own_gw.bucket()
    sets.fill(own_gw, source, sets.duo(sets.NONE))
    rig = Rig(own_gw, env, strategy, mount, source)
    takes = undisturbed(rig)
    first = KILLED.index(strategy)
    for number in range(first, first + times):
        one_round(rig, rnd, number, takes)


# --- what a killed one had sent ----------------------------------------------

UPLOADS, COPIES = 16, 32    # parts in flight at most


def parts_of(log, *kinds):
    """(object, number) of each call of these kinds."""
    return [(c.path, parse_qs(c.query)["partNumber"][0]) for c in log
            if c.operation in kinds]


@pytest.mark.parametrize("strategy", strategies.OWN)
def test_goes_on_where_it_was(gw, proxy, bucket, env, mount, strategy):
    """Parts that were done are not sent again; what is sent again was in
    flight."""
    seed = int(os.environ.get("S3ZIPFS_SEED") or time.time_ns() % 10**9)
    print(f"S3ZIPFS_SEED={seed}")
    rnd = random.Random(seed)
    source, dest = bucket(gw, sets.article(40, sets.NONE)), bucket(gw)
    rig = Rig(gw, env, strategy, mount, source, proxy)
    rig.learn(bucket(gw, sets.ranged(sets.CRC32)), bucket(gw))
    parts = rnd.randrange(4, 24)
    proxy.rules({"method": "PUT", "query": "partNumber=", "n": parts,
                 "count": 0, "hold": True})
    proc = rig.command(dest)
    proxy.held(60)
    proxy.quiet()
    proc.kill()
    proc.communicate()
    before = proxy.log()
    done = [c for c in before if c.operation in ("upload", "copy") and
            c.status == 200]
    assert len(done) == parts - 1
    proxy.rules()
    proxy.quiet()
    proxy.forget()
    rig.finish(rig.command(dest), dest, f"after {parts} parts")
    log = proxy.log()
    uploads = parts_of(log, "upload")
    assert not set(uploads) & set(parts_of(done, "upload")), "sent twice"
    again = parts_of(log, "upload", "copy")
    first = set(parts_of(before, "upload", "copy"))
    # parts in flight, and copies whose CRC was not in the journal yet
    copies = len(parts_of(done, "copy"))
    assert len(again) - len(set(again) - first) <= UPLOADS + COPIES + copies
