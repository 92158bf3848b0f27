# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Fixtures: servers, buckets, mounts, commands, the fault proxy.

`gw` is versitygw; `store` is each server of the lane in turn (--store).
Whatever a test starts, its fixture ends; a mount that stays, a daemon that
does not end, an upload left behind or a sanitizer's report fails the test.
"""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import faultproxy, procs, sets
from lib import mount as mounts
from lib import servers, where


def pytest_addoption(parser):
    parser.addoption(
        "--store", default="all",
        help="versitygw, localstack, s3proxy, second or all")
    parser.addoption("--long", action="store_true",
                     default=bool(os.environ.get("S3ZIPFS_LONG")))


def chosen(config):
    word = config.getoption("--store")
    if word == "all":
        return ["versitygw", *servers.second()]
    if word == "second":
        return servers.second()
    return [word]


def pytest_generate_tests(metafunc):
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", chosen(metafunc.config), indirect=True)


def pytest_collection_modifyitems(config, items):
    """Long tests on demand; tests of versitygw alone in its lane alone."""
    keep, drop = [], []
    for item in items:
        wanted = config.getoption("--long") or "long" not in item.keywords
        if "store" not in item.fixturenames:
            wanted = wanted and "versitygw" in chosen(config)
        (keep if wanted else drop).append(item)
    # one server's tests together, in the order of the files
    keep.sort(key=lambda i: str(getattr(i, "callspec", None) and
                                i.callspec.params.get("store", "")))
    items[:] = patient_first(keep, int(
        os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    config.hook.pytest_deselected(items=drop)


def patient_first(items, workers):
    """Each worker begins with a run of the tests: the ones that wait for
    minutes are at the start of these, so that none is the last to go."""
    patient = [i for i in items if "patient" in i.keywords]
    others = [i for i in items if "patient" not in i.keywords]
    out = []
    for n in range(workers):
        out += patient[n::workers]
        out += others[len(others) * n // workers:
                      len(others) * (n + 1) // workers]
    return out


# --- the tally that tests/run adds up -------------------------------------

def pytest_terminal_summary(terminalreporter):
    path = os.environ.get("S3ZIPFS_TALLY")
    # a worker of xdist knows its own share only
    if not path or hasattr(terminalreporter.config, "workerinput"):
        return
    stats = terminalreporter.stats
    with open(path, "a", encoding="utf-8") as f:
        failed = len(stats.get("failed", [])) + len(stats.get("error", []))
        f.write(f"{len(stats.get('passed', []))} passed, {failed} failed, "
                f"{len(stats.get('skipped', []))} skipped\n")
        for report in stats.get("skipped", []):
            reason = report.longrepr
            if isinstance(reason, (tuple, list)):
                reason = reason[2]
            f.write(f"skip {report.nodeid}: {reason}\n")


# --- servers ------------------------------------------------------------------

class Running:
    """The servers of this session, started when first asked for."""

    def __init__(self, tmp):
        self.tmp, self.stores, self.proxies = str(tmp), {}, {}

    def folder(self, name):
        path = os.path.join(self.tmp, name)
        os.makedirs(path, exist_ok=True)
        return path

    def store(self, name):
        if name not in self.stores:
            self.stores[name] = servers.ALL[name](self.folder(name))
        return self.stores[name]

    def versioned(self, name):
        """The one of its kind whose buckets can be versioned, or None."""
        store = self.store(name)
        if store.versions:
            return store
        if name not in servers.VERSIONED:
            return None
        key = name + "-versions"
        if key not in self.stores:
            self.stores[key] = servers.VERSIONED[name](self.folder(key))
        return self.stores[key]

    def proxy(self, name):
        return self.proxy_to(self.store(name))

    def proxy_to(self, store):
        """The fault proxy in front of a store."""
        if store.port not in self.proxies:
            self.proxies[store.port] = faultproxy.FaultProxy(
                self.folder(f"proxy-{store.name}-{store.port}"), store)
        return self.proxies[store.port]

    def stop(self):
        for one in [*self.proxies.values(), *self.stores.values()]:
            one.stop()


def in_memory():
    """A folder in memory, if it takes user xattrs (Linux 6.6) and is free
    enough: the servers sync each object, which disks take their time for."""
    if not os.path.isdir("/dev/shm"):
        return None
    run = os.path.basename(os.environ.get("S3ZIPFS_RUN", "alone"))
    path = tempfile.mkdtemp(prefix=f"s3zipfs-servers-{run}-", dir="/dev/shm")
    try:
        os.setxattr(path, "user.test", b"x")
        if shutil.disk_usage(path).free >= 4 << 30:
            return path
    except OSError:
        pass
    os.rmdir(path)
    return None


@pytest.fixture(scope="session")
def running(request, tmp_path_factory):
    path = None if request.config.getoption("--long") else in_memory()
    run = Running(path or tmp_path_factory.mktemp("servers"))
    yield run
    run.stop()
    shutil.rmtree(run.tmp, ignore_errors=True)


@pytest.fixture(scope="session")
def store(request, running):
    return running.store(request.param)


@pytest.fixture
def versioned(store, running):
    """The store, or its sister, whose buckets can be versioned."""
    one = running.versioned(store.name)
    if one is None:
        pytest.skip(f"{store.name} has no versions")
    return one


@pytest.fixture(scope="session")
def gw(running):
    return running.store("versitygw")


@pytest.fixture
def proxy(running):
    """The fault proxy in front of versitygw, without rules."""
    one = running.proxy("versitygw")
    one.rules()
    yield one
    one.rules()


@pytest.fixture
def versioned_proxy(running, versioned):
    """The fault proxy in front of that, without rules."""
    one = running.proxy_to(versioned)
    one.rules()
    yield one
    one.rules()


@pytest.fixture
def own_gw(tmp_path):
    """A versitygw for this test alone, to be killed."""
    one = servers.Versitygw(str(tmp_path))
    yield one
    one.stop()


# --- programs ------------------------------------------------------------------

@pytest.fixture
def home():
    """A home folder that other users may enter."""
    path = tempfile.mkdtemp(prefix="s3zipfs-home-")
    os.chmod(path, 0o755)
    yield path
    if not any(mounts.mounted(os.path.join(path, n))
               for n in os.listdir(path)):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_reports():
    mounts.reports()
    yield
    text = mounts.reports()
    assert not text, f"a sanitizer reported:\n{text}"


def environment(home, endpoint, store=None, **more):
    base = store.env() if store else servers.Store.env(None)
    return mounts.environment(home, **{**base,
                                       "AWS_ENDPOINT_URL_S3": endpoint,
                                       **more})


@pytest.fixture
def mount(home):
    """mount(store or proxy, bucket, prefix="", env={}, **options) -> Mount.
    Unmounted at the end; that must work and must end the daemon."""
    made = []

    def make(at, bucket, prefix="", env=None, program="s3zipfs", limit=15,
             wrap=(), **options):
        one = mounts.Mount(
            home, f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}",
            environment(home, at.endpoint, **(env or {})), options, program,
            limit, wrap)
        made.append(one)
        return one

    yield make
    problems = []
    for one in made:
        try:
            if mounts.mounted(one.path):
                one.unmount()
        except Exception as e:  # pylint: disable=broad-except
            problems.append(f"{one.url}: {e}; log:\n"
                            + one.log_text()[-3000:])
        finally:
            one.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def s3zip(home):
    """s3zip(store or proxy, *args, env={}, limit=60, text=True, **options)
    -> CompletedProcess."""
    def run(at, *args, env=None, limit=60, text=True, **options):
        return mounts.s3zip(
            args, environment(home, at.endpoint, **(env or {})), options,
            limit, text, cwd=home)
    return run


@pytest.fixture
def env(home):
    """env(store or proxy, **more): the environment that mounts get."""
    return lambda at, **more: environment(home, at.endpoint, **more)


# --- buckets --------------------------------------------------------------------

@pytest.fixture
def bucket(request):
    """bucket(store, objects={}, prefix="") -> name. No upload may be left in
    it when the test ends."""
    made = []

    def make(at, objects=None, prefix=""):
        name = at.bucket()
        made.append((at, name))
        if objects:
            sets.fill(at, name, objects, prefix)
        return name

    yield make
    left = []
    for at, name in made:
        if procs.alive(at.daemon.proc.pid):
            left += at.uploads(name)
            empty(at, name)
    assert not left, f"uploads left behind: {left}"


def empty(at, name):
    """Gives the disk back; big sets would fill it."""
    if at.root:
        shutil.rmtree(os.path.join(at.root, name), ignore_errors=True)
        return
    pages = at.client.get_paginator("list_objects_v2").paginate(Bucket=name)
    keys = [o["Key"] for page in pages for o in page.get("Contents", [])]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: at.client.delete_object(Bucket=name, Key=k),
                      keys))


@pytest.fixture(scope="session")
def needs_root():
    if os.geteuid() != 0:
        pytest.skip("not root: cannot become another user")


def pytest_configure(config):
    if config.option.collectonly:
        return
    for name in ("s3zipfs", "s3zip"):
        try:
            where.program(name)
        except FileNotFoundError as e:
            raise pytest.UsageError(f"{e} (set S3ZIPFS_BUILD)") from e
