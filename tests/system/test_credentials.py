# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Each way to credentials, against botocore's own resolver on the same
files, environment and endpoints: the same identity signs, with the right
secret. A proxy answers an empty listing, so any identity will do."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest

from lib import mount as mounts
from lib import procs, sigv4, where
from lib.faultproxy import FaultProxy

pytestmark = [pytest.mark.fault]

EMPTY = ("<ListBucketResult><IsTruncated>false</IsTruncated>"
         "<KeyCount>0</KeyCount></ListBucketResult>")

BOTOCORE = """
import json, os, sys, botocore.session
# botocore alone knows AWS_DEFAULT_REGION only; the AWS tools know both
os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", ""))
s = botocore.session.Session(profile=sys.argv[1] or None)
c = s.get_credentials()
c = c and c.get_frozen_credentials()
print(json.dumps([c and c.access_key, c and c.secret_key, c and c.token,
                  s.get_config_variable("region")]))
"""


@pytest.fixture
def resolve(proxy, home):
    """resolve(**env) -> (ours, botocore's): both (key, secret, token), our
    secret shown by the signature."""
    proxy.rules({"method": "GET", "status": 200, "body": EMPTY, "count": 0,
                 "path": "^/bucket"})

    def run(options=None, same=True, **more):
        more = {"AWS_ENDPOINT_URL_S3": proxy.endpoint,
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true", **more}
        env = mounts.environment(home, **more)
        proxy.forget()
        done = mounts.s3zip(["ls", "s3://bucket"], env, options)
        assert done.returncode == 0, done.stderr
        call = proxy.log()[-1]
        theirs = subprocess.run(
            [sys.executable, "-c", BOTOCORE, (options or {}).get("profile",
                                                                 "")],
            env=env, capture_output=True, text=True, check=False)
        assert theirs.returncode == 0, theirs.stderr
        key, secret, token, _ = json.loads(theirs.stdout)
        if same:
            assert sigv4.access_key(call) == key
            assert call.headers.get("x-amz-security-token") == token
            assert sigv4.right(call, secret), "wrong secret"
        return call, (key, secret, token)
    return run


def write(home, name, text):
    path = os.path.join(home, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def test_environment(resolve):
    resolve(AWS_ACCESS_KEY_ID="ENVKEY", AWS_SECRET_ACCESS_KEY="env/sec+ret")
    resolve(AWS_ACCESS_KEY_ID="ENVKEY", AWS_SECRET_ACCESS_KEY="s",
            AWS_SESSION_TOKEN="to/ken+x==")


FILE = """# a comment
[default]
aws_access_key_id = DEFKEY
aws_secret_access_key = def/secret
; another
[other]
aws_access_key_id=OTHERKEY
aws_secret_access_key =  other=secret=
aws_session_token= tok
[with space]
aws_access_key_id = SPACEKEY
aws_secret_access_key = x
"""


@pytest.mark.patient
def test_shared_credentials(resolve, home):
    write(home, ".aws/credentials", FILE)
    assert resolve()[1][0] == "DEFKEY"
    assert resolve(AWS_PROFILE="other")[1][0] == "OTHERKEY"
    assert resolve(AWS_PROFILE="with space")[1][0] == "SPACEKEY"
    other = write(home, "elsewhere/creds", FILE.replace("DEFKEY", "ELSE"))
    assert resolve(AWS_SHARED_CREDENTIALS_FILE=other)[1][0] == "ELSE"
    # the option says the same as the variable
    call, _ = resolve({"credentials_file": other}, same=False)
    assert sigv4.access_key(call) == "ELSE"
    call, _ = resolve({"profile": "other"}, same=False)
    assert sigv4.access_key(call) == "OTHERKEY"


def test_config_file(resolve, home):
    write(home, ".aws/config", """[default]
region = eu-central-1
aws_access_key_id = CONFKEY
aws_secret_access_key = conf
[profile p]
region = ap-south-1
s3 =
    addressing_style = path
    max_concurrent_requests = 5
aws_access_key_id = PKEY
aws_secret_access_key = p
""")
    call, _ = resolve(AWS_REGION=None)
    assert "/eu-central-1/" in call.headers["authorization"]
    call, _ = resolve(AWS_REGION=None, AWS_PROFILE="p")
    assert "/ap-south-1/" in call.headers["authorization"]
    call, _ = resolve(AWS_REGION=None, AWS_DEFAULT_REGION="us-west-2")
    assert "/us-west-2/" in call.headers["authorization"]
    # the environment before the files
    assert resolve(AWS_ACCESS_KEY_ID="E", AWS_SECRET_ACCESS_KEY="s")[1][0] \
        == "E"


def test_credentials_before_config(resolve, home):
    write(home, ".aws/credentials", FILE)
    write(home, ".aws/config", "[default]\naws_access_key_id = CONFKEY\n"
          "aws_secret_access_key = conf\n[profile other]\nregion = x-y-1\n")
    assert resolve()[1][0] == "DEFKEY"
    call, _ = resolve(AWS_PROFILE="other", AWS_REGION=None)
    assert "/x-y-1/" in call.headers["authorization"]


def test_credential_process(resolve, home):
    answer = {"Version": 1, "AccessKeyId": "PROCKEY",
              "SecretAccessKey": "proc", "SessionToken": "proctok",
              "Expiration": "2099-01-01T00:00:00Z"}
    script = write(home, "dir with space/creds.sh",
                   f"#!/bin/sh\n[ \"$1\" = 'an arg' ] && "
                   f"echo '{json.dumps(answer)}'\n")
    os.chmod(script, 0o755)
    write(home, ".aws/config", "[default]\ncredential_process = "
          f"\"{script}\" 'an arg'\n")
    assert resolve()[1][2] == "proctok"


@pytest.fixture
def container():
    """A stub of the ECS and EKS endpoint; it checks its token."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            ok = self.headers.get("Authorization") == server.token
            body = json.dumps({
                "AccessKeyId": "ECSKEY", "SecretAccessKey": "ecs",
                "Token": "ecstok", "Expiration": time.strftime(
                    "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200)),
            } if ok else {"code": "no"}).encode()
            self.send_response(200 if ok else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.token = None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_container(resolve, container, home):
    url = f"http://127.0.0.1:{container.server_port}/v2/creds?id=1"
    assert resolve(AWS_CONTAINER_CREDENTIALS_FULL_URI=url)[1][0] == "ECSKEY"
    container.token = "Basic secret"
    resolve(AWS_CONTAINER_CREDENTIALS_FULL_URI=url,
            AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic secret")
    token = write(home, "token", "Basic secret")
    resolve(AWS_CONTAINER_CREDENTIALS_FULL_URI=url,
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token)


def test_container_elsewhere_is_refused(proxy, home, env):
    """Only loopback and the known addresses over http."""
    done = mounts.s3zip(
        ["ls", "s3://bucket"],
        env(proxy, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
            AWS_CONTAINER_CREDENTIALS_FULL_URI="http://192.0.2.1/creds"),
        limit=30)
    assert done.returncode == 1 and done.stderr


def test_imds(resolve, home, tmp_path):
    """IMDSv2 of amazon-ec2-metadata-mock."""
    def stamp(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                             time.gmtime(time.time() + seconds))
    port = procs.free_port()
    conf = write(home, "imds.json", json.dumps({"metadata": {"values": {
        "iam-security-credentials": {
            "Code": "Success", "LastUpdated": stamp(-60),
            "Type": "AWS-HMAC", "AccessKeyId": "IMDSKEY",
            "SecretAccessKey": "imds/secret", "Token": "imds+token",
            "Expiration": stamp(5 * 3600)}}}}))
    mock = procs.Daemon(
        [where.tool("ec2-metadata-mock"), "-n", "127.0.0.1", "-p", str(port),
         "-I", "-c", conf], str(tmp_path / "imds.log"),
        dict(os.environ, HOME=str(tmp_path)))
    try:
        mock.wait_port(port)
        assert resolve(
            AWS_EC2_METADATA_DISABLED=None,
            AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://127.0.0.1:{port}/"
        )[1][0] == "IMDSKEY"
    finally:
        mock.stop()


@pytest.fixture
def sts(tmp_path):
    """moto's STS behind a recording proxy."""
    port = procs.free_port()
    moto = procs.Daemon([where.tool("moto_server"), "-H", "127.0.0.1", "-p",
                         str(port)], str(tmp_path / "moto.log"))
    recorder = None
    try:
        moto.wait_port(port, 60)

        class Backend:
            endpoint = f"http://127.0.0.1:{port}"
        recorder = FaultProxy(str(tmp_path), Backend)
        recorder.rules({"count": 0, "record": True})
        yield recorder
    finally:
        if recorder:
            recorder.stop()
        moto.stop()


def form(call):
    return dict(urllib.parse.parse_qsl(call.body)) if call.body else \
        dict(urllib.parse.parse_qsl(call.query))


def assumed(sts, resolve, options=None, **env):
    """Both resolvers ask the same, and ours signs with the answer's keys."""
    call, _ = resolve(options, same=False, AWS_ENDPOINT_URL_STS=sts.endpoint,
                      **env)
    asked = [c for c in sts.log() if "answer" in c]
    ours, theirs = asked[0], asked[-1]
    assert len(asked) == 2
    assert sigv4.access_key(call) in ours.answer
    assert call.headers["x-amz-security-token"] in ours.answer
    secret = ours.answer.partition("<SecretAccessKey>")[2].partition("<")[0]
    assert sigv4.right(call, secret)
    a, b = form(ours), form(theirs)
    # a name of its own choice, unless the profile gives one
    if b["RoleSessionName"].startswith("botocore-session-"):
        assert a.pop("RoleSessionName") and b.pop("RoleSessionName")
    assert a == b
    return ours, theirs


def test_assume_role(resolve, sts, home):
    write(home, ".aws/credentials", FILE)
    write(home, ".aws/config", """[profile role]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = other
external_id = ext/+id
role_session_name = sess
duration_seconds = 1800
""")
    ours, theirs = assumed(sts, resolve, AWS_PROFILE="role")
    assert sigv4.access_key(ours) == "OTHERKEY" == sigv4.access_key(theirs)
    assert form(ours)["RoleSessionName"] == "sess"
    assert form(ours)["DurationSeconds"] == "1800"


def test_assume_role_from_environment(resolve, sts, home):
    write(home, ".aws/config", """[profile role]
role_arn = arn:aws:iam::123456789012:role/reader
credential_source = Environment
""")
    # a profile that is asked for by name comes before the environment
    ours, _ = assumed(sts, resolve, {"profile": "role"},
                      AWS_ACCESS_KEY_ID="ENVKEY", AWS_SECRET_ACCESS_KEY="s")
    assert sigv4.access_key(ours) == "ENVKEY"


def test_web_identity(resolve, sts, home):
    token = write(home, "token", "header.payload.signature")
    ours, _ = assumed(
        sts, resolve, AWS_WEB_IDENTITY_TOKEN_FILE=token,
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/pod",
        AWS_ROLE_SESSION_NAME="pod")
    assert form(ours)["WebIdentityToken"] == "header.payload.signature"
    assert ours.headers.get("authorization") is None


def test_anonymous(proxy, home, env):
    proxy.rules({"method": "GET", "status": 200, "body": EMPTY, "count": 0})
    done = mounts.s3zip(["ls", "s3://bucket"], env(proxy),
                        {"no_sign_request": True})
    assert done.returncode == 0, done.stderr
    assert all("authorization" not in c.headers for c in proxy.log())


def test_endpoint_from_config(gw, proxy, home, env):
    """endpoint_url, [services] and s3.addressing_style of the file."""
    proxy.rules({"method": "GET", "status": 200, "body": EMPTY, "count": 0})
    for text in (f"[default]\nendpoint_url = {proxy.endpoint}\n",
                 "[default]\nservices = mine\n[services mine]\ns3 =\n"
                 f"  endpoint_url = {proxy.endpoint}\n"):
        write(home, ".aws/config", text)
        proxy.forget()
        done = mounts.s3zip(["ls", "s3://bucket"],
                            env(proxy, AWS_ENDPOINT_URL_S3=None))
        assert done.returncode == 0, done.stderr
        assert proxy.log()[0].path.startswith("/bucket")
    done = mounts.s3zip(["ls", "s3://bucket"],
                        env(proxy, AWS_ENDPOINT_URL_S3=None),
                        {"endpoint": proxy.endpoint})
    assert done.returncode == 0, done.stderr


def test_no_secret_in_any_log(gw, bucket, mount, home):
    """Not even at log=debug."""
    from lib import servers, sets
    m = mount(gw, bucket(gw, sets.one()),
              env={"AWS_SESSION_TOKEN": None})
    m.read()
    text = m.log_text()
    assert text
    assert servers.SECRET not in text
    assert "Signature=" not in text
