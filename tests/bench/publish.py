# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The publishing half of tests/bench/run: every strategy planned on the
article's set in full, and executed on sets that fit the machine; what was
sent beside what was planned and what is bound to be sent."""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, field

import rig
from lib import faultproxy, sets, strategies, traffic, where
from lib import mount as mounts
from rig import MIB

PLANNED = 3000          # members of the article's set
PEAK = 160 * MIB
WRITES = ("upload", "copy", "create", "complete")
# The chain that was published before (doc/planning.md): write requests on
# the article's set.
PUBLISHED_CHAIN = 19542
PRICES = {"write": 5 / 1e6, "read": 0.4 / 1e6, "out": 0.09 / 1e9}
KEY = "out.zip"


def table(head, rows):
    """Columns as wide as they need."""
    rows = [[str(c) for c in row] for row in [head, *rows]]
    wide = [max(len(r[i]) for r in rows) for i in range(len(head))]
    for row in rows:
        print("| " + " | ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w)
                                in enumerate(zip(row, wide))) + " |",
              flush=True)


def percent(part, whole):
    return f"{100 * part / whole:.3f} %"


def writes(requests):
    return sum(requests.get(kind, 0) for kind in WRITES)


def price(requests, downloaded):
    return (PRICES["write"] * (writes(requests) + requests.get("list", 0)) +
            PRICES["read"] * (requests.get("get", 0) +
                              requests.get("head", 0)) +
            PRICES["out"] * downloaded)


# --- plans ------------------------------------------------------------------

def s3zip(env, *words):
    done = subprocess.run([where.program("s3zip"), *words], env=env,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"s3zip {' '.join(words)}: {done.stderr}")
    return done.stdout


def sizes_file(work, wanted):
    path = os.path.join(work, "sizes")
    with open(path, "w", encoding="ascii") as f:
        f.writelines(f"{size}\t{i % 10}/{i:05d}.bin\n"
                     for i, size in enumerate(wanted))
    return path


def by_strategy(plan):
    return {s["strategy"]: s for s in plan["strategies"] if "totals" in s}


def floor_of_stitch(wanted, plan):
    """What stitch may send at most: all small bytes, everything that is
    generated, and 5 MiB once."""
    small = sum(s for s in wanted if s < sets.PART)
    return small + plan["layout"]["bytes"] - sum(wanted) + sets.PART


def planned(work, plot_file):
    """The article's set in full, without a store."""
    wanted = rig.article(PLANNED)
    path = sizes_file(work, wanted)
    env = mounts.environment(work)
    plan = json.loads(s3zip(env, "plan", "--sizes", path, "--json"))
    size, bound = plan["layout"]["bytes"], plan["lower_bound"]["uploaded"]
    print(f"\n=== planned: article, {len(wanted)} members, "
          f"{size / 1e9:.2f} GB")
    found = by_strategy(plan)
    table(("strategy", "uploaded", "down", "copied", "scratch", "writes",
           "reads", "in a row", "USD"),
          [(name, percent(t["uploaded"], size),
            percent(t["downloaded"], size), f"{t['copied'] / size:.2f} x",
            f"{t['scratch'] / size:.2f} x", writes(t["requests"]),
            t["requests"]["get"] + t["requests"]["head"], s["sequence"],
            f"{t['price_usd']:.4f}")
           for name, s in found.items() for t in [s["totals"]]])
    duo, chain = found["duo"]["totals"], found["chain"]
    stitch = found["stitch"]["totals"]["uploaded"]
    limit = floor_of_stitch(wanted, plan)
    print(f"duo uploads {duo['uploaded'] / bound:.4f} of the lower bound "
          f"(at most 1.001)\n"
          f"stitch uploads {stitch} of at most {limit} bytes\n"
          f"chain: {writes(chain['totals']['requests'])} writes (published: "
          f"{PUBLISHED_CHAIN}), {chain['totals']['copied'] / size:.2f} "
          f"archives copied (at most 7), {chain['sequence']} uploads in a "
          f"row (at most 12), "
          f"{percent(chain['totals']['uploaded'], size)} uploaded "
          "(below 1 %)")
    print("\nfrom duo to chain, each point beside its bound:")
    print(s3zip(env, "plan", "--sizes", path, "--frontier"), end="")
    if plot_file:
        s3zip(env, "plan", "--sizes", path, "--frontier", "--svg", plot_file)


# --- one publish --------------------------------------------------------------

@dataclass
class Side:
    """A strategy: its plan, what a proxy saw, and its runs."""
    name: str
    plan: dict
    seen: traffic.Seen = None
    same: str = ""
    peak: int = 0
    seconds: list = field(default_factory=list)
    # (predicted from what earlier publishes saw, seen)
    measured: list = field(default_factory=list)

    @property
    def wall(self):
        return statistics.median(self.seconds)

    def requests(self):
        return {**self.seen.writes, **self.seen.reads}


class Publisher:
    """Publishes one bucket, counted or timed, always by a fresh mount whose
    first publish (of a few members) has learned the store's ways."""

    def __init__(self, sides, store, wanted, rates=None):
        """rates: a folder in which they are kept from one to the next."""
        self.sides, self.store, self.rates = sides, store, rates
        self.sizes = {f"{rig.MAIN}/{rig.key(i)}": size
                      for i, size in enumerate(wanted)}

    def plan(self, strategy, *more, at=None):
        """at: the proxy or store, while a mount of it is there, or if what
        was learned through it counts."""
        env = (dict(self.sides.last_env, AWS_ENDPOINT_URL_S3=at.endpoint)
               if at else self.sides.env(self.store.endpoint))
        return json.loads(s3zip(
            env, "plan", f"s3://{self.sides.bucket}/{rig.MAIN}",
            *[w for w in more if w.startswith("s3:")], "--json",
            "--strategy", strategy,
            *[w for w in more if not w.startswith("s3:")]))

    @contextlib.contextmanager
    def prepared(self, endpoint, strategy):
        """A mount, and a bucket to publish to."""
        dest = self.store.bucket("dest")
        options = {"cache_dir": self.rates} if self.rates else {}
        m = self.sides.mounted(endpoint, publish_strategy=strategy, **options)
        try:
            self.publish(m, rig.FIRST, dest, "first.zip")
            os.stat(m.file(rig.MAIN))
            yield m, dest
            m.unmount()
        finally:
            m.close()
            shutil.rmtree(os.path.join(self.store.root, dest),
                          ignore_errors=True)

    @staticmethod
    def publish(m, prefix, dest, key):
        start = time.monotonic()
        code = mounts.set_attr(m.file(prefix), f"s3://{dest}/{key}",
                               limit=3600)
        if code:
            raise SystemExit(f"publish: {os.strerror(code)}: "
                             f"{mounts.status(m.file(prefix))}")
        return time.monotonic() - start

    def from_rates(self, strategy):
        """Seconds, where an earlier publish has measured the line."""
        if not self.rates:
            return None
        plan = self.plan(strategy, "--cache-dir", self.rates, at=self.store)
        if plan["rates"]["bandwidth"]["origin"] != "measured":
            return None
        return by_strategy(plan)[plan["strategy"]]["seconds"]

    def timed(self, side):
        with self.prepared(self.store.endpoint, side.name) as (m, dest):
            said = self.from_rates(side.name)
            side.seconds.append(self.publish(m, rig.MAIN, dest, KEY))
            if said:
                side.measured.append((said, side.seconds[-1]))
            side.peak = max(side.peak, m.peak_memory())

    def counted(self, side, proxy):
        with self.prepared(proxy.endpoint, side.name) as (m, dest):
            time.sleep(2)       # the mount writes what it knows
            side.plan = self.plan(side.name, at=proxy)
            proxy.forget()
            self.publish(m, rig.MAIN, dest, KEY)
            side.peak = m.peak_memory()
            self.compare(side, proxy, dest)

    def compare(self, side, proxy, dest, previous=0):
        side.seen = traffic.Seen(proxy.quiet(limit=60), self.sides.bucket,
                                 dest, KEY, self.sizes, previous)
        side.seen.reads["list"] = side.plan["totals"]["requests"]["list"]
        try:
            traffic.equal(side.seen, traffic.Planned(side.plan))
            side.same = "yes"
        except AssertionError as e:
            side.same = f"no: {str(e)[:70]}"


class Again(Publisher):
    """A prefix that was published before, and of which a hundredth of the
    members changed."""

    def change(self, number, of, round_):
        """Other sizes: what follows them moves."""
        for i in range(round_, of, of // number):
            name = f"{rig.MAIN}/{rig.key(i)}"
            self.sizes[name] -= 1000
            rig.put(self.store, self.sides.bucket, name, self.sizes[name],
                    True)

    def counted_again(self, proxy, of):
        side, changed = Side("again", {}), max(1, of // 100)
        dest = self.store.bucket("dest")
        m = self.sides.mounted(proxy.endpoint, publish_strategy="again",
                               order="key", ttl=1)
        try:
            self.publish(m, rig.MAIN, dest, KEY)
            for round_ in (0, 1):   # the first learns the store's ways
                self.change(changed, of, round_)
                mounts.set_attr(m.file(rig.MAIN), "1",
                                "user.s3zipfs.invalidate")
                os.stat(m.file(rig.MAIN))
                size = os.path.getsize(os.path.join(self.store.root, dest,
                                                    KEY))
                time.sleep(2)   # the mount writes what it knows
                side.plan = self.plan("again", f"s3://{dest}/{KEY}",
                                      "--order", "key", at=proxy)
                proxy.forget()
                self.publish(m, rig.MAIN, dest, KEY)
            side.peak = m.peak_memory()
            self.compare(side, proxy, dest, size)
            m.unmount()
        finally:
            m.close()
            shutil.rmtree(os.path.join(self.store.root, dest),
                          ignore_errors=True)
        print(f"\nagain (order=key), {changed} of {of} members changed:")
        table(HEAD, [row(side, side.plan["layout"]["bytes"])])
        verdict(side, side.plan["lower_bound"]["uploaded"])


# --- tables -----------------------------------------------------------------

HEAD = ("strategy", "down", "up", "copied", "UploadPart", "Copy", "Create",
        "Complete", "GET", "HEAD", "DELETE", "USD", "scratch", "in a row",
        "peak")


def row(s, size):
    return [s.name, percent(s.seen.downloaded, size),
            percent(s.seen.uploaded, size), f"{s.seen.copied / size:.2f} x",
            *(s.requests().get(k, 0) for k in
              (*WRITES, "get", "head", "delete")),
            f"{price(s.requests(), s.seen.downloaded):.5f}",
            f"{s.plan['totals']['scratch'] / size:.2f} x",
            s.plan["sequence"], f"{s.peak / MIB:.0f} MiB"]


def verdict(s, bound):
    print(f"{s.name}: the traffic is the plan's: {s.same}; uploaded "
          f"{s.seen.uploaded / max(1, bound):.4f} of the bound of one "
          f"upload; peak at most {PEAK // MIB} MiB: "
          f"{'yes' if s.peak <= PEAK else 'NO'}")


def results(run, size, bound):
    head, rows = list(HEAD), [row(s, size) for s in run]
    if run[0].seconds:      # --runs 0 counts only
        head += ["wall", "of " + run[0].name]
        for s, cells in zip(run, rows):
            cells += [f"{s.wall:.2f} s", f"{s.wall / run[0].wall:.2f}"]
    print()
    table(head, rows)
    for s in run:
        verdict(s, bound)


def same_order(run):
    """Least first: as planned and as counted."""
    for word, plan_value, seen_value in (
            ("bytes", lambda s: s.plan["totals"]["uploaded"],
             lambda s: s.seen.uploaded),
            ("requests", lambda s: writes(s.plan["totals"]["requests"]),
             lambda s: writes(s.requests())),
            ("price", lambda s: s.plan["totals"]["price_usd"],
             lambda s: price(s.requests(), s.seen.downloaded))):
        wanted = [s.name for s in sorted(run, key=plan_value)]
        got = [s.name for s in sorted(run, key=seen_value)]
        print(f"order by {word}: {' < '.join(got)}"
              + ("" if got == wanted else
                 f"; PREDICTED {' < '.join(wanted)}"))


def judged(name, how, said, seen):
    off = seen / said - 1
    verdict_ = "yes" if abs(off) <= 0.15 else "NO"
    return (name, how, f"{said:.2f} s", f"{seen:.2f} s",
            f"{100 * off:+.1f} %",
            verdict_ if name in ("stream", "duo") else "")


def predictions(publisher, run, line, size):
    """Seconds as planned for this line, and as they were: with the rate of
    one plain TCP stream given, and with what the publish before measured."""
    stream = statistics.median(line.stream(size) for _ in range(3))
    bandwidth = size / stream
    rows = []
    for s in run:
        plan = publisher.plan(s.name, "--bandwidth", str(int(bandwidth)))
        said = by_strategy(plan)[plan["strategy"]]["seconds"]
        rows.append(judged(s.name, "given", said, s.wall))
        rows += [judged(s.name, "measured", *pair) for pair in s.measured]
    print(f"\none plain TCP stream: {bandwidth / 1e6:.1f} MB/s")
    table(("strategy", "rate", "predicted", "seen", "off", "within 15 %"),
          rows)


# --- rounds -----------------------------------------------------------------

def enough_space(work, plans, total):
    """Sources, archive and the most scratch objects, twice."""
    most = max(p["totals"]["scratch"] for p in plans)
    need = 2 * (2 * total + most)
    free = shutil.disk_usage(work).free
    print(f"scratch objects take up to {most / 1e9:.2f} GB, all of it "
          f"{need / 2e9:.2f} GB; free: {free / 1e9:.0f} GB")
    if free < need:
        raise SystemExit(f"{work}: {need / 1e9:.1f} GB free are needed, "
                         "twice what it takes")


def sizes_plan(work, wanted, strategy):
    return json.loads(s3zip(mounts.environment(work), "plan", "--sizes",
                            sizes_file(work, wanted), "--json", "--strategy",
                            strategy))


def first_time(args):
    """Strategies that need no archive that is there."""
    return [s for s in args.strategies or strategies.ALL
            if s != strategies.AGAIN]


def execute(args, sides, store, wanted, line):
    publisher = Publisher(sides, store, wanted,
                          os.path.join(args.work, "rates") if line else None)
    run = [Side(name, publisher.plan(name)) for name in first_time(args)]
    if not line:
        proxy = faultproxy.FaultProxy(args.work, store)
        try:
            for side in run:
                publisher.counted(side, proxy)
            if not args.strategies or strategies.AGAIN in args.strategies:
                Again(sides, store, wanted).counted_again(proxy, len(wanted))
        finally:
            proxy.stop()
    if not run:
        return
    size = run[0].plan["layout"]["bytes"]
    bound = run[0].plan["lower_bound"]["uploaded"]
    for _ in range(args.runs):
        for side in run:
            publisher.timed(side)
    if line:
        predictions(publisher, run, line, size)
        return
    results(run, size, bound)
    same_order(run)


def measure(args, name, make_sides):
    """make_sides(store, bucket, total): the commands of sides.py."""
    wanted = rig.sizes(name, args.full)
    total = sum(wanted)
    line = rig.Line(both=True) if args.shaped else None
    print(f"\n=== published: {name}, {len(wanted)} objects, "
          f"{total / 1e9:.2f} GB"
          + (f", {line.rate} each way" if line else ""), flush=True)
    store = sides = None
    folder = os.path.join(args.work, "server")
    try:
        enough_space(args.work, [sizes_plan(args.work, wanted, s) for s in
                                 first_time(args) or strategies.ALL], total)
        store = rig.Server(folder, *((line.name, line.host) if line else ()))
        bucket = store.bucket()
        crc = args.crc != "no"
        rig.fill(store, bucket, wanted, crc, rig.MAIN + "/")
        sets.fill(store, bucket, sets.ranged(
            sets.CRC32 if crc else sets.NONE), rig.FIRST + "/")
        sides = make_sides(store, bucket, total)
        execute(args, sides, store, wanted, line)
    finally:
        for one in (sides, store, line):
            if one:
                one.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main(args, make_sides):
    if not args.shaped:
        planned(args.work, args.plot)
    for name in args.sets or ["article"]:
        measure(args, name, make_sides)
