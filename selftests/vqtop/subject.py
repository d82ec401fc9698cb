# SPDX-License-Identifier: GPL-2.0
"""vqtop and the workloads it looks at, for the tests here."""

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
TREE = Path(__file__).resolve().parent.parent.parent
VQTOP = TREE / "build" / "vqtop"
WORKLOAD = TREE / "build" / "selftests" / "vqtop" / "workload"
MODULES = TREE / "selftests" / "testhost" / "modules"
sys.path.insert(0, str(TREE / "selftests"))

# Counters that go on while nothing is done.
TIMES = ("busy_ns", "wait_ns")

# Nothing that works takes as long.
PATIENCE = 60


class Workload:
    """An owner that does what it is told: workload.c."""

    def __init__(self, name, *arguments):
        self.process = subprocess.Popen([WORKLOAD, name, *arguments], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.answer()

    def answer(self):
        """The lines of an answer."""
        lines = []
        for line in self.process.stdout:
            if line == "done\n":
                return lines
            lines.append(line)
        raise AssertionError(f"the workload ended, status {self.process.wait()}")

    def begin(self, command):
        """Have it begin something: answer() waits for its end."""
        self.process.stdin.write(command + "\n")

    def do(self, command):
        """Have it do something."""
        self.begin(command)
        return self.answer()

    def stats(self):
        """Its counters, by queue and name."""
        counters = {}
        for line in self.do("stats"):
            queue, name, value = line.split()
            counters.setdefault(int(queue), {})[name] = int(value)
        return counters

    def settled(self):
        """The same without times, once its threads sleep: nothing changes any more."""
        before = None
        while True:
            now = {queue: {name: value for name, value in counters.items() if name not in TIMES}
                   for queue, counters in self.stats().items()}
            if now == before:
                return now
            before = now
            time.sleep(0.2)

    def end(self):
        """End it."""
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def workload(*arguments):
    """A workload that ends with the block."""
    running = Workload(*arguments)
    try:
        yield running
    finally:
        running.end()


def vqtop(*arguments, **keywords):
    """Run vqtop to its end."""
    return subprocess.run([VQTOP, *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=PATIENCE,
                          check=False, **keywords)


def output(*arguments):
    """What vqtop prints, which has to succeed and say nothing else."""
    done = vqtop(*arguments)
    if done.returncode or done.stderr:
        raise AssertionError(f"vqtop {arguments}: status {done.returncode}, {done.stderr}")
    return done.stdout


def queues_json(*arguments):
    """The queues that vqtop prints as JSON, once."""
    return json.loads(output("--once", "--json", "--interval", "0.1", *arguments))["queues"]


def equal(actual, expected, what=""):
    """Fail unless two things are the same."""
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}, expected {expected!r}")
