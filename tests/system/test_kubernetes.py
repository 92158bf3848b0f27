# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""contrib/kubernetes without a cluster: the commands of the manifests, with
the variables that they name, as the pods would run them."""

import os
import re
import subprocess

import pytest
import yaml

from lib import sets, strategies, where
from lib.faultproxy import count, of_key

pytestmark = [pytest.mark.fault, pytest.mark.big]

FOLDER = where.SOURCE / "contrib" / "kubernetes"
WORKERS = 3


def manifests(name, **replaced):
    text = (FOLDER / name).read_text(encoding="utf-8")
    for word, value in replaced.items():
        assert word.replace("_", "-") in text
        text = text.replace(word.replace("_", "-"), value)
    return {d["kind"]: d for d in yaml.safe_load_all(text)}


def container(job):
    (one,) = job["spec"]["template"]["spec"]["containers"]
    return one


def start(one, config, env):
    """As kubelet does: $(NAME) in a command is a variable's value."""
    variables = {**config, **{v["name"]: v["value"] for v in
                              one.get("env", [])}, **env}
    command = [re.sub(r"\$\((\w+)\)", lambda m: variables[m.group(1)], word)
               for word in one["command"]]
    # pylint: disable-next=consider-using-with
    return subprocess.Popen(command, env=variables, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_commands_of_the_manifests(gw, proxy, bucket, s3zip, env, home):
    source, dest = bucket(gw, sets.article(20, sets.NONE)), bucket(gw)
    found = manifests("coordinator.yaml")
    config = found["ConfigMap"]["data"] | {
        "SOURCE": f"s3://{source}", "DESTINATION": f"s3://{dest}/o.zip",
        "WORKERS": str(WORKERS), "XDG_CACHE_HOME": f"{home}/pod"}
    path = os.path.dirname(where.program("s3zip"))
    base = env(proxy)
    base |= {"PATH": f"{path}:{base['PATH']}",
             "XDG_CACHE_HOME": config["XDG_CACHE_HOME"]}
    first = start(container(found["Job"]), config, base)
    upload = re.fullmatch("upload: (.+)\n", first.stdout.readline()).group(1)
    workers = manifests("workers.yaml", UPLOAD_ID=upload)["Job"]
    assert workers["spec"]["completionMode"] == "Indexed"
    pods = [start(container(workers), config, {
        **base, "XDG_CACHE_HOME": f"{home}/pod{n}",
        "JOB_COMPLETION_INDEX": str(n)}) for n in range(WORKERS)]
    for pod in [*pods, first]:
        text, _ = pod.communicate(timeout=100 * where.slow())
        assert pod.returncode == 0, text
    log = of_key(proxy.log(), "o.zip")
    assert count(log)["create"] == count(log)["complete"] == 1
    wanted = s3zip(gw, "cat", f"s3://{source}", text=False).stdout
    got = gw.client.get_object(Bucket=dest, Key="o.zip")["Body"].read()
    assert got == wanted
    strategies.nothing_left(gw, source, dest)
