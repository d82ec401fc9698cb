#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counters over HTTP: formats that others read, values that are right, clients of any kind."""

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import time

from subject import MODULES, PATIENCE, VQTOP, equal, vqtop, workload
import ktap

PROMTOOL = VQTOP.parent / "selftests" / "vqtop" / "promtool"
PATH = "/tmp/vqtop.socket"
PORT = 19100
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CLASSIC = "text/plain; version=0.0.4; charset=utf-8"


def connect(where):
    """A connection to a server, which may be about to listen."""
    end = time.monotonic() + PATIENCE
    while True:
        family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(where)
            return connection
        except (ConnectionRefusedError, FileNotFoundError, BlockingIOError):
            connection.close()
            assert time.monotonic() < end, "nobody listens"
            time.sleep(0.05)


def exchange(where, request):
    """Send bytes: all bytes of the answer."""
    with connect(where) as connection:
        connection.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while True:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        return answer


def get(where=PATH, accept=None, path="/metrics", method="GET"):
    """The status, type and body of an answer."""
    header = f"Accept: {accept}\r\n" if accept else ""
    answer = exchange(where, f"{method} {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
    head, body = answer.decode().split("\r\n\r\n", 1)
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    if method == "GET":
        equal(int(fields["Content-Length"]), len(body.encode()), "length")
    return int(head.split()[1]), fields["Content-Type"], body


@contextlib.contextmanager
def server(where=f"unix:{PATH}"):
    """A server that ends with the block, in good order."""
    process = subprocess.Popen([VQTOP, "serve", "--listen", where], stderr=subprocess.PIPE)
    try:
        yield process
        process.terminate()
        equal(process.wait(PATIENCE), 0, "status of the server")
    finally:
        process.kill()
        process.wait()


def samples(body):
    """All samples: values by name and labels."""
    found = {}
    for line in body.splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\["\\n])*",?)*)\} ([0-9.]+)', line)
        assert match, f"not a sample: {line}"
        labels = tuple(re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', match[2]))
        assert (match[1], labels) not in found, f"twice: {line}"
        found[match[1], labels] = match[3]
    return found


def check_openmetrics(body):
    """What OpenMetrics 1.0 demands: families in one piece, with their suffixes, an end."""
    lines = body.split("\n")
    equal(lines[-2:], ["# EOF", ""], "end")
    families = [line.split()[2:4] for line in lines if line.startswith("# TYPE ")]
    names = [name for name, _ in families]
    equal(len(set(names)), len(names), "families")
    at = -1
    for line in lines[:-2]:
        word = line.split()[2] if line.startswith("#") else line.split("{")[0]
        if line.startswith("# HELP "):
            at += 1
        name, kind = families[at]
        if line.startswith("#"):
            equal(word, name, line)
        else:
            equal(word, name + ("_total" if kind == "counter" else ""), line)
        if line.startswith("# UNIT "):
            assert name.endswith("_" + line.split()[3]), line


def formats():
    """OpenMetrics by default; the classic format for who accepts only that, as promtool"""
    with workload("a name", "blk", "ram-disk") as owner, server():
        owner.do("read 10")
        for accept in None, "*/*", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5":
            status, kind, body = get(accept=accept)
            equal((status, kind), (200, OPENMETRICS), accept)
            check_openmetrics(body)
        status, kind, classic = get(accept="text/plain")
        equal((status, kind), (200, CLASSIC))
        assert "# EOF" not in classic, classic
        equal(samples(classic).keys(), samples(body).keys(), "samples of both formats")
        for text in classic, "":
            done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            equal((done.returncode, done.stdout), (0, ""), "promtool")
        # It would have found a mistake.
        done = subprocess.run([PROMTOOL, "check", "metrics"], text=True, check=False,
                              input=classic.replace("kicks_total", "kicks"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode, "promtool says nothing of a counter without _total"


def values():
    """values are those of the owner's own counters"""
    names = {"busy_ns": None, "wait_ns": None, "in_flight": "in_flight"}
    with workload("counted", "blk", "ram-disk") as owner, server():
        owner.do("read 100")
        owner.do("write 20")
        owner.do("together 16")
        owner.settled()
        found = samples(get()[2])
        for queue, counters in owner.stats().items():
            labels = (("device", None), ("type", "vqhost-blk"), ("pid", str(owner.pid)),
                      ("name", "counted"), ("queue", str(queue)))
            own = {name: value for (name, its), value in found.items() if its[1:] == labels[1:]}
            for name, value in counters.items():
                name = names.get(name, name + "_total")
                if name:
                    equal(own[f"vqhost_queue_{name}"], str(value), name)
            equal(own["vqhost_queue_running"], "1")
            equal(own["vqhost_queue_descriptors"], "64")
            assert re.fullmatch(r"\d+\.\d{9}", own["vqhost_queue_wait_seconds_total"]), own
            busy = float(own["vqhost_queue_busy_seconds_total"])
            assert 0 <= busy <= counters["busy_ns"] / 1e9 + 1e-9, (busy, counters["busy_ns"])
        assert float(found["vqhost_queue_requests_total", (("device", own_device(found, owner.pid)),
                     ("type", "vqhost-blk"), ("pid", str(owner.pid)), ("name", "counted"),
                     ("queue", "0"))]) == 136


def own_device(found, pid):
    """The number of an owner's device."""
    return next(dict(labels)["device"] for _, labels in found if dict(labels)["pid"] == str(pid))


def names():
    """labels of any name are escaped"""
    with workload('a"b\\c\n{},=', "blk", "ram-disk"), server():
        for accept in None, "text/plain":
            body = get(accept=accept)[2]
            assert '",name="a\\"b\\\\c\\n{},=",queue="0"} ' in body, body
            samples(body)
    with workload(b"\xff\xc3\xa9", "blk", "ram-disk"), server():
        assert ',name="\ufffd\u00e9",' in get()[2]


def requests():
    """what is no request for metrics gets an error, or nothing"""
    with server():
        equal(get(path="/")[0], 404)
        equal(get(path="/metrics?x=1")[0], 200)
        equal(get(method="POST")[0], 405)
        status, _, body = get(method="HEAD")
        equal((status, body), (200, ""))
        for request in b"", b"GET", b"\0" * 100, b"GET /metrics HTTP/1.1\r\n" + b"x" * 20000:
            answer = exchange(PATH, request) if request else b""
            equal(answer, b"", request[:30])
        equal(get()[0], 200)


def slow_clients():
    """clients that say or take nothing are dropped; others are served, memory does not grow"""
    def memory():
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    with workload("aaa", "blk", "ram-disk"), server() as process:
        equal(get()[0], 200)
        before = memory()
        silent = [connect(PATH) for _ in range(3)]
        silent.append(connect(PATH))
        silent[-1].sendall(b"GET /metrics HTT")
        deaf = connect(PATH)
        deaf.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        equal(get()[0], 200)
        for connection in silent:
            equal(connection.recv(10), b"", "what a silent client gets")
            connection.close()
        deaf.close()
        for _ in range(50):
            exchange(PATH, b"GET /metrics HTTP/1.1\r\n" + b"x" * 9000)
        for _ in range(50):
            connect(PATH).close()
        equal(get()[0], 200)
        assert memory() < before + 512, (before, memory())


def permissions():
    """the socket is for root alone, and gone afterwards"""
    with server():
        get()
        equal(oct(stat.S_IMODE(os.stat(PATH).st_mode)), "0o600")
        equal(os.stat(PATH).st_uid, 0)
    equal(os.path.exists(PATH), False, "the socket is left")


def stale_socket():
    """what a killed server has left is replaced; a live server, or anything else, is not"""
    with server() as process:
        get()
        done = vqtop("serve", "--listen", f"unix:{PATH}")
        equal((done.returncode, done.stdout), (1, ""))
        equal(done.stderr, f"vqtop: --listen unix:{PATH}: another server listens\n")
        equal(get()[0], 200)
        process.send_signal(signal.SIGKILL)
        process.wait()
        equal(os.path.exists(PATH), True, "a killed server leaves its socket")
        with server():
            equal(get()[0], 200)
        # For the end of the block.
        process.returncode = 0
    with open(PATH, "w", encoding="ascii") as file:
        file.write("precious")
    done = vqtop("serve", "--listen", f"unix:{PATH}")
    equal(done.stderr, f"vqtop: --listen unix:{PATH}: there is something else\n")
    with open(PATH, encoding="ascii") as file:
        equal(file.read(), "precious")
    os.unlink(PATH)


def ports():
    """a port of the loopback interface, and of no other"""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with server(f"127.0.0.1:{PORT}"):
        equal(get(("127.0.0.1", PORT))[0], 200)
        done = vqtop("serve", "--listen", f"127.0.0.1:{PORT}")
        equal(done.returncode, 1)
        equal(done.stderr, f"vqtop: --listen 127.0.0.1:{PORT}: another server listens\n")
    for where in f"0.0.0.0:{PORT}", f"10.0.0.1:{PORT}", f"127.0.0.1.5:{PORT}", "127.0.0.1:0", \
                 "127.0.0.1:65536", f"[::]:{PORT}", f":{PORT}", "127.0.0.1", "unix:", \
                 "unix:" + "x" * 200:
        done = vqtop("serve", "--listen", where)
        equal((done.returncode, done.stdout), (2, ""), where)
        equal(len(done.stderr.splitlines()), 1, done.stderr)
    equal(vqtop("serve").returncode, 2)


def module_that_goes():
    """while there is no module the answer says so; afterwards all is as before"""
    with server():
        equal(get()[0], 200)
        subprocess.run([MODULES, "unload"], check=True)
        try:
            status, _, body = get()
            equal(status, 503)
            assert "the module vqhost is not loaded" in body, body
        finally:
            subprocess.run([MODULES, "load"], check=True)
        equal(get()[0], 200)


ktap.main([formats, values, names, requests, slow_clients, permissions, stale_socket, ports,
           module_that_goes])
