# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""One publish spread over four nodes by a Slurm job array: contrib/slurm,
on a cluster of its own on this machine."""

import json
import os
import re
import shutil
import signal
import tempfile

import pytest

from lib import procs, sets, slurm, strategies, where
from lib.faultproxy import count, of_key

pytestmark = [pytest.mark.fault, pytest.mark.big]

SCRIPT = str(where.SOURCE / "contrib" / "slurm" / "s3zip-publish.sbatch")
PARTS = {"method": "PUT", "query": "partNumber="}
TASKS = len(slurm.NODES)


@pytest.fixture(scope="module")
def cluster():
    missing = slurm.why_not()
    if missing:
        pytest.skip(missing)
    path = tempfile.mkdtemp(prefix="s3zipfs-slurm-")
    one = slurm.Cluster(path)
    yield one
    one.stop()
    shutil.rmtree(path)


class Array:
    """A job array that publishes s3://source to s3://dest/o.zip."""

    def __init__(self, cluster, env, shared, source, dest):
        self.cluster, self.shared = cluster, shared
        path = os.path.dirname(where.program("s3zip"))
        env = {**cluster.env, **env, "S3ZIP_SHARED": shared,
               "PATH": f"{path}:{cluster.env['PATH']}"}
        done = cluster.run(
            "sbatch", "--parsable", f"--array=0-{TASKS - 1}",
            f"--output={shared}/task-%a.out", SCRIPT, f"s3://{source}",
            f"s3://{dest}/o.zip", "--json", env=env)
        self.job = done.stdout.strip()

    def tasks(self):
        """task -> what scontrol says of it."""
        said = self.cluster.run("scontrol", "show", "job", "-o",
                                self.job).stdout
        found = (dict(re.findall(r"(\w+)=(\S*)", line))
                 for line in said.splitlines())
        return {int(t["ArrayTaskId"]): t for t in found
                if t["ArrayTaskId"].isdigit()}

    def ended(self):
        tasks = self.tasks()
        return len(tasks) == TASKS and not any(
            t["JobState"] in ("PENDING", "RUNNING", "COMPLETING",
                              "CONFIGURING") for t in tasks.values())

    def wait(self, seconds=90):
        try:
            procs.wait_for(self.ended, seconds * where.slow(), 0.2)
        except TimeoutError:
            raise TimeoutError(self.outputs()) from None
        return self.tasks()

    def output(self, task):
        path = f"{self.shared}/task-{task}.out"
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as f:
            return f.read()

    def outputs(self):
        return "\n".join(f"--- task {n}\n{self.output(n)}"
                         for n in range(TASKS))


@pytest.fixture
def spread(gw, proxy, bucket, s3zip, cluster, env, home):
    """A set, and its array, which is looked at in the end."""
    source, dest = bucket(gw, sets.article(24, sets.NONE)), bucket(gw)
    array = Array(cluster, env(proxy), home, source, dest)
    yield array
    cluster.run("scancel", array.job, check=False)
    wanted = s3zip(gw, "cat", f"s3://{source}", text=False).stdout
    got = gw.client.get_object(Bucket=dest, Key="o.zip")["Body"].read()
    assert got == wanted, array.outputs()
    strategies.nothing_left(gw, source, dest)


def test_spread_over_nodes(proxy, spread):
    """Every node sends a share; together they send the archive once."""
    tasks = spread.wait()
    assert [t["ExitCode"] for t in tasks.values()] == ["0:0"] * TASKS, \
        spread.outputs()
    assert {t["NodeList"] for t in tasks.values()} == set(slurm.NODES)
    said = [json.loads(spread.output(n).splitlines()[-1])
            for n in range(TASKS)]
    assert all(s["uploaded"] > 1 << 20 for s in said[1:]), said
    assert sum(s["uploaded"] + s["copied"] for s in said) == said[0]["bytes"]
    log = of_key(proxy.log(), "o.zip")
    sent = [c.query for c in log if c.operation in ("upload", "copy")]
    assert len(sent) == len(set(sent)) == said[0]["parts"]
    assert count(log)["create"] == count(log)["complete"] == 1
    # lest a part that comes late stays
    assert {c.status for c in log if c.operation == "abort"} <= {404}


def test_worker_killed(proxy, spread):
    """kill -9 in the middle of its parts: the others make it good."""
    proxy.rules({**PARTS, "n": 4, "count": 6, "hold": True})
    proxy.held(60)
    spread.cluster.run("scancel", "--signal=KILL", f"{spread.job}_2")
    procs.wait_for(lambda: spread.tasks()[2]["JobState"] not in
                   ("RUNNING", "COMPLETING"), 30, 0.2)
    proxy.release()
    tasks = spread.wait()
    assert tasks[0]["ExitCode"] == "0:0", spread.outputs()
    assert tasks[2]["JobState"] != "COMPLETED"
    assert count(proxy.log()).get("complete") == 1


def coordinators(array):
    """Process ids of s3zip in the first task."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode().split("\0")
        except OSError:
            continue
        if (words[0].endswith("s3zip") and "--worker" not in words and
                any(w.startswith(array.shared) for w in words)):
            found.append(int(pid))
    return found


def test_coordinator_killed(proxy, spread):
    """kill -9: the same upload goes on."""
    proxy.rules({**PARTS, "n": 4, "count": 0, "hold": True})
    proxy.held(60)
    for pid in coordinators(spread):
        os.kill(pid, signal.SIGKILL)
    proxy.rules()
    tasks = spread.wait()
    assert [t["ExitCode"] for t in tasks.values()] == ["0:0"] * TASKS, \
        spread.outputs()
    said = re.findall("upload: (.*)", spread.output(0))
    assert len(said) == 2 and said[0] == said[1], spread.outputs()
    assert count(of_key(proxy.log(), "o.zip")).get("create") is None


@pytest.mark.long
def test_coordinator_requeued(proxy, spread):
    """Slurm ends it and queues it again (in two minutes): a new upload."""
    proxy.rules({**PARTS, "n": 6, "count": 0, "hold": True})
    proxy.held(60)
    spread.cluster.run("scontrol", "requeue", f"{spread.job}_0")
    proxy.rules()
    tasks = spread.wait(400)
    assert [t["ExitCode"] for t in tasks.values()] == ["0:0"] * TASKS, \
        spread.outputs()
    assert tasks[0]["Restarts"] == "1"
    assert count(proxy.log())["complete"] == 1
