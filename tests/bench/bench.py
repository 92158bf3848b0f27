# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The measuring half of tests/bench/run: sets, contenders, a table."""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))

from lib import mount as mounts  # noqa: E402
from lib import procs, servers, sets, where  # noqa: E402

MIB, GIB = 1 << 20, 1 << 30
LIMIT = 60      # a contender that is not done by then is stopped


# --- sets -----------------------------------------------------------------

def sizes(name, scale):
    """Sizes of the sets that all figures refer to (doc/performance)."""
    rnd = random.Random(42)

    def count(n):
        return max(1, round(n * scale))
    if name == "article":
        return [int(min(max(rnd.gauss(5, 1), 2), 8) * MIB)
                for _ in range(count(600))]
    if name == "tiny":
        return [65536] * count(5000)
    if name == "big":
        return [GIB] * count(3)
    if name == "mixed":
        return [min(int(rnd.lognormvariate(0, 1.8) * MIB), 300 * MIB)
                for _ in range(count(600))]
    raise SystemExit(f"no set named {name}")


def fill(store, bucket, name, scale, crc):
    block = random.Random(1).randbytes(8 * MIB + 1)
    for i, size in enumerate(sizes(name, scale)):
        key = f"{i % 10}/{i:05d}.bin"
        if size > 256 * MIB:
            # versitygw takes a file for an object; crc is learned by reading
            path = store.plant(bucket, key, 0)
            with open(path, "wb") as f:
                for _ in range(size // len(block)):
                    f.write(block)
                f.write(block[:size % len(block)])
            continue
        body = (block * (size // len(block) + 1))[i:i + size]
        body += block[:size - len(body)]
        more = {"ChecksumCRC32": sets.crc_base64(body)} if crc else {}
        store.client.put_object(Bucket=bucket, Key=key, Body=body, **more)
        if not crc:
            store.strip_checksum(bucket, key)


# --- +25 ms ---------------------------------------------------------------

class Toxiproxy:
    def __init__(self, work, upstream_port, latency):
        self.api = procs.free_port()
        self.port = procs.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.daemon = procs.Daemon(
            [where.tool("toxiproxy-server"), "-host", "127.0.0.1", "-port",
             str(self.api)], os.path.join(work, "toxiproxy.log"))
        self.daemon.wait_port(self.api)
        self.post("/proxies", {"name": "s3", "enabled": True,
                               "listen": f"127.0.0.1:{self.port}",
                               "upstream": f"127.0.0.1:{upstream_port}"})
        for stream in ("upstream", "downstream"):
            self.post("/proxies/s3/toxics", {
                "name": stream, "type": "latency", "stream": stream,
                "attributes": {"latency": latency}})

    def post(self, path, value):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api}{path}",
            json.dumps(value).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=5).close()

    def stop(self):
        self.daemon.stop()


# --- contenders -------------------------------------------------------------

class Bench:
    def __init__(self, args, name, crc):
        self.args, self.work = args, args.work
        self.store = servers.Versitygw(os.path.join(args.work, "server"))
        self.bucket = self.store.bucket()
        fill(self.store, self.bucket, name, args.scale, crc)
        self.total = sum(sizes(name, args.scale))
        self.out = f"/dev/shm/s3zipfs-bench-{os.getpid()}"
        os.makedirs(self.out)
        self.toxi = Toxiproxy(args.work, self.store.port, 25)

    def stop(self):
        self.toxi.stop()
        self.store.stop()
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.rmtree(self.store.tmp, ignore_errors=True)

    def env(self, endpoint, fresh=True):
        home = os.path.join(self.work, "home")
        if fresh:
            shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home, exist_ok=True)
        return mounts.environment(
            home, **{**self.store.env(), "AWS_ENDPOINT_URL_S3": endpoint})

    def clear(self):
        shutil.rmtree(self.out)
        os.makedirs(self.out)

    def timed(self, argv, env=None):
        """(seconds, CPU seconds) or None if stopped at the limit."""
        self.clear()
        before = os.times()
        start = time.monotonic()
        proc = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)
        try:
            _, text = proc.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            proc.kill()
            proc.communicate()
            return None
        seconds = time.monotonic() - start
        after = os.times()
        if proc.returncode != 0:
            raise SystemExit(f"{argv[0]} failed: {text.decode()[-500:]}")
        cpu = (after.children_user + after.children_system -
               before.children_user - before.children_system)
        return seconds, cpu

    def cat(self, endpoint):
        return self.timed([where.program("s3zip"), "cat",
                           f"s3://{self.bucket}", "-o",
                           f"{self.out}/x.zip"], self.env(endpoint))

    def curl(self, endpoint, parallel):
        client = servers.make_client(endpoint)
        conf = os.path.join(self.work, "curl.conf")
        with open(conf, "w", encoding="utf-8") as f:
            pages = self.store.client.get_paginator(
                "list_objects_v2").paginate(Bucket=self.bucket)
            for page in pages:
                for o in page["Contents"]:
                    url = client.generate_presigned_url(
                        "get_object", {"Bucket": self.bucket,
                                       "Key": o["Key"]})
                    name = o["Key"].replace("/", "_")
                    f.write(f'url = "{url}"\n'
                            f'output = "{self.out}/{name}"\n')
        return self.timed(["curl", "--silent", "--show-error", "--fail",
                           "--parallel", "--parallel-immediate",
                           "--parallel-max", str(parallel), "-K", conf])

    def rclone(self, endpoint):
        env = dict(self.env(endpoint), RCLONE_CONFIG=os.devnull)
        return self.timed(
            [where.tool("rclone"), "copy", "--transfers", "32", "--checkers",
             "16", f":s3,provider=Other,env_auth,endpoint='{endpoint}',"
             f"force_path_style:{self.bucket}", f"{self.out}/r"], env)

    def mounted(self, endpoint, **options):
        env = self.env(endpoint)
        return mounts.Mount(env["HOME"], f"s3://{self.bucket}", env,
                            {"log": "warn", **options})

    def cp(self, endpoint):
        """cp from a fresh mount; the daemon's CPU is counted too."""
        m = self.mounted(endpoint)
        try:
            done = self.timed(["cp", m.file(), f"{self.out}/x.zip"])
            cpu = cpu_seconds(m.pid)
            self.peak = m.peak_memory()
            m.unmount()
        finally:
            m.close()
        return done and (done[0], done[1] + cpu)

    def null(self):
        """The null daemon's cp."""
        point = os.path.join(self.work, "null")
        os.makedirs(point, exist_ok=True)
        daemon = subprocess.Popen([f"{self.work}/nulldaemon",
                                   str(self.total), point])
        try:
            procs.wait_for(lambda: mounts.mounted(point), 10)
            return self.timed(["cp", f"{point}/null", f"{self.out}/n"])
        finally:
            subprocess.run(["fusermount3", "-uz", point], check=False)
            daemon.wait(10)

    def null_beside_curl(self):
        """The null daemon's cp while curl downloads: the shared ceiling."""
        point = os.path.join(self.work, "null")
        os.makedirs(point, exist_ok=True)
        daemon = subprocess.Popen([f"{self.work}/nulldaemon",
                                   str(self.total), point])
        try:
            procs.wait_for(lambda: mounts.mounted(point), 10)
            cp = subprocess.Popen(["cp", f"{point}/null", "/dev/null"])
            start = time.monotonic()
            curl = self.curl(self.store.endpoint, 16)
            cp.wait()
            return curl and (time.monotonic() - start, curl[1])
        finally:
            subprocess.run(["fusermount3", "-uz", point], check=False)
            daemon.wait(10)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# --- the table ----------------------------------------------------------------

def row(*cells):
    print(f"| {cells[0]:<38} |" + "".join(f" {c:>12} |" for c in cells[1:]))


def figures(name, runs, total, reference):
    """Prints a line; returns the median seconds."""
    done = [r for r in runs if r]
    if not done:
        row(name, f"> {LIMIT} s", "", "", "")
        return None
    seconds = statistics.median(r[0] for r in done)
    ratio = f"{reference / seconds:.2f}" if reference else ""
    row(name, f"{seconds:.2f} s", f"{total / seconds / 1e6:.0f} MB/s", ratio,
        f"{statistics.median(r[1] for r in done):.1f} s")
    return seconds


def compare(bench, title, contenders):
    """A B A B ...: medians; the ratio is to the fastest raw download."""
    runs = {name: [] for name, _, _ in contenders}
    for _ in range(bench.args.runs):
        for name, _, call in contenders:
            if None not in runs[name]:
                runs[name].append(call())
    raw = [statistics.median(r[0] for r in runs[name])
           for name, is_raw, _ in contenders if is_raw and all(runs[name])]
    print(f"\n{title}")
    row("", "wall", "speed", "of raw", "CPU")
    for name, _, _ in contenders:
        figures(name, runs[name], bench.total, min(raw) if raw else None)


def reading(bench):
    for title, endpoint in (("+0 ms", bench.store.endpoint),
                            ("+25 ms each way", bench.toxi.endpoint)):
        contenders = [
            ("curl --parallel-max 16", True,
             lambda e=endpoint: bench.curl(e, 16)),
            ("s3zip cat -o", False, lambda e=endpoint: bench.cat(e)),
            ("curl --parallel-max 64", True,
             lambda e=endpoint: bench.curl(e, 64)),
            ("cp mnt/archive.zip", False, lambda e=endpoint: bench.cp(e)),
            ("rclone copy --transfers 32", True,
             lambda e=endpoint: bench.rclone(e)),
        ]
        if endpoint == bench.store.endpoint:
            contenders += [
                ("null daemon, cp", False, bench.null),
                ("null daemon, cp beside curl", False,
                 bench.null_beside_curl)]
        compare(bench, title, contenders)


def publishing(bench):
    """Peak memory over cp and publish; bytes against plan and bound."""
    dest = bench.store.bucket()
    m = bench.mounted(bench.store.endpoint)
    try:
        bench.clear()
        subprocess.run(["cp", m.file(), f"{bench.out}/x"], check=True)
        after_cp = m.peak_memory()
        bench.clear()
        start = time.monotonic()
        code = mounts.set_attr(m.file(), f"s3://{dest}/out.zip", limit=900)
        seconds = time.monotonic() - start
        said = mounts.status(m.file())
        after_publish = m.peak_memory()
        size = os.stat(m.file()).st_size
        m.unmount()
    finally:
        m.close()
    done = mounts.s3zip(["plan", f"s3://{bench.bucket}", "--json"],
                        bench.env(bench.store.endpoint))
    plan = json.loads(done.stdout)
    print("\nmemory (VmHWM) and publish")
    row("peak after cp", f"{after_cp / MIB:.0f} MiB")
    row("peak after publish", f"{after_publish / MIB:.0f} MiB")
    row("publish", "done" if code == 0 else os.strerror(code),
        f"{seconds:.1f} s", said.get("verified", ""))
    row("archive bytes", str(size))
    for name in ("uploaded", "copied", "downloaded"):
        row(name, said.get(name, "?"))
    row("uploaded, planned", str(plan["totals"]["uploaded"]))
    row("uploaded, lower bound", str(plan["lower_bound"]["uploaded"]),
        f"{plan['totals']['uploaded'] / max(1, plan['lower_bound']['uploaded']):.4f}")


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--set", action="append", dest="sets")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-crc", action="store_true")
    parser.add_argument("--work", required=True)
    args = parser.parse_args()
    for name in args.sets or ["article"]:
        crc = not args.no_crc
        total = sum(sizes(name, args.scale))
        for folder, need in ((args.work, 2.2 * total), ("/dev/shm",
                                                         1.1 * total)):
            if shutil.disk_usage(folder).free < need:
                raise SystemExit(f"{folder}: not enough free space")
        print(f"\n=== {name}: {len(sizes(name, args.scale))} objects, "
              f"{total / 1e9:.2f} GB, {'CRC32' if crc else 'no CRC32'}")
        os.makedirs(os.path.join(args.work, "server"), exist_ok=True)
        bench = Bench(args, name, crc)
        try:
            reading(bench)
            publishing(bench)
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
