# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Who may do what: a non-root owner, a stranger, root; and mounting as the
user that owns the mount. /dev/fuse may be for root only, so a mount
namespace gets its own."""

import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile

import pytest

from lib import sets, where

pytestmark = [pytest.mark.perm, pytest.mark.usefixtures("needs_root")]

OWNER, STRANGER = 12345, 23456


def as_user(uid, *argv, **more):
    return subprocess.run(
        ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
         *argv], capture_output=True, text=True, check=False,
        errors="replace",
        env=dict(os.environ, LC_ALL="C"), timeout=60, **more)


def test_uid_mode_and_owner(gw, bucket, mount):
    """allow_other + uid: the owner publishes, a stranger only reads."""
    source, dest = bucket(gw, sets.one()), bucket(gw)
    m = mount(gw, source, allow_other=True, uid=OWNER, gid=OWNER)
    publish = ["setfattr", "-n", "user.publish", "-v", f"s3://{dest}/o.zip",
               m.file()]
    assert as_user(STRANGER, "cat", m.file()).returncode == 0
    done = as_user(STRANGER, *publish)
    assert "Operation not permitted" in done.stderr
    done = as_user(STRANGER, "setfattr", "-n", "user.publish.async", "-v",
                   f"s3://{dest}/o.zip", m.file())
    assert "Operation not permitted" in done.stderr
    done = as_user(STRANGER, "setfattr", "-x", "user.publish", m.file())
    assert "Operation not permitted" in done.stderr
    done = as_user(OWNER, *publish)
    assert done.returncode == 0, done.stderr
    assert subprocess.run(publish, check=False).returncode == 0    # root


def test_umask_keeps_strangers_out(gw, bucket, mount):
    """The daemon checks uid, gid and mode itself."""
    m = mount(gw, bucket(gw, sets.nested()), allow_other=True, uid=OWNER,
              gid=OWNER, umask="077")
    for argv in (["cat", m.file()], ["ls", m.path], ["cat", m.file("b")],
                 ["test", "-r", m.file()]):
        assert as_user(STRANGER, *argv).returncode != 0, argv
        assert as_user(OWNER, *argv).returncode == 0, argv


def test_group(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.one()), allow_other=True, uid=OWNER,
              gid=STRANGER, umask="027")
    assert as_user(STRANGER, "cat", m.file()).returncode == 0
    assert as_user(STRANGER + 1, "cat", m.file()).returncode != 0


def test_publish_all(gw, bucket, mount):
    """publish=all within publish_to."""
    source, dest = bucket(gw, sets.one()), bucket(gw)
    m = mount(gw, source, allow_other=True, publish="all",
              publish_to=f"s3://{dest}/pub/")
    done = as_user(STRANGER, "setfattr", "-n", "user.publish", "-v",
                   f"s3://{dest}/pub/o.zip", m.file())
    assert done.returncode == 0, done.stderr
    done = as_user(STRANGER, "setfattr", "-n", "user.publish", "-v",
                   f"s3://{dest}/o.zip", m.file())
    assert "Operation not permitted" in done.stderr


def test_without_allow_other(gw, bucket, mount):
    m = mount(gw, bucket(gw, sets.one()))
    assert "Permission denied" in as_user(STRANGER, "cat", m.file()).stderr


# A new mount namespace has a copy of each mount of other workers' tests, and
# a FUSE server whose mount is gone from ours lives on for as long as that.
ALONE = ("awk '$3 ~ /^fuse[.]s3zipfs/ {print $2}' /proc/self/mounts"
         " | xargs -r umount -l; ")


def test_mount_as_user(gw, bucket, env, home):
    """A user mounts, reads, publishes and unmounts; root is not needed.
    In a mount namespace with a /dev/fuse that is open to all."""
    source, dest = bucket(gw, sets.nested()), bucket(gw)
    work = f"{home}/user"
    os.makedirs(f"{work}/mnt")
    user = pwd.getpwnam("nobody")       # fusermount3 wants a name
    for path in (work, f"{work}/mnt"):
        os.chown(path, user.pw_uid, user.pw_gid)
    # as nobody may pass through the folder that was built in
    program = f"{home}/s3zipfs"
    shutil.copy(where.program("s3zipfs"), program)
    device = f"{home}/fuse"
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(10, 229))
    os.chmod(device, 0o666)
    inner = f"""set -e
    cd {work}
    {program} -o log_file={work}/log s3://{source} {work}/mnt
    cp mnt/b/archive.zip copy.zip
    unzip -tq copy.zip
    setfattr -n user.publish -v s3://{dest}/user.zip mnt/archive.zip
    cmp mnt/archive.zip mnt/archive.zip
    stat -c %u mnt/archive.zip
    fusermount3 -u mnt
    """
    shell = shlex.join(["setpriv", f"--reuid={user.pw_uid}",
                        f"--regid={user.pw_gid}", "--clear-groups", "sh",
                        "-c", inner])
    outer = f"{ALONE}mount --bind {device} /dev/fuse && exec {shell}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", outer], capture_output=True,
        text=True, timeout=60, check=False, env=env(gw, HOME=work,
                                                    XDG_CACHE_HOME=work))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(user.pw_uid)
    assert gw.client.head_object(Bucket=dest, Key="user.zip")


def test_device_of_root_alone(gw, bucket, env, home):
    """The one line names the device, not only the errno."""
    device, point = f"{home}/closed", f"{home}/closed.mnt"
    program = f"{home}/s3zipfs.closed"
    shutil.copy(where.program("s3zipfs"), program)
    os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(10, 229))
    os.mkdir(point)
    os.chown(point, OWNER, OWNER)
    outer = (f"mount --bind {device} /dev/fuse && exec setpriv "
             f"--reuid={OWNER} --regid={OWNER} --clear-groups "
             f"{program} s3://{bucket(gw)} {point}")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", outer], capture_output=True, text=True,
        timeout=30, check=False, env=env(gw, HOME=point, LC_ALL="C"))
    assert done.returncode == 1
    assert done.stderr == "s3zipfs: /dev/fuse: Permission denied\n"


def test_systemd_unit_mounts_for_all():
    """These directives give the service a mount namespace of its own
    (systemd.exec(5), PrivateMounts=): nobody else would see the mount."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    with open(f"{root}/contrib/systemd/s3zipfs@.service",
              encoding="utf-8") as f:
        set_here = {line.split("=")[0] for line in f if line[0] not in "#[\n"}
    for name in ("ProtectSystem", "ProtectHome", "PrivateTmp", "DynamicUser",
                 "PrivateDevices", "PrivateMounts", "ReadOnlyPaths"):
        assert name not in set_here


def test_mount_helper(gw, bucket, mount):
    """mount.s3zipfs gets mount(8)'s own words and fstab's."""
    m = mount(gw, bucket(gw, sets.one()), program="mount.s3zipfs", rw=True,
              _netdev=True, nofail=True, noatime=True, **{
                  "x-systemd.automount": True})
    assert m.read()
    with open("/proc/self/mounts", encoding="utf-8") as f:
        line = next(x for x in f if m.path in x)
    assert line.split()[2] == "fuse.s3zipfs"
    assert line.split()[0].startswith("s3://")


def test_mount_command(gw, bucket, env, home):
    """mount -t fuse.s3zipfs and -t s3zipfs, as fstab lines do, and umount.
    mount(8) clears PATH and looks for helpers in /sbin: a mount namespace
    has the programs where an installation puts them."""
    source = bucket(gw, sets.one())
    point, programs, real = (tempfile.mkdtemp(dir=home) for _ in range(3))
    for name in ("s3zipfs", "mount.s3zipfs"):
        os.symlink(where.program(name), os.path.join(programs, name))
    inner = f"""set -e
    {ALONE}
    mount --bind {programs} /usr/local/bin
    mount --bind /usr/sbin {real}
    mount -t tmpfs tmpfs /usr/sbin
    ln -s {real}/* {programs}/mount.s3zipfs /usr/sbin/
    for type in fuse.s3zipfs s3zipfs; do
        mount -t $type -o _netdev,allow_other,ro s3://{source} {point}
        ls {point}
        grep -c " {point} fuse.s3zipfs " /proc/self/mounts
        umount {point}
    done
    """
    done = subprocess.run(["unshare", "-m", "sh", "-c", inner], text=True,
                          capture_output=True, env=env(gw), timeout=40,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["archive.zip", "1"] * 2
    assert not os.listdir(point)
