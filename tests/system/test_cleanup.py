# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""s3zip cleanup: what killed publishes left goes, and nothing else."""

import json
import os
import time

import pytest

from lib import left as lefts
from lib import procs, sets
from lib.left import rows
from lib.mount import set_attr, status, wait_attr

pytestmark = [pytest.mark.fault, pytest.mark.big]

ASYNC = "user.publish.async"
SCRATCH = ".s3zipfs-scratch/"
HOLD = {"method": "PUT", "query": "partNumber=3&|partNumber=3$",
        "hold": True}


def killed(m, proxy, dest, rule=None, ready=None):
    """A publish to dest that is killed at the call that a rule holds."""
    proxy.rules(rule or HOLD)
    assert set_attr(m.file(), dest, ASYNC) == 0
    proxy.held()
    if ready:
        procs.wait_for(ready, 30, 0.2)
    m.kill()
    proxy.rules()
    procs.wait_for(lambda: not procs.alive(m.pid), 10)
    m.close()


def this_process():
    """As the journal names a process."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        boot = f.read().strip()
    with open("/proc/self/stat", encoding="latin-1") as f:
        start = f.read().rpartition(")")[2].split()[19]
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}/{os.getpid()}/{start}"


def cleaned(done):
    return json.loads(done.stdout)["cleaned"]


def abort(store, bucket, upload):
    store.client.abort_multipart_upload(Bucket=bucket, Key=upload[0],
                                        UploadId=upload[1])


def stranger(store, bucket, key):
    return key, store.client.create_multipart_upload(
        Bucket=bucket, Key=key)["UploadId"]


def test_a_killed_publish(gw, proxy, bucket, mount, s3zip, home):
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    killed(mount(proxy, source), proxy, f"s3://{dest}/out.zip")
    (upload,) = gw.uploads(dest)
    mine = stranger(gw, dest, "out.zip")
    # neither another prefix, nor another bucket, nor another endpoint
    for at, url in ((proxy, f"s3://{dest}/ou"), (proxy, f"s3://{source}"),
                    (gw, f"s3://{dest}")):
        done = s3zip(at, "cleanup", url)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "nothing was left\n"
    assert sorted(gw.uploads(dest)) == sorted([upload, mine])
    done = s3zip(proxy, "cleanup", f"s3://{dest}/out.zip", "--json")
    assert done.returncode == 0, done.stderr
    assert cleaned(done) == [{
        "kind": "upload", "bucket": dest, "key": "out.zip",
        "upload_id": upload[1], "uploads": 1, "objects": 0, "error": None}]
    assert gw.uploads(dest) == [mine]
    assert rows(home) == [(0,)]
    abort(gw, dest, mine)
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert (done.returncode, done.stdout) == (0, "nothing was left\n")


def test_only_below_the_prefix(gw, proxy, bucket, mount, s3zip):
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    keys = ["a/out.zip", "ab/out.zip"]
    for key in keys:
        killed(mount(proxy, source), proxy, f"s3://{dest}/{key}")
    assert sorted(k for k, _ in gw.uploads(dest)) == keys
    done = s3zip(proxy, "cleanup", f"s3://{dest}/a")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"s3://{dest}/a/out.zip: upload ")
    assert done.stdout.endswith(" aborted\n")
    assert [k for k, _ in gw.uploads(dest)] == ["ab/out.zip"]
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert done.stdout.count("\n") == 1 and "ab/out.zip" in done.stdout
    assert gw.uploads(dest) == []


def test_killed_before_the_id_was_known(gw, proxy, bucket, mount, s3zip,
                                        home):
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    mine = stranger(gw, dest, "out.zip")
    time.sleep(3.1)     # seconds are cut off
    m = mount(proxy, source)
    proxy.rules({"method": "POST", "query": "uploads", "delay_answer": 30})
    assert set_attr(m.file(), f"s3://{dest}/out.zip", ASYNC) == 0
    procs.wait_for(lambda: len(gw.uploads(dest)) == 2, 10)
    m.kill()
    procs.wait_for(lambda: not procs.alive(m.pid), 10)
    m.close()
    proxy.rules()
    assert rows(home, "SELECT upload_id FROM publish_upload") == [(None,)]
    # one that lives might be the one that made it
    rows(home, "INSERT INTO publish_upload (endpoint, bucket, key, digest,"
         " size, intent, owner) SELECT endpoint, bucket, key, 'other', 1,"
         " intent, ? FROM publish_upload", this_process())
    done = s3zip(proxy, "cleanup", f"s3://{dest}", "--json")
    assert done.returncode == 0, done.stderr
    assert {t["kind"] for t in cleaned(done)} == {"alive"}
    assert len(gw.uploads(dest)) == 2 and rows(home) == [(2,)]
    rows(home, "DELETE FROM publish_upload WHERE digest = 'other'")
    # another host may just have begun it
    done = s3zip(proxy, "cleanup", f"s3://{dest}", "--json")
    assert done.returncode == 0, done.stderr
    assert {t["kind"] for t in cleaned(done)} == {"young"}
    assert len(gw.uploads(dest)) == 2
    assert rows(home, "SELECT owner FROM publish_upload") == [("",)]
    # one that has a part is another's; from before is the third
    other = stranger(gw, dest, "out.zip")
    gw.client.upload_part(Bucket=dest, Key="out.zip", UploadId=other[1],
                          PartNumber=7, Body=b"theirs")
    lefts.later(gw, dest, home)
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" aborted\n") == 1
    assert sorted(gw.uploads(dest)) == sorted([mine, other])
    assert rows(home) == [(0,)]
    abort(gw, dest, mine)
    abort(gw, dest, other)


def test_a_living_process(gw, proxy, bucket, mount, s3zip):
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    m = mount(proxy, source)
    proxy.rules(HOLD)
    assert set_attr(m.file(), f"s3://{dest}/out.zip", ASYNC) == 0
    proxy.held()
    (upload,) = gw.uploads(dest)
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert "left alone" in done.stdout and "aborted" not in done.stdout
    assert gw.uploads(dest) == [upload]
    proxy.release()
    code, text = wait_attr(m.file())
    assert code == 0, text
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert done.stdout == "nothing was left\n"


def test_rows_of_other_hosts(gw, proxy, bucket, mount, s3zip, home):
    """Left alone for a day; then nobody can be behind them."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    killed(mount(proxy, source), proxy, f"s3://{dest}/out.zip")
    rows(home, "UPDATE publish_upload SET owner = 'boot/pid:[1]/1/1'")
    done = s3zip(proxy, "cleanup", f"s3://{dest}", "--json")
    assert [t["kind"] for t in cleaned(done)] == ["alive"]
    assert len(gw.uploads(dest)) == 1
    rows(home, "UPDATE publish_upload SET intent = intent - 86401")
    done = s3zip(proxy, "cleanup", f"s3://{dest}", "--json")
    assert [t["kind"] for t in cleaned(done)] == ["upload"]
    assert gw.uploads(dest) == []


def test_refused(gw, proxy, bucket, mount, s3zip, home):
    """What cannot be removed is named, and stays in the journal."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    killed(mount(proxy, source), proxy, f"s3://{dest}/out.zip")
    proxy.rules({"method": "DELETE", "status": 403, "code": "AccessDenied",
                 "count": 0})
    for words in ([], ["--json"]):
        done = s3zip(proxy, "cleanup", f"s3://{dest}", *words)
        assert done.returncode == 1
        assert "403 AccessDenied" in done.stderr
        assert f"s3://{dest}/out.zip" in done.stderr
        assert "FAULT0123456789" in done.stderr     # the request id
    assert "AccessDenied" in cleaned(done)[0]["error"]
    assert len(gw.uploads(dest)) == 1 and rows(home) == [(1,)]
    proxy.rules()
    assert s3zip(proxy, "cleanup", f"s3://{dest}").returncode == 0
    assert gw.uploads(dest) == [] and rows(home) == [(0,)]


def test_without_a_journal(gw, bucket, s3zip):
    done = s3zip(gw, "cleanup", f"s3://{bucket(gw)}", cache_dir="")
    assert done.returncode == 1 and "no state file" in done.stderr


def test_the_oracles_uploads(gw, bucket, mount, s3zip):
    """Uploads that were only to tell CRCs."""
    objects = {f"m{i}": sets.Obj(9 << 20, sets.NONE) for i in range(2)}
    source = bucket(gw, objects)
    mine = stranger(gw, source, "mine")
    m = mount(gw, source, crc="oracle")
    with open(m.file(), "rb") as f:
        f.seek(-100, os.SEEK_END)
        f.read()
    before = gw.uploads(source)
    assert len(before) == 2
    done = s3zip(gw, "cleanup", f"s3://{source}")
    assert gw.uploads(source) == before     # it lives
    m.kill()
    procs.wait_for(lambda: not procs.alive(m.pid), 10)
    m.close()
    assert s3zip(gw, "cleanup", f"s3://{source}/elsewhere").stdout == \
        "nothing was left\n"
    assert gw.uploads(source) == before
    done = s3zip(gw, "cleanup", f"s3://{source}", "--json")
    assert done.returncode == 0, done.stderr
    assert [(t["kind"], t["uploads"]) for t in cleaned(done)] == [("crc", 1)]
    assert cleaned(done)[0]["key"].startswith(SCRATCH)
    assert gw.uploads(source) == [mine]
    abort(gw, source, mine)


# --- scratch objects -------------------------------------------------------

@pytest.fixture
def left(versioned, versioned_proxy, bucket, mount, home):
    """A killed publish with scratch objects, beside those of strangers:
    (bucket, versions that must stay, uploads that must stay)."""
    dest = versioned.versioned_bucket()
    for key in (SCRATCH + "other/1", SCRATCH + "0" * 32 + "/1", "keep"):
        for data in (b"1", b"22"):
            versioned.client.put_object(Bucket=dest, Key=key, Body=data)
        versioned.client.delete_object(Bucket=dest, Key=key)
    versions = sorted(versioned.all_versions(dest))
    uploads = [stranger(versioned, dest, SCRATCH + "other/1")]
    source = bucket(versioned, sets.duo(sets.NONE))
    m = mount(versioned_proxy, source, publish_strategy="chain")
    before = len(versions)
    killed(m, versioned_proxy, f"s3://{dest}/out.zip",
           {"method": "PUT", "query": "partNumber=", "path": "out.zip$",
            "hold": True, "count": 0},
           lambda: len(versioned.all_versions(dest)) > before)
    (scratch,), = rows(home, "SELECT scratch FROM publish_upload")
    assert scratch.startswith(SCRATCH)
    assert versioned.all_versions(dest, scratch) != []
    # a part of a scratch upload, and a deleted scratch object
    stranger(versioned, dest, scratch + "000900")
    versioned.client.put_object(Bucket=dest, Key=scratch + "000901", Body=b"")
    versioned.client.delete_object(Bucket=dest, Key=scratch + "000901")
    yield dest, versions, uploads
    for name in (dest, source):     # in source: the killed mount's oracle's
        for upload in versioned.uploads(name):
            abort(versioned, name, upload)


def test_scratch_objects_in_all_versions(versioned, versioned_proxy, s3zip,
                                         left, home):
    dest, versions, uploads = left
    (prefix,), = rows(home, "SELECT scratch FROM publish_upload")
    objects = len(versioned.all_versions(dest, prefix))
    begun = [k for k, _ in versioned.uploads(dest) if k.startswith(prefix)]
    assert objects >= 3 and len(begun) >= 1
    done = s3zip(versioned_proxy, "cleanup", f"s3://{dest}", "--json")
    assert done.returncode == 0, done.stderr
    assert sorted(versioned.all_versions(dest)) == versions
    assert versioned.uploads(dest) == uploads
    assert rows(home) == [(0,)]
    upload, scratch = cleaned(done)
    assert (upload["kind"], scratch["kind"]) == ("upload", "scratch")
    assert scratch["prefix"] == prefix
    assert scratch["uploads"] == len(begun)
    assert scratch["objects"] == objects


def test_scratch_where_versions_are_suspended(versioned, versioned_proxy,
                                              s3zip, left, home):
    """The version "null" is one, too: without its name a deletion would
    leave a marker."""
    dest, versions, _ = left
    (scratch,), = rows(home, "SELECT scratch FROM publish_upload")
    versioned.client.put_bucket_versioning(
        Bucket=dest, VersioningConfiguration={"Status": "Suspended"})
    versioned.client.put_object(Bucket=dest, Key=scratch + "000902", Body=b"")
    assert (scratch + "000902", "null") in versioned.all_versions(dest)
    done = s3zip(versioned_proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert sorted(versioned.all_versions(dest)) == versions


def test_scratch_that_cannot_be_deleted(versioned, versioned_proxy, s3zip,
                                        left, home):
    dest, versions, uploads = left
    versioned_proxy.rules({"method": "DELETE", "query": "versionId=",
                           "status": 403, "code": "AccessDenied", "n": 1,
                           "count": 1})
    done = s3zip(versioned_proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 1
    assert "AccessDenied" in done.stderr and SCRATCH in done.stderr
    assert rows(home) == [(1,)]
    done = s3zip(versioned_proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 0, done.stderr
    assert sorted(versioned.all_versions(dest)) == versions
    assert versioned.uploads(dest) == uploads
    assert rows(home) == [(0,)]


@pytest.mark.parametrize("prefix", ["keep", SCRATCH, "other/", "0" * 32 + "/",
                                    SCRATCH + "g" * 32 + "/", "/"])
def test_a_prefix_that_no_job_made(gw, proxy, bucket, mount, s3zip, home,
                                   prefix):
    """A journal that is wrong deletes nothing."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    killed(mount(proxy, source), proxy, f"s3://{dest}/out.zip")
    keys = ["keep", SCRATCH + "1", "other/1", "0" * 32 + "/1",
            SCRATCH + "g" * 32 + "/1"]
    sets.fill(gw, dest, {k: sets.Obj(10) for k in keys})
    rows(home, "UPDATE publish_upload SET scratch = ?", prefix)
    done = s3zip(proxy, "cleanup", f"s3://{dest}")
    assert done.returncode == 1 and "left alone" in done.stderr
    assert {o["Key"] for o in gw.client.list_objects_v2(
        Bucket=dest)["Contents"]} == set(keys)
    assert gw.uploads(dest) == []   # that was ours


def test_resume_and_cleanup(gw, proxy, bucket, mount, s3zip):
    """After a cleanup the next publish begins anew, and is right."""
    source, dest = bucket(gw, sets.duo(sets.NONE)), bucket(gw)
    killed(mount(proxy, source), proxy, f"s3://{dest}/out.zip")
    assert s3zip(proxy, "cleanup", f"s3://{dest}").returncode == 0
    m = mount(proxy, source)
    assert set_attr(m.file(), f"s3://{dest}/out.zip") == 0, status(m.file())
    assert gw.client.get_object(Bucket=dest, Key="out.zip")[
        "Body"].read() == m.read()
