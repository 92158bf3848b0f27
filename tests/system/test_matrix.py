# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Other people's zip readers, on a mount and on the published object."""

import io
import os
import re
import shutil
import subprocess
import unicodedata
import zipfile
import zlib

import pytest

from lib import refzip, sets, where
from lib.mount import environment, set_attr, status

pytestmark = pytest.mark.matrix

HERE = os.path.join(os.path.dirname(__file__), "matrix")


def members():
    objects = sets.nested() | sets.markers() | sets.zeros() | sets.utf8()
    objects |= {f"plain/{k}": o for k, o in sets.awkward().items()
                if "\\" not in k}
    objects |= {"big.bin": sets.Obj(6 * sets.MIB),
                "nocrc.bin": sets.Obj(5 * sets.MIB + 1, sets.NONE)}
    return objects


@pytest.fixture(scope="module")
def archives(running, tmp_path_factory):
    """A mount and the published object, downloaded: two paths to read."""
    gw = running.store("versitygw")
    from lib.mount import Mount
    home = str(tmp_path_factory.mktemp("matrix"))
    source, dest = gw.bucket(), gw.bucket()
    objects = members()
    sets.fill(gw, source, objects)
    env = environment(home, AWS_ENDPOINT_URL_S3=gw.endpoint, **gw.env())
    m = Mount(home, f"s3://{source}", env)
    try:
        assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0, \
            status(m.file())
        local = f"{home}/published.zip"
        gw.client.download_file(dest, "out.zip", local)
        yield {"mount": m.file(), "published": local,
               "contents": sets.expected(objects)}
        m.unmount()
    finally:
        m.close()


@pytest.fixture(params=["mount", "published"])
def archive(archives, request):
    return archives[request.param]


def run(*argv, **more):
    done = subprocess.run(argv, capture_output=True, timeout=120,
                          check=False, env=dict(os.environ,
                                                LC_ALL="C.UTF-8"), **more)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, text
    return text


def wanted(archives, directories):
    """`crc size name` lines, as the Java and Go readers print them."""
    return sorted(f"{zlib.crc32(d):08x} {len(d)} {n}"
                  for n, d in archives["contents"].items()
                  if directories or not n.endswith("/"))


def test_unzip(archive, archives):
    text = run("unzip", "-t", archive)
    assert "No errors detected" in text and "warning" not in text.lower()
    assert len(re.findall(r" OK$", text, re.M)) == len(archives["contents"])


def test_zipinfo(archive, archives):
    text = run("zipinfo", "-v", archive)
    assert f"{len(archives['contents'])} entries" in text
    assert "warning" not in text.lower() and "extra bytes" not in text


def test_7z(archive):
    text = run("7z", "t", archive)
    assert "Everything is Ok" in text
    assert "WARNING" not in text.upper()


def test_bsdtar(archive, archives):
    assert len(run("bsdtar", "-tf", archive).splitlines()) == \
        len(archives["contents"])
    assert len(run("bsdtar", "-xOf", archive).encode()) > 0


def test_bsdtar_pipe(archive, archives):
    cat = subprocess.Popen(["cat", archive], stdout=subprocess.PIPE)
    text = run("bsdtar", "-tvf", "-", stdin=cat.stdout)
    cat.stdout.close()
    assert cat.wait() == 0
    assert len(text.splitlines()) == len(archives["contents"])


def test_bsdtar_extract(archive, archives, tmp_path):
    run("bsdtar", "-xf", archive, "-C", str(tmp_path))
    for name, data in archives["contents"].items():
        if not name.endswith("/"):
            # libarchive writes names composed (NFC)
            name = unicodedata.normalize("NFC", name)
            assert (tmp_path / name).read_bytes() == data


def test_python(archive, archives):
    with zipfile.ZipFile(archive) as z:
        assert z.testzip() is None
        assert {i.filename: z.read(i) for i in z.infolist()} == \
            archives["contents"]
        assert all(i.compress_type == 0 for i in z.infolist())


def test_zipdetails(archive):
    text = run("zipdetails", archive)
    assert not re.search(r"error|unexpected|truncated", text, re.I)
    assert "unknown" not in text.lower()


def test_java(archive, archives):
    text = run("java", f"{HERE}/Matrix.java", archive)
    for api, directories in (("ZipFile", True), ("ZipInputStream", True),
                             ("FileSystem", False)):
        lines = [line.partition(" ")[2] for line in text.splitlines()
                 if line.startswith(api + " ")]
        assert sorted(lines) == wanted(archives, directories), api


def test_jar(archive, archives):
    if not shutil.which("jar"):
        pytest.skip("no jar command")
    assert len(run("jar", "tf", archive).splitlines()) == \
        len(archives["contents"])


def go():
    here = where.cache() / "go-venv" / "bin" / "go"
    return str(here) if here.exists() else shutil.which("go")


def test_go(archive, archives, tmp_path):
    if not go():
        pytest.skip("no Go here")
    env = dict(os.environ, GO111MODULE="off", GOFLAGS="")
    done = subprocess.run([go(), "run", f"{HERE}/matrix.go", archive],
                          capture_output=True, text=True, timeout=200,
                          env=env, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == wanted(archives, True)


def test_nothing_left_over(archive):
    """From the end record to the first byte: every byte is accounted for."""
    with open(archive, "rb") as f:
        data = f.read()
    at = 0
    for name, size, _, offset in refzip.central_directory(data):
        assert offset == at
        n, extra = data[at + 26:at + 30][:2], data[at + 28:at + 30]
        at += 30 + int.from_bytes(n, "little") + \
            int.from_bytes(extra, "little") + size
        assert data[offset + 30:offset + 30 + len(name)] == name
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        assert z.start_dir == at
