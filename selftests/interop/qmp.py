# SPDX-License-Identifier: GPL-2.0
"""QEMU's monitor for programs, at a Unix socket."""

import array
import json
import socket


class Qmp:
    """A connection to the monitor of a QEMU.  Use as a context manager."""

    def __init__(self, path, seconds):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds)
        self._socket.connect(path)
        self._file = self._socket.makefile("r", encoding="utf-8")
        self._events = []
        self._line()
        self.do("qmp_capabilities")

    def _line(self):
        text = self._file.readline()
        assert text, "QEMU has closed its monitor"
        return json.loads(text)

    def do(self, command, arguments=None, fd=None):
        """Carry out a command, with a descriptor sent along: what it returns."""
        text = json.dumps({"execute": command, "arguments": arguments or {}})
        rights = [] if fd is None else [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self._socket.sendmsg([text.encode() + b"\n"], rights)
        while "return" not in (answer := self._line()):
            assert "event" in answer, f"{command}: {answer}"
            self._events.append(answer)
        return answer["return"]

    def wait_for(self, event):
        """Wait until QEMU has told of an event since it was last waited for: its data."""
        while True:
            for index, told in enumerate(self._events):
                if told["event"] == event:
                    del self._events[:index + 1]
                    return told.get("data")
            self._events.append(self._line())

    def close(self):
        """End the connection."""
        self._file.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
