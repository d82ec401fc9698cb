# SPDX-License-Identifier: GPL-2.0
"""The host side of a comparison: modules, tap, RAM disk, servers, versions."""

import os
import platform
import subprocess
import sys
import time

from workloads import IPERF_PORT, NETPROBE_PORT, VERIFY_MIB

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
import guest  # pylint: disable=wrong-import-position
import hostside  # pylint: disable=wrong-import-position
from hostside import run  # pylint: disable=wrong-import-position

DISK_MIB = 128
DISKS_MAX = 2


# How long our queues poll is meant for processors of today.  An emulated one
# needs about 20 times as long for everything, and so does what is polled for.
POLL_LIMIT = "/sys/module/vqhost/parameters/poll_us"
EMULATED_POLL_US = 1000


def processor():
    """The name of the processor."""
    return next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="ascii")
                 if line.startswith("model name")), "unknown")


def set_poll_limit(microseconds):
    """How long new queues of our modules poll at most."""
    with open(POLL_LIMIT, "w", encoding="ascii") as file:
        file.write(str(microseconds))


def poll_limit():
    """The same, as it is; None without our modules."""
    if not os.path.exists(POLL_LIMIT):
        return None
    with open(POLL_LIMIT, encoding="ascii") as file:
        return int(file.read())


def prepare(ours=True):
    """Modules and RAM disks.  ours: the project's modules too."""
    for name in ("tun", "vhost_net"):
        run("modprobe", name)
    if ours:
        run(os.path.join(guest.TREE, "selftests", "testhost", "modules"), "load")
        if guest.host_is_emulated():
            set_poll_limit(EMULATED_POLL_US)
    hostside.make_ram_disks(DISKS_MAX, DISK_MIB)


def disk_digest(path):
    """MD5 of the verified part of a disk, as the host sees it."""
    return digest_of(run("sh", "-c", digest_command(path)))


def digest_command(path):
    """The shell command that digests the verified part of a disk."""
    return f"dd if={path} bs=1M count={VERIFY_MIB} iflag=direct 2>/dev/null | md5sum"


def digest_of(output):
    """The digest in what that command printed."""
    return output.split()[0]


class Servers:
    """iperf3 and netprobe, answering the guest."""

    def __init__(self):
        self._processes = []
        self.restart()

    def restart(self):
        """Start again: a client that died may have left them waiting."""
        self.stop()
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
        self.stop()

    def stop(self):
        """End them."""
        for process in self._processes:
            process.kill()
            process.wait()


def versions():
    """What was compared, on what."""
    return {
        "processor": processor(),
        "poll_us": poll_limit(),
        "processors": os.cpu_count(),
        "virtualization": "emulated (TCG)" if guest.host_is_emulated() else "hardware",
        "host_kernel": platform.release() + " " + platform.version(),
        "fio": run("fio", "--version").strip(),
        "iperf3": run("iperf3", "--version").splitlines()[0],
        "commit": os.environ.get("VQHOST_COMMIT", "unknown"),
    }
