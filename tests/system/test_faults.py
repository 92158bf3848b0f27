# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The errno table of the manual, each row made to happen by a proxy in
front of a real server, with the key, the code and the request id said, and
no upload left behind."""

import errno
import json
import os
import threading
import time

import pytest

from lib import left as lefts
from lib import procs, refzip, servers, sets, strategies
from lib.faultproxy import count
from lib.mount import MountFailed, set_attr, status

pytestmark = pytest.mark.fault

GETS = {"method": "GET", "path": "/(m|large-)[^/]*$"}
PARTS = {"method": "PUT", "query": "partNumber="}
COPIES = {**PARTS, "headers_match": {"x-amz-copy-source": "."}}
BODIES = {"method": "GET", "path": "/(large-|small/)[^/]*$"}
CREATE = {"method": "POST", "query": "uploads"}
COMPLETE = {"method": "POST", "query": "uploadId=", "path": "/o.zip$"}
SCRATCH = {"path": "/[.]s3zipfs-scratch/"}


def answer(status_, code, **more):
    return {"status": status_, "code": code, "count": 0, **more}


def read_errno(path):
    try:
        with open(path, "rb") as f:
            while f.read(1 << 20):
                pass
        return 0
    except OSError as e:
        return e.errno


def body(store, bucket, key):
    return store.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def absent(store, bucket, key):
    return "Contents" not in store.client.list_objects_v2(Bucket=bucket,
                                                          Prefix=key)


def credential_process(home):
    """Keys come from a script; returns how often it was called, to call."""
    calls, script = f"{home}/calls", f"{home}/creds.sh"
    said = json.dumps({
        "Version": 1, "AccessKeyId": servers.ACCESS,
        "SecretAccessKey": servers.SECRET,
        "Expiration": "2100-01-01T00:00:00Z"})
    with open(script, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\necho x >>{calls}\necho '{said}'\n")
    os.chmod(script, 0o755)
    os.mkdir(f"{home}/.aws")
    with open(f"{home}/.aws/config", "w", encoding="ascii") as f:
        f.write(f"[default]\ncredential_process = {script}\n")
    return lambda: os.path.getsize(calls)


# --- reading -------------------------------------------------------------

@pytest.mark.quick
@pytest.mark.parametrize("rule, err, said", [
    (answer(403, "AccessDenied"), errno.EACCES, "AccessDenied"),
    (answer(403, "SignatureDoesNotMatch"), errno.EACCES, "Signature"),
    (answer(412, "PreconditionFailed"), errno.ESTALE, ""),
    (answer(404, "NoSuchKey"), errno.ESTALE, ""),
    (answer(403, "InvalidObjectState"), errno.ENODATA, "InvalidObjectState"),
    ({"status": 200, "code": "Weird", "count": 0}, errno.EIO, ""),
    ({"cut": 100, "keep_length": False, "count": 0},
     errno.ESTALE, "not of the size that was listed"),
], ids=["denied", "signature", "changed", "gone", "archived", "nonsense",
        "short"])
def test_read_errors(gw, proxy, bucket, mount, rule, err, said):
    m = mount(proxy, bucket(gw, {"member-x": sets.Obj(5000)}))
    os.stat(m.file())
    proxy.rules({**GETS, **rule})
    got = read_errno(m.file())
    if rule.get("status") == 200:
        assert got in (errno.EIO, errno.EPROTO, errno.ESTALE)
    else:
        assert got == err
    log = m.log_text()
    assert "member-x" in log and said in log
    if said and "cut" not in rule:
        assert "FAULT0123456789" in log     # the request id
    proxy.rules()
    assert read_errno(m.file()) == 0        # and it recovers


@pytest.mark.parametrize("action", [
    {"status": 503, "code": "SlowDown"}, {"status": 500,
                                          "code": "InternalError"},
    {"kill": True}, {"cut": 100},
    {"status": 503, "code": "SlowDown", "headers": {"Retry-After": "1"}},
    {"status": 400, "code": "RequestTimeout"}, {"status": 429, "code": "x"},
], ids=["503", "500", "closed", "cut", "retry-after", "timeout", "429"])
def test_read_retries(gw, proxy, bucket, mount, action):
    """What passes is tried again, and the reader does not see it."""
    m = mount(proxy, bucket(gw, {"member": sets.Obj(5000),
                                 "m2": sets.Obj(100000)}))
    os.stat(m.file())
    proxy.rules({**GETS, **action, "n": 1, "count": 2})
    data = m.read()
    names = [n for n, *_ in refzip.central_directory(data)]
    assert sorted(names) == [b"m2", b"member"]
    assert count(proxy.log())["get"] >= 4


@pytest.mark.patient
@pytest.mark.parametrize("kind", ["list", "get"])
def test_slow_down_for_ever(gw, proxy, bucket, mount, kind):
    """EIO after all attempts, not sooner than some and not for ever."""
    m = mount(proxy, bucket(gw, {"member": sets.Obj(5000)}))
    if kind == "get":
        os.stat(m.file())
        rule = GETS
    else:
        rule = {"method": "GET", "path": "^/[^/]*/?$"}
    proxy.rules({**rule, **answer(503, "SlowDown")})
    start = time.monotonic()
    assert read_errno(m.file()) == errno.EIO
    assert time.monotonic() - start < 100
    assert 3 <= len(proxy.log()) <= 60


def test_flipped_bit(gw, proxy, bucket, mount):
    """A body that does not have its CRC: EIO, the key in the log."""
    m = mount(proxy, bucket(gw, {"member-flip": sets.Obj(5000)}))
    os.stat(m.file())
    proxy.rules({**GETS, "flip": 4321, "count": 0})
    assert read_errno(m.file()) == errno.EIO
    assert "member-flip" in m.log_text()


def test_error_is_remembered_for_the_retry(gw, proxy, bucket, mount):
    """The kernel's 4 KiB retry is answered from memory."""
    m = mount(proxy, bucket(gw, {"member": sets.Obj(400000)}))
    os.stat(m.file())
    proxy.rules({**GETS, **answer(403, "AccessDenied")})
    assert read_errno(m.file()) == errno.EACCES
    assert len(proxy.quiet()) <= 4


@pytest.mark.quick
def test_overwritten_between_lookup_and_read(gw, proxy, bucket, mount):
    """ESTALE, never a mixture; the next open shows the new layout."""
    source = bucket(gw, {"member": sets.Obj(5000), "other": sets.Obj(10)})
    m = mount(proxy, source)
    with open(m.file(), "rb") as f:
        gw.client.put_object(Bucket=source, Key="member", Body=b"changed!")
        with pytest.raises(OSError) as e:
            f.read()
        assert e.value.errno == errno.ESTALE
    data = m.read()
    assert b"changed!" in data
    assert {n for n, *_ in refzip.central_directory(data)} == {b"member",
                                                               b"other"}


def test_deleted_between_lookup_and_read(gw, proxy, bucket, mount):
    source = bucket(gw, {"member": sets.Obj(5000), "other": sets.Obj(10)})
    m = mount(proxy, source)
    with open(m.file(), "rb") as f:
        gw.client.delete_object(Bucket=source, Key="member")
        with pytest.raises(OSError) as e:
            f.read()
        assert e.value.errno == errno.ESTALE
    assert [n for n, *_ in refzip.central_directory(m.read())] == [b"other"]


def test_overwritten_in_the_middle_of_a_member(gw, proxy, bucket, mount):
    """Between two ranges of one member."""
    size = 24 * sets.MIB
    source = bucket(gw, {"member": sets.Obj(size)})
    m = mount(proxy, source, memory="32M")
    os.stat(m.file())
    proxy.rules({**GETS, "n": 2, "before": ["put_object", {
        "Bucket": source, "Key": "member", "Body": "new"}]})
    assert read_errno(m.file()) == errno.ESTALE
    assert read_errno(m.file()) == 0


def test_if_match_always(gw, proxy, bucket, mount):
    objects = {"m": sets.Obj(10 * sets.MIB), "s": sets.Obj(10),
               "n": sets.Obj(9 * sets.MIB, sets.NONE)}
    m = mount(proxy, bucket(gw, objects))
    m.read()
    data = [c for c in proxy.log() if c.operation in ("get", "head")]
    assert data and all("if-match" in c.headers for c in data)


@pytest.mark.patient
def test_server_killed_during_read(own_gw, mount):
    """The reader gets an error in the time promised; after a restart
    the mount reads on."""
    name = own_gw.bucket()
    sets.fill(own_gw, name, {"m": sets.Obj(9 * sets.MIB, sets.CRC64),
                             "n": sets.Obj(30 * sets.MIB, sets.CRC64)})
    m = mount(own_gw, name, memory="32M")
    with open(m.file(), "rb") as f:
        f.read(1000)
        own_gw.kill()
        start = time.monotonic()
        with pytest.raises(OSError) as e:
            while f.read(1 << 20):
                pass
    assert e.value.errno in (errno.ECONNREFUSED, errno.EIO)
    assert time.monotonic() - start < 90
    own_gw.restart()
    assert read_errno(m.file()) == 0


def test_interrupted_reader(gw, proxy, bucket, mount):
    """A reader that waits can be killed; others read on."""
    import subprocess
    m = mount(proxy, bucket(gw, {"member": sets.Obj(5000)}))
    os.stat(m.file())
    proxy.rules({**GETS, "hold": True})
    reader = subprocess.Popen(["cat", m.file()], stdout=subprocess.DEVNULL)
    proxy.held()
    reader.kill()
    start = time.monotonic()
    reader.wait(10)
    assert time.monotonic() - start < 5
    proxy.release()
    assert read_errno(m.file()) == 0


def test_listing_that_does_not_advance(gw, proxy, bucket, mount):
    """A token that repeats is an error, not a loop."""
    page = ('<?xml version="1.0"?><ListBucketResult><Name>b</Name>'
            "<IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>"
            "<NextContinuationToken>same</NextContinuationToken>"
            "<Contents><Key>a</Key><Size>1</Size><ETag>\"e\"</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            "</Contents></ListBucketResult>")
    m = mount(proxy, bucket(gw, sets.one()))
    proxy.rules({"method": "GET", "path": "^/[^/]*/?$", "status": 200,
                 "body": page, "count": 0})
    with pytest.raises(OSError) as e:
        os.stat(m.file())
    assert e.value.errno in (errno.EIO, errno.EPROTO)
    assert len(proxy.log()) < 20


@pytest.mark.parametrize("text", [
    "", "not xml at all", "<ListBucketResult>", "<html><body>x</body></html>",
    '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]>'
    "<ListBucketResult>&d;</ListBucketResult>",
    "<ListBucketResult>" + "<a>" * 5000,
    "<ListBucketResult><Contents><Key>k</Key><Size>-5</Size></Contents>"
    "</ListBucketResult>",
    "<ListBucketResult><Contents><Key>k</Key><Size>99999999999999999999"
    "</Size><ETag>e</ETag></Contents></ListBucketResult>",
], ids=["empty", "text", "open", "html", "entities", "deep", "negative",
        "huge"])
def test_hostile_listing(gw, proxy, bucket, mount, text):
    m = mount(proxy, bucket(gw, sets.one()))
    proxy.rules({"method": "GET", "path": "^/[^/]*/?$", "status": 200,
                 "body": text, "count": 0})
    with pytest.raises(OSError) as e:
        os.stat(m.file())
    assert e.value.errno in (errno.EIO, errno.EPROTO, errno.EFBIG)
    proxy.rules()
    assert procs.alive(m.pid)


def test_no_etag(gw, proxy, bucket, mount):
    """Listed without an ETag: cannot be guarded."""
    page = ("<ListBucketResult><IsTruncated>false</IsTruncated><Contents>"
            "<Key>member</Key><Size>5000</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            "</Contents></ListBucketResult>")
    source, dest = bucket(gw, {"member": sets.Obj(5000)}), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({"method": "GET", "path": "^/[^/]*/?$", "status": 200,
                 "body": page, "count": 0})
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == errno.EOPNOTSUPP
    assert "member" in m.log_text()


# --- publishing ----------------------------------------------------------------

ERRORS = [
    ("part-denied", (PARTS, answer(403, "AccessDenied"), errno.EACCES)),
    ("permission-lost", (PARTS, answer(403, "AccessDenied", n=3),
                         errno.EACCES)),
    ("token-expired", (PARTS, answer(403, "ExpiredToken", n=3),
                       errno.EACCES)),
    ("create-denied", (CREATE, answer(403, "AccessDenied"), errno.EACCES)),
    ("no-bucket", (CREATE, answer(404, "NoSuchBucket"), errno.ENOENT)),
    ("copy-changed", (COPIES, answer(412, "PreconditionFailed"),
                      errno.ECANCELED), "copy"),
    ("copy-gone", (COPIES, answer(404, "NoSuchKey"), errno.ECANCELED),
     "copy"),
    ("copy-archived", (COPIES, answer(403, "ObjectNotInActiveTierError"),
                       errno.ENODATA), "copy"),
    ("get-archived", (BODIES, answer(403, "InvalidObjectState"),
                      errno.ENODATA), "get"),
    ("get-changed", (BODIES, answer(412, "PreconditionFailed"),
                     errno.ECANCELED), "get"),
    ("exists", (COMPLETE, answer(412, "PreconditionFailed"), errno.EEXIST)),
    ("conflict", (COMPLETE, answer(409, "ConditionalRequestConflict"),
                  errno.EBUSY)),
    ("scratch-denied", ({**COPIES, **SCRATCH}, answer(403, "AccessDenied"),
                        errno.EACCES), "scratch"),
    ("scratch-complete", ({**COMPLETE, **SCRATCH},
                          answer(403, "AccessDenied"), errno.EACCES),
     "scratch"),
]


@pytest.mark.big
@pytest.mark.parametrize("strategy, case", strategies.each(ERRORS))
def test_publish_errors(gw, proxy, bucket, mount, strategy, case):
    where, rule, err = case
    source, dest = bucket(gw, strategies.few()), bucket(gw)
    m = mount(proxy, source, publish_strategy=strategy)
    os.stat(m.file())
    proxy.rules({**where, **rule})
    assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=100) == err
    said = status(m.file())
    assert said["state"] == "failed"
    text = "\n".join(f"{k}: {v}" for k, v in said.items())
    assert rule["code"] in text, text
    assert "FAULT0123456789" in text, text      # the request id
    if where in (COPIES, BODIES):
        assert "large-" in text or "small/" in text, text   # the key
    strategies.nothing_left(gw, dest)
    assert absent(gw, dest, "o.zip")
    proxy.rules()
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == 0, status(m.file())
    assert body(gw, dest, "o.zip") == m.read()


# What waits for long: the others in the long lane.
ONE_QUICK = [pytest.param(s, marks=[] if s == strategies.DUO else
                          [pytest.mark.long]) for s in strategies.OWN]
UNCLEAR = {"replace": {"status": 500, "code": "InternalError"}}
RETRIES = [
    ("part-503", (PARTS, {"status": 503, "code": "SlowDown"})),
    ("part-closed", (PARTS, {"kill": True})),
    ("part-lost", (PARTS, {"kill_answer": True})),
    ("copy-silent", (COPIES, {"delay": 1, "kill": True}), "copy"),
    ("copy-200-error", (COPIES, {"status": 200, "code": "InternalError"}),
     "copy"),
    ("complete-200-error", (COMPLETE, {"status": 200,
                                       "code": "InternalError"})),
    ("complete-503", (COMPLETE, {"status": 503, "code": "SlowDown"})),
    ("complete-unclear", (COMPLETE, UNCLEAR)),
    ("complete-silent", (COMPLETE, {"delay_answer": 1,
                                    "kill_answer": True})),
    ("create-closed", (CREATE, {"kill": True})),
    ("create-unclear", (CREATE, UNCLEAR)),
    ("complete-409", (COMPLETE, {"status": 409,
                                 "code": "ConditionalRequestConflict"})),
    ("skew", (PARTS, {"status": 403, "code": "RequestTimeTooSkewed"})),
    ("scratch-200-error", ({**COMPLETE, **SCRATCH},
                           {"status": 200, "code": "InternalError"}),
     "scratch"),
    ("scratch-unclear", ({**COMPLETE, **SCRATCH}, UNCLEAR), "scratch"),
    ("scratch-lost", ({**COMPLETE, **SCRATCH}, {"kill_answer": True}),
     "scratch"),
    ("storm", (PARTS, {"status": 503, "code": "SlowDown", "n": 2,
                       "count": 12})),
]


@pytest.mark.big
@pytest.mark.parametrize("strategy, case", strategies.each(RETRIES))
def test_publish_retries(gw, proxy, bucket, mount, s3zip, home, strategy,
                         case):
    where, action = case
    source, dest = bucket(gw, strategies.few()), bucket(gw)
    m = mount(proxy, source, publish_strategy=strategy)
    proxy.rules({"n": 1, "count": 1, **where, **action})
    assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=90) == 0, \
        status(m.file())
    assert any(c["rule"] is not None for c in proxy.log())
    assert body(gw, dest, "o.zip") == m.read()
    # one that a Create made whose answer was lost is known to the journal
    assert len(gw.uploads(dest)) == lefts.without_id(home)
    if gw.uploads(dest):
        lefts.later(gw, dest, home)
        assert s3zip(proxy, "cleanup", f"s3://{dest}").returncode == 0
    strategies.nothing_left(gw, dest)


@pytest.mark.patient
@pytest.mark.big
@pytest.mark.parametrize("strategy", ONE_QUICK)
def test_silent_minutes(gw, proxy, bucket, mount, strategy):
    """Longer than stalled data may be: a copy and Complete are waited for,
    and sent once."""
    source, dest = bucket(gw, strategies.few()), bucket(gw)
    m = mount(proxy, source, publish_strategy=strategy)
    proxy.rules({**COPIES, "delay_answer": 24}, {**COMPLETE,
                                                 "delay_answer": 24})
    assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=90) == 0, \
        status(m.file())
    said = status(m.file())
    assert (said["retries"], said["restarts"]) == ("0", "0")
    assert body(gw, dest, "o.zip") == m.read()


@pytest.mark.big
@pytest.mark.parametrize("strategy, call", strategies.each(
    [(call, call) for call in ("put_object", "delete_object")]))
def test_source_changed_between_plan_and_copy(gw, proxy, bucket, mount,
                                              strategy, call):
    source, dest = bucket(gw, strategies.few()), bucket(gw)
    m = mount(proxy, source, publish_strategy=strategy)
    change = {"Bucket": source, "Key": "large-2"}
    if call == "put_object":
        change["Body"] = "changed"
    proxy.rules({**CREATE, "after": [call, change]})
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == errno.ECANCELED
    assert "large-2" in str(status(m.file()))
    assert "large-2" in m.log_text()
    strategies.nothing_left(gw, dest)
    assert absent(gw, dest, "o.zip")
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == 0, status(m.file())
    assert body(gw, dest, "o.zip") == m.read()


@pytest.mark.big
@pytest.mark.parametrize("strategy", strategies.OWN)
def test_destination_created_meanwhile(gw, proxy, bucket, mount, strategy):
    source, dest = bucket(gw, strategies.few()), bucket(gw)
    m = mount(proxy, source, publish_strategy=strategy)
    proxy.rules({**COMPLETE, "before": ["put_object", {
        "Bucket": dest, "Key": "o.zip", "Body": "a stranger's"}]})
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == errno.EEXIST
    assert body(gw, dest, "o.zip") == b"a stranger's"
    strategies.nothing_left(gw, dest)


@pytest.mark.big
@pytest.mark.parametrize("strategy", strategies.OWN)
def test_token_expires_while_publishing(gw, proxy, bucket, mount, home,
                                        strategy):
    """403 ExpiredToken to a part: asked for again, and it goes on."""
    calls = credential_process(home)
    source, dest = bucket(gw, strategies.few()), bucket(gw)
    m = mount(proxy, source, publish_strategy=strategy,
              env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None})
    os.stat(m.file())
    time.sleep(1.2)     # a brand-new one is not asked for again at once
    before = calls()
    proxy.rules({**PARTS, "n": 3, "status": 403, "code": "ExpiredToken"})
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == 0, status(m.file())
    assert calls() > before
    assert body(gw, dest, "o.zip") == m.read()
    strategies.nothing_left(gw, dest)


@pytest.mark.patient
@pytest.mark.big
@pytest.mark.parametrize("strategy", ONE_QUICK)
def test_slow_down_for_ever_while_publishing(gw, proxy, bucket, mount,
                                             strategy):
    """EIO after all attempts; what can be removed is removed."""
    source, dest = bucket(gw, strategies.few()), bucket(gw)
    m = mount(proxy, source, publish_strategy=strategy)
    proxy.rules({**PARTS, **answer(503, "SlowDown", n=3)})
    assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=1200) == errno.EIO
    assert "SlowDown" in str(status(m.file()))
    strategies.nothing_left(gw, dest)
    assert absent(gw, dest, "o.zip")


@pytest.mark.patient
@pytest.mark.big
def test_server_killed_during_publish(own_gw, mount, tmp_path):
    from lib.faultproxy import FaultProxy
    source, dest = own_gw.bucket(), own_gw.bucket()
    sets.fill(own_gw, source, sets.duo(sets.NONE))
    proxy = FaultProxy(str(tmp_path), own_gw)
    try:
        m = mount(proxy, source)
        proxy.rules({**PARTS, "n": 3, "hold": True})
        result = []
        job = threading.Thread(target=lambda: result.append(
            set_attr(m.file(), f"s3://{dest}/o.zip", limit=120)))
        job.start()
        proxy.held()
        own_gw.kill()
        proxy.release()
        job.join(120)
        # through the proxy a dead server is a 502
        assert result and result[0] in (errno.ECONNREFUSED, errno.EIO)
        own_gw.restart()
        assert set_attr(m.file(), f"s3://{dest}/o.zip") == 0
        assert body(own_gw, dest, "o.zip") == m.read()
        assert own_gw.uploads(dest) == []
        m.unmount()
    finally:
        proxy.stop()


@pytest.mark.big
def test_wrong_crc_of_a_copied_part(gw, proxy, bucket, mount):
    """A store whose part checksums are wrong is verified by reading."""
    source, dest = bucket(gw, sets.ranged()), bucket(gw)    # known quirk
    m = mount(proxy, source)
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == 0, status(m.file())
    assert status(m.file())["verified"] in ("readback-headers", "full")
    assert body(gw, dest, "o.zip") == m.read()
    seen = count(proxy.log())
    assert seen["create"] == 2 and seen["abort"] >= 1
    # remembered for this endpoint: the next one does not try again
    proxy.forget()
    assert set_attr(m.file(), f"s3://{dest}/o2.zip") == 0
    assert count(proxy.log())["create"] == 1


@pytest.mark.big
def test_parts_end_before_the_abort(gw, proxy, bucket, mount):
    """A part that the store still writes would bring its aborted upload
    back: before a restart, parts on their way are waited for."""
    source, dest = bucket(gw, sets.ranged()), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({**COPIES, "n": 2, "count": 0, "delay": 0.5})
    assert set_attr(m.file(), f"s3://{dest}/o.zip") == 0, status(m.file())
    log = proxy.log()
    abort = next(c for c in log if c.operation == "abort")
    upload = abort.query.partition("uploadId=")[2]
    copies = [c for c in log if c.operation == "copy" and upload in c.query]
    assert len(copies) > 1
    assert all(c.seconds and c.at + c.seconds <= abort.at for c in copies)


@pytest.mark.big
def test_no_part_copy(gw, proxy, bucket, mount):
    """A store that says 501 to copies."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({**COPIES, **answer(501, "NotImplemented")})
    got = set_attr(m.file(), f"s3://{dest}/o.zip")
    assert got in (0, errno.EIO, errno.EOPNOTSUPP)
    assert gw.uploads(dest) == []
    if got == 0:
        assert body(gw, dest, "o.zip") == m.read()


@pytest.mark.big
def test_wrong_bytes_arrive(gw, proxy, bucket, mount):
    """A finished object of the wrong size does not stay."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({**COMPLETE, **answer(400, "BadDigest")})
    assert set_attr(m.file(), f"s3://{dest}/o.zip", limit=100) == errno.EIO
    assert "BadDigest" in str(status(m.file()))
    assert gw.uploads(dest) == [] and absent(gw, dest, "o.zip")


# --- region, tokens, time -------------------------------------------------------

@pytest.mark.quick
@pytest.mark.parametrize("rule", [
    {"status": 301, "code": "PermanentRedirect",
     "headers": {"x-amz-bucket-region": "eu-west-9"}},
    {"status": 400, "code": "AuthorizationHeaderMalformed",
     "headers": {"x-amz-bucket-region": "eu-west-9"}},
], ids=["301", "400"])
def test_wrong_region(gw, proxy, bucket, mount, rule):
    """Learned once: signed for the region that the answer names. (The
    server behind is in us-east-1, so its own refusal ends it; what counts
    is the second call's scope.)"""
    source = bucket(gw, sets.one())
    proxy.rules({"method": "GET", "count": 0, **rule,
                 "headers_match": {"authorization": "us-east-1"}})
    with pytest.raises(MountFailed):
        mount(proxy, source, env={"AWS_REGION": None})
    scopes = [c.headers["authorization"] for c in proxy.log()]
    assert any("eu-west-9" in s for s in scopes)
    assert len(scopes) < 12


def test_expired_token_is_refreshed(gw, proxy, bucket, mount, home):
    """403 ExpiredToken: credentials are asked for again, and it goes on."""
    calls = credential_process(home)
    m = mount(proxy, bucket(gw, {"member": sets.Obj(5000)}),
              env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None})
    os.stat(m.file())
    time.sleep(1.2)     # a brand-new one is not asked for again at once
    before = calls()
    proxy.rules({**GETS, "status": 403, "code": "ExpiredToken"})
    m.read()
    assert calls() > before


def test_clock_skew(gw, proxy, bucket, mount):
    """RequestTimeTooSkewed: the offset comes from the Date header."""
    source = bucket(gw, {"member": sets.Obj(5000)})
    m = mount(proxy, source)
    os.stat(m.file())
    proxy.rules({**GETS, "status": 403, "code": "RequestTimeTooSkewed"})
    assert read_errno(m.file()) == 0


@pytest.mark.patient
def test_stalled_data(gw, proxy, bucket, mount):
    """An answer that stalls is given up after 20 s and asked for again."""
    m = mount(proxy, bucket(gw, {"member": sets.Obj(5000)}))
    os.stat(m.file())
    proxy.rules({**GETS, "delay": 120})
    start = time.monotonic()
    assert read_errno(m.file()) == 0
    assert 10 < time.monotonic() - start < 60
