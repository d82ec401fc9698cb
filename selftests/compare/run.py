#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the comparison on this host: see compare, which prepares one.

One boot of the guest is one backend and one repetition of all workloads; the
backends take turns, and begin with another one each time, so that what drifts
on the machine falls on all of them.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time

import counters
import host
import report
from host import guest, hostside
from workloads import WORKLOADS, LostData

# What a boot and a workload take beyond the measured time, for the estimate.
BOOT_SECONDS = 12
OVERHEAD_SECONDS = 1.5
FIXED_SECONDS = 4


@dataclasses.dataclass
class Backend:
    """Where both devices are served.  No disk: it has none of this kind."""
    name: str
    backend: str
    net: str = None
    disk: str = None
    has_disk: bool = True

    def devices(self):
        """The devices of a guest with this backend."""
        devices = [guest.Net(host.TAP, self.backend, self.net)]
        if self.has_disk:
            devices.append(guest.Disk(host.DISK, self.backend, self.disk))
        return devices

    def workloads(self, wanted):
        """Those of the wanted workloads that it can run."""
        return [w for w in WORKLOADS if (not wanted or w.name in wanted) and
                (w.device == "net" or self.has_disk)]


BACKENDS = [
    Backend("user", "user"),
    Backend("vqhost", "vhost", "/dev/vqhost-net", "/dev/vqhost-blk"),
    Backend("mainline", "vhost", "/dev/vhost-net", has_disk=False),
]


def planned_seconds(workload, seconds):
    """About how long a workload takes."""
    return OVERHEAD_SECONDS + (FIXED_SECONDS if workload.fixed else seconds)


class Progress:
    """A line for each thing done, with the time gone and about the time left."""

    def __init__(self, total):
        self._start = time.monotonic()
        self._total = total
        self._done = 0

    def note(self, text, seconds):
        """Say what was done; seconds is what it had been planned to take."""
        self._done += seconds
        gone = time.monotonic() - self._start
        left = gone / self._done * max(0, self._total - self._done)
        print(f"{_clock(gone)} (about {_clock(left)} left)  {text}", flush=True)


def _clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def run_workload(running, workload, seconds):
    """Run one workload in a guest: its record."""
    record = {"workload": workload.name, "command": workload.command(seconds)}
    samples = {}
    started = time.monotonic()

    def on_mark(name):
        samples[name] = counters.sample(running.pid)

    try:
        status, output = running.run(record["command"], timeout=60 + 10 * seconds,
                                     on_mark=on_mark)
        record["output"] = output
        # A failed tool says more in its output than by its status, if it got that far.
        record.update(workload.parse(output))
        if status:
            record["error"] = f"status {status}: {output.strip().splitlines()[:1]}"
        record["spent"] = counters.difference(samples["begin"], samples["end"])
    except LostData as error:
        record["error"] = f"LOST DATA: {error}"
    except (KeyError, ValueError, TypeError) as error:
        record["error"] = f"cannot read the result: {error!r}"
    record["seconds"] = time.monotonic() - started
    return record


def check_disk(running):
    """What the guest reads is what the host has: the error, or None."""
    there = host.digest_of(running.check(host.digest_command("/dev/vda")))
    here = host.disk_digest()
    return None if here == there else f"LOST DATA: disk digest {there} in the guest, {here} here"


def run_boot(backend, repetition, options, progress):
    """One boot of the guest: the records of its workloads, and of the boot."""
    workloads = backend.workloads(options.workloads)
    boot = {"backend": backend.name, "repetition": repetition}
    records = []
    started = time.monotonic()
    log = os.path.join(options.results, f"console-{repetition}-{backend.name}.log")
    left = list(workloads)
    try:
        command = guest.vmm_command(backend.devices(), options.vmm, options.cpus,
                                    initrd=options.initrd)
        boot["command"] = command
        with host.Servers(), guest.Guest(command, log) as running:
            running.wait_ready()
            boot["boot_seconds"] = time.monotonic() - started
            progress.note(f"{backend.name:9} booted", BOOT_SECONDS)
            while left:
                record = run_workload(running, left[0], options.seconds)
                workload = left.pop(0)
                if workload.name == "blk-verify" and "error" not in record:
                    error = check_disk(running)
                    if error:
                        record["error"] = error
                records.append(record)
                text = record.get("error") or f"{record[workload.key]:,.1f} {workload.unit}"
                progress.note(f"{backend.name:9} {workload.name:13} {text}",
                              planned_seconds(workload, options.seconds))
            boot["resident_bytes"] = counters.resident_beyond_guest(running.pid)
            boot["status"] = running.power_off()
            if boot["status"]:
                boot["error"] = f"the VMM ended with status {boot['status']}"
    except (guest.GuestError, hostside.HostError, OSError) as error:
        boot["error"] = f"{error} (console: {log})"
        records += [{"workload": w.name, "error": str(error)} for w in left[:1]]
        progress.note(f"{backend.name:9} FAILED: {boot['error']}",
                      sum(planned_seconds(w, options.seconds) for w in left))
    for record in records:
        record.update(backend=backend.name, repetition=repetition)
    return records, boot


def queue_memory():
    """Kernel memory of a 256-entry queue of each device, by their own count."""
    result = {}
    program = os.path.join(guest.TREE, "build", "compare", "queue-memory")
    for device, arguments in (("net", []), ("blk", [host.DISK])):
        done = subprocess.run([program, device] + arguments, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        result[device] = done.stderr.strip() if done.returncode else int(done.stdout)
    return result


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--results", required=True, help="directory for the results")
    parser.add_argument("--seconds", type=int, default=3, help="duration of a workload")
    parser.add_argument("--repetitions", type=int, default=3, help="boots of each backend")
    parser.add_argument("--cpus", type=int, default=1, help="virtual processors of the guest")
    parser.add_argument("--vmm", choices=["vqvmm", "qemu"], default="vqvmm",
                        help="qemu cross-checks figures; it has no vqhost disk")
    parser.add_argument("--icount", action="store_true", help="this host counts instructions")
    parser.add_argument("--backends", type=lambda text: text.split(","),
                        default=[b.name for b in BACKENDS], help="only these, with commas")
    parser.add_argument("--workloads", type=lambda text: text.split(","), default=[],
                        help="only these, with commas")
    options = parser.parse_args()
    for given, known in ((options.backends, [b.name for b in BACKENDS]),
                         (options.workloads, [w.name for w in WORKLOADS])):
        for name in given:
            if name not in known:
                parser.error(f"{name}: not one of {', '.join(known)}")
    return options


def main():
    """Run everything and print the table: 0, or 1 if anything failed."""
    options = parse_options()
    hostside.enter_network_namespace()
    backends = [b for b in BACKENDS if b.name in options.backends]
    if options.vmm == "qemu":
        backends = [dataclasses.replace(b, has_disk=b.has_disk and b.backend == "user")
                    for b in backends]
    ours = any(b.name == report.OURS for b in backends)
    host.prepare(ours)
    options.initrd = "/tmp/initrd"
    guest.initrd_with(options.initrd, {"setup": hostside.GUEST_SETUP})

    progress = Progress(options.repetitions * sum(
        BOOT_SECONDS + sum(planned_seconds(w, options.seconds)
                           for w in b.workloads(options.workloads)) for b in backends))
    result = {
        "versions": host.versions(options.icount),
        "options": {"seconds": options.seconds, "repetitions": options.repetitions,
                    "cpus": options.cpus, "vmm": options.vmm},
        "expected": {b.name: [w.name for w in b.workloads(options.workloads)] for b in backends},
        "queue_memory": queue_memory() if ours else {},
        "boots": [], "runs": [],
    }
    for repetition in range(options.repetitions):
        turn = repetition % len(backends)
        for backend in backends[turn:] + backends[:turn]:
            records, boot = run_boot(backend, repetition, options, progress)
            result["runs"] += records
            result["boots"].append(boot)
            # Written after each boot: an interrupted comparison leaves what it has.
            with open(os.path.join(options.results, "results.json"), "w",
                      encoding="utf-8") as file:
                json.dump(result, file, indent=1)
    text, failures = report.report(result)
    print("\n" + text)
    with open(os.path.join(options.results, "table.txt"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (guest.GuestError, hostside.HostError) as reason:
        sys.exit(f"compare: {reason}")
