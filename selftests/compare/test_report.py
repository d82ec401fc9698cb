#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The instrument's judgement, on results made up for it."""

import argparse
import copy
import json
import os
import sys
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(HERE, "..", "guest")]
import counters
import ktap
import report
import run as comparison
import threads
import workloads
from workloads import LostData

NET = [w.name for w in workloads.WORKLOADS if w.device == "net"]
ALL = [w.name for w in workloads.WORKLOADS]
# Speed of each backend, and how the machine drifts from one repetition to the next.
SPEED = {"user": 1.0, "vqhost": 1.5, "mainline": 0.5}
DRIFT = [1.0, 0.4, 2.0]


def made_up():
    """A comparison in which everything went well."""
    result = {
        "versions": {"virtualization": "emulated (TCG)", "processor": "P", "processors": 2,
                     "host_kernel": "6.1", "fio": "fio-3", "iperf3": "iperf 3", "commit": "c"},
        "options": {"seconds": 1, "repetitions": 3, "boots": 3, "cpus": 1, "vmm": "vqvmm"},
        "expected": {"user": ALL, "vqhost": ALL, "mainline": NET},
        "queue_memory": {"net": 20000, "blk": 30000}, "boots": [], "runs": [],
    }
    for repetition in range(3):
        for backend, names in result["expected"].items():
            speed = SPEED[backend] * DRIFT[repetition]
            result["boots"].append({"backend": backend, "repetition": repetition,
                                    "status": 0, "resident_bytes": 4 << 20})
            for work in workloads.WORKLOADS:
                if work.name not in names:
                    continue
                value = 100 / speed if work.lower_is_better else 100 * speed
                result["runs"].append({
                    "backend": backend, "repetition": repetition, "workload": work.name,
                    "value": value, "p99_us": 10 * value, "operations": 1000,
                    "spent": {"cpu_ns": 5_000_000, "exits": 2000, "switches": 3000,
                              "interrupts": 500}})
    return result


def run_of(result, backend, repetition, name):
    """One run of a made-up comparison."""
    return next(run for run in result["runs"] if run["backend"] == backend and
                run["repetition"] == repetition and run["workload"] == name)


def row(name, key="value"):
    """A row of the table."""
    return next(r for r in workloads.ROWS if r.name == name and r.key == key)


def close(actual, wanted):
    """Two lists of numbers are the same but for rounding."""
    assert len(actual) == len(wanted) and all(
        abs(a - w) < 1e-9 for a, w in zip(actual, wanted)), f"{actual}, not {wanted}"


def raises(kind, function, *arguments):
    """The call fails in this way."""
    try:
        value = function(*arguments)
    except kind:
        return
    raise AssertionError(f"gave {value} and not {kind.__name__}")


def test_good():
    """a comparison that went well has no failures, and in-kernel ahead"""
    text, failures = report.report(made_up())
    assert not failures, failures
    total = sum(r.small for r in workloads.ROWS)
    assert f"ahead of userspace on {total} of {total}" in text, text
    assert "BEHIND" not in text and "FAILED" not in text and "ABOVE" not in text, text


def test_ratio_direction():
    """a faster backend has a ratio above 1, a slower one below, for rates and latencies"""
    result = made_up()
    for each in (row("tcp-out"), row("latency"), row("latency", "p99_us")):
        close(report.ratios(result, "vqhost", each), [1.5] * 3)
        close(report.ratios(result, "mainline", each), [0.5] * 3)


def test_pairing():
    """ratios are taken within a repetition, so a drift of the machine leaves no trace"""
    result = made_up()
    assert run_of(result, "user", 2, "tcp-in")["value"] > \
        run_of(result, "vqhost", 0, "tcp-in")["value"], "no drift in what was made up"
    close(report.ratios(result, "vqhost", row("tcp-in")), [1.5] * 3)


def test_pairing_incomplete():
    """a repetition that one backend lacks gives no ratio"""
    result = made_up()
    result["runs"].remove(run_of(result, "user", 1, "tcp-in"))
    run_of(result, "vqhost", 0, "tcp-in")["error"] = "failed"
    close(report.ratios(result, "vqhost", row("tcp-in")), [1.5])


def test_slower():
    """an in-kernel backend that is slower is shown behind, and the others ahead"""
    result = made_up()
    for repetition in range(3):
        run_of(result, "vqhost", repetition, "randread-1")["value"] *= 0.6
    text, failures = report.report(result)
    assert not failures, "slow is not a failure"
    total = sum(r.small for r in workloads.ROWS)
    assert f"on {total - 1} of {total}" in text, text
    behind = [line for line in text.splitlines() if "BEHIND" in line]
    assert len(behind) == 1 and "random read, depth 1" in behind[0] and "0.90x" in behind[0], behind


def test_sometimes_slower():
    """ahead by the median but not in every repetition: it says so"""
    result = made_up()
    run_of(result, "vqhost", 1, "udp-out")["value"] *= 0.5
    text, _ = report.report(result)
    assert "1.50x  UDP 64 B, guest to host: ahead, not in every repetition" in text, text


def test_spread():
    """the table shows median, least and greatest"""
    text = report.speed_table(made_up())
    line = next(l for l in text.splitlines() if l.startswith("TCP, guest to host"))
    for wanted in ("100 (40-200)", "150 (60-300)", "1.50 (1.50-1.50)", "0.50 (0.50-0.50)"):
        assert wanted in line, f"no {wanted} in: {line}"


def test_costs():
    """costs are those of one operation"""
    text = report.cost_table(made_up())
    line = next(l for l in text.splitlines() if l.startswith("UDP 64 B, guest to host"))
    assert line.split()[-4:] == ["5.0", "2.00", "3.00", "0.50"], line


def test_missing_run():
    """a run that is missing is a failure that names it"""
    result = made_up()
    result["runs"].remove(run_of(result, "vqhost", 2, "seqread"))
    _, failures = report.report(result)
    assert failures == ["vqhost, repetition 3: no run of seqread"], failures


def test_missing_boot():
    """a repetition that never ran is a failure"""
    result = made_up()
    result["runs"] = [r for r in result["runs"] if (r["backend"], r["repetition"]) != ("mainline", 1)]
    _, failures = report.report(result)
    assert len(failures) == 1 and failures[0].startswith("mainline, repetition 2: no run of latency")


def test_failed_run():
    """a run with an error is a failure, and none of its figures is used"""
    result = made_up()
    run_of(result, "user", 0, "blk-verify")["error"] = "LOST DATA: digest"
    run = run_of(result, "user", 0, "tcp-in")
    run["error"] = "cannot read the result"
    run["value"] = 1e9
    text, failures = report.report(result)
    assert len(failures) == 2 and any("LOST DATA" in f for f in failures), failures
    assert "user intact in 2 of 3 runs" in text and "1,000,000,000" not in text, text


def test_failed_boot():
    """a VMM that ended badly is a failure"""
    result = made_up()
    result["boots"][0]["error"] = "the VMM ended with status -9"
    assert report.report(result)[1] == ["user, repetition 1: the VMM ended with status -9"]


def test_nothing():
    """a comparison without any run still makes a report, all of it failures"""
    result = made_up()
    result["runs"] = []
    result["boots"] = []
    text, failures = report.report(result)
    assert len(failures) == 9 and "not known" in text, text


def test_limits():
    """memory above its limit is named"""
    result = made_up()
    result["boots"][4]["resident_bytes"] = (8 << 20) + 1
    result["queue_memory"] = {"net": 65537, "blk": "no such device"}
    text = "\n".join(report.sizes(result))
    assert text.count("ABOVE") == 2 and "not known: no such device" in text, text


def test_booted_again():
    """a guest that had to be booted once more is named"""
    result = made_up()
    result["boots"][1]["boots"] = 2
    text, bad = report.report(result)
    boot = result["boots"][1]
    assert text.count("booted once more") == 1 and not bad, text
    assert f"{boot['backend']}, repetition {boot['repetition'] + 1}: booted once more" in text, text


def test_lost():
    """a guest that an emulated host lost is named, and no failure"""
    result = made_up()
    result["boots"][1]["lost"] = ["no answer (console: x)", "no answer (console: y)"]
    text, bad = report.report(result)
    assert text.count("replaced") == 2 and "(console: y)" in text and not bad, text


class Fake:
    """A guest that is lost a number of times before it works."""

    def __init__(self, losses):
        self.losses = losses
        self.command_lines = []
        self.pid = 0
        self.boots = 1

    def command(self, *_):
        """Instead of guest.vmm_command()."""
        return ["vmm"]

    def launch(self, command, _log):
        """Instead of guest.Guest()."""
        self.command_lines.append(command)
        return self

    def wait_ready(self):
        """It always boots."""

    def check(self, *_):
        """It always does what it is told to."""

    def power_off(self):
        """It always ends well."""
        return 0

    def kill(self):
        """Nothing is left."""

    def run(self, *_, **__):
        """A workload that ends well, or never."""
        if self.losses:
            self.losses -= 1
            raise comparison.guest.lost("no answer")
        return 1, ""


def subject_after(losses, emulated):
    """A subject that has run one workload with so many losses: it, and its starts."""
    fake = Fake(losses)
    options = argparse.Namespace(results="", vmm="vqvmm", cpus=1, seconds=1, workloads=["latency"])
    with mock.patch.multiple(comparison.guest, vmm_command=fake.command, Guest=fake.launch,
                             host_is_emulated=lambda: emulated):
        subject = comparison.Subject(comparison.BACKENDS[0], 0, options)
        records = comparison.run_workloads([subject], 0, options, mock.Mock(), mock.Mock())
        with mock.patch.object(comparison.counters, "resident_beyond_guest", lambda pid: 0):
            subject.finish()
    assert len(records) == 1, records
    return subject, len(fake.command_lines)


def test_replacement():
    """a lost guest is replaced in an emulated host, a few times, and only there"""
    subject, starts = subject_after(2, True)
    assert subject.alive and starts == 3 and len(subject.boot["lost"]) == 2, subject.boot
    subject, starts = subject_after(99, True)
    assert not subject.alive and starts == 1 + comparison.REPLACEMENTS, subject.boot
    subject, starts = subject_after(1, False)
    assert not subject.alive and starts == 1 and not subject.boot["lost"], subject.boot


def fio_output(**changed):
    """What fio prints for a verified job, with some fields changed."""
    side = {"io_bytes": workloads.VERIFY_MIB << 20, "total_ios": 100, "iops": 50.0,
            "bw_bytes": 1 << 20, "clat_ns": {"mean": 1000.0, "percentile": {"99.000000": 2000}}}
    job = {"error": 0, "read": copy.deepcopy(side), "write": copy.deepcopy(side)}
    job.update(changed)
    return "fio: a warning\n" + json.dumps({"jobs": [job]})


def parser(name):
    """The parser of a workload."""
    return row(name).parse


def test_fio():
    """fio's figures are read, and a job with an error or bytes missing is lost data"""
    parsed = parser("randread-1")(fio_output())
    assert parsed == {"value": 50.0, "operations": 100, "mean_us": 1.0, "p99_us": 2.0}, parsed
    assert parser("seqread")(fio_output())["value"] == 1
    assert parser("blk-verify")(fio_output())["operations"] == 200
    raises(LostData, parser("randread-1"), fio_output(error=84))
    raises(LostData, parser("blk-verify"), fio_output(error=84))
    raises(LostData, parser("blk-verify"), fio_output(read={"io_bytes": 4096, "total_ios": 1}))
    raises(ValueError, parser("randread-1"), "fio: command not found")


def iperf_output(sent, received):
    """What iperf3 prints after packets were sent, of which some were received."""
    return json.dumps({"end": {
        "sum_sent": {"bytes": sent * 64, "seconds": 2.0, "bits_per_second": sent * 256},
        "sum_received": {"bytes": received * 64, "seconds": 2.0,
                         "bits_per_second": received * 256}}})


def test_iperf():
    """what was received counts, not what was sent; nothing received is lost data"""
    parsed = parser("udp-out")(iperf_output(90000, 10000))
    assert parsed["operations"] == 10000 and abs(parsed["value"] - 5) < 1e-9, parsed
    assert parser("tcp-in")(iperf_output(9 << 14, 1 << 14))["operations"] == 1
    raises(LostData, parser("udp-in"), iperf_output(90000, 0))
    raises(LostData, parser("tcp-out"), iperf_output(90000, 0))
    raises(ValueError, parser("tcp-out"), '{"end": {}, "error": "unable to connect"}')


def test_transfer():
    """a changed word is lost data, whichever way it went"""
    good = {"bytes": workloads.VERIFY_MIB << 20, "wrong_received": 0, "wrong_sent": 0}
    assert parser("net-verify")(json.dumps(good))["value"] == workloads.VERIFY_MIB
    for changed in ({"wrong_received": 1}, {"wrong_sent": 1}, {"bytes": 1 << 20}):
        raises(LostData, parser("net-verify"), json.dumps({**good, **changed}))


def test_difference():
    """CPU time is that of the VMM and of the queue threads together"""
    before = {"vmm_cpu_ns": 10, "queue_cpu_ns": 5, "exits": 7}
    after = {"vmm_cpu_ns": 110, "queue_cpu_ns": 25, "exits": 8}
    assert counters.difference(before, after) == {
        "vmm_cpu_ns": 100, "queue_cpu_ns": 20, "exits": 1, "cpu_ns": 120}


def test_queue_thread_names():
    """queue threads are known by name, with the process that they belong to"""
    for name in ("vhost-1234", "vqhost-net-1234/0", "vqhost-blk-1234/17", "vqhost-blk-1234/w3"):
        match = threads.QUEUE_THREAD.match(name)
        assert match and match[1] == "1234", name
    for name in ("kworker/0:1-vhost", "vhostx-1", "kvhost-1", "vqhost-blk"):
        assert not threads.QUEUE_THREAD.match(name), name
        assert not threads.OWN_QUEUE_THREAD.match(name), name
    for name in ("vhost-1234", "vqhost-net/0", "vqhost-blk/17", "vqhost-blk/w3"):
        assert threads.OWN_QUEUE_THREAD.match(name), name


if __name__ == "__main__":
    ktap.main([value for name, value in list(globals().items()) if name.startswith("test_")])
