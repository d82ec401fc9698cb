# SPDX-License-Identifier: GPL-2.0
"""The fuzz targets: their corpus, and how they are run.

A corpus is kept as text, one input a line in hexadecimal: corpus/TARGET.txt.
"""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parent.parent
BUILD = TREE / "build" / "selftests" / "fuzz"
STATE = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "vqhost" / "fuzz"

TARGETS = ["fuzz_ring", "fuzz_race", "fuzz_request", "fuzz_memory"]

# Inputs are short sequences of steps; longer ones only slow the search down.
MAX_LENGTH = 512


def corpus_file(target):
    """The corpus of a target in the tree."""
    return HERE / "corpus" / f"{target}.txt"


def unpack(target, folder):
    """Write the inputs of the corpus as files; returns how many there are."""
    inputs = re.findall(r"^[0-9a-f]+$", corpus_file(target).read_text(), re.MULTILINE)
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(inputs):
        (folder / f"tree-{number:03}").write_bytes(bytes.fromhex(line))
    return len(inputs)


def pack(target, folder):
    """Make the files of a folder the corpus."""
    lines = sorted({path.read_bytes().hex() for path in folder.iterdir()}, key=lambda x: (len(x), x))
    with open(corpus_file(target), "w", encoding="ascii") as file:
        file.write("# SPDX-License-Identifier: GPL-2.0\n")
        file.writelines(line + "\n" for line in lines if line)


def run(target, *arguments):
    """Run a target; returns its exit status and its output."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS":
                   "print_stacktrace=1"}
    done = subprocess.run([BUILD / target, f"-max_len={MAX_LENGTH}", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, env=environment)
    return done.returncode, done.stdout.decode(errors="replace")


def summary(output):
    """Executions and coverage, from what a target printed."""
    runs = re.search(r"^Done (\d+) runs", output, re.MULTILINE)
    coverage = re.findall(r"\bcov: (\d+)", output)
    return (int(runs[1]) if runs else 0), (int(coverage[-1]) if coverage else 0)
