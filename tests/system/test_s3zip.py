# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""s3zip: ls, plan, cat, publish, verify, doctor; outputs and exit codes.

(extract and what verify asks the store: test_extract.py.)"""

import json
import os
import subprocess

import pytest

from lib import refzip, sets, where
from lib.mount import environment

pytestmark = pytest.mark.quick


def body(store, bucket, key):
    return store.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_ls(gw, bucket, s3zip):
    objects = sets.nested() | sets.utf8()
    source = bucket(gw, objects)
    done = s3zip(gw, "ls", f"s3://{source}")
    assert done.returncode == 0, done.stderr
    for name, obj in objects.items():
        assert any(name in line and str(obj.size) in line
                   for line in done.stdout.splitlines()), name
    done = s3zip(gw, "ls", f"s3://{source}/b/")
    assert "d/e" in done.stdout and "b/d/e" not in done.stdout


def test_ls_skipped(running, bucket, s3zip):
    from test_publish import conflict_store
    ls = conflict_store(running)
    source = bucket(ls, {"a//b": sets.Obj(1, sets.CRC64),
                         "ok": sets.Obj(2, sets.CRC64)})
    done = s3zip(ls, "ls", f"s3://{source}", "--skipped")
    assert done.returncode == 0 and "a//b" in done.stdout


def test_nothing_there(gw, bucket, s3zip):
    source = bucket(gw, sets.one())
    for command in ("ls", "cat", "plan", "publish"):
        done = s3zip(gw, command, f"s3://{source}/nothing/")
        assert done.returncode == 1, (command, done)
        assert len(done.stderr.strip().splitlines()) == 1


def test_usage(gw, s3zip):
    for args in ([], ["nonsense"], ["ls"], ["cat"], ["plan", "--nonsense"],
                 ["verify"], ["extract", "s3://b/x.zip"],
                 ["extract", "not-a-url", "s3://b"],
                 ["extract", "s3://b/x.zip", "not-a-url"],
                 ["ls", "s3://b", "--no-such-option"], ["cat", "not-a-url"],
                 ["publish", "s3://b", "not-a-url"],
                 ["plan", "s3://b", "--strategy", "best"],
                 ["publish", "s3://b", "--prices", "1/2"]):
        done = s3zip(gw, *args)
        assert done.returncode == 2, (args, done)
        assert done.stderr.strip()
    done = s3zip(gw, "--help")
    assert done.returncode == 0
    assert all(w in done.stdout for w in ("ls", "plan", "cat", "publish",
                                          "verify", "extract", "cleanup",
                                          "doctor"))


def sizes(home, rows):
    path = f"{home}/sizes"
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(f"{s}\t{n}\n" for n, s in rows)
    return path


def plan(s3zip, gw, home, rows, *more):
    done = s3zip(gw, "plan", "--sizes", sizes(home, rows), "--json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_plan(p, rows):
    """What the contract promises of the JSON, and that the parts tile."""
    members = [refzip.Member(n.encode(), s, 0) for n, s in rows]
    assert p["layout"]["entries"] == len(rows)
    assert p["layout"]["bytes"] == sum(x["bytes"] for x in p["parts"])
    assert p["layout"]["version"] == 1
    if p["layout"]["bytes"] < 0xF0000000:
        assert p["layout"]["bytes"] == refzip.size(members)
    t = p["totals"]
    kinds = {k: [x for x in p["parts"] if x["kind"] == k]
             for k in ("upload", "copy")}
    assert len(kinds["upload"]) + len(kinds["copy"]) == len(p["parts"])
    assert t["uploaded"] == sum(x["bytes"] for x in kinds["upload"])
    assert t["copied"] == sum(x["bytes"] for x in kinds["copy"])
    assert t["requests"]["upload"] in (len(kinds["upload"]), 0)
    assert t["requests"]["copy"] == len(kinds["copy"])
    assert p["lower_bound"]["uploaded"] <= t["uploaded"]
    assert t["price_usd"] >= 0
    floor = 5 << 20
    assert all(x["bytes"] >= floor for x in p["parts"][:-1])
    assert len(p["parts"]) <= 10000
    by_name = dict(rows)
    for x in kinds["copy"]:
        s = x["source"]
        assert s["last"] - s["first"] + 1 == x["bytes"]
        assert s["last"] < by_name[s["key"]]
    return t


def test_plan_sizes(gw, home, s3zip):
    rows = [(f"m{i}", 3_000_000 + i * 70_001) for i in range(120)]
    t = check_plan(plan(s3zip, gw, home, rows), rows)
    assert t["uploaded"] < 0.7 * sum(s for _, s in rows)
    t = check_plan(plan(s3zip, gw, home, rows, "--strategy", "stream"), rows)
    assert t["copied"] == 0
    t = check_plan(plan(s3zip, gw, home, rows, "--order", "key"), rows)
    done = s3zip(gw, "plan", "--sizes", sizes(home, rows))
    assert done.returncode == 0 and "bound" in done.stdout


@pytest.mark.parametrize("rows", [
    [], [("a", 0)], [("a", 1)], [("a", 5 << 20)], [("a", 6 << 30)],
    [("a", 5 << 20), ("b", 5 << 20)], [(f"s{i}", 100) for i in range(999)],
    [(f"z{i}", 0) for i in range(70000)],
    [(f"x{i}", 3 << 20) for i in range(100)],
], ids=["empty", "zero", "one", "floor", "6GiB", "two", "small", "70000",
        "3MiB"])
def test_plan_shapes(gw, home, s3zip, rows):
    check_plan(plan(s3zip, gw, home, rows), rows)


def test_plan_matches_layout(gw, bucket, s3zip):
    source = bucket(gw, sets.nested())
    done = s3zip(gw, "plan", f"s3://{source}", "--json")
    assert done.returncode == 0, done.stderr
    p = json.loads(done.stdout)
    data = s3zip(gw, "cat", f"s3://{source}", text=False).stdout
    assert p["layout"]["bytes"] == len(data)
    assert p["layout"]["entries"] == 7
    order = [n for n, *_ in refzip.central_directory(data)]
    members = refzip.members(gw.client, source, "",
                             sets.expected(sets.nested()), order)
    assert p["layout"]["digest"] == refzip.digest(members)


def test_plan_says_where_crcs_come_from(gw, bucket, home, s3zip):
    """What an earlier read told is known; the copies tell the others, but
    for one that comes behind its own header."""
    source = bucket(gw, {f"m{i}": sets.Obj(6_000_000 + i, sets.NONE)
                         for i in range(3)} | {"empty": sets.Obj(0)})
    url, read = f"s3://{source}", {"crc": "read"}
    done = s3zip(gw, "plan", url, "--strategy", "chain")
    assert done.returncode == 0, done.stderr
    assert "\ncrcs: known 1, from copies 2, oracle 1, read 0\n" in done.stdout
    assert s3zip(gw, "cat", url, text=False, **read).returncode == 0
    done = s3zip(gw, "plan", url, "--strategy", "chain")
    assert "\ncrcs: known 4, from copies 0, oracle 0, read 0\n" in done.stdout
    rows = [(f"m{i}", 20 << 20) for i in range(2)]
    for way, down in (("read", 40 << 20), ("oracle", 64 << 10)):
        done = s3zip(gw, "plan", "--sizes", sizes(home, rows), "--json",
                     "--strategy", "chain", crc=way)
        assert done.returncode == 0, done.stderr
        t = json.loads(done.stdout)["totals"]
        assert t["crcs"][way] == 2 and t["read_back"] == t["uploaded"]
        assert t["downloaded"] - t["read_back"] == down


def test_cat_to_file_is_whole_or_absent(gw, proxy, bucket, s3zip, home):
    source = bucket(gw, {"member": sets.Obj(5000)})
    proxy.rules({"method": "GET", "path": "member", "status": 403,
                 "code": "AccessDenied", "count": 0})
    out = f"{home}/out.zip"
    done = s3zip(proxy, "cat", f"s3://{source}", "-o", out)
    assert done.returncode == 1 and "member" in done.stderr
    assert "AccessDenied" in done.stderr
    assert not os.path.exists(out) or os.path.getsize(out) < 5100
    proxy.rules()
    assert s3zip(proxy, "cat", f"s3://{source}", "-o", out).returncode == 0


def test_cat_into_a_closed_pipe(gw, bucket, env):
    source = bucket(gw, {"m": sets.Obj(9 << 20)})
    proc = subprocess.Popen(
        [where.program("s3zip"), "cat", f"s3://{source}"], env=env(gw),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    proc.stdout.read(100)
    proc.stdout.close()
    assert proc.wait(20) != 0
    proc.stderr.close()


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(gw, bucket, env, home, closed):
    """As some supervisors start programs: the numbers are not taken for
    sockets, and what cannot be written is an error."""
    source = bucket(gw, {"m": sets.Obj(5000)})
    program = where.program("s3zip")
    done = subprocess.run(
        ["sh", "-c", f"exec '{program}' cat s3://{source} -o x.zip {closed}"],
        env=env(gw), cwd=home, timeout=60, check=False)
    assert done.returncode == 0
    assert os.path.getsize(f"{home}/x.zip") > 5000
    done = subprocess.run(
        ["sh", "-c", f"exec '{program}' cat s3://{source} >&-"], env=env(gw),
        stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "Bad file descriptor" in done.stderr


def test_publish_and_verify(gw, bucket, s3zip):
    source, dest = bucket(gw, sets.nested()), bucket(gw)
    where_ = f"s3://{dest}/out.zip"
    done = s3zip(gw, "publish", f"s3://{source}", where_)
    assert done.returncode == 0, done.stderr
    data = s3zip(gw, "cat", f"s3://{source}", text=False).stdout
    assert body(gw, dest, "out.zip") == data
    done = s3zip(gw, "verify", where_)
    assert done.returncode == 0, done.stderr
    done = s3zip(gw, "verify", where_, "--against", f"s3://{source}")
    assert done.returncode == 0, done.stderr
    # the prefix's own archive.zip is the default destination
    done = s3zip(gw, "publish", f"s3://{source}/b/")
    assert done.returncode == 0, done.stderr
    assert body(gw, source, "b/archive.zip")
    done = s3zip(gw, "publish", f"s3://{source}/b/", "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["state"] == "done"


def test_publish_refuses_a_stranger(gw, bucket, s3zip):
    source, dest = bucket(gw, sets.one()), bucket(gw)
    gw.client.put_object(Bucket=dest, Key="o.zip", Body=b"x")
    done = s3zip(gw, "publish", f"s3://{source}", f"s3://{dest}/o.zip")
    assert done.returncode == 1
    assert done.stderr.count("the destination exists") == 1, done.stderr
    done = s3zip(gw, "publish", f"s3://{source}", f"s3://{dest}/o.zip",
                 log="error")
    assert done.returncode == 1
    assert done.stderr.count("the destination exists") == 1, done.stderr
    done = s3zip(gw, "publish", f"s3://{source}", f"s3://{dest}/o.zip",
                 overwrite=True)
    assert done.returncode == 0, done.stderr


def test_verify_finds_damage(gw, bucket, s3zip, home):
    source = bucket(gw, sets.nested())
    path = f"{home}/a.zip"
    assert s3zip(gw, "cat", f"s3://{source}", "-o", path).returncode == 0
    assert s3zip(gw, "verify", path).returncode == 0
    with open(path, "rb") as f:
        good = f.read()
    (_, _, _, first), = [m for m in refzip.central_directory(good)
                         if m[0] == b"z/y"]
    cuts = {"body": bytes(good[:first + 43]) + b"!" + good[first + 44:],
            "header": good[:first + 14] + b"!" + good[first + 15:],
            "short": good[:-1], "long": good + b"x", "front": b"x" + good,
            "empty": b"", "end": good[:-22], "text": b"no zip" * 20}
    for what, data in cuts.items():
        with open(path, "wb") as f:
            f.write(data)
        done = s3zip(gw, "verify", path)
        assert done.returncode == 1, (what, done)
        assert done.stderr or done.stdout


def test_verify_of_a_bucket(gw, bucket, s3zip):
    done = s3zip(gw, "verify", f"s3://{bucket(gw)}")
    assert done.returncode == 1 and "no object name" in done.stderr


def test_verify_against_a_changed_prefix(gw, bucket, s3zip, home):
    source = bucket(gw, sets.nested())
    path = f"{home}/a.zip"
    assert s3zip(gw, "cat", f"s3://{source}", "-o", path).returncode == 0
    gw.client.put_object(Bucket=source, Key="new", Body=b"x")
    done = s3zip(gw, "verify", path, "--against", f"s3://{source}")
    assert done.returncode == 1, done


def test_doctor(gw, bucket, s3zip):
    source = bucket(gw, sets.checksums())
    done = s3zip(gw, "doctor", f"s3://{source}")
    assert done.returncode == 0, done
    text = done.stdout.lower()
    for word in ("credential", "environment", "region", "clock", "fuse",
                 "checksum"):
        assert word in text, (word, done.stdout)
    from lib import servers
    assert servers.SECRET not in done.stdout
    # The policy to paste allows all that a publish may do.
    for action in ("PutObject", "GetObject", "AbortMultipartUpload",
                   "ListMultipartUploadParts", "DeleteObject",
                   "ListBucketMultipartUploads", "ListBucket",
                   "GetObjectAttributes"):
        assert f'"s3:{action}"' in done.stdout, action


def test_doctor_says_what_is_wrong(gw, bucket, s3zip):
    source = bucket(gw, sets.one())
    done = s3zip(gw, "doctor", f"s3://{source}",
                 env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert done.returncode == 1
    assert "SignatureDoesNotMatch" in done.stdout + done.stderr
    # A policy would not help: nobody is told to paste one.
    assert "Permissions are missing" not in done.stdout, done.stdout
    done = s3zip(gw, "doctor", f"s3://{source}",
                 env={"AWS_SECRET_ACCESS_KEY": None,
                      "AWS_ACCESS_KEY_ID": None})
    assert done.returncode == 1 and "no credentials" in done.stdout
    assert "Permissions are missing" not in done.stdout, done.stdout
    done = s3zip(gw, "doctor", "s3://no-such-bucket-here")
    assert done.returncode == 1
    assert "NoSuchBucket" in done.stdout + done.stderr


def test_doctor_names_missing_permissions(gw, proxy, bucket, s3zip):
    source = bucket(gw, sets.one())
    proxy.rules({"method": "GET", "path": "one.txt", "status": 403,
                 "code": "AccessDenied", "count": 0},
                {"method": "HEAD", "path": "one.txt", "status": 403,
                 "count": 0})
    done = s3zip(proxy, "doctor", f"s3://{source}")
    text = done.stdout + done.stderr
    assert "s3:GetObject" in text and '"Version"' in text
    assert "Permissions are missing" in text


def test_include_exclude_and_escape(gw, bucket, s3zip):
    """The same options as the mount."""
    source = bucket(gw, {"a.txt": sets.Obj(1), "b.bin": sets.Obj(2),
                         "c%.txt": sets.Obj(3)})
    data = s3zip(gw, "cat", f"s3://{source}", text=False, include="*.txt",
                 badkeys="escape").stdout
    assert {n for n, *_ in refzip.central_directory(data)} == \
        {b"a.txt", b"c%25.txt"}


def test_long_options(gw, bucket, env):
    """--name value, --name=value, - and _ are one."""
    source = bucket(gw, {"a.txt": sets.Obj(1), "b.bin": sets.Obj(2)})
    for words in (["--badkeys", "skip", "--exclude", "*.bin"],
                  ["--badkeys=skip", "--exclude=*.bin"],
                  ["-o", "badkeys=skip,exclude=*.bin,max-entries=9"]):
        done = subprocess.run(
            [where.program("s3zip"), "ls", *words, f"s3://{source}"],
            env=env(gw), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "a.txt" in done.stdout and "b.bin" not in done.stdout


def test_version():
    done = subprocess.run([where.program("s3zip"), "--version"],
                          env=environment("/nonexistent"),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("s3zip")
