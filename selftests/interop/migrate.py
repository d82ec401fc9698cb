# SPDX-License-Identifier: GPL-2.0
"""A guest that moves from one QEMU to another while it runs."""

import contextlib
import os

from bench import INITRD, LOGS, SECONDS, guest, hostside, wait_until
from qmp import Qmp

SWITCH = "vqswitch0"
TAPS = ("vqtap0", "vqtap1")

# A guest that writes to memory faster than it is sent, and may stand still for no more than a
# millisecond, stays.  QEMU is slowed down before it has sent all of it once.
SLOW_AT, SLOW = 64 << 20, 8 << 20
FAST = 1 << 30
STAY_MS, LEAVE_MS = 1, 5000


class Switch:
    """Two taps at one switch, which has the host's address.  Use as a context manager."""

    def __init__(self, queues=1):
        self._queues = queues

    def __enter__(self):
        hostside.make_switch(SWITCH)
        for tap in TAPS:
            hostside.make_tap(tap, self._queues, switch=SWITCH)
        return self

    def __exit__(self, *unused):
        for name in TAPS + (SWITCH,):
            hostside.remove_link(name)


class Traveller:
    """A guest, and the QEMU in which it is at the time.  Use as a context manager."""

    def __init__(self, name, devices):
        self._name = name
        self._moves = 0
        self.running = self._launch(devices)
        self._monitor = None

    def _path(self, what):
        return f"/tmp/{self._name}-{self._moves}.{what}"

    def _launch(self, devices, *more):
        # Left by a guest that was lost.
        for what in ("monitor", "migration"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(what))
        command = guest.vmm_command(devices, vmm="qemu", cpus=2, memory="384M", initrd=INITRD)
        command += ["-qmp", f"unix:{self._path('monitor')},server=on,wait=off", *more]
        return guest.Guest(command, os.path.join(LOGS, f"vmm-{self._name}-{self._moves}.log"),
                           boot_timeout=3 * SECONDS)

    def __enter__(self):
        self.running.wait_ready()
        self._monitor = Qmp(self._path("monitor"), SECONDS)
        return self

    def __exit__(self, *unused):
        if self._monitor:
            self._monitor.close()
        self.running.__exit__()

    def move(self, devices, meanwhile=lambda: None):
        """Move the guest, which writes to memory all the while, to another QEMU.

        All of its memory has been sent once when meanwhile() is called, and what is written
        from then on is sent only if somebody tells of it.
        """
        self._moves += 1
        target = self._launch(devices, "-incoming", f"unix:{self._path('migration')}")
        try:
            wait_until(lambda: os.path.exists(self._path("migration")), "QEMU listens")
            self._migrate(meanwhile)
        except BaseException:
            target.__exit__()
            raise
        self._monitor.close()
        self.running.__exit__()
        self.running = target
        self._monitor = Qmp(self._path("monitor"), SECONDS)

    def _migrate(self, meanwhile):
        self._monitor.do("migrate-set-capabilities", {"capabilities": [
            {"capability": "return-path", "state": True}]})
        self._set(FAST, STAY_MS)
        self._monitor.do("migrate", {"uri": f"unix:{self._path('migration')}"})
        wait_until(lambda: self._memory().get("remaining", FAST) < SLOW_AT,
                   "most of memory has been sent")
        self._set(SLOW, STAY_MS)
        wait_until(lambda: self._memory()["dirty-sync-count"] > 1, "memory has been sent once")
        meanwhile()
        self._memory()
        self._set(FAST, LEAVE_MS)
        wait_until(lambda: self._state()["status"] == "completed", "the guest has left")

    def _set(self, bandwidth, downtime):
        self._monitor.do("migrate-set-parameters", {"max-bandwidth": bandwidth,
                                                    "downtime-limit": downtime})

    def _state(self):
        state = self._monitor.do("query-migrate")
        assert state.get("status") != "failed", state
        return state

    def _memory(self):
        state = self._state()
        assert state["status"] in ("setup", "active"), "the guest has left too soon"
        return state.get("ram", {})
