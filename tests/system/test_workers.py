# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""One publish by many processes: s3zip publish --workers."""

import json
import os
import subprocess

import pytest

from lib import procs, sets, where
from conftest import environment

WORKERS = 3
pytestmark = pytest.mark.big


class Team:
    """A coordinator and its workers, each with a state file of its own."""

    def __init__(self, home, at, source, dest, *options):
        self.home, self.at = str(home), at
        self.command = [where.program("s3zip"), "publish", source, dest,
                        "--workers", str(WORKERS), *options]
        self.lead = self.start("lead")
        line = self.lead.stdout.readline()
        assert line.startswith("upload: "), line + self.lead.stderr.read()
        self.upload = line.split(": ", 1)[1].strip()

    def start(self, name, *more):
        home = os.path.join(self.home, name)
        os.makedirs(home, exist_ok=True)
        return subprocess.Popen(
            self.command + list(more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(home, self.at.endpoint))

    def worker(self, number, *more):
        return self.start(f"worker-{number}", "--worker", str(number),
                          "--upload", self.upload, "--json", *more)


def end(process, code=0):
    out, err = process.communicate(timeout=60 * where.slow())
    assert process.returncode == code, err
    return out, err


def check(store, s3zip, source, dest, key):
    want = s3zip(store, "cat", f"s3://{source}", text=False).stdout
    body = store.client.get_object(Bucket=dest, Key=key)["Body"].read()
    assert body == want


@pytest.mark.parametrize("strategy", ["duo", "stream"])
def test_shares(store, bucket, s3zip, home, strategy):
    source = bucket(store, sets.article(30))
    dest = bucket(store)
    team = Team(home, store, f"s3://{source}", f"s3://{dest}/out.zip",
                "--strategy", strategy)
    workers = [team.worker(i) for i in range(WORKERS)]
    done = [json.loads(end(w)[0]) for w in workers]
    out, _ = end(team.lead)
    assert f"s3://{dest}/out.zip" in out
    check(store, s3zip, source, dest, "out.zip")
    # each did its share, none did it all
    for one in done:
        sent = one["uploaded"] + one["copied"]
        assert 0 < sent < one["bytes"], one


def test_a_worker_dies(gw, proxy, bucket, s3zip, home):
    """Its parts are made good by the others."""
    source, dest = bucket(gw, sets.article(30)), bucket(gw)
    team = Team(home, proxy, f"s3://{source}", f"s3://{dest}/out.zip")
    # its share is the second third: 1-based part numbers from there
    proxy.rules({"method": "PUT", "query": r"partNumber=(1[3-9]|2\d)\b",
                 "hold": True})
    victim = team.worker(1)
    proxy.held()
    victim.kill()
    victim.communicate()
    proxy.rules()
    for worker in [team.worker(0), team.worker(2)]:
        end(worker)
    end(team.lead)
    check(gw, s3zip, source, dest, "out.zip")


def test_the_coordinator_does_it_all(gw, bucket, s3zip, home):
    """No worker comes: nothing is lost but time."""
    source, dest = bucket(gw, sets.duo()), bucket(gw)
    team = Team(home, gw, f"s3://{source}", f"s3://{dest}/out.zip")
    end(team.lead)
    check(gw, s3zip, source, dest, "out.zip")
    # one that comes too late finds the archive
    out, _ = end(team.worker(0))
    assert json.loads(out)["noop"] is True


def test_the_coordinator_dies(gw, bucket, s3zip, home):
    """Killed when nothing but the workers' parts was missing: started again,
    it goes on with the same upload."""
    source, dest = bucket(gw, sets.duo()), bucket(gw)
    team = Team(home, gw, f"s3://{source}", f"s3://{dest}/out.zip",
                "--strategy", "stream")
    upload = team.upload.split(":", 1)[1]
    procs.wait_for(lambda: gw.client.list_parts(
        Bucket=dest, Key="out.zip", UploadId=upload).get("Parts"), 20)
    team.lead.kill()
    team.lead.communicate()
    again = team.start("lead")
    assert again.stdout.readline().strip() == f"upload: {team.upload}"
    end(again)
    check(gw, s3zip, source, dest, "out.zip")


def test_interrupted(gw, bucket, home):
    """The coordinator aborts; workers then fail, with words."""
    source, dest = bucket(gw, sets.duo()), bucket(gw)
    team = Team(home, gw, f"s3://{source}", f"s3://{dest}/out.zip")
    team.lead.send_signal(2)
    team.lead.communicate(timeout=60)
    assert team.lead.returncode == 130
    assert gw.uploads(dest) == []


def test_another_plan_is_refused(gw, bucket, home):
    source, dest = bucket(gw, sets.duo()), bucket(gw)
    team = Team(home, gw, f"s3://{source}", f"s3://{dest}/out.zip")
    sets.put(gw, source, "more", sets.Obj(100))
    out, err = end(team.worker(0), 1)
    assert json.loads(out)["error"].startswith("ECANCELED")
    assert "prefix is not what it was" in err
    team.lead.send_signal(2)
    team.lead.communicate(timeout=60)
    procs.wait_for(lambda: not gw.uploads(dest), 10)


def test_words(gw, bucket, s3zip):
    b = bucket(gw, sets.duo())
    url, dest = f"s3://{b}", f"s3://{b}/../out.zip"
    for args, words in (
            (["--worker", "0"], "--workers"),
            (["--workers", "0"], "--workers"),
            (["--workers", "2", "--worker", "2", "--upload", "x"], "--worker"),
            (["--workers", "2", "--worker", "1"], "--upload")):
        done = s3zip(gw, "publish", url, dest, *args)
        assert done.returncode == 2 and words in done.stderr, done.stderr
    other = bucket(gw)
    done = s3zip(gw, "publish", url, f"s3://{other}/out.zip",
                 "--workers", "2", strategy="chain")
    assert done.returncode == 1 and "EINVAL" not in done.stdout
    assert "duo or stream" in done.stderr, done.stderr
