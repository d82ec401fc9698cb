# SPDX-License-Identifier: GPL-2.0
"""The host side of a comparison: modules, tap, RAM disk, servers.

Run in a network namespace of its own (see compare): the tap, its addresses and
the servers are gone with it.
"""

import glob
import os
import platform
import subprocess
import sys
import time

from workloads import GUEST_ADDRESS, HOST_ADDRESS, IPERF_PORT, NETPROBE_PORT, VERIFY_MIB

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
import guest  # pylint: disable=wrong-import-position

TAP = "vqtap0"
DISK = "/dev/ram0"
DISK_MIB = 128
MODULES = ["vqhost", "vqhost_net", "vqhost_blk"]

# What runs in the guest at boot.
GUEST_SETUP = f"""
sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip addr add {GUEST_ADDRESS}/24 dev eth0
ip link set eth0 up
"""


def _run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise guest.GuestError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


def module_folder():
    """Where this kernel's modules of the project were built."""
    return os.path.join(guest.TREE, "build", platform.release())


def load_modules(ours=True):
    """Insert mainline's vhost_net and, if wanted, the project's modules."""
    for name in ("vhost_iotlb", "tun", "tap", "vhost_net"):
        _run("modprobe", name)
    if not ours:
        return
    loaded = {line.split()[0] for line in open("/proc/modules", encoding="ascii")}
    for name in MODULES:
        if name in loaded:
            continue
        found = glob.glob(os.path.join(module_folder(), "**", f"{name}.ko"), recursive=True)
        if not found:
            raise guest.GuestError(f"{name}.ko is not built for kernel {platform.release()}")
        _run("insmod", found[0])


def make_tap():
    """A tap with the host's address; the guest's end is the VMM's."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "tuntap", "add", "dev", TAP, "mode", "tap", "vnet_hdr")
    with open(f"/proc/sys/net/ipv6/conf/{TAP}/disable_ipv6", "w", encoding="ascii") as file:
        file.write("1")
    _run("ip", "addr", "add", f"{HOST_ADDRESS}/24", "dev", TAP)
    _run("ip", "link", "set", TAP, "up")


def make_disk():
    """A RAM disk whose pages exist: none is allocated while something is measured."""
    _run("modprobe", "brd", "rd_nr=1", f"rd_size={DISK_MIB << 10}", "max_part=0")
    _run("dd", "if=/dev/zero", f"of={DISK}", "bs=1M", f"count={DISK_MIB}", "oflag=direct")


def disk_digest():
    """MD5 of the verified part of the disk, as the host sees it."""
    return digest_of(_run("sh", "-c", digest_command(DISK)))


def digest_command(path):
    """The shell command that digests the verified part of a disk."""
    return f"dd if={path} bs=1M count={VERIFY_MIB} iflag=direct 2>/dev/null | md5sum"


def digest_of(output):
    """The digest in what that command printed."""
    return output.split()[0]


class Servers:
    """iperf3 and netprobe, answering the guest."""

    def __init__(self):
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
            for command in (["iperf3", "-s", "-p", str(IPERF_PORT)],
                            [os.path.join(guest.IMAGE, "netprobe"), "serve", str(NETPROBE_PORT)])]
        time.sleep(1)
        for process in self._processes:
            if process.poll() is not None:
                raise guest.GuestError(f"{process.args[0]} does not start")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for process in self._processes:
            process.kill()
            process.wait()


def versions():
    """What was compared, on what."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="ascii")
                if line.startswith("model name")), "unknown")
    return {
        "processor": cpu,
        "processors": os.cpu_count(),
        "virtualization": "emulated (TCG)" if "TCG" in cpu else "hardware",
        "host_kernel": platform.release() + " " + platform.version(),
        "fio": _run("fio", "--version").strip(),
        "iperf3": _run("iperf3", "--version").splitlines()[0],
        "commit": os.environ.get("VQHOST_COMMIT", "unknown"),
    }
