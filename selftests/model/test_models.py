#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check the models of this folder exhaustively with spin.

A model must hold.  With one of its BROKEN_ macros, a barrier or a second look
that the sources have is left out, and the checker must find what goes wrong.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import ktap  # pylint: disable=wrong-import-position

# What breaks a virtqueue of any kind.
RING = ["DRIVER_WMB", "DRIVER_KICK_MB", "DRIVER_CALL_MB", "PENDING_RMB", "FLUSH_WMB", "CALL_MB",
        "SLEEP_WITH_STAGED", "ENABLE_MB", "ENABLE_WITHOUT_LOOK"]
EVENT = ["CALL_FOR_THE_LAST_ALONE", "EVENT_AHEAD"]
SLEEP = ["STATE_WITHOUT_BARRIER", "WAKE_NOT_TESTED", "ATTENTION_NOT_TESTED", "BACKEND_NOT_TESTED",
         "ARMED_LATE", "NAP_WITHOUT_END"]

# A model, how it is configured, and what must break it.
MODELS = [
    ("split", [], RING),
    ("split", ["EVENT_INDEX"], RING + EVENT),
    ("split", ["PAIRS"], []),
    ("split", ["PAIRS", "EVENT_INDEX"], []),
    ("packed", [], RING),
    ("packed", ["EVENT_INDEX"], RING + EVENT + ["EVENT_WITHOUT_WRAP"]),
    ("sleep", ["PACKETS"], SLEEP + ["ARMED_WITHOUT_BARRIER", "ARMED_FOR_KICKS_ALONE",
                                     "CLEAR_WITHOUT_BARRIER"]),
    ("sleep", ["COMPLETIONS"], SLEEP + ["WAKE_WITHOUT_BARRIER"]),
    ("ownership", [], ["GIVE_UP_SILENTLY", "GIVE_UP_UNDRAINED", "PARK_TWICE", "UNPARK_EARLY",
                       "UNPARK_WHAT_DOES_NOT_RUN", "UNPARK_WITHOUT_ATTENTION", "WANTED_FOR_EVER",
                       "ATTENTION_NOT_TESTED", "ATTENTION_RESET_LATE",
                       "WAKE_OF_THE_FIRST_ALONE", "CHANGE_WITHOUT_PARK", "ATTACH_WITHOUT_LOOK",
                       "STOP_WITHOUT_DETACH", "DETACH_WITHOUT_LOCK",
                       "FREE_WITHOUT_GRACE_PERIOD"]),
    ("ownership", ["SLOW"], ["DRAIN_BY_WAITING"]),
    ("ownership", ["MOVE"], ["ATTACH_WITHOUT_PARK"]),
    ("ownership", ["KILL"], ["DEATH_NOT_TOLD", "DEATH_KEEPS_QUEUES"]),
    ("ownership", ["MEMORY"], ["PARK_NOT_KILLABLE", "PARK_WITHOUT_HURRY"]),
]


def command(arguments, folder):
    """Run a command that must succeed; returns its output."""
    done = subprocess.run(arguments, cwd=folder, stdin=subprocess.DEVNULL, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(f"{arguments[0]}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def check(model, macros):
    """Search all states of a model; returns the error found, or None."""
    defines = [f"-D{macro}" for macro in macros]
    with tempfile.TemporaryDirectory() as folder:
        for source in HERE.glob("*.pml"):
            (Path(folder) / source.name).symlink_to(source)
        command(["spin", *defines, "-a", f"{model}.pml"], folder)
        # A broken model soon fails: compiling it takes longer than running it.
        optimise = "-O0" if any("BROKEN" in macro for macro in macros) else "-O2"
        command(["gcc", "-w", optimise, "-DSAFETY", "-o", "pan", "pan.c"], folder)
        output = command(["./pan", "-m100000"], folder)
        # Not all states were seen: that would prove nothing.
        if re.search(r"search depth too small|out of memory|truncated|not completed.*memory",
                     output):
            raise RuntimeError(output)
        if not re.search(r"^State-vector .* errors: \d+$", output, re.MULTILINE):
            raise RuntimeError(output)
        error = re.search(r"^pan:\d+: (.*) \(at depth", output, re.MULTILINE)
        if not error:
            return None
        trail = command(["spin", *defines, "-t", "-p", f"{model}.pml"], folder)
        return f"{error[1]}\n" + "\n".join(trail.splitlines()[-40:])


def holds(error):
    """The test of a sound model."""
    if error:
        raise AssertionError(error)


def refuted(error):
    """The test of a broken one."""
    assert error, "the checker found nothing wrong"


def macros_are_used():
    """every BROKEN_ macro of a model is among the tests"""
    for source in HERE.glob("*.pml"):
        there = set(re.findall(r"BROKEN_(\w+)", source.read_text()))
        tested = {macro for model, _, broken in MODELS if model == source.stem for macro in broken}
        assert there == tested, f"{source.name}: {there ^ tested}"


def main():
    """Check all in parallel, report in order."""
    cases = [("every BROKEN_ macro of a model is tested", macros_are_used)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for model, macros, broken in MODELS:
            name = " ".join([model, *macros])
            job = pool.submit(check, model, macros)
            cases.append((f"{name} holds", lambda job=job: holds(job.result())))
            for macro in broken:
                job = pool.submit(check, model, macros + [f"BROKEN_{macro}"])
                cases.append((f"{name} is refuted: {macro.lower()}",
                              lambda job=job: refuted(job.result())))
        ktap.main(cases)


if __name__ == "__main__":
    main()
