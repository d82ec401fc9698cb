# SPDX-License-Identifier: GPL-2.0
"""The workloads: the command run in the guest, and what its output means.

A command calls "mark begin" and "mark end" around what is measured.  A parser
turns the command's output into {"value", "operations", ...}: value in the
workload's unit, operations the number of requests, packets or MiB that the
costs are divided by.  It raises LostData when what arrived is not what was sent.
"""

import dataclasses
import json
import typing

IPERF_PORT = 5201
NETPROBE_PORT = 5202
LATENCY_SIZE = 64
UDP_SIZE = 64
# Verified data: enough to wrap a 256-entry ring many times.
VERIFY_MIB = 16


class LostData(Exception):
    """Data was lost or changed."""


@dataclasses.dataclass
class Workload:
    """What is run, and which of its figures makes a row of the table."""
    name: str
    title: str
    device: str	  # "net" or "blk"
    unit: str
    operation: str  # what the costs are counted per
    command: typing.Callable  # (seconds, host's address) -> shell command
    parse: typing.Callable  # (output) -> {"value": ..., "operations": ...}
    lower_is_better: bool = False
    small: bool = False  # in-kernel has to be ahead here
    fixed: bool = False  # does a given amount of work: no duration, no ratio
    key: str = "value"  # the figure of the row


def _json(output):
    """The JSON object in an output that may have warnings around it."""
    start = output.find("{")
    if start < 0:
        raise ValueError(f"no JSON in: {output.strip()[-500:]}")
    return json.JSONDecoder().raw_decode(output[start:])[0]


def _fio(options):
    return ("cd /tmp && fio --name=job --filename=/dev/vda --direct=1 --ioengine=libaio "
            f"--output-format=json --exec_prerun='mark begin' --exec_postrun='mark end' {options}")


def _fio_timed(rw, block, depth):
    def command(seconds, _address):
        return _fio(f"--rw={rw} --bs={block} --iodepth={depth} --norandommap "
                    f"--time_based --runtime={seconds}")
    return command


def _fio_verify(_seconds, _address):
    return _fio(f"--rw=randwrite --bsrange=4k-64k --iodepth=16 --size={VERIFY_MIB}M "
                "--verify=crc32c --verify_fatal=1 --do_verify=1")


def _fio_job(output):
    job = _json(output)["jobs"][0]
    if job["error"]:
        first = next((line for line in output.splitlines() if line.startswith("verify:")), "")
        raise LostData(f"fio: error {job['error']} {first}".strip())
    return job


def _parse_fio(direction, mib=False):
    def parse(output):
        side = _fio_job(output)[direction]
        return {"value": side["bw_bytes"] / (1 << 20) if mib else side["iops"],
                "operations": side["total_ios"],
                "mean_us": side["clat_ns"]["mean"] / 1000,
                "p99_us": side["clat_ns"].get("percentile", {}).get("99.000000", 0) / 1000}
    return parse


def _parse_fio_verify(output):
    job = _fio_job(output)
    size = VERIFY_MIB << 20
    if job["write"]["io_bytes"] != size or job["read"]["io_bytes"] != size:
        raise LostData(f"fio wrote {job['write']['io_bytes']} and verified "
                       f"{job['read']['io_bytes']} of {size} bytes")
    return {"value": VERIFY_MIB,
            "operations": job["write"]["total_ios"] + job["read"]["total_ios"]}


def _iperf(options):
    def command(seconds, address):
        return (f"mark begin; iperf3 -c {address} -p {IPERF_PORT} -J -t {seconds} {options}; "
                "status=$?; mark end; exit $status")
    return command


def _iperf_end(output):
    result = _json(output)
    if "error" in result:
        raise ValueError("iperf3: " + result["error"])
    return result["end"]


def _parse_tcp(output):
    received = _iperf_end(output)["sum_received"]
    if not received["bytes"]:
        raise LostData("iperf3: nothing arrived")
    return {"value": received["bits_per_second"] / 1e6,
            "operations": received["bytes"] / (1 << 20)}


def _parse_udp(output):
    """What arrived, by the receiver's count; the sender's figure says nothing."""
    received = _iperf_end(output)["sum_received"]
    packets = received["bytes"] // UDP_SIZE
    if not packets:
        raise LostData("iperf3: nothing arrived")
    return {"value": packets / received["seconds"] / 1000, "operations": packets}


def _latency(seconds, address):
    return f"netprobe latency {address} {NETPROBE_PORT} {seconds} {LATENCY_SIZE} mark"


def _parse_latency(output):
    result = _json(output)
    return {"value": result["mean_us"], "p50_us": result["p50_us"], "p99_us": result["p99_us"],
            "max_us": result["max_us"], "operations": result["requests"]}


def _transfer(_seconds, address):
    return (f"mark begin; netprobe transfer {address} {NETPROBE_PORT} {VERIFY_MIB}; "
            "status=$?; mark end; exit $status")


def _parse_transfer(output):
    result = _json(output)
    if result["wrong_received"] or result["wrong_sent"]:
        raise LostData(f"netprobe: {result['wrong_received']} words received and "
                       f"{result['wrong_sent']} words sent arrived changed")
    if result["bytes"] != VERIFY_MIB << 20:
        raise LostData(f"netprobe: {result['bytes']} bytes arrived")
    return {"value": VERIFY_MIB, "operations": VERIFY_MIB}


WORKLOADS = [
    Workload("latency", "request/response 64 B, mean", "net", "us", "request",
             _latency, _parse_latency, lower_is_better=True, small=True),
    Workload("udp-out", "UDP 64 B, guest to host", "net", "kpkt/s", "packet",
             _iperf(f"-u -b 0 -l {UDP_SIZE}"), _parse_udp, small=True),
    Workload("udp-in", "UDP 64 B, host to guest", "net", "kpkt/s", "packet",
             _iperf(f"-u -b 0 -l {UDP_SIZE} -R"), _parse_udp, small=True),
    Workload("tcp-out", "TCP, guest to host", "net", "Mbit/s", "MiB", _iperf(""), _parse_tcp),
    Workload("tcp-in", "TCP, host to guest", "net", "Mbit/s", "MiB", _iperf("-R"), _parse_tcp),
    Workload("net-verify", "TCP, both ways, every byte checked", "net", "MiB", "MiB",
             _transfer, _parse_transfer, fixed=True),
    Workload("randread-1", "4 KiB random read, depth 1", "blk", "IOPS", "request",
             _fio_timed("randread", "4k", 1), _parse_fio("read"), small=True),
    Workload("randread-16", "4 KiB random read, depth 16", "blk", "IOPS", "request",
             _fio_timed("randread", "4k", 16), _parse_fio("read"), small=True),
    Workload("randwrite-1", "4 KiB random write, depth 1", "blk", "IOPS", "request",
             _fio_timed("randwrite", "4k", 1), _parse_fio("write"), small=True),
    Workload("randwrite-16", "4 KiB random write, depth 16", "blk", "IOPS", "request",
             _fio_timed("randwrite", "4k", 16), _parse_fio("write"), small=True),
    Workload("seqread", "128 KiB sequential read", "blk", "MiB/s", "request",
             _fio_timed("read", "128k", 4), _parse_fio("read", mib=True)),
    Workload("blk-verify", "written pattern, verified", "blk", "MiB", "request",
             _fio_verify, _parse_fio_verify, fixed=True),
]

# The rows of the table: the latency workload gives two.
P99 = dataclasses.replace(WORKLOADS[0], title="request/response 64 B, p99", key="p99_us")
ROWS = [WORKLOADS[0], P99] + WORKLOADS[1:]
