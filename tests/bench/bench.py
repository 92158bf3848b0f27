# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The measuring half of tests/bench/run: rounds, tables, a plot."""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import plot  # noqa: E402
import publish  # noqa: E402
import rig  # noqa: E402
from lib import mount as mounts  # noqa: E402
from lib import strategies  # noqa: E402
from sides import LIMIT, Sides  # noqa: E402

MIB = rig.MIB
HEAD = ("wall", "speed", "of raw", "CPU", "server", "peak", "requests")
RANGE = 8 * MIB     # what large members are read in


def row(name, *cells):
    print(f"| {name:<28} |" + "".join(f" {c:>10} |" for c in cells),
          flush=True)


class Contender:
    """A name, what it does, and what came out of it, round by round."""

    def __init__(self, name, call, raw=False):
        self.name, self.call, self.raw = name, call, raw
        self.runs = []

    def run(self):
        if not self.runs or self.runs[-1].done:
            self.runs.append(self.call())

    def median(self, what):
        return statistics.median(getattr(r, what) for r in self.runs)

    def complete(self):
        return all(r.done for r in self.runs)

    def ratio(self, other):
        """Median over the rounds of how fast, in units of other."""
        return statistics.median(
            o.seconds / r.seconds * r.copied / o.copied
            for r, o in zip(self.runs, other.runs))

    def cells(self, reference):
        last = self.runs[-1]
        seconds = self.median("seconds")
        return (f"{seconds:.2f} s" if self.complete() else f"> {LIMIT} s",
                f"{last.copied / seconds / 1e6:.0f} MB/s",
                f"{self.ratio(reference):.2f}" if reference else "",
                f"{self.median('cpu'):.2f} s",
                f"{self.median('server'):.2f} s",
                f"{self.median('peak') / MIB:.0f} MiB",
                str(round(self.median("requests"))))


def compare(title, contenders, rounds, chart):
    """A B A B ...: medians; ratios to the fastest raw download."""
    for _ in range(rounds):
        for c in contenders:
            c.run()
    raw = [c for c in contenders if c.raw and c.complete()]
    best = min(raw, key=lambda c: c.median("seconds")) if raw else None
    print(f"\n{title}")
    row("", *HEAD)
    for c in contenders:
        row(c.name, *c.cells(best))
        chart.append((title, c.name, c.runs[-1].copied /
                      c.median("seconds") / 1e6))


def at(endpoint, sides, args, near):
    """The contenders for one way to the server."""
    all_of_them = [
        Contender("curl --parallel-max 16",
                  lambda: sides.curl(endpoint, 16), True),
        Contender("s3zip cat -o", lambda: sides.cat(endpoint)),
        Contender("curl --parallel-max 64",
                  lambda: sides.curl(endpoint, 64), True),
        Contender("cp mnt/archive.zip", lambda: sides.cp(endpoint)),
        Contender("rclone copy --transfers 32",
                  lambda: sides.rclone(endpoint), True),
        Contender("null daemon, cp || curl",
                  lambda: sides.null_beside_curl(endpoint)),
    ]
    if sides.largest() > RANGE:
        all_of_them.append(
            Contender("curl, 16 ranges of 8 MiB",
                      lambda: sides.curl(endpoint, 16, RANGE)))
    if near:
        all_of_them.append(Contender("null daemon, cp", sides.null))
    if args.peers:
        all_of_them += [
            Contender("rclone archive create",
                      lambda: sides.rclone_archive(endpoint)),
            Contender("rclone mount, zip -0",
                      lambda: sides.rclone_zip(endpoint))]
    return [c for c in all_of_them if args.only is None or
            c.name.startswith("curl") or any(w in c.name for w in args.only)]


def publishing(sides, store):
    """Peak memory over a publish; bytes against plan and bound."""
    dest = store.bucket("dest")
    m = sides.mounted(store.endpoint)
    try:
        start = time.monotonic()
        code = mounts.set_attr(m.file(), f"s3://{dest}/out.zip", limit=900)
        seconds = time.monotonic() - start
        said = mounts.status(m.file())
        peak = m.peak_memory()
        cpu = rig.cpu_seconds(m.pid)
        size = os.stat(m.file()).st_size
        m.unmount()
    finally:
        m.close()
    done = mounts.s3zip(["plan", f"s3://{sides.bucket}", "--json"],
                        sides.env(store.endpoint))
    plan = json.loads(done.stdout)
    planned = plan["totals"]["uploaded"]
    bound = plan["lower_bound"]["uploaded"]
    print("\npublish (+0 ms)")
    row("result", "done" if code == 0 else os.strerror(code),
        f"{seconds:.2f} s", said.get("verified", ""))
    row("CPU; peak (VmHWM)", f"{cpu:.2f} s", f"{peak / MIB:.0f} MiB")
    row("archive", f"{size}")
    row("uploaded: done, plan, bound", said.get("uploaded", "?"),
        f"{planned}", f"{bound}", f"{planned / max(1, bound):.4f}")
    row("copied, downloaded", said.get("copied", "?"),
        said.get("downloaded", "?"))
    shutil.rmtree(os.path.join(store.root, dest), ignore_errors=True)


def far(title, proxy, sides, args, chart):
    """Through a proxy, and what that took of the cores."""
    pid = proxy.daemon.proc.pid
    before = rig.cpu_seconds(pid)
    compare(title, at(proxy.endpoint, sides, args, False), args.runs, chart)
    row("CPU of the proxy, a round", "", "", "",
        f"{(rig.cpu_seconds(pid) - before) / args.runs:.2f} s")


def measure(args, name, crc, chart):
    wanted = rig.sizes(name, args.full)
    total = sum(wanted)
    what = f"{name}, {'CRC32' if crc else 'no CRC32'}"
    print(f"\n=== {what}: {len(wanted)} objects, {total / 1e9:.2f} GB",
          flush=True)
    line = rig.Line() if args.shaped else None
    store = sides = None
    proxies = []
    try:
        store = rig.Server(os.path.join(args.work, "server"),
                           *((line.name, line.host) if line else ()))
        bucket = store.bucket()
        rig.fill(store, bucket, wanted, crc)
        sides = Sides(args.work, store, bucket, total)
        if line:
            stream = statistics.median(line.stream(total) for _ in range(3))
            row("one plain TCP stream", f"{stream:.2f} s",
                f"{total / stream / 1e6:.0f} MB/s")
            compare(f"{what}, 600 Mbit/s",
                    at(store.endpoint, sides, args, False), args.runs, chart)
            return
        compare(f"{what}, +0 ms", at(store.endpoint, sides, args, True),
                args.runs, chart)
        for kind in rig.LATENCY_BY[args.latency_by]:
            proxies.append(kind(args.work, store.port))
            far(f"{what}, +25 ms each way ({kind.name})", proxies[-1], sides,
                args, chart)
        publishing(sides, store)
    finally:
        for one in (sides, *proxies, store, line):
            if one:
                one.stop()
        shutil.rmtree(os.path.join(args.work, "server"), ignore_errors=True)


def enough_space(args, names):
    for name in names:
        total = sum(rig.sizes(name, args.full))
        for folder, need in ((args.work, 2.2 * total),
                             ("/dev/shm", 2.2 * total)):
            if shutil.disk_usage(folder).free < need:
                raise SystemExit(
                    f"{folder}: {need / 1e9:.1f} GB free are needed")


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--set", action="append", dest="sets",
                        choices=rig.NAMES)
    parser.add_argument("--full", action="store_true",
                        help="the sets in full (3 GB each)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--crc", choices=("yes", "no", "both"),
                        default="both", help="objects with a stored CRC32")
    parser.add_argument("--peers", action="store_true",
                        help="also peers that make a zip")
    parser.add_argument("--latency-by", choices=tuple(rig.LATENCY_BY),
                        default="both", help="what delays by 25 ms")
    parser.add_argument("--only", action="append", metavar="WORD",
                        help="contenders with WORD in their name, and curl")
    parser.add_argument("--shaped", action="store_true",
                        help="over a 600 Mbit/s line (needs root)")
    parser.add_argument("--plot", metavar="FILE",
                        help="also an SVG of all speeds; with --publish, of "
                        "the plans from duo to chain")
    parser.add_argument("--publish", action="store_true",
                        help="publishing, strategy by strategy")
    parser.add_argument("--strategy", action="append", dest="strategies",
                        choices=(*strategies.ALL, strategies.AGAIN),
                        help="of --publish")
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{time.strftime('%Y-%m-%d')}, {args.runs} rounds, medians")
    if args.publish:
        publish.main(args, lambda *what: Sides(args.work, *what))
        return
    names = args.sets or rig.NAMES
    enough_space(args, names)
    chart = []
    for name in names:
        for crc in {"yes": (True,), "no": (False,),
                    "both": (True, False)}[args.crc]:
            measure(args, name, crc, chart)
    if args.plot:
        plot.write(args.plot, chart)


if __name__ == "__main__":
    # servers and mounts are taken down on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        main()
    except subprocess.CalledProcessError as e:
        raise SystemExit(str(e)) from None
