#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""vqvmm as a front end of vqhost-bridge, and of QEMU's back end for disks."""

import os
import sys

sys.dont_write_bytecode = True
from bridge import Bridge, StorageDaemon
from load import LOAD
from bench import (BLOCK_DEVICE, FILE, LOGS, LONG, READ_ONLY_DEVICE, SECONDS, booted, digest,
                   equal, guest, kernel_complaints, patient, prepare, write_pattern)
from test_boot import check_disks, check_each_processor, check_format, check_read_only
from test_control import LOAD as WRITES
from test_control import NAME, ask, states
from test_qemu import DISK, OTHER_DISK, READ_ONLY
from test_restart import SCRIPT, check_restarts
import ktap

RESTARTS = 3

# What a bridge says that follows before the kernel is done with the one that was killed.
TOO_SOON = ["another process serves it", "where the ring goes on is not known"]

# The driver of a disk gives it up, or takes it.
UNBIND = ("basename $(readlink -f /sys/block/vda/device) >/tmp/device && "
          "cat /tmp/device >/sys/bus/virtio/drivers/virtio_blk/unbind")
BIND = "cat /tmp/device >/sys/bus/virtio/drivers/virtio_blk/bind && ls /sys/block/vda"


def served_test(packed):
    """A test of a bridge that serves three disks, and dies at all times."""
    def test():
        name = "front-end" + ("-packed" if packed else "")
        before = write_pattern(READ_ONLY_DEVICE, 1)
        bridge = Bridge(f"--socket-path={DISK}", f"--blk-file={BLOCK_DEVICE}",
                        f"--socket-path={OTHER_DISK}", f"--blk-file={FILE}", "--serial=other",
                        f"--socket-path={READ_ONLY}", f"--blk-file={READ_ONLY_DEVICE}", "--read-only",
                        name=name)
        disks = [guest.Disk(BLOCK_DEVICE, "vhost-user", DISK, 2, packed=packed),
                 guest.Disk(FILE, "vhost-user", OTHER_DISK, 2, packed=packed),
                 guest.Disk(READ_ONLY_DEVICE, "vhost-user", READ_ONLY, packed=packed)]
        with bridge, booted(disks, name + "-guest", cpus=2, machine_name=NAME) as running:
            check_format(running, 3, packed)
            equal(int(running.check("ls -d /sys/block/vda/mq/* | wc -l")), 2, "queues")
            equal(running.check("cat /sys/block/vdb/serial"), "other", "identity of a disk")
            check_each_processor(running, 2)
            check_read_only(running, "vdc", before)
            check_restarts(running, bridge, RESTARTS)
            check_data(running)
            check_another_driver(running, bridge)
            check_pause(running, bridge)
            check_messages(name)
            equal(running.power_off(SECONDS), 0, "exit status of a power-off")
        equal([line for line in bridge.output().splitlines()
               if not any(text in line for text in TOO_SOON)], [], "what the bridge has said")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return (f"vqhost-bridge, {'packed' if packed else 'split'} rings: data is intact, nothing is "
            "lost when it dies"), test


def check_data(running):
    """Both disks carry data both ways."""
    check_disks(running, [("vda", BLOCK_DEVICE), ("vdb", FILE)])


def check_another_driver(running, bridge):
    """A driver gives its disk up and takes it again, also while there is no bridge."""
    running.check(UNBIND)
    running.check(BIND, SECONDS)
    bridge.kill()
    running.check(UNBIND, SECONDS)
    running.start(BIND)
    bridge.start()
    status, output = running.finish(SECONDS)
    equal(status, 0, f"status of bind: {output}")
    check_data(running)


def check_pause(running, bridge):
    """A machine stands still, and goes on with another bridge than before."""
    running.check(WRITES)
    for _ in range(5):
        ask("pause")
        ask("resume")
    ask("pause")
    equal(states(ask("stat")), {"stopped"}, "queues")
    before = digest(BLOCK_DEVICE, 32)
    bridge.kill()
    equal(digest(BLOCK_DEVICE, 32), before, "what is on the disk meanwhile")
    ask("resume")
    ask("pause")
    bridge.start()
    ask("resume")
    equal(states(ask("stat")), {"running"}, "queues")
    running.check("rm /tmp/go; while [ ! -e /tmp/end ]; do sleep 0.1; done", SECONDS)
    equal(digest(BLOCK_DEVICE, 32), running.check("cat /tmp/sum").split()[0],
          "what was written meanwhile")
    check_data(running)


def check_messages(name):
    """vqvmm has said each time that a bridge has gone, and that there is another one."""
    with open(os.path.join(LOGS, f"vmm-{name}-guest.log"), encoding="utf-8",
              errors="replace") as file:
        log = file.read()
    # One for each disk and end: the restarts, and two more.
    for text in ("the connection was ended; connecting again", "connected again"):
        equal(log.count(f"vqvmm: --disk socket={DISK}: {text}"), RESTARTS + 2, text)


def test_storage_daemon():
    """QEMU's storage daemon: data is intact, and the driver comes and goes"""
    disk = guest.Disk(FILE, "vhost-user", DISK, 2)
    with StorageDaemon(DISK, FILE, 2), \
            booted([disk], "storage-daemon-guest", cpus=2, machine_name=NAME) as running:
        check_disks(running, [("vda", FILE)])
        running.check(UNBIND)
        running.check(BIND, SECONDS)
        ask("pause")
        ask("resume")
        check_disks(running, [("vda", FILE)])
        equal(running.power_off(SECONDS), 0, "exit status of a power-off")


if __name__ == "__main__":
    prepare(ram_disks=3, load=LOAD, script=SCRIPT)
    ktap.main([patient(test) for test in [
        *[served_test(packed) for packed in ([False, True] if LONG else [True])], test_storage_daemon]])
