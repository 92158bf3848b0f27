# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""kill -9 of client and of server at random moments: run again until done,
there is one right object, no upload and no scratch object.

S3ZIPFS_SEED repeats a run; the seed is printed when a round fails."""

import os
import random
import subprocess
import time

import pytest

from lib import mount as mounts
from lib import procs, sets, strategies, where
from lib.mount import set_attr, set_start, status

pytestmark = [pytest.mark.fault, pytest.mark.big]

VICTIMS = ("command", "server", "daemon")
KEY = "o.zip"
QUICK, LONG = 8, 50     # kills in all, over the strategies


def share(total, index, of):
    return total * (index + 1) // of - total * index // of


def cases():
    """(strategy, how often): the short ones in every lane."""
    for total, marks in ((QUICK, []), (LONG, [pytest.mark.long])):
        for i, strategy in enumerate(strategies.ALL):
            times = share(total, i, len(strategies.ALL))
            yield pytest.param(strategy, times, marks=marks,
                               id=f"{strategy}-{times}")


class Rig:
    """A server of its own, a source, and what its archive must be."""

    def __init__(self, gw, env, home, strategy, mount):
        self.gw, self.env, self.home = gw, env(gw), home
        self.strategy, self.mount = strategy, mount
        self.source = gw.bucket()
        sets.fill(gw, self.source, sets.duo(sets.NONE))
        done = mounts.s3zip(["cat", f"s3://{self.source}"], self.env,
                            text=False)
        assert done.returncode == 0, done.stderr
        self.data = done.stdout
        start = time.monotonic()
        dest = self.gw.bucket()
        self.finish(self.command(dest), dest, "undisturbed")
        self.takes = time.monotonic() - start

    def command(self, dest):
        return subprocess.Popen(
            [where.program("s3zip"), "publish", f"s3://{self.source}",
             f"s3://{dest}/{KEY}", "--strategy", self.strategy],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def mounted(self):
        return self.mount(self.gw, self.source,
                          publish_strategy=self.strategy)

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

    def check(self, dest, what):
        listed = self.gw.client.list_objects_v2(Bucket=dest)
        keys = [o["Key"] for o in listed.get("Contents", [])]
        assert keys == [KEY], f"{what}: {keys}"
        got = self.gw.client.get_object(Bucket=dest, Key=KEY)["Body"].read()
        assert got == self.data, f"{what}: not what is read"
        assert self.gw.uploads(dest) == [], what
        strategies.nothing_left(self.gw, self.source)


def one_round(rig, rnd, number):
    """A kill that came before the end, and what was made good after it."""
    victim = VICTIMS[number % len(VICTIMS)]
    for _ in range(20):
        delay = rnd.uniform(0, rig.takes)
        what = f"{rig.strategy}, {victim} killed after {delay:.3f} s"
        dest = rig.gw.bucket()
        early = getattr(rig, "kill_" + victim)(dest, delay)
        rig.run_again(dest, what, victim == "daemon")
        rig.gw.client.delete_object(Bucket=dest, Key=KEY)
        if early:
            return
    raise AssertionError(f"{victim}: never before the end")


@pytest.mark.parametrize("strategy, times", cases())
def test_killed_and_run_again(own_gw, env, home, mount, strategy, times):
    seed = int(os.environ.get("S3ZIPFS_SEED") or time.time_ns() % 10**9)
    print(f"S3ZIPFS_SEED={seed}")
    rnd = random.Random(seed)
    rig = Rig(own_gw, env, home, strategy, mount)
    first = strategies.ALL.index(strategy)
    for number in range(first, first + times):
        one_round(rig, rnd, number)
