#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Latencies: exactly as many as there were requests, where they must lie, and losses shown."""

import json
import os
import signal
import subprocess
import time

from subject import PATIENCE, VQTOP, equal, output, vqtop, workload
import ktap


def attached(process):
    """Does it count?  Its event is among its files."""
    folder = f"/proc/{process.pid}/fd"
    for file in os.listdir(folder):
        try:
            if "perf" in os.readlink(f"{folder}/{file}"):
                return True
        except FileNotFoundError:
            # It was closed since they were listed.
            continue
    return False


def wait_until_attached(process):
    """Wait until it counts."""
    end = time.monotonic() + PATIENCE
    while not attached(process):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it does not count"
        time.sleep(0.05)


class Latency:
    """A "vqtop latency" that counts until asked for the result."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [VQTOP, "latency", "--once", "--interval", "3600", *map(str, arguments)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until_attached(self.process)

    def text(self):
        """What it prints."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=PATIENCE)
        equal((self.process.returncode, err), (0, ""), "status and complaints")
        return out

    def result(self):
        """What it prints, from JSON."""
        return json.loads(self.text())


def by_request(result, queue=0):
    """Histograms of a queue, by type of request."""
    return {entry["request"]: entry for entry in result["histograms"] if entry["queue"] == queue}


def check_sum(entry):
    """The buckets have all requests, in their order, and the percentiles lie in them."""
    buckets = entry["buckets"]
    equal(sum(bucket["count"] for bucket in buckets), entry["count"], "sum of buckets")
    for bucket in buckets:
        assert 0 < bucket["from_ns"] < bucket["to_ns"] <= bucket["from_ns"] * 1.25 + 1, bucket
    equal(sorted(buckets, key=lambda bucket: bucket["from_ns"]), buckets, "order")
    assert entry["p50_seconds"] <= entry["p99_seconds"], entry
    ends = [bucket["to_ns"] for bucket in buckets]
    assert round(entry["p99_seconds"] * 1e9) in ends, entry


def exact_counts():
    """each request is counted, by queue and type; another owner's are kept apart"""
    with workload("counted", "blk", "ram-disk") as owner, workload("other", "net") as other:
        latency = Latency("--json")
        owner.do("read 123")
        owner.do("write 45")
        owner.do("flush 6")
        owner.do("together 16")
        other.do("send 78")
        result = latency.result()
        equal((result["lost"], result["missed"]), (0, 0), "losses")
        disk = by_request({"histograms": [entry for entry in result["histograms"]
                                          if entry["pid"] == owner.pid]})
        net = by_request({"histograms": [entry for entry in result["histograms"]
                                         if entry["pid"] == other.pid]}, 1)
        equal({name: entry["count"] for name, entry in disk.items()},
              {"read": 139, "write": 45, "flush": 6}, "disk")
        equal({name: entry["count"] for name, entry in net.items()}, {"transmit": 78}, "net")
        for entry in [*disk.values(), *net.values()]:
            equal(entry["unknown"], 0, "unknown")
            check_sum(entry)


def slow_requests():
    """requests that take 2 ms lie at 2 ms and above, and nowhere else"""
    with workload("slow", "blk", "delayed") as owner:
        latency = Latency("--json", "--pid", owner.pid)
        began = time.monotonic()
        owner.do("read 50")
        took = time.monotonic() - began
        reads = by_request(latency.result())["read"]
        equal(reads["count"], 50)
        check_sum(reads)
        assert all(bucket["to_ns"] > 2000000 for bucket in reads["buckets"]), reads
        least = sum(bucket["from_ns"] * bucket["count"] for bucket in reads["buckets"]) / 1e9
        assert least <= took, (least, took)
        assert 0.002 <= reads["p50_seconds"], reads


def filtered():
    """--pid and --queue leave out other queues"""
    with workload("one", "blk", "ram-disk") as one, workload("two", "net") as two:
        for arguments, expected in (["--pid", one.pid], {("one", "read")}), \
                                   (["--queue", 1], {("two", "transmit")}), \
                                   ([], {("one", "read"), ("two", "transmit")}):
            latency = Latency("--json", *arguments)
            one.do("read 3")
            two.do("send 3")
            found = {(entry["name"], entry["request"]) for entry in latency.result()["histograms"]}
            equal(found, expected, arguments)


def losses():
    """what the map has no room for is counted, and said"""
    with workload("first", "blk", "ram-disk") as owner:
        latency = Latency("--json", "--latency-entries", 1)
        owner.do("read 10")
        owner.do("write 20")
        owner.do("flush 30")
        result = latency.result()
        equal(result["lost"], 50, "lost")
        equal({name: entry["count"] for name, entry in by_request(result).items()}, {"read": 10})
        latency = Latency("--latency-entries", 1)
        owner.do("read 10")
        owner.do("write 20")
        text = latency.text()
        assert "20 lost, the map is full: --latency-entries" in text, text


def room_is_made():
    """what belongs to devices that are gone is dropped, and makes room"""
    process = subprocess.Popen([VQTOP, "latency", "--json", "--interval", "0.3",
                                "--latency-entries", "1"], text=True, stdout=subprocess.PIPE)
    try:
        wait_until_attached(process)
        for number in range(3):
            with workload(f"owner{number}", "blk", "ram-disk") as owner:
                owner.do("read 5")
                found = {}
                # They may be those of several intervals.
                while sum(found.values()) < 5:
                    result = json.loads(process.stdout.readline())
                    equal(result["lost"], 0, f"lost of owner {number}")
                    for entry in result["histograms"]:
                        found[entry["name"]] = found.get(entry["name"], 0) + entry["count"]
                equal(found, {f"owner{number}": 5})
            # The next interval but one finds the device gone.
            for _ in range(3):
                equal(json.loads(process.stdout.readline())["histograms"], [])
    finally:
        process.terminate()
        process.wait()


def text():
    """histograms as text: a head for each queue and type, a bar for each power of 2"""
    with workload("a name", "blk", "delayed") as owner:
        latency = Latency()
        owner.do("read 40")
        lines = latency.text().split("\n")
        head = next(i for i, line in enumerate(lines) if line.startswith("read "))
        assert f"pid {owner.pid}" in lines[head] and "a name" in lines[head], lines
        assert "40 requests, p50 " in lines[head + 1], lines
        bars = [line for line in lines[head + 2:] if "|" in line]
        equal(sum(int(line.split("|")[0].split()[-1]) for line in bars), 40, "sum of the lines")
        assert any("*" * 40 in line for line in bars), bars


def in_the_table():
    """the table has percentiles of an interval, and none without requests or --no-latency"""
    with workload("slow", "blk", "delayed") as owner:
        owner.begin("load 4")
        document = json.loads(output("--once", "--json", "--interval", "2"))
        owner.answer()
        equal((document["lost"], document["no_latency"], document["measured_in_part"]),
              (0, None, False))
        busy, idle = document["queues"]
        assert busy["rates"]["latency_count"] > 10, busy
        assert 0.002 <= busy["rates"]["latency_p50_seconds"], busy
        equal((idle["rates"]["latency_count"], idle["rates"]["latency_p99_seconds"]), (0, None))
        owner.begin("load 2")
        document = json.loads(output("--once", "--json", "--interval", "1", "--no-latency"))
        owner.answer()
        equal(document["queues"][0]["rates"]["latency_count"], 0)


def in_part():
    """under more load than it may measure the table measures for a while, and says so"""
    with workload("busy", "blk", "ram-disk") as owner:
        owner.begin("load 6")
        rate = ("--latency-rate", 100, "--interval", 3)
        document = json.loads(output("--once", "--json", *rate))
        text = output("--once", "--interval", 1, "--latency-rate", 100)
        owner.answer()
        equal((document["measured_in_part"], document["no_latency"]), (True, None))
        rates = document["queues"][0]["rates"]
        requests = rates["requests_per_second"] * document["interval_seconds"]
        assert 0 < rates["latency_count"] < requests / 3, (rates, requests)
        assert "now and then" in text, text
        document = json.loads(output("--once", "--json", "--latency-rate", 100))
        equal(document["measured_in_part"], False, "without load")


def no_bpf():
    """without BPF the table goes on and says why; "latency" ends"""
    without = str(VQTOP.parent / "selftests" / "vqtop" / "without_bpf")
    with workload("aaa", "blk", "ram-disk"):
        done = subprocess.run([without, VQTOP, "--once", "--json", "--interval", "0.1"], text=True,
                              stdout=subprocess.PIPE, check=True)
        document = json.loads(done.stdout)
        equal(len(document["queues"]), 2)
        assert "no BPF: the kernel refuses" in document["no_latency"], document["no_latency"]
        done = subprocess.run([without, VQTOP, "--once", "--interval", "0.1"], text=True,
                              stdout=subprocess.PIPE, check=True)
        assert "\nno latencies: no BPF: the kernel refuses" in done.stdout, done.stdout
        done = subprocess.run([without, VQTOP, "latency", "--once"], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal((done.returncode, done.stdout), (7, ""))
        equal(len(done.stderr.splitlines()), 1, done.stderr)
        assert "no BPF: the kernel refuses" in done.stderr, done.stderr


def no_tracefs():
    """without tracefs the table goes on and says why; "latency" ends"""
    subprocess.run(["umount", "/sys/kernel/tracing"], check=True)
    try:
        document = json.loads(output("--once", "--json", "--interval", "0.1"))
        assert "tracefs is not mounted on /sys/kernel/tracing" in document["no_latency"], document
        done = vqtop("latency", "--once")
        equal((done.returncode, done.stdout), (6, ""))
        equal(len(done.stderr.splitlines()), 1, done.stderr)
        assert "tracefs is not mounted" in done.stderr, done.stderr
    finally:
        subprocess.run(["mount", "-t", "tracefs", "none", "/sys/kernel/tracing"], check=True)


def nothing_stays():
    """nothing stays attached, nor while latencies are not wanted"""
    with workload("aaa", "blk", "ram-disk"):
        process = subprocess.Popen([VQTOP, "--json", "--interval", "0.2", "--no-latency"],
                                   text=True, stdout=subprocess.PIPE)
        process.stdout.readline()
        equal(attached(process), False, "attached with --no-latency")
        process.terminate()
        process.wait()


ktap.main([exact_counts, slow_requests, filtered, losses, room_is_made, text, in_the_table,
           in_part, no_bpf, no_tracefs, nothing_stays])
