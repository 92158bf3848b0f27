# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The half of tests/bench/run that publishes at a real store's latencies: on
a store of references (tests/bench/store), strategy by strategy and set by
set, beside what no client can be faster than. Prints, asserts nothing."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import rig  # noqa: E402
from lib import mount as mounts  # noqa: E402
from lib import refstore, where  # noqa: E402
from publish import table  # noqa: E402
from sides import Peak  # noqa: E402

MIB = rig.MIB
SETS = ("article", "small-heavy", "tiny", "big", "mixed", "many")
# The plans that a publish can be told to make; mixed is what auto takes
# where bytes are all that counts.
STRATEGIES = {"duo": ("duo",), "stream": ("stream",), "stitch": ("stitch",),
              "chain": ("chain",), "mixed": ("auto", "--objective", "bytes"),
              "auto": ("auto",), "again": ("again", "--order", "key")}
DEST, KEY = "dest", "out.zip"
SOURCE = f"s3://{refstore.BUCKET}/{refstore.PREFIX}"
PLANNED = ("CreateMultipartUpload", "UploadPartCopy", "UploadPart",
           "CompleteMultipartUpload")
DELETES = ("DeleteObject", "DeleteObjects")
WRITES = {*PLANNED, *DELETES, "AbortMultipartUpload", "PutObject"}
# Seconds as tests/bench/store/model.go has them.
TIMES = {"region": {"first": .02, "create": .03, "copy": .06,
                    "mib": .008, "upload": .04, "complete": .08,
                    "part": .0002},
         "harsh": {"first": .02, "create": .02, "copy": .3, "mib": 0,
                   "upload": .02, "complete": 1, "part": 0},
         "none": dict.fromkeys(("first", "create", "copy", "mib", "upload",
                                "complete", "part"), 0)}


# --- bounds -----------------------------------------------------------------

def longest_path(plan, times):
    """Seconds of the plan's calls that must follow each other, with nothing
    else in their way: no upload waits for its Create, as all of those can
    be sent at once."""
    objects = {s["number"]: s["parts"] for s in plan.get("scratch", ())}
    done = {}

    def part_end(part):
        begin = times["create"]
        if part["kind"] == "copy":
            source = part["source"].get("scratch")
            if source is not None:
                begin = max(begin, done[source])
            return begin + times["copy"] + part["bytes"] / MIB * times["mib"]
        if any(p["kind"] != "generated" for p in part["pieces"]):
            begin = max(begin, times["first"])
        return begin + times["upload"]

    def end(parts):
        return (max(map(part_end, parts), default=times["create"]) +
                times["complete"] + len(parts) * times["part"])

    for number in objects:
        waiting = [number]
        while waiting:
            before = [s for p in objects[waiting[-1]] if p["kind"] == "copy"
                      for s in [p["source"].get("scratch")]
                      if s is not None and s not in done]
            if before:
                waiting += before
            else:
                last = waiting.pop()
                done[last] = end(objects[last])
    return end(plan["parts"])


@dataclass
class Bound:
    """What no client is faster than: the line, the rates, the calls in a
    row."""
    chosen: str
    line: float
    writes: float
    reads: float
    path: float
    calls: int          # that write, as planned, without deletes

    @property
    def seconds(self):
        return max(self.line, self.writes, self.reads, self.path)


def bound(plan, args):
    totals = plan["totals"]
    requests = totals["requests"]
    calls = sum(requests[k] for k in ("upload", "copy", "create", "complete"))
    moved = max(totals["uploaded"], totals["downloaded"])

    def over(amount, rate):
        return amount / rate if rate else 0

    return Bound(plan["strategy"], over(moved, args.line),
                 over(calls, args.writes), over(requests["get"], args.reads),
                 longest_path(plan, TIMES[args.model]), calls)


# --- a share of the cores ---------------------------------------------------

class Quota:
    """A control group that gets so many cores, of either version."""

    def __init__(self, cores):
        name = f"s3zipfs-bench-{os.getpid()}"
        v2, v1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/cpu")
        period = 100000
        if (v1 / "cpu.cfs_quota_us").exists() or (v1 / "tasks").exists():
            self.folder = v1 / name
            self.folder.mkdir()
            (self.folder / "cpu.cfs_period_us").write_text(str(period))
            (self.folder / "cpu.cfs_quota_us").write_text(
                str(int(cores * period)))
        elif "cpu" in (v2 / "cgroup.controllers").read_text().split():
            (v2 / "cgroup.subtree_control").write_text("+cpu")
            self.folder = v2 / name
            self.folder.mkdir()
            (self.folder / "cpu.max").write_text(
                f"{int(cores * period)} {period}")
        else:
            raise SystemExit("--cpu: no control group with cpu here")

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def stop(self):
        with contextlib.suppress(OSError):
            self.folder.rmdir()


# --- one publish ------------------------------------------------------------

@dataclass
class Run:
    """What one publish took, and what the store saw of it."""
    seconds: float
    done: bool
    cpu: float
    peak: int
    store_cpu: float
    stats: dict
    rate: float         # writing calls a second, without its ends
    same: str = ""
    load: float = 0

    def count(self, *operations):
        return sum(self.stats["operations"].get(o, {}).get("count", 0) -
                   self.stats["operations"].get(o, {}).get(
                       "status", {}).get("503", 0) for o in operations)

    def slow_downs(self):
        return sum(o["status"].get("503", 0)
                   for o in self.stats["operations"].values())

    def most(self, operation):
        return self.stats["operations"].get(operation,
                                            {}).get("most_at_once", 0)

    def when(self, what, *operations):
        """first or last of some operations, in the store's seconds."""
        seen = [self.stats["operations"][o][what] for o in operations
                if o in self.stats["operations"]]
        return (min if what == "first" else max)(seen) if seen else None

    def first_byte(self):
        begin = self.when("first", *self.stats["operations"])
        moved = self.when("first", "GetObject", "UploadPart")
        return moved - begin if moved is not None else None

    def tail(self):
        """From Complete to the last DELETE."""
        last = self.when("last", *DELETES)
        complete = self.when("last", "CompleteMultipartUpload")
        if last is None or complete is None:
            return 0
        return max(0, last - complete)


def settled(log):
    """Writing calls a second that were not refused, between the tenth and
    the ninetieth of each hundred."""
    ends = []
    with open(log, encoding="utf-8") as f:
        for line in f:
            request = json.loads(line)
            if request["op"] in WRITES and request["status"] != 503:
                ends.append(request["t1"])
    ends.sort()
    a, b = len(ends) // 10, len(ends) * 9 // 10
    return (b - a) / (ends[b] - ends[a]) if b - a > 20 else 0


def start(args, folder, members):
    """The store as the options say."""
    more = ["-model", args.model, "-writes", str(args.writes), "-reads",
            str(args.reads), "-down", str(args.line), "-up", str(args.line)]
    return refstore.RefStore(folder, members, *more,
                             *(["-no-crc"] if args.no_crc else []),
                             tls=args.tls)


class Publisher:
    """One program and one set."""

    def __init__(self, args, program, folder, sizes):
        self.args, self.program = args, program
        self.folder, self.sizes = folder, sizes

    def env(self):
        env = mounts.environment(
            os.path.join(self.folder, "home"), AWS_ACCESS_KEY_ID="bench",
            AWS_SECRET_ACCESS_KEY="bench", AWS_REGION="us-east-1")
        del env["MALLOC_PERTURB_"]      # it is for finding bugs
        return env

    def plan(self, strategy):
        words = list(STRATEGIES[strategy])
        if strategy == "again":
            words += ["--previous", self.sizes + ".old"]
        done = subprocess.run(
            [self.program, "plan", "--sizes", self.sizes, "--json",
             "--strategy", *words, *self.given()], env=self.env(),
            stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def given(self):
        return [w for o in self.args.options
                for w in (f"--{o.partition('=')[0]}", o.partition("=")[2])
                if w]

    def command(self, store, what, *words):
        trust = ["--ca_bundle", store.trust] if store.trust else []
        return [self.program, what, SOURCE, *words, "--endpoint",
                store.endpoint, *trust]

    def prepare(self, store):
        """What again copies from: an archive of the members before."""
        store.model(False)
        store.members(self.sizes + ".old")
        subprocess.run(self.command(store, "publish", f"s3://{DEST}/{KEY}",
                                    "--strategy", "duo", "--order", "key"),
                       env=self.env(), check=True, stdout=subprocess.DEVNULL)
        store.members(self.sizes)
        store.model(True)

    def run(self, strategy):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(os.path.join(self.folder, "home"))
        store = start(self.args, self.folder, self.sizes)
        quota = Quota(self.args.cpu) if self.args.cpu else None
        try:
            if strategy == "again":
                self.prepare(store)
            run = self.timed(store, quota, self.command(
                store, "publish", f"s3://{DEST}/{KEY}", "--strategy",
                *STRATEGIES[strategy], *self.given()))
            if self.args.verify and run.done:
                run.same = self.verify(store, strategy)
            return run
        finally:
            store.stop()
            if quota:
                quota.stop()

    def timed(self, store, quota, argv):
        log = os.path.join(self.folder, "requests")
        store.reset(log)
        server = store.daemon.proc.pid
        cpu, load = rig.cpu_seconds(server), os.getloadavg()[0]
        begin = time.monotonic()
        # pylint: disable-next=consider-using-with,subprocess-popen-preexec-fn
        proc = subprocess.Popen(argv, env=self.env(), text=True,
                                stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE,
                                preexec_fn=quota.enter if quota else None)
        peak = Peak(proc.pid)
        late, stats = threading.Event(), []

        def stop():
            late.set()
            stats.append(store.stats())     # before it cleans up
            proc.kill()

        timer = threading.Timer(self.args.limit, stop)
        timer.start()
        said = proc.stderr.read()
        _, status, usage = os.wait4(proc.pid, 0)
        seconds = time.monotonic() - begin
        timer.cancel()
        timer.join()
        proc.returncode = os.waitstatus_to_exitcode(status)
        proc.stderr.close()
        peak.join()
        if status and not late.is_set():
            print(f"{' '.join(argv)}: exit {proc.returncode}: {said[-500:]}")
        stats.append(store.stats())     # and the log is in its file
        return Run(seconds, status == 0, usage.ru_utime + usage.ru_stime,
                   peak.peak, rig.cpu_seconds(server) - cpu, stats[0],
                   settled(log), load=load)

    def verify(self, store, strategy):
        """The finished object against what cat makes of the members, byte
        for byte."""
        store.model(False)
        order = ["--order", "key"] if strategy == "again" else []
        made = subprocess.Popen(self.command(store, "cat", "--twin", "off",
                                             *order),
                                env=self.env(), stdout=subprocess.PIPE)
        context = None
        if self.args.tls:
            import ssl  # pylint: disable=import-outside-toplevel
            context = ssl.create_default_context(cafile=store.trust)
        with made, urllib.request.urlopen(f"{store.endpoint}/{DEST}/{KEY}",
                                          context=context) as there:
            size = 0
            while True:
                a, b = made.stdout.read(MIB), there.read(MIB)
                if a != b:
                    made.kill()
                    return f"NO, near byte {size}"
                size += len(a)
                if not a:
                    break
        return "yes" if made.returncode == 0 and size else "NO: cat failed"


# --- tables -----------------------------------------------------------------

@dataclass
class Side:
    """A strategy of one program on one set."""
    name: str
    publisher: Publisher
    bound: Bound
    runs: list = field(default_factory=list)

    def median(self, what):
        return statistics.median(what(r) for r in self.runs)


def number(value, digits=1):
    return "" if value is None else f"{value:,.{digits}f}"


def times_row(s, limit):
    b, last = s.bound, s.runs[-1]
    took = s.median(lambda r: r.seconds)
    if all(r.done for r in s.runs):
        said, ratio = number(took), number(took / b.seconds, 2)
    else:
        said = f"> {limit:g}" if took >= limit else "failed"
        ratio = f"{last.count(*PLANNED):,} of {b.calls:,} writes"
    return (s.name, b.chosen, said, number(b.seconds), ratio,
            number(b.line), number(b.writes, 2), number(b.reads, 2),
            number(b.path, 2), number(last.first_byte(), 2),
            number(last.tail(), 2), number(last.rate, 0),
            number(s.median(lambda r: r.peak) / MIB, 0),
            number(s.median(lambda r: r.cpu)),
            number(s.median(lambda r: r.store_cpu)), last.same)


TIMES_HEAD = ("strategy", "plan", "seconds", "bound", "of bound", "line",
              "writes", "reads", "path", "first byte", "after Complete",
              "writes/s", "peak MiB", "CPU s", "store's", "same")
CALLS = (*PLANNED, "PutObject", *DELETES, "GetObject", "HeadObject",
         "ListObjectsV2")
CALLS_HEAD = ("strategy", "Create", "Copy", "UploadPart", "Complete", "Put",
              "Delete", "DeleteObjects", "GET", "HEAD", "LIST", "503",
              "most copies", "most Completes", "most GETs", "connections",
              "most open")


def calls_row(s):
    r = s.runs[-1]
    return (s.name, *(r.count(op) for op in CALLS), r.slow_downs(),
            r.most("UploadPartCopy"), r.most("CompleteMultipartUpload"),
            r.most("GetObject"), r.stats["connections"],
            r.stats["most_open"])


# --- sets -------------------------------------------------------------------

def sizes_of(name, count):
    rnd = rig.random.Random(42)
    if name == "article":
        return rig.article(count or 3000)
    if name == "small-heavy":       # that of tests/unit/test_plan_figures
        return [rnd.randint(5 * MIB, 25 * MIB) if rnd.randrange(16) == 0
                else rnd.randint(MIB // 2, 4 * MIB)
                for _ in range(count or 3000)]
    if name == "many":
        return [16384] * (count or 100000)
    found = rig.sizes(name, True)
    return (found * (count // len(found) + 1))[:count] if count else found


def keyed(sizes):
    return ((rig.key(i), size) for i, size in enumerate(sizes))


def measure(args, word):
    name, _, count = word.partition(":")
    sizes = sizes_of(name, int(count or 0))
    path = refstore.write_members(os.path.join(args.work, "sizes"),
                                  dict(keyed(sizes)))
    # a hundredth of them changes from one archive to the next
    refstore.write_members(path + ".old", dict(keyed(
        s + 1000 if i % 100 == 0 else s for i, s in enumerate(sizes))))
    print(f"\n=== {name}: {len(sizes):,} members, {sum(sizes) / 1e9:.2f} GB"
          f"{', no CRC32' if args.no_crc else ''}", flush=True)
    programs = [("", where.program("s3zip"))]
    if args.before:
        programs.insert(0, ("before: ", os.path.join(args.before, "s3zip")))
    all_of_them = []
    for strategy in args.strategies:
        sides = []
        for label, program in programs:
            p = Publisher(args, program, os.path.join(args.work, "run"),
                          path)
            sides.append(Side(label + strategy, p,
                              bound(p.plan(strategy), args)))
        for _ in range(args.runs):
            for s in sides:
                run = s.publisher.run(strategy)
                s.runs.append(run)
                print(f"{s.name}: {run.seconds:.1f} s"
                      f"{'' if run.done else ', not done'}, bound "
                      f"{s.bound.seconds:.1f} s, load {run.load:.1f}",
                      flush=True)
        all_of_them += sides
    print()
    table(TIMES_HEAD, [times_row(s, args.limit) for s in all_of_them])
    print()
    table(CALLS_HEAD, [calls_row(s) for s in all_of_them])


def serve(args):
    """For a person at a shell."""
    name, _, count = args.serve.partition(":")
    store = start(args, args.work, refstore.write_members(
        os.path.join(args.work, "sizes"),
        dict(keyed(sizes_of(name, int(count or 0))))))
    print(f"{store.endpoint}: {SOURCE}/; statistics: "
          f"http://127.0.0.1:{store.admin}/stats; ends with ^C", flush=True)
    try:
        signal.pause()
    finally:
        store.stop()


def words(known):
    def split(text):
        chosen = text.split(",")
        for w in chosen:
            if w.partition(":")[0] not in known:
                raise argparse.ArgumentTypeError(
                    f"{w} is none of {' '.join(known)}")
        return chosen
    return split


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run model")
    parser.add_argument("--sets", type=words(SETS), default=list(SETS),
                        metavar="NAME[:COUNT],...")
    parser.add_argument("--strategies", type=words(STRATEGIES),
                        default=list(STRATEGIES), metavar="NAME,...")
    parser.add_argument("--before", metavar="BUILD",
                        help="also the program built there, in turn")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=120,
                        help="seconds after which a publish is stopped")
    parser.add_argument("--model", choices=tuple(TIMES), default="region")
    parser.add_argument("--writes", type=float, default=3500,
                        help="a second; 503 above (0: no limit)")
    parser.add_argument("--reads", type=float, default=5500)
    parser.add_argument("--line", type=float, default=75e6,
                        help="bytes a second, each way (0: no limit)")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--no-crc", action="store_true",
                        help="members without a stored CRC32")
    parser.add_argument("--cpu", type=float, metavar="CORES",
                        help="the share of a core that publish gets (root)")
    parser.add_argument("--verify", action="store_true",
                        help="compare every archive with s3zip cat's")
    parser.add_argument("--option", action="append", dest="options",
                        default=[], metavar="NAME=VALUE",
                        help="also for publish and plan")
    parser.add_argument("--serve", metavar="SET",
                        help="only start the store, with this set")
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{time.strftime('%Y-%m-%d')}; model {args.model}, line "
          f"{args.line / 1e6:g} MB/s each way, {args.writes:g} writes and "
          f"{args.reads:g} reads a second"
          + (", TLS" if args.tls else "")
          + (f", {args.cpu} core" if args.cpu else "")
          + (f", {' '.join(args.options)}" if args.options else ""))
    for word in args.sets:
        measure(args, word)


if __name__ == "__main__":
    # servers are taken down on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    main()
