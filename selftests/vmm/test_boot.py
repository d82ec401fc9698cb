#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Guests boot with each backend, see what was asked for, and data is intact both ways."""

import hashlib
import os
import sys

sys.dont_write_bytecode = True
from bench import (BLOCK_DEVICE, FILE, LONG, PATTERN_MIB, MIB, READ_ONLY_DEVICE, SECONDS, Transfer,
                   booted, digest, equal, guest, guest_writes, hostside, kernel_complaints, patient, prepare,
                   read_command, tap, write_pattern)
import ktap

# Exit statuses of vqvmm.
POWER_OFF = 0
PANIC = 4


def check_disks(running, disks):
    """The guest reads what the host wrote, and the host what the guest wrote."""
    for name, path in disks:
        wrote = write_pattern(path, 1)
        equal(running.check(read_command(f"/dev/{name}", 1), SECONDS).split()[0], wrote,
              f"{name}: host to guest")
        wrote = guest_writes(running, f"/dev/{name}", 16)
        equal(digest(path, 16), wrote, f"{name}: guest to host")


def check_each_processor(running, processors):
    """Each processor uses its own queue of a disk: all of them carry data."""
    for processor in range(processors):
        wrote = write_pattern(BLOCK_DEVICE, 24 + 8 * processor)
        command = read_command("/dev/vda", 24 + 8 * processor)
        equal(running.check(f"taskset {1 << processor:x} sh -c '{command}'", SECONDS).split()[0],
              wrote, f"disk read by processor {processor}")


def check_net(running, processors):
    """A file arrives intact in both directions, from each processor's queue."""
    for processor in range(processors):
        pinned = f"taskset {1 << processor:x} "
        data = os.urandom(PATTERN_MIB * MIB)
        transfer = Transfer(data)
        running.check(f"{pinned}nc {hostside.HOST_ADDRESS} {transfer.port} >/tmp/in </dev/null",
                      SECONDS)
        transfer.wait()
        equal(running.check("sha256sum /tmp/in", SECONDS).split()[0],
              hashlib.sha256(data).hexdigest(), "file from the host")
        transfer = Transfer()
        running.check(f"{pinned}nc {hostside.HOST_ADDRESS} {transfer.port} </tmp/p", SECONDS)
        transfer.wait()
        equal(hashlib.sha256(transfer.received).hexdigest(),
              running.check("sha256sum /tmp/p", SECONDS).split()[0], "file to the host")


def check_queues(running, queues, disks=2):
    """The guest's drivers found as many queues as were asked for, each with a vector."""
    equal(int(running.check("ls -d /sys/block/vda/mq/* | wc -l")), queues, "queues of the disk")
    equal(int(running.check("ls -d /sys/class/net/eth0/queues/tx-* | wc -l")), queues,
          "transmit queues")
    vectors = running.check("grep -c 'virtio[0-9]*-\\(req\\|input\\|output\\)' /proc/interrupts")
    # A vector for each queue of the disks, for each transmit and receive queue.
    expected = (disks + 2) * queues
    assert int(vectors) >= expected, f"{vectors} vectors for {expected} queues"


def check_format(running, devices, packed):
    """The guest's drivers have chosen the format of rings that they were offered."""
    chosen = running.check("cut -c35 /sys/bus/virtio/devices/*/features").split()
    equal(chosen, [str(int(packed))] * devices, "VIRTIO_F_RING_PACKED of each device")


def check_read_only(running, name, content):
    """The guest reads a disk, and cannot write to it."""
    equal(running.check(f"cat /sys/block/{name}/ro").strip(), "1", "read-only flag")
    equal(running.check(read_command(f"/dev/{name}", 1), SECONDS).split()[0], content,
          "what the guest reads")
    status, _ = running.run(f"dd if=/dev/urandom of=/dev/{name} bs=4k count=1 seek=256 oflag=direct")
    assert status, "a write succeeded"


def boot_test(backend, queues, net_device=None, packed=False):
    """A test that boots a guest with a net and three disks and moves data."""
    def test():
        before = write_pattern(READ_ONLY_DEVICE, 1)
        disks = [guest.Disk(BLOCK_DEVICE, backend, queues=queues, packed=packed),
                 guest.Disk(FILE, backend, queues=queues, packed=packed),
                 guest.Disk(READ_ONLY_DEVICE, backend, packed=packed, readonly=True)]
        name = f"{backend}-{queues}" + ("-mainline" if net_device else "") + \
               ("-packed" if packed else "")
        with tap(queues) as device:
            net = guest.Net(device, backend, net_device, queues, packed=packed)
            with booted([net] + disks, name, cpus=2) as running:
                equal(int(running.check("nproc")), 2, "processors")
                check_format(running, 4, packed)
                check_queues(running, queues)
                check_disks(running, [("vda", BLOCK_DEVICE), ("vdb", FILE)])
                check_read_only(running, "vdc", before)
                check_each_processor(running, 2)
                check_net(running, queues)
                equal(running.power_off(SECONDS), POWER_OFF, "exit status of a power-off")
        equal(digest(READ_ONLY_DEVICE, 1), before, "what is on the disk that is read-only")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    description = (f"backend={backend}, {queues} queue(s): data is intact both ways, a disk cannot "
                   "be written to")
    if net_device:
        description += f", net by {net_device}"
    if packed:
        description += ", packed rings"
    return description, test


def queue_reset_test(backend, packed):
    """A test that resets each queue of a net again and again under traffic."""
    def test():
        disk = guest.Disk(BLOCK_DEVICE, backend, packed=packed)
        with tap(2) as device:
            net = guest.Net(device, backend, queues=2, packed=packed)
            with booted([net, disk], f"queue-reset-{backend}", cpus=2) as running:
                chosen = running.check("cut -c41 /sys/bus/virtio/devices/*/features").split()
                equal(chosen, ["1", "1"], "VIRTIO_F_RING_RESET of each device")
                check_format(running, 2, packed)
                # A new size takes a reset of the queue; the others go on meanwhile.
                running.check("touch /tmp/go; (while [ -e /tmp/go ]; do"
                              " ethtool -G eth0 rx 64 && ethtool -G eth0 tx 32 &&"
                              " ethtool -G eth0 rx 256 && ethtool -G eth0 tx 256 || break;"
                              " echo; done >/tmp/rounds 2>/tmp/errors) &")
                check_disks(running, [("vda", BLOCK_DEVICE)])
                check_net(running, 2)
                running.check("rm /tmp/go")
                equal(running.check("cat /tmp/errors"), "", "what ethtool says")
                rounds = int(running.check("wc -l </tmp/rounds"))
                assert rounds > 1, f"{rounds} rounds of resets"
                check_net(running, 2)
                equal(running.power_off(SECONDS), POWER_OFF, "exit status")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return (f"backend={backend}, {'packed' if packed else 'split'} rings: queues are reset one by "
            "one under traffic"), test


def test_packed_by_qemu():
    """stock QEMU hands packed rings to /dev/vqhost-net: data is intact both ways"""
    with tap() as device:
        with booted([guest.Net(device, "vhost", packed=True)], "qemu-packed",
                    vmm="qemu") as running:
            check_format(running, 1, True)
            running.check("dd if=/dev/urandom of=/tmp/p bs=1M count=4 2>/dev/null", SECONDS)
            check_net(running, 1)
            equal(running.power_off(SECONDS), POWER_OFF, "exit status of a power-off")
    equal(kernel_complaints(), [], "complaints in the kernel log")


def iommu_test(net_device, packed=False):
    """A test that has a guest use its net behind an emulated IOMMU."""
    def test():
        with tap() as device:
            net = guest.Net(device, "vhost", net_device, packed=packed, iommu=True)
            name = "qemu-iommu-" + os.path.basename(net_device) + ("-packed" if packed else "")
            with booted([net], name, vmm="qemu") as running:
                chosen = running.check("cut -c34 /sys/bus/virtio/devices/*/features").strip()
                equal(chosen, "1", "VIRTIO_F_ACCESS_PLATFORM")
                check_format(running, 1, packed)
                running.check("dd if=/dev/urandom of=/tmp/p bs=1M count=4 2>/dev/null", SECONDS)
                check_net(running, 1)
                equal(running.power_off(SECONDS), POWER_OFF, "exit status of a power-off")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return (f"stock QEMU with an IOMMU, {'packed' if packed else 'split'} rings, "
            f"{net_device}: data is intact both ways"), test


def test_reset():
    """a reset ends the process with its own exit status"""
    with booted([], "reset") as running:
        running.start("reboot -f")
        equal(running.wait(SECONDS), guest.RESET, "exit status of a reset")


def test_panic():
    """a panic ends the process with its own exit status"""
    with booted([], "panic", cmdline="panic=-1") as running:
        running.start("echo c >/proc/sysrq-trigger")
        equal(running.wait(SECONDS), PANIC, "exit status of a panic")


def test_eight_processors():
    """a guest with 8 processors starts all of them, each uses the disk"""
    with booted([guest.Disk(BLOCK_DEVICE, "vhost", queues=4)], "cpus-8", cpus=8) as running:
        equal(int(running.check("nproc")), 8, "processors")
        for processor in range(8):
            wrote = write_pattern(BLOCK_DEVICE, 4 * processor)
            command = read_command("/dev/vda", 4 * processor)
            equal(running.check(f"taskset {1 << processor:x} sh -c '{command}'",
                                SECONDS).split()[0], wrote, f"read by processor {processor}")
        equal(running.power_off(SECONDS), POWER_OFF, "exit status")


def test_flush():
    """what the guest flushed is in the file, whatever the page cache does"""
    with booted([guest.Disk(FILE, "vhost")], "flush") as running:
        running.check("mkdir -p /mnt && dd if=/dev/urandom of=/tmp/p bs=1M count=1 2>/dev/null && "
                      "dd if=/tmp/p of=/dev/vda bs=4k seek=256 conv=fsync 2>/dev/null", SECONDS)
        wrote = running.check("md5sum /tmp/p").split()[0]
        running.kill()
    with open(FILE, "rb") as file:
        file.seek(MIB)
        equal(hashlib.md5(file.read(MIB)).hexdigest(), wrote, "what is in the file")


# Each backend with each number of queues and each format of rings; and what else there is.
TESTS = [
    boot_test("user", 1), boot_test("user", 2, packed=True),
    boot_test("vhost", 1, "/dev/vhost-net"), boot_test("vhost", 2), boot_test("vhost", 1, packed=True),
    test_packed_by_qemu,
    iommu_test("/dev/vqhost-net"), iommu_test("/dev/vqhost-net", packed=True),
    queue_reset_test("user", False), queue_reset_test("vhost", True),
    test_flush, test_eight_processors, test_reset, test_panic,
]

# The rest of the combinations.
MORE_TESTS = [
    boot_test("user", 1, packed=True), boot_test("user", 2),
    boot_test("vhost", 1), boot_test("vhost", 2, packed=True),
    iommu_test("/dev/vhost-net"), queue_reset_test("vhost", False),
]


if __name__ == "__main__":
    prepare(ram_disks=3)
    ktap.main([patient(test) for test in TESTS + (MORE_TESTS if LONG else [])])
