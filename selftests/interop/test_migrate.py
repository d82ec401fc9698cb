#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A guest migrates from one bridge to another: all that the kernel wrote was in the dirty log."""

import os
import socket
import sys
import time

sys.dont_write_bytecode = True
from bridge import Bridge
from bench import FILE, INITRD, LOGS, SECONDS, guest, hostside, kernel_complaints, patient, prepare
from test_boot import equal
import ktap

FROM = "/tmp/bridge-from.sock"
TO = "/tmp/bridge-to.sock"
MONITOR = "/tmp/bridge-monitor.sock"
MIGRATION = "/tmp/bridge-migration.sock"
READ_MIB = 48

# Into the page cache: the kernel of the host alone writes to those pages, most of them after the
# migration has passed them.
READ = f"""
for mib in $(seq 0 4 {READ_MIB - 4}); do
    dd if=/dev/vda of=/dev/null bs=1M skip=$mib count=4 2>/dev/null
    sleep 0.3
done
touch /tmp/all-read
"""


class Monitor:
    """QEMU's monitor for humans."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(MONITOR)
        self._answer()

    def _answer(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            part = self._socket.recv(65536)
            assert part, "the monitor has gone"
            text += part
        return text.decode(errors="replace")

    def do(self, command):
        """What it answers to a command."""
        self._socket.sendall(command.encode() + b"\n")
        return self._answer()


def command(path, *more):
    """QEMU with a disk that is served there."""
    disk = guest.Disk(FILE, "vhost-user", path, 2)
    return guest.vmm_command([disk], vmm="qemu", cpus=2, initrd=INITRD) + list(more)


def migrate(monitor, begin):
    """Move the guest, not too fast, after begin() was called."""
    deadline = time.monotonic() + SECONDS
    while not os.path.exists(MIGRATION):
        assert time.monotonic() < deadline, "the target does not wait for the guest"
        time.sleep(0.1)
    begin()
    monitor.do("migrate_set_parameter max-bandwidth 12M")
    monitor.do(f"migrate -d unix:{MIGRATION}")
    while "Migration status: completed" not in (state := monitor.do("info migrate")):
        assert "failed" not in state and time.monotonic() < deadline, state
        time.sleep(0.5)


def test_migration():
    """a guest that reads its disk while it migrates finds in memory what it has read"""
    hostside.run("dd", "if=/dev/urandom", f"of={FILE}", "bs=1M", f"count={READ_MIB}",
                 "conv=notrunc,fsync")
    expected = hostside.run("sh", "-c", f"head -c {READ_MIB}M {FILE} | md5sum").split()[0]
    with Bridge(f"--socket-path={FROM}", f"--blk-file={FILE}", name="bridge-from") as first, \
            Bridge(f"--socket-path={TO}", f"--blk-file={FILE}", name="bridge-to") as second, \
            guest.Guest(command(FROM, "-monitor", f"unix:{MONITOR},server=on,wait=off"),
                        os.path.join(LOGS, "vmm-migrate-from.log")) as source:
        source.wait_ready()
        with guest.Guest(command(TO, "-incoming", f"unix:{MIGRATION}"),
                         os.path.join(LOGS, "vmm-migrate-to.log")) as target:
            migrate(Monitor(), lambda: source.check("sh /job/read >/dev/null 2>&1 &"))
            target.check("while [ ! -e /tmp/all-read ]; do sleep 0.2; done", SECONDS)
            equal(target.check(f"dd if=/dev/vda bs=1M count={READ_MIB} 2>/dev/null | md5sum",
                               SECONDS).split()[0], expected, "what the guest has in memory")
            equal(target.power_off(SECONDS), 0, "exit status of QEMU")
        equal(first.output() + second.output(), "", "what the bridges have said")
    equal(kernel_complaints(), [], "complaints in the kernel log")


if __name__ == "__main__":
    prepare(read=READ)
    ktap.main([patient(test_migration)])
