#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""vqhost-bridge dies under load and comes back: the guest goes on, nothing is lost."""

import sys

sys.dont_write_bytecode = True
from bridge import Bridge
from bench import (BLOCK_DEVICE, FILE, SECONDS, booted, guest, kernel_complaints, patient,
                   prepare)
from test_boot import check_disks, check_format, equal
import ktap

DISK = "/tmp/bridge-disk.sock"
OTHER_DISK = "/tmp/bridge-other.sock"
RESTARTS = 5

# Writes and reads that are verified all the while, of all sizes, through the page cache of the
# host and past it.  At each mark, of which there are as many as its argument says, both disks
# have moved since the one before.
LOAD = """
cd /tmp
for disk in vda vdb; do
    fio --name=$disk --filename=/dev/$disk --direct=1 --ioengine=libaio --iodepth=32 \\
        --rw=randrw --bsrange=4k-256k --size=32m --norandommap=0 --time_based --runtime=600 \\
        --verify=crc32c --verify_backlog=64 --verify_fatal=1 --group_reporting >$disk.log 2>&1 &
    eval "$disk=$!"
done
done_by() { awk '{ print $1 + $5 }' /sys/block/$1/stat; }
moved()
{
    for disk in vda vdb; do
        before=$(done_by $disk)
        for try in $(seq 300); do
            [ $(done_by $disk) -gt $((before + 20)) ] && continue 2
            sleep 0.2
        done
        echo "$disk stands still"; head -n 20 $disk.log; dmesg | tail -n 5
        return 1
    done
}
for restart in $(seq $1); do
    moved || exit 1
    mark restart
done
moved || exit 1
kill -INT $vda $vdb
for disk in vda vdb; do
    eval "wait \\$$disk"
    status=$?
    grep -q 'err= 0' $disk.log && ! grep -qi 'verify: bad' $disk.log && continue
    echo "fio $disk: status $status"; cat $disk.log; exit 1
done
dmesg | grep -iE 'I/O error|not a head' && exit 1
exit 0
"""


def restart_test(packed):
    """A test that ends the bridge under load, again and again: by SIGKILL, once by SIGTERM."""
    def test():
        name = "bridge-restart" + ("-packed" if packed else "")
        bridge = Bridge(f"--socket-path={DISK}", f"--blk-file={BLOCK_DEVICE}",
                        f"--socket-path={OTHER_DISK}", f"--blk-file={FILE}", name=name)
        disks = [guest.Disk(BLOCK_DEVICE, "vhost-user", DISK, 2, packed=packed),
                 guest.Disk(FILE, "vhost-user", OTHER_DISK, 2, packed=packed)]
        ends = iter([bridge.kill] * (RESTARTS - 1) + [bridge.end])

        def restart(_):
            next(ends)()
            bridge.start()

        with bridge, booted(disks, name + "-guest", vmm="qemu", cpus=2) as running:
            check_format(running, 2, packed)
            running.check(f"sh /job/load {RESTARTS}", 2 * SECONDS, restart)
            check_disks(running, [("vda", BLOCK_DEVICE), ("vdb", FILE)])
            equal(running.power_off(SECONDS), 0, "exit status of QEMU")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return (f"SIGKILL and SIGTERM under load, {'packed' if packed else 'split'} rings: nothing is "
            "lost"), test


if __name__ == "__main__":
    prepare(load=LOAD)
    ktap.main([patient(test) for test in [restart_test(False), restart_test(True)]])
