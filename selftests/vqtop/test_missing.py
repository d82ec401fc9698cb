#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Whatever is missing is named in one line, by an exit status of its own."""

import os
import subprocess

from subject import MODULES, equal, vqtop
import ktap

NOBODY = 65534


def refused(status, words, *arguments, **keywords):
    """vqtop says one line, nothing else."""
    done = vqtop("--once", "--interval", "0.1", *arguments, **keywords)
    equal(done.stdout, "", "output")
    equal(len(done.stderr.splitlines()), 1, done.stderr)
    assert words in done.stderr, done.stderr
    equal(done.returncode, status, done.stderr)


def run(*command):
    """Run a command that has to succeed."""
    subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL)


def without_permission():
    """an unprivileged user"""
    refused(5, "no permission", user=NOBODY, group=NOBODY, extra_groups=[])


def without_debugfs():
    """debugfs that is not mounted"""
    run("umount", "/sys/kernel/debug")
    try:
        refused(4, "debugfs is not mounted on /sys/kernel/debug")
    finally:
        run("mount", "-t", "debugfs", "none", "/sys/kernel/debug")


def debugfs_elsewhere():
    """debugfs that is mounted elsewhere"""
    os.makedirs("/tmp/elsewhere", exist_ok=True)
    run("mount", "-t", "debugfs", "none", "/tmp/elsewhere")
    try:
        done = vqtop("--once", "--interval", "0.1", "--debugfs", "/tmp/elsewhere")
        equal(done.returncode, 0, done.stderr)
    finally:
        run("umount", "/tmp/elsewhere")


def without_module():
    """no module"""
    run(MODULES, "unload")
    try:
        refused(3, "the module vqhost is not loaded")
    finally:
        run(MODULES, "load")


def without_terminal():
    """a live table without a terminal"""
    done = vqtop()
    equal((done.returncode, done.stdout), (2, ""))
    assert "--once" in done.stderr, done.stderr


ktap.main([without_permission, without_debugfs, debugfs_elsewhere, without_module,
           without_terminal])
