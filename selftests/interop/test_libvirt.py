#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Debian's libvirt: a domain whose net and disk are served by vqhost, its QEMU unprivileged."""

import contextlib
import glob
import grp
import os
import pwd
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vmm")]
from bench import (BLOCK_DEVICE, INITRD, LOGS, SECONDS, check_unprivileged, equal, guest, hostside,
                   kernel_complaints, patient, prepare, wait_until)
from bridge import BRIDGE
from test_boot import check_disks, check_format, check_net, check_queues
import ktap

NAME = "vqhost-test"
QUEUES = 2
# What the domain's tap joins.
SWITCH = "br0"
# What libvirt runs QEMU as on Debian.
USER = "libvirt-qemu"
STATE = "/var/lib/libvirt"
CONSOLE = f"{STATE}/qemu/{NAME}.console"
DESCRIPTION = "/tmp/domain.xml"
UNIT = os.path.join(guest.TREE, "packaging", "vqhost-bridge@.service.in")
SOCKET = "/run/vqhost/disk.sock"

# What docs/use-it.md tells a user to write, in a domain that boots the tests' guest.
DOMAIN = """
<domain type='kvm'>
  <name>{name}</name>
  <memory unit='MiB'>512</memory>
  <memoryBacking>
    <source type='memfd'/>
    <access mode='shared'/>
  </memoryBacking>
  <vcpu>2</vcpu>
  <cpu mode='host-passthrough'/>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='bridge'>
      <source bridge='{bridge}'/>
      <model type='virtio'/>
      <driver name='vhost' queues='{queues}'/>
      <backend tap='/dev/net/tun' vhost='/dev/vqhost-net'/>
      <rom enabled='no'/>
    </interface>
    <disk type='vhostuser' device='disk'>
      <driver name='qemu' type='raw' queues='{queues}'/>
      <source type='unix' path='{socket}'>
        <reconnect enabled='yes' timeout='1'/>
      </source>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='unix'>
      <source mode='bind' path='{console}'/>
      <target port='0'/>
    </serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def make_user():
    """What Debian's package libvirt-daemon-system and udev's rules prepare."""
    for group in ("kvm", USER):
        try:
            grp.getgrnam(group)
        except KeyError:
            hostside.run("groupadd", "--system", group)
    try:
        pwd.getpwnam(USER)
    except KeyError:
        hostside.run("useradd", "--system", "--gid", "kvm", "--groups", USER, "--home-dir", STATE,
                     "--no-create-home", USER)
    for folder in (f"{STATE}/qemu", "/var/cache/libvirt/qemu"):
        os.makedirs(folder, exist_ok=True)
        shutil.chown(folder, USER, USER)
    shutil.chown("/dev/kvm", "root", "kvm")
    os.chmod("/dev/kvm", 0o660)


def virsh(*command):
    """Carry out a command of virsh: what it prints."""
    return hostside.run("virsh", "-q", *command).strip()


@contextlib.contextmanager
def service(command, log):
    """A process that runs while the test does; what it says goes to a log."""
    with open(os.path.join(LOGS, log), "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def libvirtd():
    """libvirt's daemons."""
    with service(["virtlogd"], "virtlogd.log"), service(["libvirtd"], "libvirtd.log"):
        wait_until(lambda: subprocess.run(
            ["virsh", "-q", "uri"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False).returncode == 0, "libvirtd answers")
        yield


def unit_command(instance, device):
    """The command of the unit for systemd, and what systemd would have made before."""
    with open(UNIT, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("=", 1) for line in file if "=" in line]
    settings = {name: value for name, value in lines if not name.startswith("#")}
    os.makedirs("/run/" + settings["RuntimeDirectory"], exist_ok=True)
    variable, value = settings["Environment"].split("=")
    command = settings["ExecStart"].replace(f"${{{variable}}}", value)
    command = command.replace("@BINDIR@/vqhost-bridge", BRIDGE).replace("%i", instance)
    return command.replace("$DEVICE", device).split()


@contextlib.contextmanager
def domain():
    """The domain, booted."""
    for name in ("kernel", "initrd"):
        source = INITRD if name == "initrd" else os.path.join(guest.IMAGE, "vmlinuz")
        shutil.copy(source, f"{STATE}/{name}")
    with open(DESCRIPTION, "w", encoding="utf-8") as file:
        file.write(DOMAIN.format(
            name=NAME, kernel=f"{STATE}/kernel", initrd=f"{STATE}/initrd", queues=QUEUES,
            cmdline=guest.KERNEL_OPTIONS, bridge=SWITCH, socket=SOCKET, console=CONSOLE))
    command = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "domain"), DESCRIPTION,
               CONSOLE]
    with guest.Guest(command, os.path.join(LOGS, "libvirt-domain.log"),
                     boot_timeout=2 * SECONDS) as running:
        try:
            running.wait_ready()
            yield running
        finally:
            if virsh("list", "--name"):
                virsh("destroy", NAME)


def check_qemu():
    """QEMU runs as its own user, and has our device for each pair of queues."""
    with open(f"/run/libvirt/qemu/{NAME}.pid", encoding="ascii") as file:
        pid = file.read().strip()
    check_unprivileged(pid, pwd.getpwnam(USER).pw_uid)
    files = [os.readlink(path) for path in glob.glob(f"/proc/{pid}/fd/*") if os.path.islink(path)]
    equal([files.count("/dev/vqhost-net"), files.count("/dev/vhost-net")], [QUEUES, 0],
          "devices of vhost-net that it has")


def use(running):
    """Data is intact both ways."""
    check_disks(running, [("vda", BLOCK_DEVICE)])
    check_net(running, QUEUES)


def test_domain():
    """a domain with net and disk: data is intact, suspended and resumed, its disk restarted"""
    with service(unit_command("disk", f"--blk-file={BLOCK_DEVICE} --queues={QUEUES}"),
                 "libvirt-bridge.log") as bridge, libvirtd():
        wait_until(lambda: os.path.exists(SOCKET), "the disk is served")
        with domain() as running:
            check_format(running, 2, False)
            check_queues(running, QUEUES, disks=1)
            check_qemu()
            use(running)
            virsh("suspend", NAME)
            equal(virsh("domstate", NAME), "paused", "state of the domain")
            virsh("resume", NAME)
            use(running)
            bridge.kill()
            bridge.wait()
            with service(bridge.args, "libvirt-bridge-again.log"):
                use(running)
                equal(running.power_off(SECONDS), 0, "exit status")
            wait_until(lambda: not virsh("list", "--all", "--name"), "the domain is gone")
    equal(kernel_complaints(), [], "complaints in the kernel log")


if __name__ == "__main__":
    prepare()
    make_user()
    hostside.make_switch(SWITCH)
    ktap.main([patient(test_domain)])
