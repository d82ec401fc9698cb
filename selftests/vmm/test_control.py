#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A machine that runs is asked about itself, paused, resumed and stopped by its name."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from bench import (BLOCK_DEVICE, FILE, SECONDS, booted, digest, equal, guest,
                   guest_writes, hostside, kernel_complaints, patient, prepare, read_command,
                   tap, write_pattern)
import ktap

NAME = "vqtest"
SOCKET = f"/run/vqvmm/{NAME}.sock"
STOPPED = 130
REJECTED = 2

# What is written again and again while the machine is paused and resumed.
LOAD = ("touch /tmp/go; (while [ -e /tmp/go ]; do dd if=/tmp/p of=/dev/vda bs=64k seek=512 "
        "oflag=direct 2>/dev/null || break; md5sum /tmp/p >/tmp/sum; done; echo ended >/tmp/end) &")
# So long, in seconds, that no command of a test lasts as long.
PAUSE = 15


def ask(command, name=NAME):
    """Run a command for a machine: what its reply says."""
    done = subprocess.run([guest.VQVMM, command, name], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    equal((done.returncode, done.stderr), (0, ""), f"status of {command}, errors")
    return json.loads(done.stdout)


def refused(*arguments):
    """Run a command that must fail: its exit status and what it says."""
    done = subprocess.run([guest.VQVMM, *arguments], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    equal((done.stdout, done.stderr.count("\n")), ("", 1), "output, lines of errors")
    return done.returncode, done.stderr


def names():
    """The machines that run."""
    text = subprocess.run([guest.VQVMM, "list"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return [json.loads(line)["name"] for line in text.splitlines()]


def processor_time(pid):
    """Clock ticks that the vCPUs have run."""
    ticks = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii") as file:
            name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        if name.startswith("vcpu"):
            ticks += sum(map(int, rest.split()[11:13]))
    return ticks


def states(reply):
    """The states of all queues, without those that the driver does not use."""
    return {queue["state"] for device in reply["devices"] for queue in device["queues"]
            } - {"disabled"}


def uptime(running):
    """Seconds by the guest's clock."""
    return float(running.check("cat /proc/uptime").split()[0])


def check_stat(running, backend):
    """A running machine tells what it has."""
    reply = ask("stat")
    equal((reply["name"], reply["pid"], reply["state"], reply["cpus"], reply["memory_bytes"]),
          (NAME, running.pid, "running", 2, 512 << 20), "the machine")
    devices = {device["type"]: device for device in reply["devices"]}
    equal(sorted(devices), ["disk", "net"], "devices")
    equal(devices["disk"]["option"], f"--disk path={BLOCK_DEVICE}", "the disk")
    equal((devices["disk"]["driver_ready"], len(devices["disk"]["queues"])), (True, 2),
          f"driver of the disk, queues, backend={backend}")
    equal(states(reply), {"running"}, "queues")
    assert NAME in names(), "it is not listed"


def check_stands_still(pid):
    """Neither vCPUs nor queues do anything."""
    reply = ask("stat")
    equal((reply["state"], states(reply)), ("paused", {"stopped"}), "state, of its queues")
    before = processor_time(pid), digest(BLOCK_DEVICE, 32)
    time.sleep(1)
    equal((processor_time(pid), digest(BLOCK_DEVICE, 32)), before, "ticks of vCPUs, the disk")


def pause_test(backend):
    """A test that pauses and resumes a guest under load."""
    def test():
        disk = guest.Disk(BLOCK_DEVICE, backend, queues=2)
        with tap() as device, booted([guest.Net(device, backend), disk], f"pause-{backend}",
                                     machine_name=NAME) as running:
            check_stat(running, backend)
            guest_writes(running, "/dev/vda", 16)
            running.check(LOAD)

            before = uptime(running)
            equal(ask("pause")["state"], "paused", "reply to pause")
            equal(ask("pause")["state"], "paused", "reply to a second pause")
            check_stands_still(running.pid)
            time.sleep(PAUSE)
            equal(ask("resume")["state"], "running", "reply to resume")
            passed = uptime(running) - before
            assert passed < PAUSE, f"{passed} s have passed for the guest"

            for _ in range(20):
                ask("pause")
                ask("resume")
            equal(states(ask("stat")), {"running"}, "queues")
            wrote = write_pattern(BLOCK_DEVICE, 1)
            equal(running.check(read_command("/dev/vda", 1), SECONDS).split()[0], wrote,
                  "what the guest reads")
            running.check(f"ping -c 3 -w {SECONDS} {hostside.HOST_ADDRESS}", 2 * SECONDS)
            running.check("rm /tmp/go; while [ ! -e /tmp/end ]; do sleep 0.1; done", SECONDS)
            equal(digest(BLOCK_DEVICE, 32), running.check("cat /tmp/sum").split()[0],
                  "what was written meanwhile")
            equal(running.check("dmesg | grep -ci 'lockup\\|stall' || true").strip(), "0",
                  "complaints of the guest")
            equal(running.power_off(SECONDS), 0, "exit status of a power-off")
        assert not os.path.exists(SOCKET), "the socket is still there"
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return f"backend={backend}: a guest under load stands still, and goes on", test


def check_stop(running):
    """It ends, and its name is free."""
    equal(ask("stop")["name"], NAME, "reply to stop")
    equal(running.wait(SECONDS), STOPPED, "exit status")
    assert not os.path.exists(SOCKET), "the socket is still there"
    equal((refused("stat", NAME)[0], names()), (REJECTED, []), "status, list")


def test_killed():
    """a machine that was killed is not listed; another one takes its name, and stops when paused"""
    with booted([], "killed", machine_name=NAME) as running:
        running.kill()
        assert os.path.exists(SOCKET), "the socket is gone"
        equal((refused("stat", NAME)[0], names()), (REJECTED, []), "status, list")
    with booted([guest.Disk(FILE, "vhost")], "after-killed", machine_name=NAME) as running:
        equal((ask("stat")["pid"], names()), (running.pid, [NAME]), "process id, list")
        ask("pause")
        check_stop(running)


def connect():
    """A connection of our own to the socket."""
    client = socket.socket(socket.AF_UNIX)
    # Waits for its turn while many want to connect.
    client.connect(SOCKET)
    client.settimeout(SECONDS)
    return client


def replies(client, count):
    """So many replies."""
    with client.makefile("r") as file:
        return [json.loads(file.readline()) for _ in range(count)]


def is_lost(client):
    """Does the machine end the connection, whatever it has not read?"""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def check_clients(running):
    """Whatever clients do, each gets its replies, or loses its connection."""
    with connect() as client:
        client.sendall(b"nonsense\nstat\n\npause\nresume\n\xff\0\n")
        equal([reply.get("error") or reply["state"] for reply in replies(client, 6)],
              ["there is no such command", "running", "there is no such command", "paused",
               "running", "there is no such command"], "replies")
    with connect() as client:
        for letter in "stat":
            client.sendall(letter.encode())
            time.sleep(0.05)
        client.sendall(b"\n")
        equal(replies(client, 1)[0]["state"], "running", "reply to a request in pieces")
    with connect() as client:
        client.sendall(b"x" * 1000)
        assert is_lost(client), "a request without end is waited for"
    # These leave before they have their replies, or are turned away.
    for request in [b"pause\n"] * 20 + [b"resume\nst"] * 20:
        with connect() as client, contextlib.suppress(BrokenPipeError):
            client.sendall(request)
    many = [connect() for _ in range(17)]
    # Which of them it is depends on who of those before has been seen to leave.
    lost, _, _ = select.select(many, [], [], SECONDS)
    assert lost and all(map(is_lost, lost)), "none of 17 clients is turned away"
    for client in many:
        client.close()
    # One that takes no reply does not keep others waiting.
    with connect() as client:
        try:
            for _ in range(20000):
                client.sendall(b"stat\n", socket.MSG_DONTWAIT)
        except OSError:
            pass
        equal(ask("stat")["pid"], running.pid, "reply meanwhile")
    # Somebody's pause may still be under way.
    deadline = time.monotonic() + SECONDS
    while subprocess.run([guest.VQVMM, "resume", NAME], capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, "it is about to pause for ever"
    equal(ask("stat")["state"], "running", "state at last")


def check_bystander():
    """Nobody but its owner reaches a machine."""
    equal((os.stat("/run/vqvmm").st_mode & 0o777, os.stat(SOCKET).st_mode & 0o777),
          (0o700, 0o600), "modes")
    status = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "python3", "-c",
                             "import socket; socket.socket(socket.AF_UNIX)"
                             f".connect('{SOCKET}')"], capture_output=True, check=False)
    assert b"PermissionError" in status.stderr, "somebody else is connected"


def test_clients():
    """clients that do as they like, others who may not, a second machine of that name, and stop"""
    with booted([], "clients", machine_name=NAME) as running:
        check_clients(running)
        check_bystander()
        status, text = refused("run", "--kernel", os.path.join(guest.IMAGE, "vmlinuz"),
                               "--name", NAME)
        equal((status, f"--name {NAME}" in text), (REJECTED, True), "a second one")
        check_stop(running)


if __name__ == "__main__":
    prepare()
    ktap.main([patient(test) for test in [
        pause_test("user"), pause_test("vhost"), test_killed, test_clients]])
