# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The contenders: each a command that takes a set to /dev/shm, timed."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass

from lib import mount as mounts
from lib import procs, servers, where
from rig import cpu_seconds

LIMIT = 60      # a contender that is not done by then is stopped


@dataclass
class Result:
    seconds: float
    cpu: float          # user + system, of every process of the side
    peak: int = 0       # VmHWM of the largest, bytes
    requests: int = 0
    done: bool = True   # False: stopped at the limit
    copied: int = 0     # bytes by then
    server: float = 0   # user + system of the server meanwhile


class Peak(threading.Thread):
    """VmHWM of a process, looked at until it ends (ru_maxrss would count
    the Python that forked it)."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak = pid, 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError, ValueError):
            while True:
                self.peak = procs.peak_memory(self.pid)
                time.sleep(0.02)


def tree_size(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(d, f))
               for d, _, files in os.walk(path) for f in files)


class Sides:
    """Contenders over one bucket; `out` is emptied before each."""

    def __init__(self, work, store, bucket, total):
        self.work, self.store, self.bucket = work, store, bucket
        self.total = total
        self.out = f"/dev/shm/s3zipfs-bench-{os.getpid()}"
        self.urls, self.last_env = {}, None
        os.makedirs(self.out, exist_ok=True)

    def stop(self):
        shutil.rmtree(self.out, ignore_errors=True)

    def clear(self):
        shutil.rmtree(self.out)
        os.makedirs(self.out)

    def env(self, endpoint):
        """A fresh home: no CRC is known from the run before."""
        home = os.path.join(self.work, "home")
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home)
        env = mounts.environment(
            home, **{**self.store.env(), "AWS_ENDPOINT_URL_S3": endpoint})
        del env["MALLOC_PERTURB_"]      # it is for finding bugs
        self.last_env = env
        return env

    def timed(self, argv, env=None, cwd=None):
        """Runs one command into an empty folder; returns a Result."""
        self.clear()
        before, server = self.store.requests(), self.store.cpu()
        start = time.monotonic()
        proc = subprocess.Popen(argv, env=env, cwd=cwd,
                                stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)
        peak = Peak(proc.pid)
        timer = threading.Timer(LIMIT, proc.kill)
        timer.start()
        text = proc.stderr.read()
        _, status, usage = os.wait4(proc.pid, 0)
        seconds = time.monotonic() - start
        timer.cancel()
        proc.returncode = os.waitstatus_to_exitcode(status)
        proc.stderr.close()
        peak.join()
        late = seconds >= LIMIT
        if status != 0 and not late:
            raise SystemExit(f"{argv[0]} failed: {text.decode()[-500:]}")
        return Result(seconds, usage.ru_utime + usage.ru_stime, peak.peak,
                      self.store.requests() - before, not late,
                      tree_size(self.out) if late else self.total,
                      self.store.cpu() - server)

    # --- raw members ------------------------------------------------------

    def objects(self):
        pages = self.store.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket)
        return [o for page in pages for o in page["Contents"]]

    def largest(self):
        return max(o["Size"] for o in self.objects())

    def presigned(self, endpoint, step=None):
        """A curl configuration with all members, in ranges of step bytes if
        asked."""
        if (endpoint, step) in self.urls:
            return self.urls[endpoint, step]
        path = os.path.join(self.work, f"curl-{len(self.urls)}.conf")
        client = servers.make_client(endpoint, signature_version="s3v4")
        blocks = []
        for o in self.objects():
            url = client.generate_presigned_url(
                "get_object", {"Bucket": self.bucket, "Key": o["Key"]},
                ExpiresIn=86400)
            name = o["Key"].replace("/", "_")
            for at in range(0, o["Size"], step or o["Size"]):
                block = (f'url = "{url}"\n'
                         f'output = "{self.out}/{name}.{at}"\n')
                if step:
                    block += f'range = "{at}-{at + step - 1}"\nfail\n'
                blocks.append(block)
        with open(path, "w", encoding="utf-8") as f:
            # a range is for all transfers up to "next"
            f.write(("next\n" if step else "").join(blocks))
        self.urls[endpoint, step] = path
        return path

    def curl(self, endpoint, parallel, step=None):
        return self.timed(["curl", "--silent", "--fail", "--parallel",
                           "--parallel-immediate", "--parallel-max",
                           str(parallel), "-K",
                           self.presigned(endpoint, step)])

    def rclone_words(self, endpoint):
        remote = (f":s3,provider=Other,env_auth,endpoint='{endpoint}',"
                  f"force_path_style:{self.bucket}")
        return remote, dict(self.env(endpoint), RCLONE_CONFIG=os.devnull)

    def rclone(self, endpoint):
        remote, env = self.rclone_words(endpoint)
        return self.timed([where.tool("rclone"), "copy", "--transfers", "32",
                           "--checkers", "16", remote, f"{self.out}/r"], env)

    # --- ours -------------------------------------------------------------

    def cat(self, endpoint):
        return self.timed([where.program("s3zip"), "cat",
                           f"s3://{self.bucket}", "-o",
                           f"{self.out}/x.zip"], self.env(endpoint))

    def mounted(self, endpoint, **options):
        env = self.env(endpoint)
        return mounts.Mount(env["HOME"], f"s3://{self.bucket}", env,
                            {"log": "warn", **options})

    def cp(self, endpoint):
        """cp from a fresh mount; the daemon's CPU is counted too."""
        before = self.store.requests()
        m = self.mounted(endpoint)
        try:
            r = self.timed(["cp", m.file(), f"{self.out}/x.zip"])
            r.cpu += cpu_seconds(m.pid)
            r.peak = m.peak_memory()
            m.unmount()
            r.requests = self.store.requests() - before
        finally:
            m.close()
        return r

    # --- ceilings ---------------------------------------------------------

    @contextlib.contextmanager
    def null_mount(self):
        """The null daemon's file, and its process."""
        point = os.path.join(self.work, "null")
        os.makedirs(point, exist_ok=True)
        daemon = subprocess.Popen([f"{self.work}/nulldaemon",
                                   str(self.total), point])
        try:
            procs.wait_for(lambda: mounts.mounted(point), 10)
            yield f"{point}/null", daemon.pid
        finally:
            subprocess.run(["fusermount3", "-uz", point], check=False)
            daemon.wait(10)

    def null(self):
        with self.null_mount() as (path, pid):
            r = self.timed(["cp", path, f"{self.out}/n"])
            r.cpu += cpu_seconds(pid)
            return r

    def null_beside_curl(self, endpoint):
        """Both at once; the slower one counts."""
        with self.null_mount() as (path, pid):
            copy = f"{self.out}-null"
            start = time.monotonic()
            # pylint: disable-next=consider-using-with
            cp = subprocess.Popen(["cp", path, copy])
            r = self.curl(endpoint, 16)
            _, _, usage = os.wait4(cp.pid, 0)
            cp.returncode = 0
            r.seconds = time.monotonic() - start
            r.cpu += usage.ru_utime + usage.ru_stime + cpu_seconds(pid)
            os.unlink(copy)
            return r

    # --- peers that make a zip ---------------------------------------------

    def rclone_archive(self, endpoint):
        remote, env = self.rclone_words(endpoint)
        return self.timed([where.tool("rclone"), "archive", "create",
                           "--use-server-modtime", "--format", "zip",
                           remote, f"{self.out}/x.zip"], env)

    def rclone_zip(self, endpoint):
        """rclone mount, and zip -0 over it."""
        remote, env = self.rclone_words(endpoint)
        point = os.path.join(self.work, "rclone")
        os.makedirs(point, exist_ok=True)
        before = self.store.requests()
        # pylint: disable-next=consider-using-with
        daemon = subprocess.Popen([where.tool("rclone"), "mount",
                                   "--read-only", remote, point], env=env)
        try:
            procs.wait_for(lambda: mounts.mounted(point), 20)
            r = self.timed(["zip", "-q", "-0", "-r", f"{self.out}/x.zip",
                            "."], cwd=point)
            r.cpu += cpu_seconds(daemon.pid)
            r.peak = procs.peak_memory(daemon.pid)
            r.requests = self.store.requests() - before
            return r
        finally:
            subprocess.run(["fusermount3", "-uz", point], check=False)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:   # it ends its reads first
                daemon.kill()
                daemon.wait()
