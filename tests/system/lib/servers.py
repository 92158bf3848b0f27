# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Real S3 servers on loopback, each on a free port, ended by process id.

Each says by flags what it can do or gets wrong; a test asks the flags,
never the name.
"""

import itertools
import json
import os
import urllib.request

import boto3
from botocore.config import Config

from . import procs, where

ACCESS, SECRET = "s3zipfs-access", "s3zipfs/secret+key"
REGION = "us-east-1"


def make_client(endpoint, access=ACCESS, secret=SECRET, region=REGION,
                **config):
    config.setdefault("retries", {"max_attempts": 2})
    config.setdefault("request_checksum_calculation", "when_required")
    config.setdefault("response_checksum_validation", "when_required")
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name=region,
        aws_access_key_id=access, aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"},
                      max_pool_connections=32, **config))


class Store:
    """One running server. `endpoint` is for clients; `root` for tricks."""

    name = ""
    checks_signature = True     # a wrong secret is refused
    range_crc = True            # true CRCs on ranged copies of CRC32 sources
    any_key = False             # `a//b`, `.`, `a` beside `a/b` can be stored
    controls = False            # control characters survive a listing
    utf8 = True                 # non-ASCII keys page right
    stores_crc = True           # HEAD shows CRC32 of a PutObject
    composite = True            # takes multipart uploads with COMPOSITE CRC32
    crc64 = True                # takes CRC64NVME
    mp_object_size = True       # takes x-amz-mp-object-size
    versions = False            # its buckets can be versioned
    strip_checksum = None       # (bucket, key): take the checksum away
    many = 3000                 # members in the "many" set
    root = None

    def __init__(self, tmp):
        self.tmp = tmp
        self.port = procs.free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.buckets = itertools.count(1)
        self.daemon = self.launch()
        self.client = make_client(self.endpoint)

    def launch(self):
        raise NotImplementedError

    def bucket(self, word="b"):
        name = f"{word}-{next(self.buckets)}-{os.getpid()}"
        self.client.create_bucket(Bucket=name)
        return name

    def versioned_bucket(self, word="v"):
        name = self.bucket(word)
        self.client.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def locked_bucket(self, word="l"):
        """Keeps what is put for a day."""
        name = f"{word}-{next(self.buckets)}-{os.getpid()}"
        self.client.create_bucket(Bucket=name,
                                  ObjectLockEnabledForBucket=True)
        self.client.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE",
                                              "Days": 1}}})
        return name

    def all_versions(self, bucket, prefix=""):
        """Versions and delete markers, as (key, id)."""
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix)
        return [(v["Key"], v["VersionId"]) for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for v in page.get(kind, [])]

    def uploads(self, bucket):
        """Unfinished multipart uploads, as (key, id)."""
        answer = self.client.list_multipart_uploads(Bucket=bucket)
        return [(u["Key"], u["UploadId"])
                for u in answer.get("Uploads") or []]

    def env(self):
        return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}

    def stop(self):
        self.daemon.stop()

    def kill(self):
        self.daemon.kill()

    def restart(self):
        self.daemon.start()
        self.daemon.wait_port(self.port)


class Versitygw(Store):
    name = "versitygw"
    range_crc = False

    def launch(self):
        self.root = os.path.join(self.tmp, "objects")
        os.makedirs(self.root, exist_ok=True)
        env = dict(os.environ, ROOT_ACCESS_KEY=ACCESS, ROOT_SECRET_KEY=SECRET)
        daemon = procs.Daemon(
            [where.tool("versitygw"), "--port", f"127.0.0.1:{self.port}",
             "--keep-alive", "--quiet", "--region", REGION,
             "posix", *self.more(), self.root],
            os.path.join(self.tmp, "versitygw.log"), env)
        daemon.wait_port(self.port)
        return daemon

    def more(self):
        """Further options."""
        return []

    @staticmethod
    def available():
        return where.tool("versitygw") is not None

    def strip_checksum(self, bucket, key):
        """As an uploader before December 2024 left it: no checksum."""
        path = os.path.join(self.root, bucket, key)
        if "user.checksums" in os.listxattr(path):
            os.removexattr(path, "user.checksums")

    def age_uploads(self, bucket, seconds):
        """Unfinished uploads were begun earlier."""
        at = os.path.join(self.root, bucket, ".sgwtmp", "multipart")
        for folder, uploads, _ in os.walk(at):
            if os.path.dirname(folder) != at:
                continue
            for name in uploads:
                path = os.path.join(folder, name)
                when = os.stat(path).st_mtime - seconds
                os.utime(path, (when, when))

    def plant(self, bucket, key, size, etag="d41d8cd98f00b204e9800998ecf8427e",
              mtime=None):
        """Puts a sparse file into the server's folder: it is an object."""
        path = os.path.join(self.root, bucket, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.truncate(size)
        os.setxattr(path, "user.etag", etag.encode())
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path


class VersitygwVersions(Versitygw):
    """One more: versions change what it does to every bucket."""
    versions = True

    def more(self):
        path = os.path.join(self.tmp, "versions")
        os.makedirs(path, exist_ok=True)
        return ["--versioning-dir", path]


class Localstack(Store):
    name = "localstack"
    versions = True
    checks_signature = False
    any_key = True
    utf8 = False

    @staticmethod
    def python():
        return where.cache() / "localstack" / "bin" / "python"

    @staticmethod
    def available():
        return (Localstack.python().exists() and
                any(p.name.startswith("localstack-")
                    for p in (where.cache() / "stamps").iterdir()))

    def launch(self):
        data = os.path.join(self.tmp, "localstack")
        os.makedirs(data, exist_ok=True)
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("AWS_", "LOCALSTACK"))}
        env.update(
            SERVICES="s3", EAGER_SERVICE_LOADING="1", DNS_ADDRESS="0",
            GATEWAY_LISTEN=f"127.0.0.1:{self.port}", DISABLE_EVENTS="1",
            SKIP_SSL_CERT_DOWNLOAD="1", HOME=data,
            XDG_CACHE_HOME=os.path.join(data, "cache"))
        daemon = procs.Daemon(
            [str(self.python()), "-m", "localstack.runtime.main"],
            os.path.join(self.tmp, "localstack.log"), env, cwd=data)
        daemon.wait_port(self.port, 60)
        procs.wait_for(self.healthy, 60, 0.2)
        return daemon

    def healthy(self):
        try:
            with urllib.request.urlopen(
                    self.endpoint + "/_localstack/health", timeout=2) as r:
                state = json.load(r)["services"].get("s3")
        except OSError:
            return False
        return state in ("running", "available")


class S3proxy(Store):
    name = "s3proxy"
    mp_object_size = False
    crc64 = False
    many = 1200

    def strip_checksum(self, bucket, key):
        """Nothing to do: without a checksum sent, none is stored."""

    @staticmethod
    def available():
        return (where.cache() / "bin" / "s3proxy.jar").exists()

    def launch(self):
        data = os.path.join(self.tmp, "s3proxy")
        os.makedirs(data, exist_ok=True)
        conf = os.path.join(self.tmp, "s3proxy.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"s3proxy.endpoint=http://127.0.0.1:{self.port}\n"
                    "s3proxy.authorization=aws-v2-or-v4\n"
                    f"s3proxy.identity={ACCESS}\n"
                    f"s3proxy.credential={SECRET}\n"
                    "jclouds.provider=filesystem-nio2\n"
                    f"jclouds.filesystem.basedir={data}\n")
        daemon = procs.Daemon(
            ["java", "-Xmx512m", "-jar", where.tool("s3proxy.jar"),
             "--properties", conf],
            os.path.join(self.tmp, "s3proxy.log"))
        daemon.wait_port(self.port, 60)
        return daemon


ALL = {s.name: s for s in (Versitygw, Localstack, S3proxy)}
# What has a bucket with versions where the other has none.
VERSIONED = {"versitygw": VersitygwVersions}
SECOND = ("localstack", "s3proxy")


def second():
    """The second implementations that run on this machine."""
    return [n for n in SECOND if ALL[n].available()]
