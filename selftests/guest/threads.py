# SPDX-License-Identifier: GPL-2.0
"""The threads behind a guest: those of its VMM, and those that serve its queues."""

import glob
import os
import re
import subprocess
import time

# vhost-PID of mainline; vqhost-net-PID/QUEUE and vqhost-blk-PID/QUEUE of this project, or
# wWORKER instead of QUEUE.
QUEUE_THREAD = re.compile(r"(?:vhost|vqhost-[a-z]+)-(\d+)(?:/w?\d+)?$")
# The same as threads of the VMM: the process is not said.
OWN_QUEUE_THREAD = re.compile(r"(?:vhost-\d+|vqhost-[a-z]+/w?\d+)$")

KVM_DEBUGFS = "/sys/kernel/debug/kvm"


def _read(path):
    """What a file of /proc or debugfs says; nothing if its task has ended."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _stat(folder):
    """Name of a task and the fields that follow it, from the third on; empty if it has ended."""
    match = re.match(r"\d+ \((.*)\) (.*)", _read(f"{folder}/stat"), re.DOTALL)
    return (match[1], match[2].split()) if match else ("", [])


def queue_threads(pid):
    """Folders in /proc of the threads that serve queues of this VMM."""
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        name, fields = _stat(folder)
        match = QUEUE_THREAD.match(name)
        # Field 4, the parent: 2 is kthreadd.
        if match and int(match[1]) == pid and fields[1] == "2":
            found.append(folder)
    return found + [folder for folder in glob.glob(f"/proc/{pid}/task/*")
                    if OWN_QUEUE_THREAD.match(_stat(folder)[0])]


def _kvm_counters(pid):
    """KVM's counters of a VMM that are not 0."""
    paths = glob.glob(f"{KVM_DEBUGFS}/{pid}-*/**/*", recursive=True)
    values = {os.path.relpath(path, KVM_DEBUGFS).split("/", 1)[1]: _read(path) for path in paths}
    return {name: int(value) for name, value in values.items() if value.isdigit() and int(value)}


def what_it_does(pid):
    """Lines about a VMM that hangs: its threads twice, two seconds apart, and KVM's counters."""
    if not os.path.isdir(KVM_DEBUGFS):
        subprocess.run(["mount", "-t", "debugfs", "none", os.path.dirname(KVM_DEBUGFS)],
                       check=False)
    before = _kvm_counters(pid)
    for again in range(2):
        if again:
            time.sleep(2)
        for task in sorted({*glob.glob(f"/proc/{pid}/task/*"), *queue_threads(pid)}):
            name, fields = _stat(task)
            if not name:
                continue
            calls = re.sub(r"\[<0>\] (\w+)\+\S+( \[\w+\])?", r"\1", _read(f"{task}/stack"))
            yield (f"{name}: {fields[0]}, user {fields[11]}, system {fields[12]} ticks, "
                   f"in {' < '.join(calls.split()[:6])}")
    for name, value in sorted(_kvm_counters(pid).items()):
        yield f"kvm {name} {value} (+{value - before.get(name, 0)})"
