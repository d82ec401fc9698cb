#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Stock QEMU as a front end of vqhost-bridge: data is intact both ways."""

import os
import sys

sys.dont_write_bytecode = True
from bridge import Bridge
from bench import (BLOCK_DEVICE, FILE, LONG, READ_ONLY_DEVICE, SECONDS, booted, check_unprivileged,
                   digest, guest, kernel_complaints, patient, prepare, tap, write_pattern)
from test_boot import (check_disks, check_each_processor, check_format, check_net, check_queues,
                       check_read_only, equal)
import ktap

DISK = "/tmp/bridge-disk.sock"
OTHER_DISK = "/tmp/bridge-other.sock"
READ_ONLY = "/tmp/bridge-readonly.sock"
NET = "/tmp/bridge-net.sock"


def boot_test(queues, packed):
    """A test of one process that serves a net and three disks, as an unprivileged user."""
    def test():
        name = f"bridge-{queues}" + ("-packed" if packed else "")
        before = write_pattern(READ_ONLY_DEVICE, 1)
        with tap(queues) as device:
            options = [f"--socket-path={DISK}", f"--blk-file={BLOCK_DEVICE}",
                       f"--socket-path={OTHER_DISK}", f"--blk-file={FILE}", "--serial=other",
                       f"--socket-path={READ_ONLY}", f"--blk-file={READ_ONLY_DEVICE}",
                       "--read-only",
                       f"--socket-path={NET}", f"--tap={device}", f"--queues={queues}",
                       "--user=nobody"]
            devices = [guest.Net(device, "vhost-user", NET, queues, packed=packed),
                       guest.Disk(BLOCK_DEVICE, "vhost-user", DISK, queues, packed=packed),
                       guest.Disk(FILE, "vhost-user", OTHER_DISK, queues, packed=packed),
                       guest.Disk(READ_ONLY_DEVICE, "vhost-user", READ_ONLY, packed=packed)]
            with Bridge(*options, name=name) as bridge:
                with booted(devices, name + "-guest", vmm="qemu", cpus=2) as running:
                    check_guest(running, queues, packed)
                    check_read_only(running, "vdc", before)
                    check_privileges(bridge.process.pid)
                    equal(running.power_off(SECONDS), 0, "exit status of QEMU")
                equal(bridge.output(), "", "what the bridge has said")
        equal([path for path in (DISK, OTHER_DISK, READ_ONLY, NET) if os.path.exists(path)], [],
              "sockets that are left")
        equal(digest(READ_ONLY_DEVICE, 1), before, "what is on the disk that is read-only")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return (f"QEMU, {queues} queue(s), {'packed' if packed else 'split'} rings: data is intact "
            "both ways"), test


def check_guest(running, queues, packed):
    """All that a guest has works."""
    check_format(running, 4, packed)
    check_queues(running, queues)
    check_disks(running, [("vda", BLOCK_DEVICE), ("vdb", FILE)])
    check_each_processor(running, 2)
    check_net(running, queues)
    equal(running.check("cat /sys/block/vdb/serial"), "other", "identity of a disk")


def check_privileges(pid):
    """The bridge is nobody, and can do nothing."""
    status = check_unprivileged(pid, 65534)
    equal(status["NoNewPrivs"].strip(), "1", "that it gets no new ones")


if __name__ == "__main__":
    prepare(ram_disks=3)
    ktap.main([patient(boot_test(2, packed)) for packed in ([False, True] if LONG else [True])])
