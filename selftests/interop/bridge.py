# SPDX-License-Identifier: GPL-2.0
"""vqhost-bridge, and another back end, as tests start and end them."""

import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "..", "vmm")]
from bench import LOGS, guest, wait_until

BRIDGE = os.path.join(guest.TREE, "build", "vqhost-bridge")


class Bridge:
    """A running vqhost-bridge.  Use as a context manager: leaving it ends it in good order."""

    def __init__(self, *options, name="bridge"):
        self.command = [BRIDGE, *options]
        self.sockets = [option.split("=", 1)[1] for option in options
                        if option.startswith("--socket-path=")]
        self.log_path = os.path.join(LOGS, f"{name}.log")
        self._log = open(self.log_path, "wb", buffering=0)
        self.process = None

    def start(self):
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=self._log, stderr=self._log)
        for path in self.sockets:
            wait_until(lambda path=path: self._listens(path), "the bridge listens")

    def _listens(self, path):
        """Does it listen there?  To connect would make it a front end."""
        assert self.process.poll() is None, f"the bridge ended: {self.output()}"
        with open("/proc/net/unix", encoding="ascii", errors="replace") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        # Flag of a socket that listens.
        return any(line[3] == "00010000" and line[-1] == path for line in lines)

    def output(self):
        """What it has said until now."""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def end(self):
        """SIGTERM: it has to end at once, with status 0."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the bridge does not end") from None
        assert status == 0, f"exit status {status}: {self.output()}"

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *unused):
        if kind:
            print("# bridge: " + self.output()[-2000:].replace("\n", "\n# "))
            self.kill()
        else:
            self.end()
        self._log.close()


class StorageDaemon(Bridge):
    """QEMU's back end for a disk, used likewise."""

    def __init__(self, path, file, queues):
        super().__init__(name="storage-daemon")
        self.sockets = [path]
        self.command = ["qemu-storage-daemon",
                        "--blockdev", f"driver=file,node-name=disk,filename={file},cache.direct=on",
                        "--export", "type=vhost-user-blk,id=export,node-name=disk,writable=on,"
                        f"num-queues={queues},addr.type=unix,addr.path={path}"]
