#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A guest migrates between two QEMUs: its network by /dev/vqhost-net, its disk by vqhost-bridge.

Without INTEROP_ROUNDS in the environment it goes there and back once.
"""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from bridge import Bridge
from load import LOAD
from migrate import TAPS, Switch, Traveller
from bench import (FILE, LONG, MIB, SECONDS, equal, guest, hostside, kernel_complaints, patient,
                   prepare)
from test_boot import check_disks, check_format, check_net
import ktap

SOCKETS = ("/tmp/bridge-here.sock", "/tmp/bridge-there.sock")
HERE, THERE = 0, 1
OURS, MAINLINE = "/dev/vqhost-net", "/dev/vhost-net"

# There and back again so many times; with packed rings too if it is to be many.
ROUNDS = int(os.environ.get("INTEROP_ROUNDS", "1"))
QUEUES = 2

# What the devices alone write to.
DISK_MIB = 4
PORT = 7000
# Fewer than the buffers of a receive queue: they were all put there before.
DATAGRAMS = 64
DATAGRAM_SIZE = 1472


@contextlib.contextmanager
def bridges(name):
    """The same disk behind two bridges, of which one serves it at a time."""
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(Bridge(f"--socket-path={path}", f"--blk-file={FILE}",
                                           name=f"{name}-bridge-{index}"))
                for index, path in enumerate(SOCKETS)]
        yield
        equal("".join(bridge.output() for bridge in both), "", "what the bridges have said")


def devices(side, net_device=OURS, queues=1, packed=False):
    """A net and a disk, as they are on one side.

    Mainline's device cannot reset single queues, so the guest must not have begun to.
    """
    return [guest.Net(TAPS[side], "vhost", net_device, queues, packed=packed, queue_reset=False),
            guest.Disk(FILE, "vhost-user", SOCKETS[side], 2, packed=packed)]


class Landing:
    """Data that devices put into the guest's memory, where it is left untouched meanwhile."""

    def __init__(self, running):
        self._disk = os.urandom(DISK_MIB * MIB)
        with open(FILE, "r+b") as file:
            file.write(self._disk)
            os.fsync(file.fileno())
        self._datagrams = [os.urandom(DATAGRAM_SIZE) for _ in range(DATAGRAMS)]
        self._start(running, "disk", f"/dev/vda {DISK_MIB}")
        self._start(running, "net", f"{PORT} {DATAGRAMS}")

        # A guest that writes to nothing would leave at once.
        running.check("(while [ ! -e /tmp/leave ]; do "
                      "dd if=/tmp/p of=/tmp/q bs=64k conv=notrunc; done >/tmp/log 2>&1; "
                      "rm /tmp/leave) &")

    def _start(self, running, kind, what):
        running.check(f"untouched {kind} {what} >/tmp/{kind} 2>/tmp/{kind}.steps & "
                      f"echo $! >/tmp/{kind}.pid")
        self._wait(running, kind, "ready")

    @staticmethod
    def _wait(running, kind, step):
        running.check(f"while ! grep -q {step} /tmp/{kind}.steps; do "
                      f"grep untouched /tmp/{kind}.steps && exit 1; sleep 0.1; done", SECONDS)

    def write(self, running):
        """Have the devices write."""
        running.check("kill -USR1 $(cat /tmp/disk.pid)")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in self._datagrams:
                sender.sendto(datagram, (hostside.GUEST_ADDRESS, PORT))
        for kind in ("disk", "net"):
            self._wait(running, kind, "landed")
        running.check("touch /tmp/leave")

    def verify(self, running):
        """All of it is there."""
        for kind, data in (("disk", self._disk), ("net", b"".join(self._datagrams))):
            running.check(f"kill -USR1 $(cat /tmp/{kind}.pid); "
                          f"while kill -0 $(cat /tmp/{kind}.pid) 2>/dev/null; do sleep 0.1; done",
                          SECONDS)
            equal(running.check(f"md5sum </tmp/{kind}").split()[0],
                  hashlib.md5(data).hexdigest(), f"{kind}: memory that only the device wrote to")


def landing_test(net_devices, packed=False):
    """A test that moves a guest from device to device; those alone write to a part of memory."""
    def test():
        name = "landing" + ("-packed" if packed else "")
        with Switch(), bridges(name), \
                Traveller(name, devices(HERE, net_devices[0], packed=packed)) as guests:
            check_format(guests.running, 2, packed)
            guests.running.check("dd if=/dev/urandom of=/tmp/p bs=1M count=4 2>/dev/null", SECONDS)
            check_net(guests.running, 1)
            for number, net_device in enumerate(net_devices[1:], 1):
                landing = Landing(guests.running)
                guests.move(devices(number % 2, net_device, packed=packed),
                            lambda: landing.write(guests.running))
                landing.verify(guests.running)
                check_net(guests.running, 1)
            check_disks(guests.running, [("vda", FILE)])
            equal(guests.running.power_off(SECONDS), 0, "exit status of QEMU")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    route = ", ".join(os.path.basename(net_device) for net_device in net_devices)
    return (f"from device to device ({route}), {'packed' if packed else 'split'} rings: what only "
            "devices wrote comes along"), test


@contextlib.contextmanager
def netprobe():
    """The host's end of a stream."""
    with subprocess.Popen([os.path.join(guest.IMAGE, "netprobe"), "serve", str(PORT)],
                          stdin=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


def load_test(packed):
    """A test that moves a guest there and back while its disk and its network are at work."""
    def test():
        name = "migration" + ("-packed" if packed else "")
        with Switch(QUEUES), bridges(name), netprobe(), \
                Traveller(name, devices(HERE, queues=QUEUES, packed=packed)) as guests:
            check_format(guests.running, 2, packed)
            guests.running.check(". /job/load; load_disks vda; "
                                 f"load_net eth0 {hostside.HOST_ADDRESS} {PORT}")
            for side in (THERE, HERE) * ROUNDS:
                guests.running.check(". /job/load; loads_move", SECONDS)
                guests.move(devices(side, queues=QUEUES, packed=packed))
            guests.running.check(". /job/load; loads_move && end_loads", SECONDS)
            check_disks(guests.running, [("vda", FILE)])
            equal(guests.running.power_off(SECONDS), 0, "exit status of QEMU")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return (f"there and back under load, {'packed' if packed else 'split'} rings: no data is lost, "
            "nor a connection"), test


def tests():
    """The matrix."""
    yield landing_test([OURS, MAINLINE, OURS])
    yield load_test(False)
    if LONG:
        yield landing_test([OURS, OURS], True)
        yield load_test(True)


if __name__ == "__main__":
    prepare(load=LOAD)
    ktap.main([patient(test) for test in tests()])
