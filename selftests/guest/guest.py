# SPDX-License-Identifier: GPL-2.0
"""A guest whose console is driven by a program: see init for the protocol.

Guest starts a VMM, waits for the guest's shell, runs commands in it and tells
how the VMM ended.  vmm_command() is the one place that knows how a VMM is
started: vqvmm, or stock QEMU for cross-checking figures.
"""

import base64
import dataclasses
import os
import selectors
import signal
import subprocess
import time
import zlib

import hostside
from threads import what_it_does

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGE = os.path.join(TREE, "build", "guest")
VQVMM = os.path.join(TREE, "build", "vqvmm")

# Stock QEMU: the machine's own, or the one that was unpacked in this folder.
QEMU_ROOT = os.environ.get("INTEROP_QEMU")
QEMU = [f"{QEMU_ROOT}/usr/bin/qemu-system-x86_64", "-L", f"{QEMU_ROOT}/usr/share/qemu", "-L",
        f"{QEMU_ROOT}/usr/share/seabios"] if QEMU_ROOT else ["qemu-system-x86_64"]

# Only errors go to the console: a message costs exits while something is measured.
# An emulated SVM lets a guest's XSETBV through to the host's register, so guests do without.
KERNEL_OPTIONS = "console=ttyS0 quiet loglevel=4 random.trust_cpu=on noxsave"


# What QEMU is given as descriptors.
VHOST_DEVICES = ("/dev/vqhost-net", "/dev/vhost-net")

# Exit status of vqvmm after a reset, also one by a triple fault.
RESET = 3


class GuestError(Exception):
    """The guest, or the VMM under it, did not do what was asked."""


class GuestLost(GuestError):
    """The guest hangs or has reset itself in an emulated host, which does that to some."""


@dataclasses.dataclass
class Disk:
    """A virtio-blk device: the file behind it and the backend that serves it.

    One of the backend "vhost-user" is served by whoever listens at the socket device, and has
    the file; a net likewise, but by QEMU alone.
    """
    path: str
    backend: str = "user"
    device: str = None
    queues: int = 1
    readonly: bool = False
    packed: bool = False


@dataclasses.dataclass
class Net:
    """A virtio-net device: the tap behind it and the backend that serves it."""
    tap: str
    backend: str = "user"
    device: str = None
    queues: int = 1
    mac: str = "52:54:00:00:00:01"
    packed: bool = False
    rss: bool = False
    iommu: bool = False
    queue_reset: bool = True


def _options(pairs):
    return ",".join(f"{name}={value}" for name, value in pairs if value is not None)


def vqvmm_command(kernel, initrd, cmdline, cpus, memory, devices, machine_name=None):
    """The command line of vqvmm."""
    command = [VQVMM, "run", "--kernel", kernel, "--initrd", initrd,
               "--cmdline", cmdline, "--cpus", str(cpus), "--memory", memory]
    if machine_name:
        command += ["--name", machine_name]
    for device in devices:
        backend = [("backend", device.backend), ("queues", device.queues),
                   ("packed", "on" if device.packed else None)]
        if device.backend == "vhost-user":
            command += ["--disk", _options([("socket", device.device)] + backend)]
            continue
        backend += [("device", device.device)]
        if isinstance(device, Disk):
            command += ["--disk", _options([("path", device.path)] + backend +
                                           [("readonly", "on" if device.readonly else None)])]
        else:
            command += ["--net", _options([("tap", device.tap), ("mac", device.mac)] + backend +
                                          [("rss", "on" if device.rss else None)])]
    return command


def _vhost_user(index, device, packed):
    """Options of QEMU for a device that is served at a socket."""
    command = ["-chardev", f"socket,id=c{index},path={device.device},reconnect=1"]
    if isinstance(device, Disk):
        return command + ["-device", f"vhost-user-blk-pci,chardev=c{index},"
                                     f"num-queues={device.queues}{packed}"]
    several = f",mq=on,vectors={2 * device.queues + 2}" if device.queues > 1 else ""
    return command + [
        "-netdev", f"vhost-user,id=n{index},chardev=c{index},queues={device.queues}",
        "-device", f"virtio-net-pci,netdev=n{index},mac={device.mac},romfile={several}{packed}"]


def open_vhost(device):
    """Descriptors of a net's kernel device, one for each queue pair."""
    return [os.open(device.device or "/dev/vqhost-net", os.O_RDWR) for _ in range(device.queues)]


def _tap(device):
    """Options of QEMU for a tap: by name, or if it has several queues by descriptors."""
    options = [("ifname", device.tap), ("script", "no"), ("downscript", "no")]
    if device.queues > 1:
        options = [("fds", _inherited(hostside.open_tap(device.tap, device.queues)))]
    if device.backend != "vhost":
        return options + [("vhost", "off")]
    return options + [("vhost", "on"), ("vhostfd" + ("s" if device.queues > 1 else ""),
                                        _inherited(open_vhost(device)))]


def _inherited(fds):
    for fd in fds:
        os.set_inheritable(fd, True)
    return ":".join(map(str, fds))


def qemu_command(kernel, initrd, cmdline, cpus, memory, devices):
    """The same machine by stock QEMU, as far as it can: disks by its own backend.

    With a net behind an IOMMU it has an emulated one, which the guest uses.
    """
    behind_iommu = any(isinstance(device, Net) and device.iommu for device in devices)
    if behind_iommu:
        cmdline += " intel_iommu=on"
    command = QEMU + ["-accel", "kvm", "-cpu", "host", "-smp", str(cpus),
                      "-m", memory, "-nodefaults", "-no-user-config", "-display", "none",
                      "-no-reboot", "-serial", "stdio", "-kernel", kernel, "-initrd", initrd,
                      "-append", cmdline]
    if behind_iommu:
        command += ["-machine", "q35,kernel-irqchip=split", "-device",
                    "intel-iommu,intremap=off,caching-mode=off,device-iotlb=on"]
    if any(device.backend == "vhost-user" for device in devices):
        command += ["-object", f"memory-backend-memfd,id=ram,size={memory},share=on",
                    "-numa", "node,memdev=ram"]
    for index, device in enumerate(devices):
        packed = ",packed=on" if device.packed else ""
        if device.backend == "vhost-user":
            command += _vhost_user(index, device, packed)
            continue
        if isinstance(device, Disk):
            command += ["-drive", _options([
                ("file", device.path), ("format", "raw"), ("if", "none"),
                ("id", f"d{index}"), ("cache", "none"), ("aio", "native"),
                ("readonly", "on" if device.readonly else None)])]
            command += ["-device", f"virtio-blk-pci,drive=d{index},num-queues={device.queues}"
                                   f"{packed}"]
            continue
        command += ["-netdev", _options([("tap,id", f"n{index}")] + _tap(device))]
        several = f",mq=on,vectors={2 * device.queues + 2}" if device.queues > 1 else ""
        iommu = ""
        if device.iommu:
            # QEMU tells of unmapping if the guest has turned ATS on, which takes PCI Express:
            # a device of the root bus has it not, and would go on using what was unmapped.
            command += ["-device", f"pcie-root-port,id=p{index},chassis={index + 1}"]
            iommu = f",bus=p{index},iommu_platform=on,ats=on"
        reset = "" if device.queue_reset else ",queue_reset=off"
        command += ["-device", f"virtio-net-pci,id=net{index},netdev=n{index},mac={device.mac},"
                               f"romfile={several}{packed}{iommu}{reset}"]
    return command


def vmm_command(devices, vmm="vqvmm", cpus=2, memory="512M", initrd=None, cmdline="", **options):
    """The command line that boots the guest image with these devices."""
    make = {"vqvmm": vqvmm_command, "qemu": qemu_command}[vmm]
    return make(os.path.join(IMAGE, "vmlinuz"), initrd or os.path.join(IMAGE, "initrd"),
                f"{KERNEL_OPTIONS} {cmdline}".strip(), cpus, memory, devices, **options)


def _cpio_entry(name, data, mode, inode):
    header = b"070701" + b"".join(b"%08X" % field for field in (
        inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
    entry = header + name.encode() + b"\0"
    entry += b"\0" * (-len(entry) % 4) + data
    return entry + b"\0" * (-len(entry) % 4)


def initrd_with(path, files):
    """Write to path the guest's initrd with files {name: text} added below /job."""
    with open(os.path.join(IMAGE, "initrd"), "rb") as base, open(path, "wb") as out:
        while chunk := base.read(1 << 20):
            out.write(chunk)
        out.write(b"\0" * (-out.tell() % 512))
        out.write(_cpio_entry("job", b"", 0o040755, 1))
        for inode, (name, text) in enumerate(files.items(), 2):
            out.write(_cpio_entry(f"job/{name}", text.encode(), 0o100755, inode))
        out.write(_cpio_entry("TRAILER!!!", b"", 0, 0))


def host_is_emulated():
    """Is KVM emulated?  A guest is lost there now and then: see docs/testing.md."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return "QEMU TCG" in file.read()


def lost(reason):
    """The error that says so of a guest that hangs or has reset itself."""
    return (GuestLost if host_is_emulated() else GuestError)(reason)


class Guest:
    """A running VMM.  Use as a context manager: leaving it kills the VMM.

    In an emulated host it may be started a second time, if the guest does not boot:
    boots says how often it was.
    """

    def __init__(self, command, log, boot_timeout=120, environment=None):
        self.command_line = command
        self.boot_timeout = boot_timeout
        self.boots = 0
        self._environment = environment
        self._log = open(log, "wb", buffering=0)
        self._fds = [int(fd) for word in command for part in word.split(",")
                     if part.startswith(("vhostfd=", "vhostfds=", "fds="))
                     for fd in part.split("=")[1].split(":")]
        self._launch()

    def _launch(self):
        self.boots += 1
        self._pending = b""
        if self.boots > 1:
            self._open_again()
        # The console is a pipe; errors of the VMM go to the log beside it.
        self.process = subprocess.Popen(
            self.command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            bufsize=0, pass_fds=self._fds, env=self._environment)
        os.set_blocking(self.process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def _open_again(self):
        """A vhost device belongs to the process that had it, also when that has ended."""
        for fd in self._fds:
            path = os.readlink(f"/proc/self/fd/{fd}")
            if path in VHOST_DEVICES:
                fresh = os.open(path, os.O_RDWR)
                os.dup2(fresh, fd)
                os.close(fresh)

    def _release(self):
        self.kill()
        self._selector.close()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._release()
        for fd in self._fds:
            os.close(fd)
        self._log.close()

    @property
    def pid(self):
        """Process id of the VMM."""
        return self.process.pid

    def _line(self, deadline):
        """The next line of the console; None at its end."""
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not self._selector.select(left):
                self._log.write("\n".join(what_it_does(self.pid)).encode() + b"\n")
                raise lost("the guest does not answer; last on its console: "
                           + repr(self._pending[-200:].decode(errors="replace")))
            data = self.process.stdout.read(65536)
            if data is None:
                continue
            if not data:
                return None
            self._log.write(data)
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        return line.strip(b"\r").decode(errors="replace")

    def _wait_for(self, wanted, deadline, on_mark=None):
        """Lines that begin with @@ until one of them is wanted; that one's words."""
        while True:
            line = self._line(deadline)
            if line is None:
                status = self.process.wait()
                raise (lost if status == RESET else GuestError)(
                    f"the VMM ended (status {status}) before the guest said {wanted}")
            at = line.find("@@")
            words = line[at + 2:].split(None, 1) if at >= 0 else [""]
            if words[:1] == ["MARK"] and on_mark:
                on_mark(words[1])
                self.send("go")
            elif words[:1] == ["OUT"] and on_mark is None:
                self._output.append(words[1])
            elif words[:1] == ["FAIL"]:
                raise GuestError("the guest failed: " + " ".join(words[1:]))
            elif words[:1] == [wanted]:
                return words[1:]

    def send(self, line):
        """A line to the guest's console."""
        try:
            self.process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            raise GuestError("the VMM ended") from None

    def wait_ready(self):
        """Wait until the guest has booted."""
        try:
            self._wait_for("READY", time.monotonic() + self.boot_timeout)
        except GuestLost as error:
            if self.boots > 1:
                raise
            print(f"# booting a guest of this emulated host once more: {error}", flush=True)
            self._release()
            self._launch()
            self.wait_ready()

    def start(self, command):
        """Start a shell command in the guest without waiting for it."""
        self.send(command)

    def run(self, command, timeout=120, on_mark=lambda name: None):
        """Run a shell command: its (status, output).  on_mark is called for each mark."""
        self.start(command)
        return self.finish(timeout, on_mark)

    def finish(self, timeout=120, on_mark=lambda name: None):
        """Wait for the command that start() started: its (status, output)."""
        deadline = time.monotonic() + timeout
        status = int(self._wait_for("DONE", deadline, on_mark)[0])
        self._output = []
        self.send("")
        self._wait_for("READY", deadline)
        try:
            data = zlib.decompress(base64.b64decode("".join(self._output)), 31)
        except (ValueError, zlib.error) as error:
            raise GuestError(f"the output of a command came damaged: {error}") from None
        return status, data.decode(errors="replace")

    def check(self, command, timeout=120, on_mark=lambda name: None):
        """Run a command that must succeed: its output."""
        status, output = self.run(command, timeout, on_mark)
        if status:
            raise GuestError(f"{command}: status {status}: {output.strip()[-2000:]}")
        return output

    def wait(self, timeout=60):
        """Wait for the VMM to end: its exit status, negative for a signal."""
        deadline = time.monotonic() + timeout
        while self._line(deadline) is not None:
            pass
        try:
            return self.process.wait(max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise GuestError("the VMM closed its console but does not end") from None

    def power_off(self, timeout=60):
        """Switch the guest off: the VMM's exit status."""
        self.start("poweroff -f")
        return self.wait(timeout)

    def kill(self):
        """SIGKILL for the VMM, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
