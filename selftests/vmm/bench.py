# SPDX-License-Identifier: GPL-2.0
"""What the tests with guests share: devices, patterns, transfers."""

import atexit
import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(HERE), os.path.join(HERE, "..", "guest")]
import guest
import hostside
import ktap

TAP = "vqtap0"
MIB = 1 << 20
# What one test writes to a disk and checks, from either side.
PATTERN_MIB = 4
DISK_MIB = 64
INITRD = "/tmp/vmm-initrd"
MOUNT = "/tmp/vmm-disk"
FILE = f"{MOUNT}/disk"
BLOCK_DEVICE = "/dev/ram0"
# There with prepare(ram_disks=3).
READ_ONLY_DEVICE = "/dev/ram2"
MODULES = os.path.join(HERE, "..", "testhost", "modules")
SOUND = os.path.join(HERE, "..", "testhost", "host-is-sound")
LOGS = os.environ.get("VQHOST_RESULTS", "/tmp")

# A queue that hangs shall fail its test, however slow an emulated machine is.
SECONDS = 120

# All variants, of which otherwise some stand for the others: make check-interop.
LONG = "INTEROP_ROUNDS" in os.environ

# How often a test is tried whose guest an emulated host loses.
ATTEMPTS = 3


def prepare(ram_disks=2, **files):
    """A namespace of our own, a RAM disk and a file, whose file system takes O_DIRECT.

    files are put below /job in the guest.  Further RAM disks are /dev/ram2 and on.
    """
    hostside.enter_network_namespace()
    hostside.run("modprobe", "vhost_net")
    # A test file that was killed cannot have cleaned up.
    clean_up()
    atexit.register(clean_up)
    hostside.make_ram_disks(ram_disks, DISK_MIB * 2)
    hostside.run("mke2fs", "-q", "-F", "/dev/ram1")
    os.makedirs(MOUNT, exist_ok=True)
    hostside.run("modprobe", "ext4")
    hostside.run("mount", "/dev/ram1", MOUNT)
    hostside.run("dd", "if=/dev/zero", f"of={FILE}", "bs=1M", f"count={DISK_MIB}")
    guest.initrd_with(INITRD, {"setup": hostside.GUEST_SETUP, **files})


def clean_up():
    """Give the RAM disks back."""
    if os.path.ismount(MOUNT):
        hostside.run("umount", MOUNT)
    if os.path.exists("/sys/module/brd"):
        hostside.run("rmmod", "brd")


@contextlib.contextmanager
def tap(queues=1):
    """A tap that exists while a test runs."""
    hostside.make_tap(TAP, queues)
    try:
        yield TAP
    finally:
        hostside.remove_link(TAP)


@contextlib.contextmanager
def booted(devices, name, **options):
    """A guest with these devices that has booted."""
    command = guest.vmm_command(devices, initrd=INITRD, **options)
    log = os.path.join(LOGS, f"vmm-{name}.log")
    with guest.Guest(command, log) as running:
        try:
            running.wait_ready()
            yield running
        except Exception:
            print("# " + " ".join(command))
            with open(log, encoding="utf-8", errors="replace") as file:
                for line in file.read()[-2000:].splitlines():
                    print("# | " + line)
            raise


def patient(test):
    """The same test; it begins anew, twice at most, if an emulated host has lost its guest."""
    description, function = test if isinstance(test, tuple) else (test.__doc__, test)

    def attempts():
        for _ in range(ATTEMPTS - 1):
            try:
                return function()
            except guest.GuestLost as error:
                print(f"# once more, for this host is emulated: {error}", flush=True)
        return function()
    return description.split("\n", 1)[0], attempts


def wait_until(condition, what):
    """Wait until a condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {SECONDS} s"
        time.sleep(0.1)


def check_unprivileged(pid, user):
    """A process is that user's, by number, and has no capabilities: what /proc says of it."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    equal(status["Uid"].split(), [str(user)] * 4, "user of the process")
    equal(int(status["CapEff"], 16), 0, "its capabilities")
    return status


def equal(actual, expected, what):
    """Two values are the same."""
    assert actual == expected, f"{what}: {actual!r}, not {expected!r}"


def digest(path, offset_mib):
    """MD5 of a pattern's place on a disk, read past the host's page cache."""
    return hostside.run("sh", "-c", read_command(path, offset_mib)).split()[0]


def read_command(path, offset_mib):
    """The shell command that reads the pattern there and prints its MD5."""
    return (f"dd if={path} bs=1M skip={offset_mib} count={PATTERN_MIB} iflag=direct 2>/dev/null"
            " | md5sum")


def write_pattern(path, offset_mib):
    """Write bytes that were never there: their MD5."""
    data = os.urandom(PATTERN_MIB * MIB)
    with open(path, "r+b") as file:
        file.seek(offset_mib * MIB)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.md5(data).hexdigest()


def guest_writes(running, device, offset_mib):
    """The guest writes bytes that were never there: their MD5."""
    running.check(f"dd if=/dev/urandom of=/tmp/p bs=1M count={PATTERN_MIB} 2>/dev/null", SECONDS)
    running.check(f"dd if=/tmp/p of={device} bs=64k seek={offset_mib * 16} oflag=direct "
                  "2>/dev/null && sync", SECONDS)
    return running.check("md5sum /tmp/p", SECONDS).split()[0]


class Transfer:
    """The host's end of one TCP connection that sends data or receives all of it."""

    def __init__(self, data=None):
        self._listener = socket.create_server((hostside.HOST_ADDRESS, 0))
        self._listener.settimeout(SECONDS)
        self.port = self._listener.getsockname()[1]
        self._data = data
        self.received = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with self._listener:
            connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(SECONDS)
            if self._data is not None:
                connection.sendall(self._data)
                return
            while part := connection.recv(MIB):
                self.received += part

    def wait(self):
        """Wait for its end."""
        self._thread.join(SECONDS)
        if self._thread.is_alive():
            raise AssertionError("the transfer does not end")


def kernel_complaints():
    """Lines of the host's kernel log that tell of a fault, if they can be believed."""
    sound = subprocess.run([SOUND], stdout=subprocess.PIPE, text=True, check=False)
    if sound.returncode:
        raise ktap.BailOut(f"the host's emulator went wrong: {sound.stdout.strip()}")
    log = subprocess.run(["dmesg"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in log.splitlines() if any(word in line for word in (
        "BUG:", "WARNING:", "Oops", "general protection", "Call Trace", "blocked for more than"))]
