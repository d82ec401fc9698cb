#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the comparison on this host: see compare, which prepares one.

A guest of each backend is booted; then each workload is run in one after the
other, while the others idle, so that only seconds lie between the figures of a
pair.  Another backend begins each time.
"""

import argparse
import contextlib
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

# How often a guest that an emulated host has lost is replaced.
REPLACEMENTS = 3


@dataclasses.dataclass
class Backend:
    """Where both devices are served.  number tells its tap, subnet and disk."""
    number: int
    name: str
    backend: str
    net: str = None
    disk: str = None
    has_disk: bool = True

    @property
    def tap(self):
        """Name of its tap."""
        return f"vqtap{self.number}"

    @property
    def disk_path(self):
        """Its RAM disk."""
        return f"/dev/ram{self.number}"

    def address(self, last):
        """An address of its subnet."""
        return f"10.111.{self.number}.{last}"

    def devices(self):
        """The devices of a guest with this backend."""
        devices = [guest.Net(self.tap, self.backend, self.net,
                             mac=f"52:54:00:00:00:{self.number:02x}")]
        if self.has_disk:
            devices.append(guest.Disk(self.disk_path, self.backend, self.disk))
        return devices

    def workloads(self, wanted):
        """Those of the wanted workloads that it can run."""
        return [w for w in WORKLOADS if (not wanted or w.name in wanted) and
                (w.device == "net" or self.has_disk)]


BACKENDS = [
    Backend(0, "user", "user"),
    Backend(1, "vqhost", "vhost", "/dev/vqhost-net", "/dev/vqhost-blk"),
    Backend(2, "mainline", "vhost", "/dev/vhost-net", has_disk=False),
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


class Subject:
    """A guest with one backend, from its boot to its end.

    An emulated host may lose it: then it is replaced by one like it, which is noted.
    """

    def __init__(self, backend, repetition, options):
        self.backend = backend
        self.boot = {"backend": backend.name, "repetition": repetition, "lost": []}
        self._options = options
        self._guest = None
        self._lost = False
        self._launch()

    def _launch(self):
        name = f"console-{self.boot['repetition'] + 1}-{self.backend.name}"
        if self.boot["lost"]:
            name += f"-again-{len(self.boot['lost'])}"
        self._log = os.path.join(self._options.results, name + ".log")
        self._started = time.monotonic()
        command = guest.vmm_command(self.backend.devices(), self._options.vmm, self._options.cpus)
        self.boot["command"] = command
        with self.failing():
            self._guest = guest.Guest(command, self._log)

    @contextlib.contextmanager
    def failing(self):
        """What goes wrong inside is the end of this guest, and noted."""
        try:
            yield
        except (guest.GuestError, hostside.HostError, OSError) as error:
            self.boot["error"] = f"{error} (console: {self._log})"
            self._lost = isinstance(error, guest.GuestLost)
            self.kill()

    @property
    def alive(self):
        """Nothing has gone wrong so far."""
        return "error" not in self.boot

    def kill(self):
        """End the VMM, however it is."""
        if self._guest:
            self._guest.kill()

    def replace(self):
        """Put one like it in its place, if an emulated host has lost it: is it alive?"""
        if not self._lost or len(self.boot["lost"]) == REPLACEMENTS:
            return False
        self.boot["lost"].append(self.boot.pop("error"))
        self._lost = False
        self._launch()
        self.wait_ready()
        return self.alive

    def wait_ready(self):
        """Wait until it has booted, and give it its address."""
        if not self.alive:
            return
        with self.failing():
            self._guest.wait_ready()
            self.boot["boot_seconds"] = time.monotonic() - self._started
            self._guest.check("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && "
                              f"ip addr add {self.backend.address(2)}/24 dev eth0 && "
                              "ip link set eth0 up")

    def run(self, workload, seconds):
        """Run a workload: its record."""
        record = {"workload": workload.name,
                  "command": workload.command(seconds, self.backend.address(1))}
        started = time.monotonic()
        with self.failing():
            self._run(workload, seconds, record)
        if not self.alive:
            record["error"] = self.boot["error"]
        record["seconds"] = time.monotonic() - started
        return record

    def _run(self, workload, seconds, record):
        samples = {}

        def on_mark(name):
            samples[name] = counters.sample(self._guest.pid)

        status, output = self._guest.run(record["command"], timeout=60 + 10 * seconds,
                                         on_mark=on_mark)
        record["output"] = output
        try:
            # A failed tool says more in its output than by its status, if it got that far.
            record.update(workload.parse(output))
            if status:
                record["error"] = f"status {status}: {output.strip().splitlines()[:1]}"
            record["spent"] = counters.difference(samples["begin"], samples["end"])
            if workload.name == "blk-verify":
                self._check_disk()
        except LostData as error:
            record["error"] = f"LOST DATA: {error}"
        except (KeyError, ValueError, TypeError) as error:
            record["error"] = f"cannot read the result: {error!r}"

    def _check_disk(self):
        """What the guest reads is what the host has."""
        there = host.digest_of(self._guest.check(host.digest_command("/dev/vda")))
        here = host.disk_digest(self.backend.disk_path)
        if here != there:
            raise LostData(f"disk digest {there} in the guest, {here} on the host")

    def finish(self):
        """Switch it off."""
        if not self.alive:
            return
        with self.failing():
            self.boot["boots"] = self._guest.boots
            self.boot["resident_bytes"] = counters.resident_beyond_guest(self._guest.pid)
            self.boot["status"] = self._guest.power_off()
            if self.boot["status"]:
                self.boot["error"] = f"the VMM ended with status {self.boot['status']}"
        if self._lost:
            # While it was switched off: there is nothing left to be measured.
            self.boot["lost"].append(self.boot.pop("error"))


def run_workloads(subjects, repetition, options, servers, progress):
    """One repetition of all workloads, in guests that have booted: the records."""
    records = []
    workloads = [w for w in WORKLOADS
                 if any(w in s.backend.workloads(options.workloads) for s in subjects)]
    for index, workload in enumerate(workloads):
        turn = (index + repetition) % len(subjects)
        for subject in subjects[turn:] + subjects[:turn]:
            if workload not in subject.backend.workloads(options.workloads):
                continue
            text = "not run"
            if subject.alive:
                record = subject.run(workload, options.seconds)
                while not subject.alive:
                    servers.restart()
                    if not subject.replace():
                        break
                    record = subject.run(workload, options.seconds)
                record.update(backend=subject.backend.name, repetition=repetition)
                records.append(record)
                text = record.get("error") or f"{record[workload.key]:,.1f} {workload.unit}"
            progress.note(f"{workload.name:13} {subject.backend.name:9} {text}",
                          planned_seconds(workload, options.seconds))
    return records


def run_boot(backends, repetitions, options, progress):
    """Boot a guest of each backend and run some repetitions: the records, and of the boots."""
    records = []
    subjects = [Subject(backend, repetitions[0], options) for backend in backends]
    try:
        for subject in subjects:
            subject.wait_ready()
            progress.note(f"{subject.backend.name:9} "
                          f"{subject.boot.get('error') or 'booted'}", BOOT_SECONDS)
        with host.Servers() as servers:
            for repetition in repetitions:
                records += run_workloads(subjects, repetition, options, servers, progress)
        for subject in subjects:
            subject.finish()
    finally:
        for subject in subjects:
            subject.kill()
    return records, [subject.boot for subject in subjects]


def queue_memory():
    """Kernel memory of a 256-entry queue of each device, by their own count."""
    result = {}
    program = os.path.join(guest.TREE, "build", "compare", "queue-memory")
    for device, arguments in (("net", []), ("blk", ["/dev/ram0"])):
        done = subprocess.run([program, device] + arguments, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        result[device] = done.stderr.strip() if done.returncode else int(done.stdout)
    return result


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--results", required=True, help="directory for the results")
    parser.add_argument("--seconds", type=int, default=3, help="duration of a workload")
    parser.add_argument("--repetitions", type=int, default=3, help="of each workload")
    parser.add_argument("--boots", type=int, default=3, help="of each guest, for all repetitions")
    parser.add_argument("--cpus", type=int, default=1, help="virtual processors of the guest")
    parser.add_argument("--vmm", choices=["vqvmm", "qemu"], default="vqvmm",
                        help="qemu cross-checks figures; it has no vqhost disk")
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
    for backend in backends:
        hostside.make_tap(backend.tap, address=backend.address(1))

    boots = min(options.boots, options.repetitions)
    progress = Progress(boots * BOOT_SECONDS * len(backends) + options.repetitions * sum(
        planned_seconds(w, options.seconds)
        for b in backends for w in b.workloads(options.workloads)))
    result = {
        "versions": host.versions(),
        "options": {"seconds": options.seconds, "repetitions": options.repetitions,
                    "boots": boots,
                    "cpus": options.cpus, "vmm": options.vmm},
        "expected": {b.name: [w.name for w in b.workloads(options.workloads)] for b in backends},
        "queue_memory": queue_memory() if ours else {},
        "boots": [], "runs": [],
    }
    for boot in range(boots):
        repetitions = list(range(options.repetitions))[boot::boots]
        records, guests = run_boot(backends, repetitions, options, progress)
        result["runs"] += records
        result["boots"] += guests
        # Written after each boot: an interrupted comparison leaves what it has.
        with open(os.path.join(options.results, "results.json"), "w", encoding="utf-8") as file:
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
