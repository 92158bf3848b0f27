# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Options that no other file tries: TLS, payload signing, address style,
config file, what the mount table shows, the system log."""

import os
import re
import socket
import subprocess
import time
from types import SimpleNamespace

import pytest

from lib import procs, servers, sets, where
from lib.mount import MountFailed, mounted, set_attr, status

pytestmark = pytest.mark.quick


@pytest.fixture
def tls(own_gw, tmp_path):
    """A second versitygw on the same folder, with a certificate that only
    who is told of it trusts."""
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", cert], check=True, capture_output=True)
    port = procs.free_port()
    daemon = procs.Daemon(
        [where.tool("versitygw"), "--port", f"127.0.0.1:{port}", "--cert",
         cert, "--key", key, "--keep-alive", "--quiet", "--region",
         servers.REGION, "posix", own_gw.root],
        str(tmp_path / "tls.log"),
        dict(os.environ, ROOT_ACCESS_KEY=servers.ACCESS,
             ROOT_SECRET_KEY=servers.SECRET))
    daemon.wait_port(port)
    yield SimpleNamespace(endpoint=f"https://127.0.0.1:{port}", cert=cert,
                          env=own_gw.env)
    daemon.stop()


def test_unknown_certificate_is_refused(own_gw, tls, bucket, mount):
    source = bucket(own_gw, sets.one())
    with pytest.raises(MountFailed) as failed:
        mount(tls, source)
    assert failed.value.code == 1
    assert "certificate" in failed.value.text
    assert len(failed.value.text.strip().splitlines()) == 1


@pytest.mark.parametrize("way", ["option", "environment"])
def test_ca_bundle(own_gw, tls, bucket, mount, way):
    """Reading and publishing over https: UNSIGNED-PAYLOAD and checksums."""
    source, dest = bucket(own_gw, sets.nested()), bucket(own_gw)
    more = {"ca_bundle": tls.cert} if way == "option" else \
        {"env": {"AWS_CA_BUNDLE": tls.cert}}
    m = mount(tls, source, **more)
    data = m.read()
    assert data == mount(own_gw, source).read()
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0, status(m.file())
    got = own_gw.client.get_object(Bucket=dest, Key="out.zip")
    assert got["Body"].read() == data


def test_no_verify_tls_works_and_warns(own_gw, tls, bucket, mount):
    m = mount(tls, bucket(own_gw, sets.one()), no_verify_tls=True, log="warn")
    assert len(m.read()) > 22
    assert "no_verify_tls" in m.log_text() + m.text


@pytest.mark.parametrize("value, wanted", [
    ("auto", "[0-9a-f]{64}"), ("yes", "[0-9a-f]{64}"),
    ("no", "UNSIGNED-PAYLOAD")])
def test_sign_payload(gw, proxy, bucket, mount, value, wanted):
    """Over http the payload is signed unless the user says no."""
    source, dest = bucket(gw, sets.one()), bucket(gw)
    m = mount(proxy, source, sign_payload=value)
    proxy.rules()
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0, status(m.file())
    sent = [c for c in proxy.log() if c.operation in ("put", "upload")]
    assert sent
    for c in sent:
        assert re.fullmatch(wanted, c.headers["x-amz-content-sha256"]), c


def test_path_style(gw, proxy, bucket, mount):
    source = bucket(gw, sets.one())
    proxy.rules()
    mount(proxy, source, path_style="yes")
    assert all(c.path.startswith(f"/{source}") for c in proxy.log())
    with pytest.raises(MountFailed) as failed:
        mount(proxy, source, path_style="no")   # no such name can be found
    assert f"{source}.127.0.0.1" in failed.value.text


def test_config_file(gw, bucket, mount, tmp_path):
    source = bucket(gw, sets.one())
    path = tmp_path / "config"
    path.write_text(f"[default]\naws_access_key_id = {servers.ACCESS}\n"
                    f"aws_secret_access_key = {servers.SECRET}\n"
                    f"region = {servers.REGION}\n")
    nothing = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    with pytest.raises(MountFailed):
        mount(gw, source, env=nothing)
    assert mount(gw, source, env=nothing, config_file=path).read()


def entry(path):
    with open("/proc/self/mounts", encoding="utf-8") as f:
        return next(w for w in map(str.split, f) if w[1] == path)


def test_mount_table(gw, bucket, mount):
    source = bucket(gw, sets.one())
    what, _, kind, *_ = entry(mount(gw, source).path)
    assert (what.rstrip("/"), kind) == (f"s3://{source}", "fuse.s3zipfs")
    m = mount(gw, source, fsname="word", subtype="kind", allow_root=True)
    what, _, kind, options, *_ = entry(m.path)
    assert (what, kind) == ("word", "fuse.kind")
    assert "allow_other" in options.split(",")  # libfuse checks for root


def numbers_of(pid, word):
    """Of its files whose name begins so."""
    folder = f"/proc/{pid}/fd"
    return [int(n) for n in os.listdir(folder)
            if os.readlink(os.path.join(folder, n)).startswith(word)]


def test_auto_unmount(gw, bucket, mount):
    """Of a killed process the kernel lets go of the highest number first:
    fusermount3 is told by the end of a socket, and the mount must be dead
    by then."""
    m = mount(gw, bucket(gw, sets.one()), auto_unmount=True)
    assert max(numbers_of(m.pid, "/dev/fuse")) > \
        max(numbers_of(m.pid, "socket:"))
    os.kill(m.pid, 9)
    end = time.monotonic() + 10 * where.slow()
    while mounted(m.path) and time.monotonic() < end:
        time.sleep(0.05)
    assert not mounted(m.path)


def test_syslog(gw, bucket, mount):
    if os.path.exists("/dev/log"):
        pytest.skip("a system log runs here")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind("/dev/log")
        try:
            log.settimeout(10)
            m = mount(gw, bucket(gw, sets.one()), log="debug", log_file=None,
                      syslog=True)
            m.read()
            m.unmount()
            assert b"s3zipfs" in log.recv(65536)
        finally:
            os.unlink("/dev/log")
