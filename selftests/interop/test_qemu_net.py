#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Stock QEMU with /dev/vqhost-net, beside the same QEMU with mainline's /dev/vhost-net.

One script runs with either; what the guest sees of its interface has to be the same.
"""

import os
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vmm")]
from qmp import Qmp
from bench import (LOGS, INITRD, SECONDS, guest, hostside, kernel_complaints, patient, prepare,
                   tap)
from test_boot import check_format, check_net, equal
import ktap

MONITOR = "/tmp/qemu-net-monitor.sock"
QUEUES = 2

# What mainline's device of kernel 6.1 lacks: VIRTIO_F_RING_RESET, which QEMU offers if it can.
OURS_ALONE = {40}

# What a guest can tell of its interface.
VIEWS = {
    "offload": "ethtool -k eth0",
    "channels": "ethtool -l eth0",
    "rings": "ethtool -g eth0",
    "driver": "ethtool -i eth0",
    "link": "ethtool eth0",
    "statistics": "ethtool -S eth0 | sed 's/:.*//'",
    "interface": "cd /sys/class/net/eth0 && grep . mtu tx_queue_len carrier operstate address",
    "queues": "ls /sys/class/net/eth0/queues",
    "interrupts": "sed -n 's/.*\\(virtio[0-9]*-.*\\)/\\1/p' /proc/interrupts",
}


def features(running):
    """The features that driver and device have agreed on, by number."""
    text = running.check("cat /sys/bus/virtio/devices/*/features").strip()
    return {bit for bit, value in enumerate(text) if value == "1"}


def use(running):
    """The interface carries data both ways."""
    check_net(running, QUEUES)


def check_link(running, monitor):
    """The guest sees its link go and come."""
    carrier = "cat /sys/class/net/eth0/carrier"
    for up in (False, True):
        monitor.do("set_link", {"name": "net0", "up": up})
        running.check(f"while [ $({carrier}) != {int(up)} ]; do sleep 0.1; done", SECONDS)
    use(running)


def check_stop(running, monitor):
    """The machine stands still, what it is sent meanwhile arrives when it goes on."""
    monitor.do("stop")
    monitor.wait_for("STOP")
    running.start(f"ping -c 1 -w {SECONDS} {hostside.HOST_ADDRESS}")
    time.sleep(1)
    monitor.do("cont")
    monitor.wait_for("RESUME")
    status, output = running.finish(2 * SECONDS)
    equal((status, "1 packets received" in output), (0, True), "ping across a stop")
    use(running)


def set_up(running):
    """Give the interface its address again."""
    running.check(hostside.GUEST_SETUP.replace("\n", ";").strip(";"), SECONDS)


def check_rebind(running):
    """The guest's driver leaves the device and comes back."""
    for _ in range(3):
        running.check("cd /sys/bus/virtio/drivers/virtio_net && name=$(ls -d virtio*) && "
                      "echo $name >unbind && [ ! -e /sys/class/net/eth0 ] && echo $name >bind")
        set_up(running)
    use(running)


def check_replug(running, monitor, net):
    """The device is unplugged and another one plugged in."""
    monitor.do("device_del", {"id": "net0"})
    monitor.wait_for("DEVICE_DELETED")
    running.check("while [ -e /sys/class/net/eth0 ]; do sleep 0.1; done", SECONDS)
    monitor.do("netdev_del", {"id": "n0"})
    names = {}
    for kind, fds in (("tap", hostside.open_tap(net.tap, QUEUES)), ("vhost", guest.open_vhost(net))):
        names[kind] = ":".join(f"{kind}{index}" for index in range(QUEUES))
        for index, fd in enumerate(fds):
            monitor.do("getfd", {"fdname": f"{kind}{index}"}, fd)
            os.close(fd)
    monitor.do("netdev_add", {"type": "tap", "id": "n1", "fds": names["tap"],
                              "vhost": True, "vhostfds": names["vhost"]})
    monitor.do("device_add", {"driver": "virtio-net-pci", "id": "net1", "netdev": "n1",
                              "mac": net.mac, "romfile": "", "mq": True,
                              "vectors": 2 * QUEUES + 2})
    running.check("while [ ! -e /sys/class/net/eth0 ]; do sleep 0.1; done", SECONDS)
    set_up(running)
    use(running)


def check_reset(running, monitor):
    """The machine is reset, and boots again."""
    monitor.do("set-action", {"reboot": "reset"})
    monitor.do("system_reset")
    monitor.wait_for("RESET")
    running.wait_ready()
    running.check("dd if=/dev/urandom of=/tmp/p bs=1M count=4 2>/dev/null", SECONDS)
    use(running)


def script(net_device):
    """Run all of it with a kernel device: what the guest saw, and which features it has."""
    name = "qemu-" + os.path.basename(net_device)
    with tap(QUEUES) as device:
        net = guest.Net(device, "vhost", net_device, QUEUES)
        command = guest.vmm_command([net], "qemu", initrd=INITRD) + [
            "-qmp", f"unix:{MONITOR},server=on,wait=off"]
        with guest.Guest(command, os.path.join(LOGS, f"vmm-{name}.log")) as running:
            running.wait_ready()
            with Qmp(MONITOR, SECONDS) as monitor:
                check_format(running, 1, False)
                running.check("dd if=/dev/urandom of=/tmp/p bs=1M count=4 2>/dev/null", SECONDS)
                seen = {view: running.check(how) for view, how in VIEWS.items()}
                agreed = features(running)
                use(running)
                check_link(running, monitor)
                check_stop(running, monitor)
                check_rebind(running)
                check_reset(running, monitor)
                check_replug(running, monitor, net)
            equal(running.power_off(SECONDS), 0, "exit status of QEMU")
    return seen, agreed


def test_side_by_side():
    """link down and up, stop and cont, unbind and bind, reset, hot plug: as with mainline's"""
    seen, agreed = script("/dev/vqhost-net")
    expected, common = script("/dev/vhost-net")
    equal(agreed - common, OURS_ALONE & agreed, "features beyond mainline's")
    equal(common - agreed, set(), "features that only mainline has")
    for view, text in expected.items():
        equal(re.sub(r"virtio\d+", "virtioN", seen[view]), re.sub(r"virtio\d+", "virtioN", text),
              view)
    equal(kernel_complaints(), [], "complaints in the kernel log")


if __name__ == "__main__":
    prepare()
    ktap.main([patient(test_side_by_side)])
