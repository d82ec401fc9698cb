#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A guest says which queue each flow goes to, and that is where it arrives."""

import ipaddress
import re
import socket
import sys
import time

sys.dont_write_bytecode = True
from bench import (SECONDS, booted, equal, guest, hostside, kernel_complaints, patient, prepare,
                   tap)
import ktap

QUEUES = 4
FLOWS = range(40000, 40032)
PACKETS = 4
PORT = 9

KEY = ("6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:"
       "ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa")


def toeplitz(key, data):
    """The hash of data, bit by bit."""
    number = int.from_bytes(key, "big")
    bits = 8 * len(key)
    value = 0
    for index in range(8 * len(data)):
        if data[index // 8] & 0x80 >> index % 8:
            value ^= number >> (bits - 32 - index)
    return value & 0xffffffff


class Steering:
    """What the guest's driver says its key and indirection table are."""

    def __init__(self, running):
        text = running.check("ethtool -x eth0", SECONDS)
        rows = re.findall(r"^\s*\d+:((?:\s+\d+)+)$", text, re.MULTILINE)
        self.table = [int(queue) for row in rows for queue in row.split()]
        self.key = bytes.fromhex(re.search(r"^((?:[0-9a-f]{2}:)+[0-9a-f]{2})$", text,
                                           re.MULTILINE)[1].replace(":", ""))

    def queue_of(self, port, with_ports=True):
        """The queue of a flow from a port of the host's to PORT of the guest's."""
        data = (ipaddress.ip_address(hostside.HOST_ADDRESS).packed
                + ipaddress.ip_address(hostside.GUEST_ADDRESS).packed)
        if with_ports:
            data += port.to_bytes(2, "big") + PORT.to_bytes(2, "big")
        return self.table[toeplitz(self.key, data) % len(self.table)]

    def expected(self, with_ports=True):
        """How many packets of all flows each queue gets."""
        counts = [0] * QUEUES
        for port in FLOWS:
            counts[self.queue_of(port, with_ports)] += PACKETS
        return counts


def packets(running):
    """How many packets each receive queue has had."""
    text = running.check("ethtool -S eth0", SECONDS)
    counts = dict(re.findall(r"rx_queue_(\d+)_packets: (\d+)", text))
    # A queue that is not in use is not among them.
    return [int(counts.get(str(queue), 0)) for queue in range(QUEUES)]


def arrived(running):
    """Send all flows: how many packets each receive queue got."""
    before = packets(running)
    for port in FLOWS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((hostside.HOST_ADDRESS, port))
            for _ in range(PACKETS):
                sender.sendto(b"packet", (hostside.GUEST_ADDRESS, PORT))
    deadline = time.monotonic() + SECONDS
    while True:
        counts = [now - then for now, then in zip(packets(running), before)]
        if sum(counts) >= PACKETS * len(FLOWS) or time.monotonic() > deadline:
            return counts


def know_each_other(running, device):
    """No question for an address is to be counted among the packets."""
    address = re.search(r"link/ether (\S+)", hostside.run("ip", "link", "show", device))[1]
    hostside.run("ip", "neigh", "replace", hostside.GUEST_ADDRESS, "dev", device, "lladdr",
                 running.check("cat /sys/class/net/eth0/address").strip(), "nud", "permanent")
    running.check(f"arp -s {hostside.HOST_ADDRESS} {address}")


def rss_test(backend):
    """A test of a guest that changes its mind about where flows go."""
    def test():
        with tap(QUEUES) as device:
            net = guest.Net(device, backend, queues=QUEUES, rss=True)
            with booted([net], f"rss-{backend}", cpus=2) as running:
                equal(running.check("cut -c61 /sys/bus/virtio/devices/*/features").strip(), "1",
                      "VIRTIO_NET_F_RSS")
                know_each_other(running, device)
                running.check(f"ethtool -L eth0 combined {QUEUES}")

                running.check(f"ethtool -X eth0 hkey {KEY} equal {QUEUES}")
                steering = Steering(running)
                equal(steering.key.hex(":"), KEY, "key")
                equal(sorted(set(steering.table)), list(range(QUEUES)), "queues of the table")
                assert min(steering.expected()) > 0, "the flows do not use all queues"
                equal(arrived(running), steering.expected(), "packets by the first table")

                running.check("ethtool -X eth0 weight 1 0 2 5")
                steering = Steering(running)
                equal(steering.expected()[1], 0, "packets for a queue without weight")
                equal(arrived(running), steering.expected(), "packets by the second table")

                running.check("ethtool -X eth0 weight 0 0 0 1")
                equal(arrived(running), [0, 0, 0, PACKETS * len(FLOWS)], "packets to one queue")

                running.check(f"ethtool -X eth0 equal {QUEUES}")
                # The driver tells the device of hash types only while this is on.
                running.check("ethtool -K eth0 rxhash on")
                running.check("ethtool -N eth0 rx-flow-hash udp4 sd")
                equal(arrived(running), Steering(running).expected(with_ports=False),
                      "packets by address only")

                running.check("ethtool -K eth0 rxhash off")
                equal(arrived(running), [PACKETS * len(FLOWS), 0, 0, 0], "packets without a hash")

                # This turns the steering off: the tap spreads flows as it likes.
                running.check(f"ethtool -X eth0 equal {QUEUES - 1}")
                running.check(f"ethtool -L eth0 combined {QUEUES - 1}")
                counts = arrived(running)
                equal((sum(counts), counts[QUEUES - 1]), (PACKETS * len(FLOWS), 0),
                      "packets to all queues, to one that is not used")
                assert sum(1 for count in counts if count) > 1, f"one queue got all: {counts}"
                equal(running.power_off(SECONDS), 0, "exit status of a power-off")
        equal(kernel_complaints(), [], "complaints in the kernel log")
    return f"backend={backend}: flows go where the guest's indirection table says", test


def test_off():
    """a guest that is not offered it has no table"""
    with tap(2) as device:
        with booted([guest.Net(device, "vhost", queues=2)], "rss-off", cpus=2) as running:
            equal(running.check("cut -c61 /sys/bus/virtio/devices/*/features").strip(), "0",
                  "VIRTIO_NET_F_RSS")
            status, _ = running.run("ethtool -X eth0 equal 2")
            assert status, "a table was set"
            equal(running.power_off(SECONDS), 0, "exit status of a power-off")


if __name__ == "__main__":
    prepare()
    ktap.main([patient(test) for test in [rss_test("user"), rss_test("vhost"), test_off]])
