#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The table and its JSON, printed once: they say what the owner's own counters say."""

import json
import subprocess

from subject import TIMES, VQTOP, equal, output, queues_json, vqtop, workload
import ktap

def counters_agree(*arguments, commands):
    """A workload's counters, by ioctl and by vqtop."""
    with workload(*arguments) as owner:
        for command in commands:
            owner.do(command)
        expected = owner.settled()
        found = queues_json("--pid", owner.pid)
        equal([row["queue"] for row in found], [0, 1], "queues")
        for row in found:
            equal(row["pid"], owner.pid, "pid")
            equal(row["name"], arguments[0], "name")
            equal(row["state"], "running", "state")
            counters = dict(row["counters"])
            equal(counters.pop("breaks"), {}, "breaks")
            for name in TIMES:
                counters.pop(name)
            equal(counters, expected[row["queue"]], f"queue {row['queue']}")
        return found


def disk():
    """a disk's counters are those of the ioctl"""
    found = counters_agree("a disk", "blk", "ram-disk",
                           commands=["read 100", "write 50", "flush 7", "together 16"])
    equal(found[0]["type"], "vqhost-blk")
    equal(found[0]["counters"]["requests"], 173)
    equal(found[0]["counters"]["bytes"], 166 * 4096)
    equal(found[1]["counters"]["requests"], 0)


def network():
    """a network device's counters are those of the ioctl"""
    found = counters_agree("network", "net", commands=["send 40"])
    equal(found[0]["type"], "vqhost-net")
    equal(found[1]["counters"]["requests"], 40)


def rates():
    """rates are differences: of a load, of nothing, and of a queue that came meanwhile"""
    with workload("idle", "blk", "ram-disk") as idle, workload("busy", "blk", "ram-disk") as busy:
        idle.do("read 100")
        busy.begin("load 4")
        queues = json.loads(output("--once", "--json", "--interval", "2"))["queues"]
        found = {(row["name"], row["queue"]): row for row in queues}
        equal(found["idle", 0]["rates"]["requests_per_second"], 0)
        equal(found["idle", 0]["rates"]["chains_per_batch"], None)
        loaded = found["busy", 0]["rates"]
        assert loaded["requests_per_second"] > 100, loaded
        ratio = loaded["bytes_per_second"] / loaded["requests_per_second"]
        assert abs(ratio / 4096 - 1) < 0.001, loaded
        assert 1 <= loaded["chains_per_batch"] <= 64, loaded
        assert 1 <= loaded["chains_per_kick"], loaded
        assert 0 <= loaded["calls_avoided_share"] <= 1, loaded
        assert 0 < loaded["busy_share"] <= 1, loaded
        equal(found["busy", 1]["rates"]["busy_share"], 0)
        busy.answer()


def columns_of(text):
    """The lines of a table, as words."""
    return [line.split() for line in text.splitlines()]


def sorted_and_filtered():
    """rows are sorted by any column, and filtered by owner and queue"""
    with workload("aaa", "blk", "ram-disk") as first, workload("bbb", "net") as second:
        lines = columns_of(output("--once", "--interval", "0.1", "--no-latency"))
        equal(lines[0][:6], ["DEV", "TYPE", "PID", "NAME", "Q", "STATE"])
        equal(len(lines), 5, "queues")
        lines = columns_of(output("--once", "--interval", "0.1", "--pid", second.pid,
                                  "--queue", "1", "--no-latency"))
        equal([line[2:5] for line in lines[1:]], [[str(second.pid), "bbb", "1"]])
        for column, place, ours in ("name", 3, ["aaa", "aaa", "bbb", "bbb"]), \
                                   ("type", 1, ["vqhost-blk"] * 2 + ["vqhost-net"] * 2), \
                                   ("queue", 4, ["0", "0", "1", "1"]):
            lines = columns_of(output("--once", "--interval", "0.1", "--sort", column,
                                      "--no-latency"))
            equal([line[place] for line in lines[1:]], ours, column)
        first.begin("load 3")
        lines = columns_of(output("--once", "--interval", "1", "--no-latency"))
        equal(lines[1][3:5], ["aaa", "0"], "the busiest one")
        first.answer()


def lines_of_json():
    """without --once a line for each interval, until a signal ends it"""
    process = subprocess.Popen([VQTOP, "--json", "--interval", "0.2", "--no-latency"], text=True,
                               stdout=subprocess.PIPE)
    for _ in range(3):
        equal(json.loads(process.stdout.readline())["queues"], [])
    process.terminate()
    equal(process.wait(), 0, "status")


def bad_options():
    """a bad option is named in one line"""
    for arguments, expected in ((["--sort", "nothing"], "--sort nothing"),
                                (["--interval", "0"], "--interval 0"),
                                (["--interval", "nan"], "--interval nan"),
                                (["--pid"], "--pid"), (["--pid", "-1"], "--pid -1"),
                                (["--nonsense"], "--nonsense")):
        done = vqtop(*arguments)
        equal(done.returncode, 2, arguments)
        equal(done.stdout, "", arguments)
        equal(len(done.stderr.splitlines()), 1, arguments)
        assert expected in done.stderr, done.stderr


ktap.main([disk, network, rates, sorted_and_filtered, lines_of_json, bad_options])
