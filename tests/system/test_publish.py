# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Publishing by setfattr: forms, destinations, refusals, jobs."""

import errno
import signal
import time

import pytest

from lib import faultproxy, procs, refzip, servers, sets
from lib.mount import (get_attr, lines, number, outcome, remove_attr,
                       set_attr, set_start, status, wait_attr)

ASYNC = "user.publish.async"
PLAN = "user.publish.plan"


def body(store, bucket, key):
    return store.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def exists(store, bucket, key):
    answer = store.client.list_objects_v2(Bucket=bucket, Prefix=key)
    return any(o["Key"] == key for o in answer.get("Contents", []))


@pytest.mark.quick
@pytest.mark.tsan
def test_destinations(gw, bucket, mount):
    """s3://bucket/key, /key, and '' for the directory's own archive.zip."""
    source, dest = bucket(gw, sets.nested(), "p/"), bucket(gw)
    m = mount(gw, source, "p/", publish_to=None)
    data = m.read("b")
    for value, where, key in ((f"s3://{dest}/a b+c.zip", dest, "a b+c.zip"),
                              ("/elsewhere/out.zip", source,
                               "elsewhere/out.zip"),
                              ("", source, "p/b/archive.zip")):
        assert set_attr(m.file("b"), value) == 0, status(m.file("b"))
        assert body(gw, where, key) == data
    head = gw.client.head_object(Bucket=dest, Key="a b+c.zip")
    assert head["ContentType"] == "application/zip"
    assert head["Metadata"]["s3zipfs-layout"] in get_attr(
        m.file("b"), "user.s3zipfs.digest")


@pytest.mark.quick
def test_async(gw, bucket, mount):
    source, dest = bucket(gw, sets.nested()), bucket(gw)
    m = mount(gw, source)
    assert set_attr(m.file(), f"s3://{dest}/out.zip", ASYNC) == 0
    code, text = wait_attr(m.file())
    assert code == 0 and lines(text)["state"] == "done"
    assert lines(text)["verified"]
    assert body(gw, dest, "out.zip") == m.read()
    # on a directory: the asynchronous form only
    assert set_attr(m.path + "/b", f"s3://{dest}/b.zip") == errno.EISDIR
    assert set_attr(m.path + "/b", f"s3://{dest}/b.zip", ASYNC) == 0
    code, text = wait_attr(m.path + "/b")
    assert code == 0, text
    assert body(gw, dest, "b.zip") == m.read("b")
    assert status(m.path + "/b")["state"] == "done"
    assert status(m.file("b"))["state"] == "done"


@pytest.mark.big
def test_plan_and_status(gw, bucket, mount):
    """The plan's figures are what happens, and status says so."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(gw, source)
    text = get_attr(m.file(), PLAN)
    assert len(text) <= 4096
    plan = lines(text)
    assert gw.uploads(source) == []
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0
    said = status(m.file())
    size = len(m.read())
    assert number(said["uploaded"]) + number(said["copied"]) == size
    assert number(said["uploaded"]) < size * 0.7
    assert said["etag"].strip('"') == gw.client.head_object(
        Bucket=dest, Key="out.zip")["ETag"].strip('"')
    for name in ("uploaded", "copied"):
        assert number(plan[name]) == number(said[name]), (plan, said)


@pytest.mark.big
def test_traffic_is_the_plan(gw, proxy, bucket, s3zip):
    """What a proxy counts between us and the server equals the plan."""
    import json
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    plan = s3zip(proxy, "plan", f"s3://{source}", "--json")
    assert plan.returncode == 0, plan.stderr
    plan = json.loads(plan.stdout)
    proxy.forget()
    done = s3zip(proxy, "publish", f"s3://{source}", f"s3://{dest}/o.zip")
    assert done.returncode == 0, done.stderr
    log = proxy.log()
    seen = faultproxy.count(log)
    want = plan["totals"]["requests"]
    for kind in ("upload", "copy", "create", "complete"):
        assert seen.get(kind, 0) == want[kind], (kind, seen, want)
    sent = sum(c.sent for c in log if c.operation == "upload")
    assert sent == plan["totals"]["uploaded"]
    for call in log:
        if call.operation == "copy":
            assert "x-amz-copy-source-if-match" in call.headers
            assert "x-amz-copy-source-range" in call.headers or \
                call.operation == "copy"
        if call.operation == "get":
            assert "if-match" in call.headers
    parts = plan["parts"]
    assert [p["number"] for p in parts] == list(range(1, len(parts) + 1))
    assert sum(p["bytes"] for p in parts) == plan["layout"]["bytes"]
    assert plan["lower_bound"]["uploaded"] <= plan["totals"]["uploaded"]


@pytest.mark.quick
def test_noop(gw, proxy, bucket, mount):
    """The same layout again sends no part; a changed one replaces ours."""
    source, dest = bucket(gw, sets.nested()), bucket(gw)
    m = mount(proxy, source, ttl=0)
    where = f"s3://{dest}/out.zip"
    assert set_attr(m.file(), where) == 0
    proxy.forget()
    assert set_attr(m.file(), where) == 0
    seen = faultproxy.count(proxy.log())
    assert not {"create", "upload", "copy", "complete", "put"} & set(seen)
    assert status(m.file())["state"] == "done"
    gw.client.put_object(Bucket=source, Key="added", Body=b"new")
    assert set_attr(m.file(), where) == 0, status(m.file())
    assert body(gw, dest, "out.zip") == m.read()


@pytest.mark.quick
def test_destination_exists(gw, bucket, mount):
    source, dest = bucket(gw, sets.one()), bucket(gw)
    gw.client.put_object(Bucket=dest, Key="out.zip", Body=b"a stranger's")
    m = mount(gw, source)
    where = f"s3://{dest}/out.zip"
    assert set_attr(m.file(), where) == errno.EEXIST
    assert body(gw, dest, "out.zip") == b"a stranger's"
    assert status(m.file())["state"] == "failed"
    assert m.log_text().count("the destination exists") == 1
    m = mount(gw, source, overwrite=True)
    assert set_attr(m.file(), where) == 0
    assert body(gw, dest, "out.zip") == m.read()


@pytest.mark.quick
def test_destination_malformed(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.one()))
    for value in ("nonsense", "s3://", "s3://bucket-only", "http://b/k",
                  "s3://b/", "s3:///key", "/", "s3://UPPER_case!/k"):
        assert set_attr(m.file(), value) == errno.EINVAL, value
        assert f"publish to '{value}': " in m.log_text(), value


@pytest.mark.quick
def test_destination_is_a_member(gw, bucket, mount):
    source = bucket(gw, sets.nested())
    m = mount(gw, source)
    assert set_attr(m.file(), "/b/c") == errno.EINVAL       # is one
    assert set_attr(m.file(), "/b/new.zip") == errno.EINVAL  # would be one
    assert set_attr(m.file("b"), "/new.zip") == 0            # outside
    m = mount(gw, source, exclude=["*.zip", "**/*.zip"])
    assert set_attr(m.file(), "/b/excluded.zip") == 0
    assert not exists(gw, source, "b/new.zip")


def conflict_store(running):
    """A server that can store poison and conflicting names."""
    from lib import servers
    if "localstack" not in servers.second():
        pytest.skip("no server here can store such names")
    return running.store("localstack")


POISON = {"ok": 5, "a//b": 6, "x/../y": 7, "c:/d": 8, "pct%": 9}
CONFLICT = {"a": 5, "a/b": 6, "ok": 7}


@pytest.mark.parametrize("objects, err", [(POISON, errno.EILSEQ),
                                          (CONFLICT, errno.EEXIST)],
                         ids=["poison", "conflict"])
def test_bad_names(running, bucket, mount, objects, err):
    ls = conflict_store(running)
    objects = {k: sets.Obj(v, sets.CRC64) for k, v in objects.items()}
    source, dest = bucket(ls, objects), bucket(ls)
    m = mount(ls, source)
    assert set_attr(m.file(), f"s3://{dest}/refused.zip") == err
    assert not exists(ls, dest, "refused.zip")
    skipped = get_attr(m.file(), "user.s3zipfs.skipped")
    data = m.read()     # reading works, without them
    names = {n.decode() for n, *_ in refzip.central_directory(data)}
    assert "ok" in names and not names & {"a//b", "x/../y", "c:/d"}
    left_out = set(objects) - names
    assert all(n in skipped for n in left_out), skipped

    m = mount(ls, source, badkeys="skip")
    assert set_attr(m.file(), f"s3://{dest}/skip.zip") == 0
    assert body(ls, dest, "skip.zip") == data

    m = mount(ls, source, badkeys="escape")
    names = {n.decode() for n, *_ in refzip.central_directory(m.read())}
    wanted = {"ok", "a/%2Fb", "x/%2E%2E/y", "c%3A/d", "pct%25"} \
        if err == errno.EILSEQ else {"a%", "a/b", "ok"}
    assert names == wanted
    assert set_attr(m.file(), f"s3://{dest}/escape.zip") == 0
    assert body(ls, dest, "escape.zip") == m.read()


def test_portable_names(gw, bucket, mount):
    """portable_names makes soft faults refuse."""
    source = bucket(gw, {"twin": sets.Obj(1), "TWIN": sets.Obj(2),
                         "ok": sets.Obj(3)})
    dest = bucket(gw)
    m = mount(gw, source)
    assert set_attr(m.file(), f"s3://{dest}/soft.zip") == 0
    m = mount(gw, source, portable_names=True)
    assert set_attr(m.file(), f"s3://{dest}/p.zip") in (errno.EILSEQ,
                                                        errno.EEXIST)


@pytest.mark.quick
def test_publish_to(gw, bucket, mount):
    source, dest = bucket(gw, sets.one()), bucket(gw)
    m = mount(gw, source, publish_to=[f"s3://{dest}/in/", f"s3://{dest}/b/"])
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == errno.EPERM
    assert set_attr(m.file(), f"s3://{dest}/in/out.zip") == 0
    assert set_attr(m.file(), f"s3://{dest}/b/out.zip") == 0


@pytest.mark.quick
def test_publish_off(gw, bucket, mount):
    source, dest = bucket(gw, sets.one()), bucket(gw)
    for options in ({"publish": "off"}, {"ro": True}):
        m = mount(gw, source, **options)
        got = set_attr(m.file(), f"s3://{dest}/out.zip")
        assert got in (errno.EPERM, errno.EROFS)
        assert not exists(gw, dest, "out.zip")


@pytest.mark.fault
@pytest.mark.big
def test_cancel(gw, proxy, bucket, mount):
    """setfattr -x ends an asynchronous job and its upload."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True})
    assert set_attr(m.file(), f"s3://{dest}/out.zip", ASYNC) == 0
    proxy.held()
    assert status(m.file())["state"] == "running"
    assert remove_attr(m.file()) == 0
    proxy.release()
    code, text = wait_attr(m.file())
    assert code == errno.ECANCELED, text
    assert status(m.file())["state"] == "cancelled"
    procs.wait_for(lambda: not gw.uploads(dest), 10)
    assert not exists(gw, dest, "out.zip")


@pytest.mark.fault
@pytest.mark.big
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGKILL],
                         ids=["int", "kill"])
def test_interrupted_caller(gw, proxy, bucket, mount, sig):
    """Ctrl-C at a blocking setfattr: no upload stays, the mount reads on."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    data = m.read()
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True})
    proc = set_start(m.file(), f"s3://{dest}/out.zip")
    proxy.held()
    proc.send_signal(sig)
    start = time.monotonic()
    assert outcome(proc, 15) in (-sig, errno.EINTR)
    assert time.monotonic() - start < 10
    proxy.release()
    procs.wait_for(lambda: not gw.uploads(dest), 10)
    assert not exists(gw, dest, "out.zip")
    assert m.read() == data
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0, status(m.file())
    assert body(gw, dest, "out.zip") == data


@pytest.mark.fault
@pytest.mark.big
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT],
                         ids=["term", "int"])
def test_stopped_daemon(gw, proxy, bucket, mount, sig):
    """SIGTERM and SIGINT unmount, also while a publish runs."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    m.read()
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True})
    proc = set_start(m.file(), f"s3://{dest}/out.zip")
    proxy.held()
    m.kill(sig)
    time.sleep(0.3)
    proxy.release()
    assert outcome(proc, 20) in (errno.ECONNABORTED, errno.ENOTCONN)
    procs.wait_for(lambda: not procs.alive(m.pid), 20)
    procs.wait_for(lambda: not gw.uploads(dest), 5)
    m.close()


@pytest.mark.fault
@pytest.mark.big
def test_unmount_aborts_async(gw, proxy, bucket, mount):
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    m.read()
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True})
    assert set_attr(m.file(), f"s3://{dest}/out.zip", ASYNC) == 0
    proxy.held()
    import threading
    threading.Timer(0.5, proxy.release).start()
    m.unmount()
    procs.wait_for(lambda: not gw.uploads(dest), 5)


@pytest.mark.fault
@pytest.mark.big
def test_killed_daemon(gw, proxy, bucket, mount):
    """kill -9: the next publish to that key removes what was left."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True})
    assert set_attr(m.file(), f"s3://{dest}/out.zip", ASYNC) == 0
    proxy.held()
    m.kill()
    proxy.rules()
    procs.wait_for(lambda: not procs.alive(m.pid), 10)
    m.close()
    assert len(gw.uploads(dest)) == 1
    stranger = gw.client.create_multipart_upload(Bucket=dest, Key="out.zip")
    m = mount(proxy, source)    # the journal knows uploads by endpoint
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0
    assert gw.uploads(dest) == [("out.zip", stranger["UploadId"])]
    gw.client.abort_multipart_upload(Bucket=dest, Key="out.zip",
                                     UploadId=stranger["UploadId"])


@pytest.mark.fault
@pytest.mark.big
def test_two_jobs(gw, proxy, bucket, mount):
    """The same layout joins the running job; another is EBUSY."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    other = {"o/x": sets.Obj(10)}
    sets.fill(gw, source, other)
    m = mount(proxy, source)
    where = f"s3://{dest}/out.zip"
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True})
    assert set_attr(m.file(), where, ASYNC) == 0
    proxy.held()
    assert set_attr(m.file("o"), where) == errno.EBUSY
    assert set_attr(m.file(), where, ASYNC) == 0    # joins
    proxy.release()
    code, text = wait_attr(m.file())
    assert code == 0, text
    assert faultproxy.count(proxy.log()).get("complete") == 1
    assert body(gw, dest, "out.zip") == m.read()


@pytest.mark.fault
@pytest.mark.big
def test_others_go_on_while_publishing(gw, proxy, bucket, mount):
    """While a setxattr is pending: stat, open, read, ls, getfattr answer."""
    import os
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source, ttl=1)
    data = m.read()
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True})
    proc = set_start(m.file(), f"s3://{dest}/out.zip")
    proxy.held()
    time.sleep(1.2)     # past ttl: a lookup lists again
    assert os.stat(m.file()).st_size == len(data)
    assert os.listdir(m.path)
    with open(m.file(), "rb", buffering=0) as f:
        assert os.pread(f.fileno(), 1000, 5000) == data[5000:6000]
    assert status(m.file())["state"] == "running"
    proxy.release()
    assert outcome(proc) == 0


def test_storage_options_reach_the_server(gw, proxy, bucket, mount):
    source, dest = bucket(gw, sets.one()), bucket(gw)
    owned = servers.ACCESS      # versitygw checks: its owner is the account
    m = mount(proxy, source, storage_class="STANDARD_IA",
              sse_kms_key_id="arn:aws:kms:us-east-1:1:key/k",
              dest_expected_owner="111122223333",
              expected_bucket_owner=owned, requester_pays=True)
    proxy.rules()
    set_attr(m.file(), f"s3://{dest}/out.zip")  # refused: not the owner
    log = proxy.log()
    makers = [c for c in log if c.operation in ("create", "put")]
    assert makers
    for c in makers:
        assert c.headers["x-amz-storage-class"] == "STANDARD_IA"
        assert c.headers["x-amz-server-side-encryption"] == "aws:kms"
        assert c.headers["x-amz-server-side-encryption-aws-kms-key-id"] \
            == "arn:aws:kms:us-east-1:1:key/k"
    for c in log:
        assert c.headers["x-amz-request-payer"] == "requester", c
        owner = "111122223333" if f"/{dest}" in c.path else owned
        assert c.headers["x-amz-expected-bucket-owner"] == owner, c


@pytest.mark.quick
def test_own_key_over_a_stranger(gw, bucket, mount):
    """A stranger at the directory's own key is a conflict; publishing over
    it resolves that, publishing elsewhere does not."""
    source, dest = bucket(gw, sets.nested()), bucket(gw)
    gw.client.put_object(Bucket=source, Key="b/archive.zip", Body=b"other's")
    m = mount(gw, source)
    assert set_attr(m.file("b"), "") == errno.EEXIST
    assert set_attr(m.file("b"), "/b/archive.zip") == errno.EEXIST
    assert body(gw, source, "b/archive.zip") == b"other's"
    m = mount(gw, source, overwrite=True)
    data = m.read("b")
    assert set_attr(m.file("b"), f"s3://{dest}/out.zip") == errno.EEXIST
    assert set_attr(m.file("b"), "") == 0, status(m.file("b"))
    assert body(gw, source, "b/archive.zip") == data
    # and now it is ours: no conflict any more
    assert set_attr(m.file("b"), f"s3://{dest}/out.zip") == 0


@pytest.mark.fault
@pytest.mark.big
def test_restarted_job_counts_once(gw, proxy, bucket, mount):
    """uploaded and copied are the object's, what was given up is wasted."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({"method": "POST", "query": "uploadId=", "status": 409,
                 "code": "ConditionalRequestConflict", "n": 1, "count": 1})
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0, status(m.file())
    said = status(m.file())
    size = number(said["bytes"])
    assert number(said["restarts"]) == 1
    assert number(said["uploaded"]) + number(said["copied"]) == size
    assert number(said["wasted"]) == size


@pytest.mark.fault
@pytest.mark.big
def test_stopped_while_the_store_is_silent(gw, proxy, bucket, mount):
    """SIGTERM with a store that answers nothing: gone in 15 s; the journal
    has the upload, and the next publish removes it."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules({"method": "PUT", "query": "partNumber=3&|partNumber=3$",
                 "hold": True},
                {"method": "DELETE", "hold": True, "count": 0})
    proc = set_start(m.file(), f"s3://{dest}/out.zip")
    proxy.held()
    m.kill(signal.SIGTERM)
    assert outcome(proc, 15) in (errno.ECONNABORTED, errno.ENOTCONN)
    procs.wait_for(lambda: not procs.alive(m.pid), 15)
    proxy.rules()
    m.close()
    assert len(gw.uploads(dest)) == 1
    m = mount(proxy, source)
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0
    assert gw.uploads(dest) == []
