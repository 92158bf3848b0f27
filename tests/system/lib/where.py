# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Where things are: the cache of tools and the programs under test."""

import os
import shutil
from pathlib import Path

SYSTEM = Path(__file__).resolve().parent.parent
SOURCE = SYSTEM.parent.parent


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("S3ZIPFS_CACHE") or
                os.path.join(home, "s3zipfs-test"))


def tool(name):
    """Path of a server or tool that contrib/deps installs, or None."""
    for path in (cache() / "bin" / name, cache() / "venv" / "bin" / name):
        if path.exists():
            return str(path)
    return shutil.which(name)


def build():
    return Path(os.environ.get("S3ZIPFS_BUILD") or SOURCE).resolve()


def program(name):
    """Path of a program under test: built at the top of the build folder."""
    for path in (build() / name, build() / "src" / name):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise FileNotFoundError(f"{name}: not built in {build()}")


def slow():
    """Factor for time limits: sanitizers and loaded machines are slow."""
    return float(os.environ.get("S3ZIPFS_SLOW", "1"))
