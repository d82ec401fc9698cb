#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The VMM dies by SIGKILL under load: nothing stays behind, the modules unload."""

import glob
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from bench import (BLOCK_DEVICE, FILE, MODULES, SECONDS, booted, guest, hostside,
                   kernel_complaints, patient, prepare, tap)
import ktap

OURS = ("vqhost_net", "vqhost_blk", "vqhost")
# Load all devices in all directions; a mark when each of them is seen to move.
LOAD = f"""
cd /tmp
iperf3 -c {hostside.HOST_ADDRESS} -p 5201 -t 600 -P 2 >/dev/null &
iperf3 -c {hostside.HOST_ADDRESS} -p 5202 -t 600 -R >/dev/null &
fio --name=a --filename=/dev/vda --direct=1 --ioengine=libaio --iodepth=32 \\
    --rw=randrw --bs=4k --time_based --runtime=600 >/dev/null &
fio --name=b --filename=/dev/vdb --direct=1 --ioengine=libaio --iodepth=32 \\
    --rw=randwrite --bsrange=512-256k --time_based --runtime=600 >/dev/null &
counts()
{{
    cat /sys/class/net/eth0/statistics/rx_packets /sys/class/net/eth0/statistics/tx_packets
    for disk in vda vdb; do
        awk '{{ print $1 + $5 }}' /sys/block/$disk/stat
    done
}}
all_moved()
{{
    set -- $after
    for count in $before; do
        [ "$1" -gt "$count" ] || return
        shift
    done
}}
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    before=$(counts)
    sleep 3
    after=$(counts)
    all_moved && break
done
all_moved || {{ echo "no load:" $before / $after; exit 1; }}
mark busy
wait
"""


def users(module):
    """How many hold a module."""
    with open(f"/sys/module/{module}/refcnt", encoding="ascii") as file:
        return int(file.read())


def queue_threads():
    """Names of queue threads that run, of the kernel or of any process."""
    names = []
    for path in glob.glob("/proc/[0-9]*/task/[0-9]*/comm"):
        try:
            with open(path, encoding="ascii") as file:
                names.append(file.read().strip())
        except OSError:
            pass
    return [name for name in names if name.startswith("vqhost-")]


def devices(tap_name, queues=1):
    """All of a guest's devices, served by the modules."""
    return [guest.Net(tap_name, "vhost", queues=queues),
            guest.Disk(BLOCK_DEVICE, "vhost", queues=queues),
            guest.Disk(FILE, "vhost", queues=queues)]


def test_in_use():
    """the modules refuse to unload while a guest uses them"""
    with tap() as name, booted(devices(name), "in-use") as running:
        for module in OURS:
            done = subprocess.run(["rmmod", module], stderr=subprocess.PIPE, text=True, check=False)
            assert done.returncode, f"{module} was unloaded under a running guest"
            assert "in use" in done.stderr, done.stderr
        running.check("dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct", SECONDS)
    wait_unused()


def wait_unused():
    """The modules become free soon after their user has died."""
    deadline = time.monotonic() + 30
    while any(users(module) for module in ("vqhost_net", "vqhost_blk")):
        assert time.monotonic() < deadline, "still in use: " + ", ".join(
            f"{module} by {users(module)}" for module in OURS)
        time.sleep(0.2)
    while queue_threads():
        assert time.monotonic() < deadline, f"threads left: {queue_threads()}"
        time.sleep(0.2)


def kill_test(queues):
    """A test that kills a VMM under load and unloads the modules."""
    def test():
        servers = [subprocess.Popen(["iperf3", "-s", "-p", port], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for port in ("5201", "5202")]
        try:
            with tap(queues) as name, booted(devices(name, queues), f"kill-{queues}",
                                             cpus=2) as running:
                kill_under_load(running)
                wait_unused()
        finally:
            for server in servers:
                server.kill()
                server.wait()
        hostside.run(MODULES, "unload")
        left = [module for module in OURS if os.path.exists(f"/sys/module/{module}")]
        assert not left, f"still loaded: {left}"
        assert not kernel_complaints(), kernel_complaints()
        hostside.run(MODULES, "load")
    return f"SIGKILL under load, {queues} queue(s): all is given back, the modules unload", test


def kill_under_load(running):
    """Kill the VMM at a moment when everything it has is busy."""
    killed = []

    def on_mark(name):
        running.kill()
        killed.append(name)

    try:
        status, output = running.run("sh /job/load", SECONDS, on_mark)
    except guest.GuestError:
        assert killed, "the guest ended by itself"
        return
    raise AssertionError(f"load: status {status}: {output}")


def test_again():
    """a guest boots and works after all that"""
    with tap() as name, booted(devices(name), "again") as running:
        running.check(f"ping -c 3 -W 10 {hostside.HOST_ADDRESS}", SECONDS)
        running.check("dd if=/dev/vda of=/dev/null bs=64k count=64 iflag=direct", SECONDS)
        status = running.power_off(SECONDS)
        assert status == 0, f"exit status {status}"
    wait_unused()


if __name__ == "__main__":
    prepare(load=LOAD)
    ktap.main([patient(test) for test in [test_in_use, kill_test(1), kill_test(2), test_again]])
