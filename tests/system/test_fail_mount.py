# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A mount that cannot work says why in one line, within ten seconds, with
exit status 1, and leaves nothing behind."""

import os
import socket
import subprocess

import pytest

from lib import procs, refzip, sets, where
from lib.mount import Mount, MountFailed, environment

pytestmark = pytest.mark.quick


def refused(mount, *args, words, code=1, **more):
    with pytest.raises(MountFailed) as e:
        mount(*args, **more)
    text, seconds = e.value.text.strip(), e.value.seconds
    assert e.value.code == code, e.value
    assert seconds < 11, e.value
    assert len(text.splitlines()) == 1, text
    assert any(w.lower() in text.lower() for w in words), text
    return text


def test_no_bucket(gw, mount):
    refused(mount, gw, "no-such-bucket-at-all", words=["NoSuchBucket"])


def test_wrong_secret(gw, bucket, mount):
    refused(mount, gw, bucket(gw), env={"AWS_SECRET_ACCESS_KEY": "wrong"},
            words=["SignatureDoesNotMatch"])


def test_unknown_key(gw, bucket, mount):
    refused(mount, gw, bucket(gw), env={"AWS_ACCESS_KEY_ID": "nobody"},
            words=["InvalidAccessKeyId", "AccessDenied", "access key id"])


def test_no_credentials(gw, bucket, mount):
    refused(mount, gw, bucket(gw), words=["credentials"],
            env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None})


def test_unknown_profile(gw, bucket, mount):
    refused(mount, gw, bucket(gw), profile="nobodys",
            words=["there is no profile nobodys"])


def test_connection_refused(mount):
    class Nowhere:
        endpoint = f"http://127.0.0.1:{procs.free_port()}"
    refused(mount, Nowhere, "b-1", words=["refused"])


def test_silent_server(mount):
    """Accepts and never answers: given up within 10 s."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(16)

        class Silent:
            endpoint = f"http://127.0.0.1:{s.getsockname()[1]}"
        refused(mount, Silent, "b-1", words=["time", "10 s"])


def test_unknown_host(mount):
    class Unknown:
        endpoint = "http://does-not-exist.invalid:9"
    refused(mount, Unknown, "b-1", words=["resolve", "host"])


def test_not_http(mount):
    class Odd:
        endpoint = "ftp://127.0.0.1:9"
    with pytest.raises(MountFailed) as e:
        mount(Odd, "b-1")
    assert e.value.code in (1, 2) and e.value.text.strip()


def test_unknown_option(gw, bucket, mount):
    with pytest.raises(MountFailed) as e:
        mount(gw, bucket(gw), no_such_option="1")
    assert e.value.code in (1, 2)
    assert "unknown option" in e.value.text


@pytest.mark.parametrize("options", [
    {"ttl": "soon"}, {"memory": "much"}, {"archive": "maybe"},
    {"publish": "all"}, {"order": "random"}, {"max_entries": "-1"},
    {"layout": "2"}, {"name": "a/b"}, {"badkeys": "yes"},
    {"prices": "1/2"}],
    ids=lambda o: "-".join(f"{k}-{v}".replace("/", "_")
                           for k, v in o.items()))
def test_bad_values(gw, bucket, mount, options):
    """publish=all without publish_to is one of them."""
    with pytest.raises(MountFailed) as e:
        mount(gw, bucket(gw), **options)
    assert e.value.code in (1, 2)
    assert next(iter(options)) in e.value.text.replace("-", "_")


@pytest.mark.parametrize("url", ["bucket", "http://bucket/", "s3://",
                                 "s3:///x"])
def test_bad_url(gw, home, env, url):
    with pytest.raises(MountFailed) as e:
        Mount(home, url, env(gw))
    assert e.value.code in (1, 2) and e.value.text.strip()


def test_prefix_without_keys(gw, bucket, mount):
    """The mount's root may be empty, whatever its prefix."""
    m = mount(gw, bucket(gw, sets.one()), "nothing/here/")
    assert os.listdir(m.path) == ["archive.zip"]
    assert m.read() == refzip.end_records(0, 0, 0)
    with pytest.raises(FileNotFoundError):
        os.stat(m.file("below"))


def test_mountpoint_is_a_file(gw, bucket, home, env):
    name = bucket(gw)
    path = f"{home}/file"
    with open(path, "w", encoding="ascii"):
        pass
    for target in (path, f"{home}/missing"):
        done = subprocess.run(
            [where.program("s3zipfs"), f"s3://{name}", target], env=env(gw),
            capture_output=True, text=True, timeout=15, check=False)
        assert done.returncode == 1, done
        assert len(done.stderr.strip().splitlines()) == 1
        assert "directory" in done.stderr.lower()


def test_usage():
    for words in ([], ["one"], ["--nonsense"]):
        done = subprocess.run([where.program("s3zipfs"), *words],
                              capture_output=True, text=True, timeout=15,
                              env=environment("/nonexistent"), check=False)
        assert done.returncode == 2, (words, done)
    for word in ("--help", "--version"):
        done = subprocess.run([where.program("s3zipfs"), word],
                              capture_output=True, text=True, timeout=15,
                              env=environment("/nonexistent"), check=False)
        assert done.returncode == 0 and done.stdout
    assert "s3zipfs" in done.stdout


def test_list_forbidden_is_named(gw, proxy, bucket, mount):
    proxy.rules({"status": 403, "code": "AccessDenied", "count": 0})
    refused(mount, proxy, bucket(gw), words=["AccessDenied"])


def test_head_bucket_may_be_forbidden(gw, proxy, bucket, mount):
    """Only a listing is needed."""
    proxy.rules({"method": "HEAD", "path": "^/[^/]*/?$", "status": 403,
                 "count": 0})
    assert mount(proxy, bucket(gw, sets.one())).read()


def test_slow_server_is_waited_for(gw, proxy, bucket, mount):
    """Ready means ready: the command returns after the listing did."""
    proxy.rules({"method": "GET", "delay": 2})
    m = mount(proxy, bucket(gw, sets.one()))
    assert m.seconds >= 2
    assert m.read()
