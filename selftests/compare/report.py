#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Turn the runs of a comparison into a table and a verdict.

A ratio is above 1 when the backend is better than userspace: more per second,
or less latency.  It is taken repetition by repetition and the median of those
is given, with the least and the greatest beside it.
"""

import json
import statistics
import sys

from workloads import ROWS, WORKLOADS

BASE = "user"
OURS = "vqhost"
RESIDENT_LIMIT = 8 << 20
QUEUE_LIMIT = 64 << 10


def _good(result, backend, row):
    """{repetition: record} of the runs of a row that went well."""
    return {run["repetition"]: run for run in result["runs"]
            if run["backend"] == backend and run["workload"] == row.name and "error" not in run}


def ratios(result, backend, row):
    """How much better than userspace, one ratio for each repetition both have."""
    base, other = _good(result, BASE, row), _good(result, backend, row)
    pairs = [(base[r][row.key], other[r][row.key]) for r in sorted(base) if r in other]
    if row.lower_is_better:
        return [b / o for b, o in pairs]
    return [o / b for b, o in pairs]


def cost(run, key, scale=1):
    """One of the costs of a run, for each operation."""
    return run["spent"].get(key, 0) / scale / run["operations"]


def failures(result):
    """What went wrong: failed runs, failed boots, runs that are not there."""
    found = [f"{boot['backend']}, repetition {boot['repetition'] + 1}: {boot['error']}"
             for boot in result["boots"] if "error" in boot]
    found += [f"{run['backend']}, repetition {run['repetition'] + 1}, {run['workload']}: "
              f"{run['error']}" for run in result["runs"] if "error" in run]
    there = {(run["backend"], run["repetition"], run["workload"]) for run in result["runs"]}
    for backend, names in result["expected"].items():
        for repetition in range(result["options"]["repetitions"]):
            missing = [n for n in names if (backend, repetition, n) not in there]
            if missing:
                found.append(f"{backend}, repetition {repetition + 1}: no run of "
                             + ", ".join(missing))
    return found


def _spread(values, digits):
    """Median and range of some figures."""
    if not values:
        return "-"
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def _digits(row):
    return 2 if row.unit == "kpkt/s" else 0


def _columns(lines):
    """Align lines of cells: the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def speed_table(result):
    """Figures of each backend, and how they compare with userspace."""
    backends = list(result["expected"])
    others = [b for b in backends if b != BASE] if BASE in backends else []
    lines = [[""] + backends + [f"{b}/{BASE}" for b in others]]
    for row in ROWS:
        if row.fixed or not any(row.name in names for names in result["expected"].values()):
            continue
        cells = [f"{row.title}, {row.unit}"]
        for backend in backends:
            runs = _good(result, backend, row).values()
            cells.append(_spread([run[row.key] for run in runs], _digits(row)))
        cells += [_spread(ratios(result, backend, row), 2) for backend in others]
        lines.append(cells)
    return _columns(lines)


def cost_table(result):
    """Median costs of an operation, for each backend."""
    lines = [["for each operation", "", "host CPU us", "VM exits", "switches", "interrupts"]]
    for row in WORKLOADS:
        title = f"{row.title}, {row.operation}"
        for backend in result["expected"]:
            runs = _good(result, backend, row).values()
            if not runs:
                continue
            lines.append([title, backend] + [
                f"{statistics.median(cost(run, key, scale) for run in runs):,.{digits}f}"
                for key, scale, digits in (("cpu_ns", 1000, 1), ("exits", 1, 2),
                                           ("switches", 1, 2), ("interrupts", 1, 2))])
            title = ""
    return _columns(lines)


def intact(result):
    """One line for each way in which data was checked."""
    lines = []
    for row in WORKLOADS:
        if not row.fixed:
            continue
        for backend, names in result["expected"].items():
            if row.name in names:
                good = len(_good(result, backend, row))
                lines.append(f"{row.title}: {backend} intact in {good} of "
                             f"{result['options']['repetitions']} runs")
    return lines


def sizes(result):
    """Memory of the VMM and of a queue, against their limits."""
    lines = []
    resident = [boot["resident_bytes"] for boot in result["boots"] if "resident_bytes" in boot]
    if resident and result["options"]["vmm"] == "vqvmm":
        verdict = "within" if max(resident) <= RESIDENT_LIMIT else "ABOVE"
        lines.append(f"vqvmm resident beyond guest memory: {max(resident) / (1 << 20):.2f} MiB, "
                     f"{verdict} {RESIDENT_LIMIT >> 20} MiB")
    for device, used in result["queue_memory"].items():
        if not isinstance(used, int):
            lines.append(f"kernel memory of a 256-entry {device} queue: not known: {used}")
            continue
        verdict = "within" if used <= QUEUE_LIMIT else "ABOVE"
        beside = " with its request table" if device == "blk" else ""
        lines.append(f"kernel memory of a 256-entry {device} queue{beside}: {used / 1024:.1f} KiB, "
                     f"{verdict} {QUEUE_LIMIT >> 10} KiB")
    return lines


def lost(result):
    """Guests that an emulated host has lost; what was measured then does not count."""
    lines = []
    for boot in result["boots"]:
        name = f"{boot['backend']}, repetition {boot['repetition'] + 1}"
        lines += [f"{name}: replaced, for this emulated host lost the guest: {reason}"
                  for reason in boot.get("lost", [])]
        if boot.get("boots", 1) > 1:
            lines.append(f"{name}: booted once more; this emulated host ended or hung the guest "
                         "while it booted")
    return lines


def verdict(result):
    """For each latency and small-request row: is in-kernel ahead?"""
    lines = []
    ahead = total = 0
    for row in ROWS:
        if not row.small or not all(row.name in result["expected"].get(b, ()) for b in (BASE, OURS)):
            continue
        total += 1
        found = ratios(result, OURS, row)
        if not found:
            lines.append(f"  not known  {row.title}")
            continue
        middle = statistics.median(found)
        word = "ahead" if middle > 1 else "BEHIND"
        if middle > 1 and min(found) <= 1:
            word = "ahead, not in every repetition"
        ahead += middle > 1
        lines.append(f"  {middle:4.2f}x  {row.title}: {word}")
    if total:
        lines.insert(0, f"In-kernel (vqhost) is ahead of userspace on {ahead} of {total} "
                        "latency and small-request workloads:")
    return lines


def report(result):
    """The whole report as text, and the list of failures."""
    versions, options = result["versions"], result["options"]
    parts = [
        f"Comparison on {versions['virtualization']} {versions['processor']}, "
        f"{versions['processors']} processors; kernel {versions['host_kernel'].split()[0]}, "
        f"guest with {options['cpus']} by {options['vmm']}, {versions['fio']}, "
        f"{versions['iperf3']}, commit {versions['commit']}; "
        f"vqhost polls up to {versions.get('poll_us')} us\n"
        f"{options['repetitions']} repetitions in {options['boots']} boots, "
        f"{options['seconds']} s each workload: median (least-greatest); "
        "a ratio above 1 is better than userspace",
        speed_table(result), cost_table(result),
        "\n".join(intact(result) + sizes(result) + lost(result))]
    bad = failures(result)
    if bad:
        parts.append("FAILED:\n" + "\n".join("  " + line for line in bad))
    parts.append("\n".join(verdict(result)))
    return "\n\n".join(part for part in parts if part), bad


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        TEXT, BAD = report(json.load(file))
    print(TEXT)
    sys.exit(1 if BAD else 0)
