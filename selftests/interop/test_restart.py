#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""vqhost-bridge dies under load and comes back: the guest goes on, nothing is lost."""

import sys

sys.dont_write_bytecode = True
from bridge import Bridge
from load import LOAD
from bench import (BLOCK_DEVICE, FILE, LONG, SECONDS, booted, guest, kernel_complaints, patient,
                   prepare)
from test_boot import check_disks, check_format, equal
import ktap

DISK = "/tmp/bridge-disk.sock"
OTHER_DISK = "/tmp/bridge-other.sock"
RESTARTS = 5

# At each mark, of which there are as many as its argument says, both disks have moved since
# the one before.
SCRIPT = """
. /job/load
load_disks vda vdb
for restart in $(seq $1); do
    loads_move || exit 1
    mark restart
done
loads_move && end_loads
"""


def check_restarts(running, bridge, restarts):
    """The bridge ends under load that is verified: by SIGKILL, the last time by SIGTERM."""
    ends = iter([bridge.kill] * (restarts - 1) + [bridge.end])

    def restart(_):
        next(ends)()
        bridge.start()

    running.check(f"sh /job/script {restarts}", 2 * SECONDS, restart)


def restart_test(packed):
    """A test that ends the bridge under load, again and again: by SIGKILL, once by SIGTERM."""
    def test():
        name = "bridge-restart" + ("-packed" if packed else "")
        bridge = Bridge(f"--socket-path={DISK}", f"--blk-file={BLOCK_DEVICE}",
                        f"--socket-path={OTHER_DISK}", f"--blk-file={FILE}", name=name)
        disks = [guest.Disk(BLOCK_DEVICE, "vhost-user", DISK, 2, packed=packed),
                 guest.Disk(FILE, "vhost-user", OTHER_DISK, 2, packed=packed)]
        with bridge, booted(disks, name + "-guest", vmm="qemu", cpus=2) as running:
            check_format(running, 2, packed)
            check_restarts(running, bridge, RESTARTS)
            check_disks(running, [("vda", BLOCK_DEVICE), ("vdb", FILE)])
            equal(running.power_off(SECONDS), 0, "exit status of QEMU")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return (f"SIGKILL and SIGTERM under load, {'packed' if packed else 'split'} rings: nothing is "
            "lost"), test


if __name__ == "__main__":
    prepare(load=LOAD, script=SCRIPT)
    ktap.main([patient(restart_test(packed)) for packed in ([False, True] if LONG else [False])])
