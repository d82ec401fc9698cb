#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The live table, in a terminal of tmux."""

import re
import subprocess
import time

from subject import PATIENCE, VQTOP, equal, workload
import ktap

class Terminal:
    """A shell in a terminal, in which vqtop runs."""

    number = 0

    def __init__(self, width, height):
        # A server for each: one that is about to end takes no more sessions.
        Terminal.number += 1
        self.name = f"vqtop-test-{Terminal.number}"
        self.tmux("new-session", "-d", "-x", width, "-y", height,
                  "env PS1='ready> ' bash --norc --noprofile")
        self.until(lambda lines: lines and lines[0].startswith("ready>"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def tmux(self, *arguments):
        """Run tmux."""
        return subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", *map(str, arguments)],
                              text=True, stdout=subprocess.PIPE, check=True).stdout

    def resize(self, width, height):
        """Give the window another size."""
        self.tmux("resize-window", "-x", width, "-y", height)

    def lines(self):
        """What is on the screen."""
        return self.tmux("capture-pane", "-p").split("\n")

    def until(self, condition):
        """Wait for something to be on the screen: the screen."""
        end = time.monotonic() + PATIENCE
        while True:
            lines = self.lines()
            if condition(lines):
                return lines
            if time.monotonic() > end:
                raise AssertionError("not on the screen, which is\n" + "\n".join(lines))
            time.sleep(0.1)

    def type(self, *keys):
        """Press keys."""
        self.tmux("send-keys", *keys)

    def run(self, command):
        """Have the shell run a command."""
        self.type("clear; " + command, "Enter")

    def modes(self):
        """The terminal's modes, as stty has them."""
        self.run("stty -g")
        return next(line for line in self.until(lambda lines: re.search(
            r"^[0-9a-f]+:[0-9a-f:]+$", "\n".join(lines), re.MULTILINE)) if ":" in line)


def rows(lines):
    """The names and queues of the rows."""
    found = [line.split() for line in lines[3:-1] if "vqhost-" in line]
    return [(row[3], row[4]) for row in found]


def shows(*expected):
    """Are these the rows, in this order?"""
    return lambda lines: rows(lines) == list(expected)


A, B = ("aaa", "0"), ("aaa", "1")
C, D = ("bbb", "0"), ("bbb", "1")


def live():
    """queues are shown, sorted and filtered by keys, in a window of any size; q restores all"""
    with workload("aaa", "blk", "ram-disk"), workload("bbb", "net"), Terminal(150, 20) as terminal:
        modes = terminal.modes()
        terminal.run(f"{VQTOP} --interval 0.2 --no-latency --sort name")
        lines = terminal.until(shows(A, B, C, D))
        assert "4 of 4 queues" in lines[0], lines
        assert lines[2].split()[:6] == ["DEV", "TYPE", "PID", "NAME", "Q", "STATE"], lines

        terminal.type("r")
        terminal.until(lambda lines: rows(lines)[:1] in ([C], [D]))
        terminal.type("r", ">")
        terminal.until(lambda lines: "by queue" in lines[0] and
                       [queue for _, queue in rows(lines)] == ["0", "0", "1", "1"])
        terminal.type("<")
        terminal.until(shows(A, B, C, D))

        terminal.type("/", "b", "b")
        terminal.until(shows(C, D))
        terminal.type("BSpace", "BSpace", "n", "e", "t", "Enter")
        terminal.until(shows(C, D))
        terminal.type("Escape")
        terminal.until(shows(A, B, C, D))

        terminal.resize(44, 6)
        lines = terminal.until(lambda lines: len(lines) == 7 and len(rows(lines)) == 2)
        assert max(map(len, lines)) <= 44, lines
        terminal.type("Down")
        terminal.until(lambda lines: rows(lines) and rows(lines)[0] == B)
        terminal.type("NPage")
        terminal.until(shows(C, D))
        terminal.resize(2, 1)
        terminal.resize(150, 20)
        terminal.until(shows(A, B, C, D))

        terminal.type("q")
        lines = terminal.until(lambda lines: lines[0].startswith("ready>"))
        assert not any("vqhost-" in line for line in lines), lines
        equal(terminal.modes(), modes, "modes of the terminal")


def rates_move():
    """rates are those of the latest interval"""
    with workload("aaa", "blk", "ram-disk") as owner, Terminal(150, 20) as terminal:
        terminal.run(f"{VQTOP} --interval 1 --no-latency")
        terminal.until(lambda lines: rows(lines) and lines[3].split()[6] == "0.0")
        owner.begin("load 4")
        terminal.until(lambda lines: "k" in lines[3].split()[6] or float(lines[3].split()[6]) > 50)
        owner.answer()
        terminal.until(lambda lines: lines[3].split()[6] == "0.0")


def ended_by_a_signal():
    """a signal ends it with the terminal restored"""
    with workload("aaa", "blk", "ram-disk"), Terminal(150, 20) as terminal:
        modes = terminal.modes()
        terminal.run(f"{VQTOP}; echo status $?")
        terminal.until(lambda lines: "2 of 2 queues" in lines[0])
        terminal.type("C-c")
        terminal.until(lambda lines: "status 0" in lines)
        equal(terminal.modes(), modes, "modes of the terminal")


def queues_come_and_go():
    """no queues, some, and none again"""
    with Terminal(150, 20) as terminal:
        terminal.run(f"{VQTOP} --interval 0.2 --no-latency")
        terminal.until(lambda lines: "0 of 0 queues" in lines[0])
        with workload("aaa", "blk", "ram-disk"):
            terminal.until(lambda lines: "2 of 2 queues" in lines[0])
        terminal.until(lambda lines: "0 of 0 queues" in lines[0])


def unknown_terminal():
    """a type of terminal that is not known is named"""
    with Terminal(150, 20) as terminal:
        terminal.run(f"TERM=nonsense {VQTOP}; echo status $?")
        lines = terminal.until(lambda lines: "status 2" in lines)
        assert "vqtop: a terminal of the type \"nonsense\" is not known: set TERM" in lines, lines


ktap.main([live, rates_move, ended_by_a_signal, queues_come_and_go, unknown_terminal])
