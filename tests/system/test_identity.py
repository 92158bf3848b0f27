# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""aws/ beside botocore, without a store: the same files and environment
give the same identity and settings, and what is refused there is refused
here. tests/unit/print_identity shows what our side found."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time

import boto3
import pytest

from lib import procs, where

THEIRS = """
import json, sys, botocore.session
out = {}
try:
    s = botocore.session.Session(profile=sys.argv[1] or None)
    c = s.get_credentials()
    if c is None:
        raise ValueError("none found")
    f = c.get_frozen_credentials()
    out = {"access_key": f.access_key, "secret_key": f.secret_key,
           "token": f.token}
except Exception as e:
    out["error"] = repr(e)
try:
    out["region"] = s.get_config_variable("region")
    out["ca_bundle"] = s.get_config_variable("ca_bundle")
    client = s.create_client("s3", aws_access_key_id="a",
                             aws_secret_access_key="b",
                             region_name=out["region"] or "us-east-1")
    url = client.meta.endpoint_url
    out["endpoint_url"] = None if url.endswith(".amazonaws.com") else url
except Exception as e:
    out["settings_error"] = repr(e)
print(json.dumps(out))
"""

ROLE = "arn:aws:iam::123456789012:role/"


@pytest.fixture(scope="session")
def program():
    subprocess.run(["make", "-s", "tests/unit/print_identity"],
                   cwd=where.build(), check=True, capture_output=True)
    return str(where.build() / "tests" / "unit" / "print_identity")


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".aws").mkdir()
    return tmp_path


@pytest.fixture
def both(program, home):
    """both(args, **environment) -> (ours, theirs)."""
    def run(profile=None, **more):
        env = {"PATH": os.environ["PATH"], "HOME": str(home),
               "AWS_EC2_METADATA_DISABLED": "true"}
        env.update(more)
        env = {k: v for k, v in env.items() if v is not None}
        args = ["--profile", profile] if profile else []
        ours = subprocess.run([program, *args], env=env, check=True,
                              capture_output=True, text=True, timeout=60)
        # botocore alone asks for AWS_DEFAULT_REGION only
        if "AWS_REGION" in env:
            env["AWS_DEFAULT_REGION"] = env["AWS_REGION"]
        theirs = subprocess.run([sys.executable, "-c", THEIRS,
                                 profile or ""], env=env, check=True,
                                capture_output=True, text=True, timeout=60)
        return json.loads(ours.stdout), json.loads(theirs.stdout)
    return run


def same(pair):
    ours, theirs = pair
    assert "error" not in ours, ours
    assert "error" not in theirs, theirs
    for name in ("access_key", "secret_key", "token"):
        assert ours[name] == theirs[name]
    return ours


def refused(pair, *words):
    ours, theirs = pair
    assert "error" in theirs
    assert ours.get("error") and "access_key" not in ours
    for word in words:
        assert word in ours["error"]
    return ours


def files(home, config="", credentials=""):
    (home / ".aws" / "config").write_text(config)
    (home / ".aws" / "credentials").write_text(credentials)


def keys(name, **more):
    """A section's lines."""
    return "".join(f"{k} = {v}\n" for k, v in {
        "aws_access_key_id": name, "aws_secret_access_key": name + "/s+=",
        **more}.items())


# --- keys in the environment and the files ----------------------------------

@pytest.mark.parametrize("more", [
    {},
    {"AWS_SESSION_TOKEN": "session"},
    {"AWS_SECURITY_TOKEN": "security", "AWS_SESSION_TOKEN": "session"},
    {"AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00+02:00"},
    {"AWS_PROFILE": "other"},
])
def test_environment(both, home, more):
    files(home, credentials="[other]\n" + keys("OTHER"))
    assert same(both(AWS_ACCESS_KEY_ID="ENV", AWS_SECRET_ACCESS_KEY="s",
                     **more))["access_key"] == "ENV"


def test_environment_in_part(both, home):
    files(home, credentials="[default]\n" + keys("FILE"))
    refused(both(AWS_ACCESS_KEY_ID="ENV"), "AWS_SECRET_ACCESS_KEY")
    assert same(both(AWS_SECRET_ACCESS_KEY="s"))["access_key"] == "FILE"


def test_profile_option_beats_environment(both, home):
    files(home, credentials="[p]\n" + keys("PKEY"))
    got = same(both("p", AWS_ACCESS_KEY_ID="ENV", AWS_SECRET_ACCESS_KEY="s"))
    assert got["access_key"] == "PKEY"


def test_which_profile(both, home):
    files(home, credentials="".join(f"[{n}]\n" + keys(n.upper())
                                    for n in ("default", "one", "two")))
    assert same(both())["access_key"] == "DEFAULT"
    assert same(both(AWS_PROFILE="one"))["access_key"] == "ONE"
    assert same(both(AWS_DEFAULT_PROFILE="two"))["access_key"] == "TWO"
    assert same(both(AWS_DEFAULT_PROFILE="two",
                     AWS_PROFILE="one"))["access_key"] == "TWO"
    refused(both(AWS_PROFILE="three"), "three")
    refused(both("three"), "three")


@pytest.mark.parametrize("config, credentials, key", [
    ("[default]\n" + keys("CONF"), "", "CONF"),
    ("[profile default]\n" + keys("CONF"), "", "CONF"),
    ("[default]\n" + keys("CONF"), "[default]\n" + keys("CRED"), "CRED"),
    ("", "[default]\n" + keys("CRED", aws_session_token="t"), "CRED"),
    ("", "[default]\n" + keys("CRED", aws_security_token="u",
                              aws_session_token="t"), "CRED"),
    ("[default]\nregion = x\n", "# c\n;d\n\n[ default ]\n[default]\n" +
     keys("CRED"), "CRED"),
    ("", "[default]\nAWS_ACCESS_KEY_ID : UP\naws_secret_access_key=a=b:c\n",
     "UP"),
    ("[default]\ns3 =\n  addressing_style = path\n  # c\n\n" + keys("NEST"),
     "", "NEST"),
    ("[default]\ncredential_process = /bin/false\n", "[default]\n" +
     keys("CRED"), "CRED"),
    ("[default]\n  " + keys("IND").replace("\n", "\n  ").rstrip() + "\n",
     "", "IND"),
    ("[default]\r\n" + keys("CRLF").replace("\n", "\r\n"), "", "CRLF"),
])
def test_files(both, home, config, credentials, key):
    files(home, config, credentials)
    assert same(both())["access_key"] == key


def test_quoted_profile(both, home):
    files(home, config="[profile 'a b']\n" + keys("AB"))
    assert same(both(AWS_PROFILE="a b"))["access_key"] == "AB"


@pytest.mark.parametrize("config, credentials, word", [
    ("[default]\naws_access_key_id = A\n", "", "aws_secret_access_key"),
    ("", "[default]\naws_access_key_id = A\n", "aws_secret_access_key"),
    ("no section\n", "", "config"),
    ("", "[default]\nnothing\n", "credentials"),
    ("", "", "no credentials: looked in"),
])
def test_bad_files(both, home, config, credentials, word):
    files(home, config, credentials)
    refused(both(), word)


def test_other_paths(both, home):
    (home / "a").write_text("[profile p]\n" + keys("A"))
    (home / "b").write_text("[p]\n" + keys("B"))
    assert same(both(AWS_CONFIG_FILE=str(home / "a"),
                     AWS_PROFILE="p"))["access_key"] == "A"
    assert same(both(AWS_SHARED_CREDENTIALS_FILE="~/b",
                     AWS_PROFILE="p"))["access_key"] == "B"


# --- credential_process -----------------------------------------------------

def answer(**more):
    return {"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": "p/+",
            **more}


def script(home, text):
    path = home / "a helper.sh"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    files(home, f"[default]\ncredential_process = '{path}' \"two  words\"\n"
          + keys("CONF"))


@pytest.mark.parametrize("more", [
    {}, {"SessionToken": "t"},
    {"SessionToken": "t", "Expiration": "2099-01-01T00:00:00Z"},
    {"SessionToken": "t", "Expiration": "2099-01-01T00:00:00.123+01:00"},
])
def test_process(both, home, more):
    script(home, f"[ \"$1\" = 'two  words' ] || exit 1\n"
           f"echo noise >&2\necho '{json.dumps(answer(**more))}'\n")
    assert same(both())["access_key"] == "PROC"


@pytest.mark.parametrize("text, word", [
    ("echo oh no >&2; exit 4", "status 4: oh no"),
    ("echo '{'", "JSON"),
    ("echo '[]'", "JSON"),
    ("echo '" + json.dumps({**answer(), "Version": 2}) + "'", "Version"),
    ("echo '{\"Version\": 1, \"AccessKeyId\": \"x\"}'", "no credentials"),
    ("echo '" + json.dumps(answer(Expiration="2001-01-01T00:00:00Z",
                                  SessionToken="t")) + "'", "expired"),
])
def test_bad_process(both, home, text, word):
    script(home, text)
    refused(both(), word)


def test_process_missing(both, home):
    files(home, "[default]\ncredential_process = /nonexistent/helper\n")
    refused(both(), "credential_process of profile default")


# --- roles, with moto's STS -------------------------------------------------

@pytest.fixture(scope="module")
def sts(tmp_path_factory):
    port = procs.free_port()
    moto = procs.Daemon(
        [where.tool("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        str(tmp_path_factory.mktemp("moto") / "log"))
    moto.wait_port(port, 60)
    yield f"http://127.0.0.1:{port}"
    moto.stop()


def who(endpoint, found):
    """Moto knows which role it gave these keys for."""
    client = boto3.client(
        "sts", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id=found["access_key"],
        aws_secret_access_key=found["secret_key"],
        aws_session_token=found["token"])
    return client.get_caller_identity()["Arn"]


@pytest.fixture
def role(both, sts):
    """role(arn, ...): both sides hold keys of that role and session."""
    def run(name, profile=None, session="sess", **env):
        ours, theirs = both(profile, AWS_ENDPOINT_URL_STS=sts,
                            AWS_REGION="eu-west-1", **env)
        assert "error" not in ours, ours
        assert "error" not in theirs, theirs
        want = f"arn:aws:sts::123456789012:assumed-role/{name}/{session}"
        assert who(sts, ours) == who(sts, theirs) == want
        assert 600 < ours["expires"] - time.time() < 3700
        return ours
    return run


def role_lines(name, **more):
    return "".join(f"{k} = {v}\n" for k, v in {
        "role_arn": ROLE + name, "role_session_name": "sess",
        **more}.items())


def test_role_of_profile(role, home):
    files(home, "[profile r]\n" + role_lines(
        "reader", source_profile="base", external_id="a+b c/",
        duration_seconds=900), "[base]\n" + keys("BASE"))
    role("reader", AWS_PROFILE="r")


def test_role_of_own_keys(role, home):
    files(home, "[profile r]\n" + role_lines(
        "reader", source_profile="r") + keys("OWN"))
    role("reader", AWS_PROFILE="r")


def test_roles_in_a_row(role, home):
    files(home, "[profile a]\n" + role_lines("a", source_profile="b") +
          "[profile b]\n" + role_lines("b", source_profile="c") +
          "[profile c]\n" + role_lines("c", source_profile="d"),
          "[d]\n" + keys("DKEY"))
    role("a", AWS_PROFILE="a")


def test_role_of_process(role, home):
    files(home, "[profile r]\n" + role_lines("r", source_profile="s") +
          "[profile s]\ncredential_process = echo '" +
          json.dumps(answer()) + "'\n")
    role("r", AWS_PROFILE="r")


def test_role_of_environment(role, home):
    files(home, "[profile r]\n" + role_lines(
        "r", credential_source="Environment"))
    role("r", "r", AWS_ACCESS_KEY_ID="E", AWS_SECRET_ACCESS_KEY="s")


def test_environment_beats_role(both, home):
    files(home, "[default]\n" + role_lines("r", source_profile="default"))
    assert same(both(AWS_ACCESS_KEY_ID="E",
                     AWS_SECRET_ACCESS_KEY="s"))["access_key"] == "E"


@pytest.mark.parametrize("config, word", [
    ("[profile r]\n" + role_lines("r"), "neither"),
    ("[profile r]\n" + role_lines("r", source_profile="x",
                                  credential_source="Environment"), "both"),
    ("[profile r]\n" + role_lines("r", source_profile="x"), "not exist"),
    ("[profile r]\n" + role_lines("r", source_profile="x") +
     "[profile x]\nregion = y\n", "no credentials"),
    ("[profile r]\n" + role_lines("r", source_profile="r"), "circle"),
    ("[profile r]\n" + role_lines("r", source_profile="x") +
     "[profile x]\n" + role_lines("x", source_profile="r"), "circle"),
    ("[profile r]\n" + role_lines("r", credential_source="Nowhere"),
     "Nowhere"),
    ("[profile r]\n" + role_lines("r", credential_source="Environment"),
     "Environment"),
    ("[profile r]\nweb_identity_token_file = /nonexistent\n"
     "role_arn = x\n", "/nonexistent"),
    ("[profile r]\nweb_identity_token_file = /dev/null\n", "no role"),
])
def test_bad_roles(both, home, sts, config, word):
    files(home, config)
    refused(both(AWS_PROFILE="r", AWS_ENDPOINT_URL_STS=sts), word)


def test_web_identity(role, home):
    (home / "token").write_text("header.payload.signature")
    role("pod", AWS_WEB_IDENTITY_TOKEN_FILE=str(home / "token"),
         AWS_ROLE_ARN=ROLE + "pod", AWS_ROLE_SESSION_NAME="sess")
    files(home, "[profile w]\nweb_identity_token_file = "
          f"{home}/token\n" + role_lines("prof") +
          "[profile r]\n" + role_lines("top", source_profile="w"))
    role("prof", AWS_PROFILE="w")
    role("top", AWS_PROFILE="r")


def test_sts_refuses(both, home, sts):
    """An answer that is no credentials, in words."""
    files(home, "[profile r]\nrole_arn = nonsense\nsource_profile = r\n" +
          keys("OWN"))
    refused(both(AWS_PROFILE="r", AWS_ENDPOINT_URL_STS=sts + "/nowhere"),
            "AssumeRole of nonsense")


# --- container endpoint and instance metadata -------------------------------

class Stub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.calls.append(self.path)
        good = self.headers.get("Authorization") == server.token
        body = json.dumps(server.says if good else {"code": "x"}).encode()
        self.send_response(200 if good else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def container():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.token, server.calls = None, []
    server.says = {"AccessKeyId": "ECS", "SecretAccessKey": "e/s",
                   "Token": "tok/en", "Expiration": "2099-01-01T00:00:00Z"}
    server.url = f"http://127.0.0.1:{server.server_port}/v2/x?a=b"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.patient
def test_container(both, container, home):
    name = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    assert same(both(**{name: container.url}))["access_key"] == "ECS"
    assert container.calls == ["/v2/x?a=b"] * 2
    container.token = "Bearer x"
    (home / "t").write_text("Bearer x")
    same(both(**{name: container.url,
                 "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer x"}))
    same(both(**{name: container.url,
                 "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong",
                 "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(home / "t")}))
    container.calls.clear()
    refused(both(**{name: container.url}), "container endpoint")
    assert len(container.calls) == 6  # three attempts each


@pytest.mark.parametrize("url", [
    "http://192.0.2.1/", "http://127.0.0.1@192.0.2.1/",
    "http://localhost.example/",
])
def test_container_elsewhere(both, url):
    refused(both(AWS_CONTAINER_CREDENTIALS_FULL_URI=url),
            "container endpoint")


def test_role_of_container(role, container, home):
    files(home, "[profile r]\n" + role_lines(
        "r", credential_source="EcsContainer"))
    role("r", AWS_PROFILE="r",
         AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url)


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                         time.gmtime(time.time() + seconds))


@pytest.fixture
def imds(tmp_path):
    """imds(seconds to live, v2 only) -> URL."""
    running = []

    def start(life=5 * 3600, v2_only=True):
        port = procs.free_port()
        conf = tmp_path / "imds.json"
        conf.write_text(json.dumps({"metadata": {"values": {
            "iam-security-credentials": {
                "Code": "Success", "LastUpdated": stamp(-60),
                "Type": "AWS-HMAC", "AccessKeyId": "IMDS",
                "SecretAccessKey": "i/s", "Token": "i+t",
                "Expiration": stamp(life)}}}}))
        one = procs.Daemon(
            [where.tool("ec2-metadata-mock"), "-n", "127.0.0.1", "-p",
             str(port), *(["-I"] if v2_only else []), "-c", str(conf)],
            str(tmp_path / "imds.log"), dict(os.environ, HOME=str(tmp_path)))
        running.append(one)
        one.wait_port(port)
        return f"http://127.0.0.1:{port}"

    yield start
    for one in running:
        one.stop()


def test_imds(both, imds, home):
    url = imds()
    got = same(both(AWS_EC2_METADATA_DISABLED=None,
                    AWS_EC2_METADATA_SERVICE_ENDPOINT=url))
    assert got["access_key"] == "IMDS"
    assert 4 * 3600 < got["expires"] - time.time() <= 5 * 3600
    files(home, "[default]\nec2_metadata_service_endpoint = " + url + "/\n")
    same(both(AWS_EC2_METADATA_DISABLED=None))
    refused(both(AWS_EC2_METADATA_SERVICE_ENDPOINT=url), "no credentials")


def test_imds_keeps_old_credentials(both, imds):
    """The service failed to renew them: both go on with them."""
    got = same(both(AWS_EC2_METADATA_DISABLED=None,
                    AWS_EC2_METADATA_SERVICE_ENDPOINT=imds(-60)))
    assert got["expires"] > time.time() + 900


def test_role_of_imds(role, imds, home):
    files(home, "[profile r]\n" + role_lines(
        "r", credential_source="Ec2InstanceMetadata"))
    role("r", AWS_PROFILE="r", AWS_EC2_METADATA_DISABLED=None,
         AWS_EC2_METADATA_SERVICE_ENDPOINT=imds())


def test_imds_nobody_there(program, home):
    """No metadata service: a quick no."""
    start = time.monotonic()
    done = subprocess.run(
        [program], env={"HOME": str(home), "PATH": os.environ["PATH"],
                        "AWS_EC2_METADATA_SERVICE_ENDPOINT":
                        "http://192.0.2.1/"},
        check=True, capture_output=True, text=True, timeout=30)
    assert "no credentials" in json.loads(done.stdout)["error"]
    assert time.monotonic() - start < 5


# --- settings ------------------------------------------------------------

SERVICES = ("[default]\nservices = mine\nendpoint_url = http://all:1\n"
            "[services mine]\ns3 =\n  endpoint_url = http://s3:2\n"
            "sts =\n  endpoint_url = http://sts:3\n")


@pytest.mark.parametrize("config, env", [
    ("", {}),
    ("[default]\nregion = eu-north-1\n", {}),
    ("[default]\nregion = eu-north-1\n", {"AWS_DEFAULT_REGION": "a-b-1"}),
    ("[default]\nregion = eu-north-1\n", {"AWS_REGION": "a-b-2"}),
    ("[default]\nendpoint_url = http://all:1\n", {}),
    (SERVICES, {}),
    (SERVICES, {"AWS_ENDPOINT_URL": "http://env:4"}),
    (SERVICES, {"AWS_ENDPOINT_URL": "http://env:4",
                "AWS_ENDPOINT_URL_S3": "http://envs3:5"}),
    (SERVICES, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
                "AWS_ENDPOINT_URL": "http://env:4"}),
    (SERVICES + "ignore_configured_endpoint_urls = true\n", {}),
    (SERVICES.replace("http://all:1", "http://all:1\n"
                      "ignore_configured_endpoint_urls = true"), {}),
    (SERVICES.replace("  endpoint_url = http://s3:2", "  other = x"), {}),
    ("[default]\nca_bundle = /x\n", {}),
    ("[default]\nca_bundle = /x\n", {"AWS_CA_BUNDLE": "/y"}),
])
def test_settings(both, home, config, env):
    files(home, config, "[default]\n" + keys("K"))
    ours, theirs = both(**env)
    for name in ("region", "ca_bundle"):
        assert ours[name] == theirs[name]
    if "ca_bundle" not in config:  # botocore opens it
        assert ours["endpoint_url"] == theirs["endpoint_url"]


def test_addressing_style(both, home):
    files(home, "[default]\ns3 =\n  addressing_style = virtual\n",
          "[default]\n" + keys("K"))
    assert both()[0]["addressing_style"] == "virtual"
