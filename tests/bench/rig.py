# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""What is measured against: sets of objects, the server, the lines to it."""

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

from lib import procs, servers, sets, where

MIB, GIB = 1 << 20, 1 << 30
NAMES = ("article", "tiny", "big", "mixed")
MAIN, FIRST = "main", "first"   # prefixes of what is published


def article(count):
    """Sizes of the article that the mission comes from."""
    rnd = random.Random(42)
    return [int(min(max(rnd.gauss(5, 1), 2), 8) * MIB) for _ in range(count)]


def sizes(name, full):
    """Sizes of the sets that all figures refer to (doc/performance.md)."""
    rnd = random.Random(42)
    if name == "article":
        return article(600 if full else 120)
    if name == "tiny":
        return [65536] * (5000 if full else 1500)
    if name == "big":
        return [GIB] * 3 if full else [512 * MIB]
    if name == "mixed":
        return [min(int(rnd.lognormvariate(0, 1.8) * MIB), 300 * MIB)
                for _ in range(600 if full else 120)]
    raise SystemExit(f"no set named {name}: {' '.join(NAMES)}")


def key(number):
    return f"{number % 10}/{number:05d}.bin"


BLOCK = random.Random(1).randbytes(8 * MIB + 1)


def put(store, bucket, name, size, crc):
    at = zlib.crc32(name.encode()) % 65536
    body = (BLOCK * (size // len(BLOCK) + 2))[at:at + size]
    more = {"ChecksumCRC32": sets.crc_base64(body)} if crc else {}
    store.client.put_object(Bucket=bucket, Key=name, Body=body, **more)
    if not crc:
        store.strip_checksum(bucket, name)


def fill(store, bucket, wanted, crc, prefix=""):
    with ThreadPoolExecutor(2) as pool:     # big bodies: two at a time
        list(pool.map(lambda item: put(store, bucket, prefix + key(item[0]),
                                       item[1], crc), enumerate(wanted)))


def within(namespace):
    """Words before a command that runs in a network namespace. Not `ip netns
    exec`: that gives the command mounts of its own, in which copies of other
    processes' FUSE mounts live on after their unmount."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--"]


class Server(servers.Versitygw):
    """versitygw with an access log; in a network namespace if asked."""

    def __init__(self, tmp, namespace=None, host="127.0.0.1"):
        self.namespace, self.host = namespace, host
        os.makedirs(tmp, exist_ok=True)
        self.access = os.path.join(tmp, "access.log")
        super().__init__(tmp)
        self.endpoint = f"http://{host}:{self.port}"
        self.client = servers.make_client(self.endpoint)

    def launch(self):
        self.root = os.path.join(self.tmp, "objects")
        os.makedirs(self.root, exist_ok=True)
        env = dict(os.environ, ROOT_ACCESS_KEY=servers.ACCESS,
                   ROOT_SECRET_KEY=servers.SECRET)
        inside = within(self.namespace) if self.namespace else []
        daemon = procs.Daemon(
            [*inside, where.tool("versitygw"), "--port",
             f"{self.host}:{self.port}", "--keep-alive", "--quiet",
             "--access-log", self.access, "--region", servers.REGION,
             "posix", self.root],
            os.path.join(self.tmp, "versitygw.log"), env)
        procs.wait_for(lambda: procs.port_open(self.port, self.host), 30)
        return daemon

    def cpu(self):
        return cpu_seconds(self.daemon.proc.pid)

    def requests(self):
        """Lines of the access log so far."""
        try:
            with open(self.access, "rb") as f:
                return sum(1 for _ in f)
        except OSError:
            return 0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Toxiproxy:
    """25 ms more each way, at 1.2 to 1.5 s of CPU for a GB."""

    name = "toxiproxy"

    def __init__(self, work, upstream_port, latency=25):
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


class Relay:
    """The same by tests/bench/delay.c, at a seventh of that."""

    name = "relay"

    def __init__(self, work, upstream_port, latency=25):
        self.port = procs.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.daemon = procs.Daemon(
            [f"{work}/delay", str(self.port), str(upstream_port),
             str(latency)], os.path.join(work, "delay.log"))
        self.daemon.wait_port(self.port)

    def stop(self):
        self.daemon.stop()


LATENCY_BY = {"toxiproxy": (Toxiproxy,), "relay": (Relay,),
              "both": (Toxiproxy, Relay)}

SEND = """
import socket, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
c = s.accept()[0]
left, block = int(sys.argv[3]), bytes(1 << 20)
while left > 0:
    c.sendall(block[:left])
    left -= len(block)
"""


class Line:
    """A namespace behind a veth pair whose far end sends 600 Mbit/s; with
    both, the near end too."""

    def __init__(self, rate="600mbit", both=False):
        self.rate = rate
        self.name = f"s3zb{os.getpid()}"
        self.near, self.far = f"{self.name}a"[-15:], f"{self.name}b"[-15:]
        net = f"10.77.{os.getpid() % 256}"
        self.host = f"{net}.2"
        self.run("netns", "add", self.name)
        try:
            self.run("link", "add", self.near, "type", "veth", "peer",
                     "name", self.far, "netns", self.name)
            self.run("addr", "add", f"{net}.1/30", "dev", self.near)
            self.run("link", "set", self.near, "up")
            for words in (("addr", "add", f"{self.host}/30", "dev",
                           self.far), ("link", "set", self.far, "up"),
                          ("link", "set", "lo", "up")):
                self.run("-n", self.name, *words)
            self.shape(self.far, *within(self.name))
            if both:
                self.shape(self.near)
        except BaseException:
            self.stop()
            raise

    def shape(self, device, *inside):
        subprocess.run([*inside, "tc", "qdisc", "add", "dev", device, "root",
                        "tbf", "rate", self.rate, "burst", "256k", "latency",
                        "50ms"], check=True)

    @staticmethod
    def run(*words):
        subprocess.run(["ip", *words], check=True)

    def stream(self, total):
        """Seconds that one plain TCP stream takes."""
        port = procs.free_port()
        proc = subprocess.Popen(
            [*within(self.name), sys.executable, "-c", SEND, self.host,
             str(port), str(total)])
        try:
            def connect():
                try:
                    return socket.create_connection((self.host, port), 1)
                except OSError:
                    return None
            s = procs.wait_for(connect, 10)
            start = time.monotonic()
            with s:
                while s.recv(MIB):
                    pass
            return time.monotonic() - start
        finally:
            proc.kill()
            proc.wait()

    def stop(self):
        self.run("netns", "del", self.name)
