# SPDX-License-Identifier: GPL-2.0
"""The host's end of a guest's devices: network namespace, taps, RAM disks."""

import fcntl
import os
import struct
import subprocess
import sys

HOST_ADDRESS = "10.111.0.1"
GUEST_ADDRESS = "10.111.0.2"

# What a guest with one interface runs at boot to be reachable.
GUEST_SETUP = f"""
sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip addr add {GUEST_ADDRESS}/24 dev eth0
ip link set eth0 up
"""


class HostError(Exception):
    """The host cannot be prepared."""


def run(*command):
    """Run a command that must succeed: what it prints."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise HostError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


def enter_network_namespace():
    """Start over in a network namespace of our own, which vanishes with us."""
    if os.environ.get("VQHOST_NAMESPACE") != str(os.getpid()):
        os.environ["VQHOST_NAMESPACE"] = str(os.getpid())
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable] + sys.argv)
    run("ip", "link", "set", "lo", "up")


def make_tap(name, queues=1, address=HOST_ADDRESS, switch=None):
    """A tap to which a VMM attaches, with an address of the host, or at a switch."""
    options = ["multi_queue"] if queues > 1 else []
    run("ip", "tuntap", "add", "dev", name, "mode", "tap", "vnet_hdr", *options)
    if switch:
        run("ip", "link", "set", name, "master", switch)
    _use_link(name, None if switch else address)


def make_switch(name, address=HOST_ADDRESS):
    """A switch with an address of the host, to which taps attach."""
    run("ip", "link", "add", name, "type", "bridge", "forward_delay", "0")
    _use_link(name, address)


def _use_link(name, address):
    """Switch an interface on, with an address or none, and without any chatter of IPv6."""
    with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
        file.write("1")
    if address:
        run("ip", "addr", "add", f"{address}/24", "dev", name)
    run("ip", "link", "set", name, "up")


# <linux/if_tun.h>
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 2, 0x100, 0x1000, 0x4000


def open_tap(name, queues):
    """Descriptors of a tap's queues."""
    flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE
    fds = []
    for _ in range(queues):
        fds.append(os.open("/dev/net/tun", os.O_RDWR))
        fcntl.ioctl(fds[-1], TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    return fds


def remove_link(name):
    """Remove a tap or a switch."""
    run("ip", "link", "del", name)


def make_ram_disks(count, mib):
    """/dev/ram0 and on, whose pages exist: none is allocated later."""
    if os.path.exists("/sys/module/brd"):
        run("rmmod", "brd")
    run("modprobe", "brd", f"rd_nr={count}", f"rd_size={mib << 10}", "max_part=0")
    for index in range(count):
        run("dd", "if=/dev/zero", f"of=/dev/ram{index}", "bs=1M", f"count={mib}", "oflag=direct")
