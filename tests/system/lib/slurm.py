# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""A Slurm cluster of four nodes on this machine: munged, slurmctld and four
slurmd of our own, in a folder of their own, on free ports of loopback."""

import os
import pwd
import shutil
import socket
import subprocess

from . import procs

NODES = ("n1", "n2", "n3", "n4")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol",
            "scancel")

CONF = """\
ClusterName=s3zipfs
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={tmp}/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={tmp}/state
SlurmctldPidFile={tmp}/ctld.pid
SlurmctldLogFile={tmp}/ctld.log
SlurmdSpoolDir={tmp}/%n
SlurmdPidFile={tmp}/%n.pid
SlurmdLogFile={tmp}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
PartitionName=all Nodes={nodes} Default=YES MaxTime=INFINITE State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} " \
       "CPUs=1 State=UNKNOWN\n"


def tool(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def why_not():
    """What is missing here, or nothing."""
    if os.geteuid() != 0:
        return "not root: cannot become another user"
    missing = [name for name in PROGRAMS if not tool(name)]
    return f"no Slurm here: {' '.join(missing)}" if missing else ""


class Cluster:
    """tmp: a folder that every user may enter."""

    def __init__(self, tmp):
        self.tmp, self.daemons = tmp, []
        self.host = socket.gethostname().partition(".")[0]
        self.env = dict(os.environ, SLURM_CONF=f"{tmp}/slurm.conf")
        self.env["PATH"] += ":/usr/sbin:/sbin"
        try:
            self.munge()
            self.configure()
            self.begin("slurmctld", "-D")
            for name in NODES:
                self.begin("slurmd", "-D", "-N", name)
            procs.wait_for(self.idle, 60, 0.2)
        except BaseException:
            self.stop()
            raise

    def begin(self, name, *words, wrap=()):
        daemon = procs.Daemon([*wrap, tool(name), *words],
                              f"{self.tmp}/{name}.out", self.env)
        self.daemons.append(daemon)

    def munge(self):
        user = pwd.getpwnam("munge")
        for name, mode in (("", 0o755), ("/munge", 0o755), ("/key", 0o700)):
            os.makedirs(self.tmp + name, exist_ok=True)
            os.chmod(self.tmp + name, mode)
        key = f"{self.tmp}/key/key"
        with open(key, "wb") as f:
            f.write(os.urandom(128))
        os.chmod(key, 0o400)
        for path in (f"{self.tmp}/munge", f"{self.tmp}/key", key):
            os.chown(path, user.pw_uid, user.pw_gid)
        here = f"{self.tmp}/munge"
        self.begin("munged", "--foreground", "--force", f"--key-file={key}",
                   f"--socket={here}/socket", f"--pid-file={here}/pid",
                   f"--log-file={here}/log", f"--seed-file={here}/seed",
                   wrap=["setpriv", "--reuid=munge", "--regid=munge",
                         "--clear-groups"])
        procs.wait_for(lambda: os.path.exists(f"{here}/socket"), 20)

    def configure(self):
        os.makedirs(f"{self.tmp}/state")
        with open(f"{self.tmp}/slurm.conf", "w", encoding="ascii") as f:
            f.write(CONF.format(host=self.host, port=procs.free_port(),
                                tmp=self.tmp, nodes=",".join(NODES)))
            for name in NODES:
                os.makedirs(f"{self.tmp}/{name}")
                f.write(NODE.format(name=name, host=self.host,
                                    port=procs.free_port()))

    def run(self, *words, check=True, env=None):
        done = subprocess.run([tool(words[0]), *words[1:]], check=False,
                              env=env or self.env, capture_output=True,
                              text=True, timeout=60)
        if check:
            assert done.returncode == 0, f"{words}: {done.stderr}"
        return done

    def idle(self):
        for daemon in self.daemons:
            assert daemon.proc.poll() is None, daemon.tail()
        done = self.run("sinfo", "-h", "-N", "-o", "%T", check=False)
        return done.stdout.split() == ["idle"] * len(NODES)

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.stop()
