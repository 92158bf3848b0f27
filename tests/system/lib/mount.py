# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The programs under test: mounts and commands, with clean environments."""

import atexit
import errno
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from . import procs, where

ERRNO = {os.strerror(n): n for n in errno.errorcode}
ERRNO["No such attribute"] = errno.ENODATA      # attr's own word
REPORTS = tempfile.mkdtemp(prefix="s3zipfs-reports-")
atexit.register(shutil.rmtree, REPORTS, True)


class MountFailed(Exception):
    def __init__(self, code, text, seconds):
        super().__init__(f"exit {code} after {seconds:.1f} s: {text}")
        self.code, self.text, self.seconds = code, text, seconds


def environment(home, **more):
    """Nothing of the caller's AWS settings; sanitizers report to files."""
    env = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "HOME": home,
           "LC_ALL": "C.UTF-8", "TZ": "Pacific/Chatham",
           "MALLOC_PERTURB_": "165",
           "XDG_CACHE_HOME": os.path.join(home, "cache")}
    for name in ("ASAN", "UBSAN", "TSAN", "LSAN"):
        env[name + "_OPTIONS"] = ":".join(filter(None, [
            os.environ.get(name + "_OPTIONS"),
            f"log_path={REPORTS}/{name.lower()}", "print_stacktrace=1"]))
    env.update({k: str(v) for k, v in more.items() if v is not None})
    return env


def option_list(options):
    """{'ttl': 5, 'ro': True, 'include': ['a', 'b']} as one -o argument."""
    words = []
    for name, value in options.items():
        for v in value if isinstance(value, (list, tuple)) else [value]:
            if v is None or v is False:
                continue
            text = str(v).replace("\\", "\\\\").replace(",", "\\,")
            words.append(name if v is True else f"{name}={text}")
    return ",".join(words)


def reports():
    """What the sanitizers said, and forgets it."""
    texts = []
    for name in sorted(os.listdir(REPORTS)):
        path = os.path.join(REPORTS, name)
        with open(path, encoding="utf-8", errors="replace") as f:
            texts.append(f.read())
        os.unlink(path)
    return "\n".join(texts)


def mounted(path):
    with open("/proc/self/mounts", encoding="utf-8") as f:
        # blanks are octal in there
        return any(line.split()[1].replace("\\040", " ") == path
                   for line in f)


def daemons(mountpoint):
    """Process ids of programs of ours that serve this mount point."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if (mountpoint.encode() in words and procs.alive(int(pid)) and
                words[0].rpartition(b"/")[2].lstrip(b"lt-") in
                (b"s3zipfs", b"mount.s3zipfs")):
            found.append(int(pid))
    return found


class Mount:
    """A mount that runs in the background; `path` is its root."""

    def __init__(self, home, url, env, options=None, program="s3zipfs",
                 limit=15, wrap=()):
        self.home, self.url = home, url
        self.path = tempfile.mkdtemp(prefix="mnt-", dir=home)
        os.chmod(self.path, 0o755)
        self.log = os.path.join(home, os.path.basename(self.path) + ".log")
        options = {"log": "debug", "log_file": self.log, **(options or {})}
        argv = [*wrap, where.program(program), "-o", option_list(options),
                url, self.path]
        if program != "s3zipfs":    # mount(8) calls helpers: SRC DIR -o OPTS
            argv = argv[:-4] + argv[-2:] + argv[-4:-2]
        self.pid = None
        self.run(argv, env, limit * where.slow())

    def run(self, argv, env, limit):
        # files, not pipes: the daemon would keep a pipe open
        start = time.monotonic()
        with tempfile.TemporaryFile() as out:
            try:
                code = subprocess.run(
                    argv, env=env, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=out, timeout=limit, check=False).returncode
            except subprocess.TimeoutExpired:
                self.close()
                code = "none"
            self.seconds = time.monotonic() - start
            out.seek(0)
            self.text = out.read().decode("utf-8", "replace")
        if code != 0:
            leftover = mounted(self.path)
            self.close()
            assert not leftover, "failed, and left a mount behind"
            raise MountFailed(code, self.text, self.seconds)
        found = daemons(self.path)
        assert len(found) == 1, f"expected one daemon, found {found}"
        self.pid = found[0]

    def file(self, *below, name="archive.zip"):
        return os.path.join(self.path, *below, name)

    def read(self, *below, name="archive.zip"):
        with open(self.file(*below, name=name), "rb") as f:
            return f.read()

    def log_text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def peak_memory(self):
        return procs.peak_memory(self.pid)

    def unmount(self, limit=20):
        """fusermount3 -u; the daemon has to end by itself.  A file that was
        closed a moment ago may still be busy: the kernel lets go later."""
        command = ["fusermount3", "-u", self.path]

        def done():
            r = subprocess.run(command, capture_output=True, timeout=limit,
                               check=False)
            if r.returncode and b"busy" not in r.stderr:
                raise subprocess.CalledProcessError(r.returncode, command,
                                                    r.stdout, r.stderr)
            return r.returncode == 0
        procs.wait_for(done, 5 * where.slow())
        try:
            procs.wait_for(lambda: not procs.alive(self.pid),
                           limit * where.slow())
        except TimeoutError:
            raise TimeoutError("the daemon does not end:\n"
                               + procs.stacks(self.pid)) from None
        assert not mounted(self.path)

    def kill(self, sig=signal.SIGKILL):
        os.kill(self.pid, sig)

    def close(self):
        """Whatever state it is in: nothing stays."""
        for pid in daemons(self.path):
            procs.end_pid(pid)
        for _ in range(3):
            if not mounted(self.path):
                break
            subprocess.run(["fusermount3", "-uz", self.path],
                           capture_output=True, check=False)


# --- extended attributes, with the commands that the manual names --------

def set_start(path, value, name="user.publish"):
    """A setfattr in the background: Popen."""
    return subprocess.Popen(
        ["setfattr", "-n", name, "-v", value, path], text=True,
        env=dict(os.environ, LC_ALL="C"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)


def outcome(proc, limit=60):
    """errno of a finished setfattr or getfattr, 0 if it was well; negative
    if a signal ended it."""
    try:
        _, text = proc.communicate(timeout=limit * where.slow())
    except subprocess.TimeoutExpired:
        proc.kill()
        raise
    if proc.returncode <= 0:
        return proc.returncode
    reason = text.strip().rpartition(": ")[2]
    assert reason in ERRNO, f"unknown failure: {text!r}"
    return ERRNO[reason]


def set_attr(path, value, name="user.publish", limit=60):
    return outcome(set_start(path, value, name), limit)


def remove_attr(path, name="user.publish"):
    return outcome(subprocess.Popen(
        ["setfattr", "-x", name, path], text=True,
        env=dict(os.environ, LC_ALL="C"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE))


def get_attr(path, name):
    return os.getxattr(path, name).decode("utf-8")


def stats(m):
    """user.s3zipfs.stats of a mount, as numbers."""
    text = get_attr(m.path, "user.s3zipfs.stats")
    return {k: int(v) for k, v in lines(text).items()}


def wait_attr(path, limit=60):
    """user.publish.wait: (errno, text)."""
    proc = subprocess.run(
        ["getfattr", "--absolute-names", "-n", "user.publish.wait",
         "--only-values", path], text=True, capture_output=True,
        env=dict(os.environ, LC_ALL="C"), timeout=limit * where.slow(),
        check=False)
    if proc.returncode == 0:
        return 0, proc.stdout
    reason = proc.stderr.strip().rpartition(": ")[2]
    return ERRNO[reason], proc.stderr


def lines(text):
    """`name: value` lines as a dict; the first of each name counts."""
    out = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            out.setdefault(name.strip(), value.strip())
    return out


def status(path):
    return lines(get_attr(path, "user.publish.status"))


def number(text):
    """The first whole number in a value such as `12345 bytes`."""
    return int(re.search(r"\d+", text.replace(",", "")).group())


# --- commands ---------------------------------------------------------------

def s3zip(args, env, options=None, limit=60, text=True, **more):
    """Runs s3zip; options become -o."""
    argv = [where.program("s3zip"), *args]
    for name, value in (options or {}).items():     # cat's -o is a file
        for v in value if isinstance(value, (list, tuple)) else [value]:
            if v is True:
                argv.append(f"--{name}")
            elif v is not None and v is not False:
                argv += [f"--{name}", str(v)]
    return subprocess.run(argv, env=env, capture_output=True, text=text,
                          stdin=subprocess.DEVNULL,
                          timeout=limit * where.slow(), check=False, **more)


