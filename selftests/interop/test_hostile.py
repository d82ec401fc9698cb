#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Front ends that do what they must not, with the modules behind the bridge.

All that can be said wrongly is in selftests/bridge; here it is what takes a kernel.
"""

import array
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from bridge import BRIDGE, Bridge
from bench import BLOCK_DEVICE, FILE, SECONDS, hostside, kernel_complaints, prepare
from test_boot import equal
import ktap

DISK = "/tmp/bridge-disk.sock"
OTHER_DISK = "/tmp/bridge-other.sock"

VERSION = 1
GET_FEATURES, SET_FEATURES, SET_MEM_TABLE = 1, 2, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE = 8, 9, 10
SET_VRING_KICK, SET_VRING_ERR = 12, 14
SET_PROTOCOL_FEATURES = 16

VERSION_1 = 1 << 32
REPLY_ACK = 1 << 3
USER = 0x7f0000000000
SIZE = 1 << 20
RING = 64
AVAIL, USED = 0x1000, 0x2000


class FrontEnd:
    """A connection to the bridge."""

    def __init__(self, where):
        """At a path, or by a socket that is connected."""
        self.socket = where
        if isinstance(where, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(where)
        self.socket.settimeout(SECONDS)

    def send(self, request, payload=b"", fds=(), size=None, flags=VERSION):
        """Any message."""
        header = struct.pack("=III", request, flags, len(payload) if size is None else size)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self.socket.sendmsg([header + payload], rights)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def reply(self):
        """The number that answers; None at the end of the connection."""
        data = b""
        while len(data) < 20:
            try:
                part = self.socket.recv(20 - len(data))
            except ConnectionResetError:
                return None
            if not part:
                return None
            data += part
        return struct.unpack("=IIIQ", data)[3]

    def features(self):
        """What is offered: None if nobody answers."""
        self.send(GET_FEATURES)
        return self.reply()

    def number(self, request, number, fds=()):
        """A request that is a number."""
        self.send(request, struct.pack("=Q", number), fds)

    def was_refused(self):
        """The bridge ends the connection; what it has said before is read away."""
        while self.reply() is not None:
            pass
        self.socket.close()
        return True

    def negotiate(self):
        """What every front end begins with."""
        self.number(SET_PROTOCOL_FEATURES, REPLY_ACK)
        self.number(SET_FEATURES, VERSION_1)

    def table(self, fd, size=SIZE):
        """Guest memory in one region."""
        self.send(SET_MEM_TABLE, struct.pack("=IIQQQQ", 1, 0, 0, size, USER, 0), [fd])

    def start(self, kick, error=None):
        """A ring at the beginning of guest memory."""
        self.send(SET_VRING_NUM, struct.pack("=II", 0, RING))
        self.send(SET_VRING_BASE, struct.pack("=II", 0, 0))
        self.send(SET_VRING_ADDR, struct.pack("=IIQQQQ", 0, 0, USER, USER + USED, USER + AVAIL,
                                              0))
        if error is not None:
            self.number(SET_VRING_ERR, 0, [error])
        self.number(SET_VRING_KICK, 0, [kick])


def eventfd():
    """An eventfd."""
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)


def open_files(bridge):
    """How many files the bridge has open."""
    return len(os.listdir(f"/proc/{bridge.process.pid}/fd"))


def check_refused(bridge, what, do):
    """do is refused with one line; the disk beside and the next front end are served."""
    before = bridge.output().count("\n")
    neighbour = FrontEnd(OTHER_DISK)
    assert neighbour.features(), "the disk beside is not served"
    front = FrontEnd(DISK)
    do(front)
    assert front.was_refused()
    equal(bridge.output().count("\n"), before + 1, f"{what}: lines that the bridge says")
    assert neighbour.features(), f"{what}: the disk beside is not served any more"
    neighbour.socket.close()
    again = FrontEnd(DISK)
    assert again.features(), f"{what}: the next front end is not served"
    again.socket.close()


def disks():
    """A bridge with two disks."""
    return Bridge(f"--socket-path={DISK}", f"--blk-file={BLOCK_DEVICE}",
                  f"--socket-path={OTHER_DISK}", f"--blk-file={FILE}", name="bridge-hostile")


def test_messages():
    """malformed messages, lying regions, too many files: one line each, nothing left open"""
    memory = os.memfd_create("guest")
    os.truncate(memory, SIZE)
    event = eventfd()

    def cut(front):
        front.send(SET_FEATURES, b"\0\0\0", size=8)
        front.socket.shutdown(socket.SHUT_WR)

    def lying(front):
        front.negotiate()
        front.table(memory, SIZE + 1)

    def overlapping(front):
        front.negotiate()
        front.send(SET_MEM_TABLE, struct.pack("=IIQQQQQQQQ", 2, 0, 0, 8192, USER, 0,
                                              4096, 4096, 0, 0), [memory, memory])

    def ring_beyond(front):
        front.negotiate()
        front.table(memory, AVAIL)
        front.start(event)

    def no_eventfd(front):
        front.negotiate()
        front.number(SET_VRING_KICK, 0, [memory])

    with disks() as bridge:
        before = open_files(bridge)
        for what, do in [
                ("unknown request", lambda front: front.send(99)),
                ("too long", lambda front: front.send(SET_FEATURES, size=1 << 30)),
                ("truncated", cut),
                ("too many files", lambda front: front.send(SET_MEM_TABLE, b"\0" * 8,
                                                            [memory] * 60)),
                ("files nobody asked for", lambda front: front.send(GET_FEATURES, b"", [memory])),
                ("lying region", lying), ("overlapping regions", overlapping),
                ("ring beyond memory", ring_beyond), ("no eventfd", no_eventfd)]:
            check_refused(bridge, what, do)
        # It takes a moment to see that the last front end has gone.
        deadline = time.monotonic() + SECONDS
        while open_files(bridge) != before and time.monotonic() < deadline:
            time.sleep(0.05)
        equal(open_files(bridge), before, "files that the bridge has open")
    equal(kernel_complaints(), [], "complaints in the kernel log")


def test_shrinking_memory():
    """memory that its owner takes away: the queue breaks, the bridge goes on"""
    memory, kick, error = os.memfd_create("guest"), eventfd(), eventfd()
    os.truncate(memory, SIZE)
    with disks() as bridge:
        front = FrontEnd(DISK)
        front.negotiate()
        front.table(memory)
        front.start(kick, error)
        assert front.features()
        os.truncate(memory, 0)
        os.eventfd_write(kick, 1)
        assert select.select([error], [], [], SECONDS)[0], "the error is not told"
        assert front.features(), "the bridge has gone"
        front.socket.close()
        again = FrontEnd(DISK)
        assert again.features(), "the next front end is not served"
        again.socket.close()
        equal(bridge.output(), "", "what the bridge has said")
    equal(kernel_complaints(), [], "complaints in the kernel log")


def refused(words, *options):
    """The bridge does not start: one line with these words, status 2."""
    done = subprocess.run([BRIDGE] + list(options), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=SECONDS, check=False)
    equal(done.returncode, 2, f"exit status ({done.stdout})")
    equal(done.stdout.count("\n"), 1, f"lines of {done.stdout!r}")
    assert all(word in done.stdout for word in words), done.stdout


def test_disk_in_use():
    """a disk that another bridge serves is served as soon as that one stops"""
    memory = os.memfd_create("guest")
    os.truncate(memory, SIZE)

    def begin(path):
        front = FrontEnd(path)
        front.negotiate()
        front.table(memory)
        front.start(eventfd())
        return front

    with Bridge(f"--socket-path={DISK}", f"--blk-file={FILE}", name="bridge-first"), \
            Bridge(f"--socket-path={OTHER_DISK}", f"--blk-file={FILE}",
                   name="bridge-second") as second:
        first = begin(DISK)
        assert first.features(), "the first one does not serve it"
        assert begin(OTHER_DISK).was_refused()
        equal(second.output().count("\n"), 1, f"lines of {second.output()!r}")
        assert "another process serves it" in second.output(), second.output()
        assert first.features(), "the first one has suffered"
        first.socket.close()
        front = begin(OTHER_DISK)
        assert front.features(), "the second one does not serve it"
        front.socket.close()


def test_in_use():
    """a socket and a tap that somebody else has"""
    hostside.make_tap("vqtap9")
    with Bridge(f"--socket-path={DISK}", f"--blk-file={FILE}",
                f"--socket-path={OTHER_DISK}", "--tap=vqtap9", name="bridge-first") as first:
        refused(["--socket-path", DISK, "another server listens"],
                f"--socket-path={DISK}", f"--blk-file={BLOCK_DEVICE}")
        refused(["--tap", "vqtap9", "busy"], "--socket-path=/tmp/third.sock", "--tap=vqtap9")
        front = FrontEnd(DISK)
        assert front.features(), "the first one has suffered"
        front.socket.close()
        # What it leaves behind when it is killed is replaced.
        first.kill()
        assert os.path.exists(DISK)
        first.start()
        front = FrontEnd(DISK)
        assert front.features()
        front.socket.close()
    hostside.remove_link("vqtap9")
    assert not os.path.exists("/tmp/third.sock")


def test_conventions():
    """what management software asks for: capabilities, a passed connection, an end by SIGTERM"""
    done = subprocess.run([BRIDGE, "--frobnicate", "--print-capabilities"], text=True,
                          stdout=subprocess.PIPE, check=True)
    equal(json.loads(done.stdout), {"type": "block", "features": ["read-only", "blk-file"]},
          "capabilities")
    ours, theirs = socket.socketpair()
    with subprocess.Popen([BRIDGE, f"--fd={theirs.fileno()}", f"--blk-file={FILE}"],
                          pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        front = FrontEnd(ours)
        assert front.features(), "a connection that was passed is not served"
        ours.close()
        equal(process.wait(SECONDS), 0, "exit status at the end of a connection that was passed")


def test_bad_input():
    """what cannot be opened: one line that names the option"""
    hostside.run("blockdev", "--setro", BLOCK_DEVICE)
    try:
        refused(["--blk-file", BLOCK_DEVICE, "is read-only"], f"--socket-path={DISK}",
                f"--blk-file={BLOCK_DEVICE}")
        with Bridge(f"--socket-path={DISK}", f"--blk-file={BLOCK_DEVICE}", "--read-only",
                    name="bridge-read-only"):
            pass
    finally:
        hostside.run("blockdev", "--setrw", BLOCK_DEVICE)
    for words, *options in [
            (["--blk-file", "/nope", "No such file"], "--blk-file=/nope"),
            (["--blk-file", "/tmp", "directory"], "--blk-file=/tmp"),
            (["--blk-file", "/dev/null", "neither"], "--blk-file=/dev/null"),
            (["--tap", "nope", "No such device"], "--tap=nope"),
            (["--tap", "lo"], "--tap=lo"),
            (["--user", "nobody-at-all", "no such user"], f"--blk-file={FILE}",
             "--user=nobody-at-all")]:
        refused(words, f"--socket-path={DISK}", *options)
    assert not os.path.exists(DISK), "a socket is left"
    hostside.run(os.path.join(os.path.dirname(BRIDGE), "..", "selftests", "testhost", "modules"),
                 "unload")
    refused(["/dev/vqhost-blk", "module"], f"--socket-path={DISK}", f"--blk-file={FILE}")


if __name__ == "__main__":
    prepare()
    ktap.main([test_messages, test_shrinking_memory, test_disk_in_use, test_in_use,
               test_conventions, test_bad_input])
