# SPDX-License-Identifier: GPL-2.0
"""What a running VMM costs the host: read before and after a workload.

CPU time and context switches are those of all threads of the VMM, with its
virtual processors and whatever workers the kernel runs in its name, and of the
threads that serve its queues: kernel threads whose names have the VMM's process
id, or, with newer kernels, threads of the VMM itself.
"""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
from threads import KVM_DEBUGFS, queue_threads  # pylint: disable=wrong-import-position

# KVM's own counters that are kept: name in debugfs and name here.
KVM_COUNTERS = {"exits": "exits", "irq_injections": "interrupts", "halt_exits": "halts",
                "io_exits": "io_exits", "mmio_exits": "mmio_exits"}


def _read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def _thread(folder):
    """CPU time in ns and context switches of one thread."""
    cpu = int(_read(f"{folder}/schedstat").split()[0])
    switches = sum(int(count) for count in
                   re.findall(r"ctxt_switches:\s*(\d+)", _read(f"{folder}/status")))
    return cpu, switches


def _host_busy_ns():
    """Time that any of the host's processors was not idle."""
    fields = [int(field) for field in _read("/proc/stat").split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    ticks = user + nice + system + irq + softirq + steal
    return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def sample(pid):
    """All counters of the VMM with this process id, at this moment."""
    result = {"vmm_cpu_ns": 0, "queue_cpu_ns": 0, "switches": 0}
    queues = queue_threads(pid)
    others = set(glob.glob(f"/proc/{pid}/task/*")) - set(queues)
    for kind, folders in (("vmm_cpu_ns", others), ("queue_cpu_ns", queues)):
        for folder in folders:
            try:
                cpu, switches = _thread(folder)
            except (FileNotFoundError, ProcessLookupError):
                continue
            result[kind] += cpu
            result["switches"] += switches
    for name, key in KVM_COUNTERS.items():
        for path in glob.glob(f"{KVM_DEBUGFS}/{pid}-*/{name}"):
            result[key] = result.get(key, 0) + int(_read(path))
    result["host_busy_ns"] = _host_busy_ns()
    return result


def difference(before, after):
    """What was spent between two samples."""
    spent = {key: after[key] - before[key] for key in before}
    spent["cpu_ns"] = spent["vmm_cpu_ns"] + spent["queue_cpu_ns"]
    return spent


def resident_beyond_guest(pid):
    """Bytes resident in the VMM, without the memory it gives its guest."""
    total, guest_memory = 0, False
    for line in _read(f"/proc/{pid}/smaps").splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            guest_memory = "/memfd:" in line
        elif line.startswith("Rss:") and not guest_memory:
            total += int(line.split()[1]) << 10
    return total
