# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Processes of the tests: started, waited for, and ended by their id."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time


def free_port():
    """A port that is free now, below those that the kernel gives away: no
    client's connection takes it before its server starts; by chance, as
    other workers choose at the same time."""
    while True:
        port = random.SystemRandom().randrange(10240, 32700)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait_for(what, seconds, step=0.02):
    """Calls what() until it answers something true; returns that."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what} still false after {seconds} s")
        time.sleep(step)


def port_open(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 0.5).close()
        return True
    except OSError:
        return False


def alive(pid):
    """A zombie is not alive (a container's PID 1 may reap late)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def end_pid(pid, seconds=10):
    """SIGTERM, then SIGKILL; returns True if SIGTERM was enough."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, sig)
            wait_for(lambda: not alive(pid), seconds)
            return sig == signal.SIGTERM
        except ProcessLookupError:
            return True
        except TimeoutError:
            pass
    raise TimeoutError(f"process {pid} does not end")


def stacks(pid):
    """What a process that hangs is doing, as far as can be told here."""
    gdb = shutil.which("gdb")
    if not gdb:
        return "no gdb here"
    done = subprocess.run(
        [gdb, "-p", str(pid), "-batch", "-ex", "thread apply all bt"],
        capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


class Daemon:
    """A server in the background with its output in a file."""

    def __init__(self, args, log, env=None, cwd=None):
        self.args, self.log, self.env, self.cwd = args, log, env, cwd
        self.proc = None
        self.start()

    def start(self):
        with open(self.log, "ab") as out:
            self.proc = subprocess.Popen(
                self.args, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=self.env, cwd=self.cwd, start_new_session=True)

    def wait_port(self, port, seconds=30):
        def ready():
            if self.proc.poll() is not None:
                raise RuntimeError(f"{self.args[0]} ended: {self.tail()}")
            return port_open(port)
        wait_for(ready, seconds, 0.05)

    def tail(self, size=2000):
        with open(self.log, "rb") as f:
            return f.read()[-size:].decode("utf-8", "replace")

    def stop(self, sig=signal.SIGTERM):
        if self.proc.poll() is not None:
            return
        self.proc.send_signal(sig)
        try:
            self.proc.wait(5)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()

    def kill(self):
        self.stop(signal.SIGKILL)


def peak_memory(pid):
    """VmHWM in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise ValueError("no VmHWM")
