#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The verdict of selftests/run on what a test file prints."""

import importlib.machinery
import importlib.util
import json
import signal
import sys
import tempfile
from pathlib import Path

SELFTESTS = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(SELFTESTS))
import ktap  # pylint: disable=wrong-import-position

LOADER = importlib.machinery.SourceFileLoader("run", str(SELFTESTS / "run"))
RUN = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", LOADER))
LOADER.exec_module(RUN)

WHOLE = "TAP version 13\n1..3\nok 1 a\nok 2 b # SKIP no such device\nok 3 - c\n"

# Output, exit status (None: time limit), expected passed, failed, skipped.
CASES = {
    "passed and skipped tests": (WHOLE, 0, 2, 0, 1),
    "a failed test": (WHOLE.replace("ok 1", "not ok 1"), 1, 1, 1, 1),
    "a failed test whose file claims success": (WHOLE.replace("ok 1", "not ok 1"), 0, 1, 1, 1),
    "tests passed but the file says it failed": (WHOLE, 1, 2, 1, 1),
    "fewer tests than planned": (WHOLE.replace("1..3", "1..4"), 0, 2, 1, 1),
    "more tests than planned": (WHOLE.replace("1..3", "1..2"), 0, 2, 1, 1),
    "no plan": (WHOLE.replace("1..3\n", ""), 0, 2, 1, 1),
    "no output": ("", 0, 0, 1, 0),
    "a crash": (WHOLE, -signal.SIGSEGV, 2, 1, 1),
    "a hang": (WHOLE, None, 2, 1, 1),
    "a skipped file": ("TAP version 13\n1..0 # SKIP no device\n", 4, 0, 0, 1),
    "comments and nested tests": (WHOLE + "# not ok 9 x\n  not ok 1 nested\n", 0, 2, 0, 1),
}


def check(output, status, *expected):
    """Raise unless the verdict is the expected one."""
    count = RUN.parse_ktap(output, status)
    actual = (count.passed, count.failed, count.skipped)
    assert actual == expected, f"expected {expected}, got {actual}"


def check_void(voids, expected):
    """Run two test files in hosts of which the first ones are void: the sum and the boots."""
    boots = []

    def boot(tests, *_):
        boots.append([test.name for test in tests])
        if len(boots) <= voids:
            return RUN.Count(), tests, True
        return RUN.Count(passed=len(tests)), [], False

    RUN.boot = boot
    total = RUN.run_hosted([RUN.Test("a", "/1"), RUN.Test("a", "/2")], Path("/"), "6.1", 1)
    actual = (total.passed, total.failed, boots)
    assert actual == expected, f"expected {expected}, got {actual}"


def check_problems():
    """The sum of test files names each failed case, also after it has been written to a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test"
        path.write_text("#!/bin/sh\nprintf '1..2\\nnot ok 1 one\\nok 2 two\\n'\n")
        path.chmod(0o755)
        tests = [RUN.Test("virtqueue", path), RUN.Test("model", path)]
        total = RUN.Count(**json.loads(json.dumps(vars(RUN.run_list(tests, Path(folder), 1)))))
    assert total.problems == ["virtqueue/test: one", "model/test: one"], total.problems
    assert (total.passed, total.failed) == (2, 2), total


BOTH = ["a/1", "a/2"]
VOIDS = [
    ("what a void host did is done again", lambda: check_void(1, (2, 0, [BOTH] * 2))),
    ("a test that always ends in a void host has failed",
     lambda: check_void(3, (1, 1, [BOTH] * 3 + [["a/2"]]))),
]
PROBLEMS = ("what failed is named with the sum", check_problems)

ktap.main([(name, lambda case=case: check(*case)) for name, case in CASES.items()] + VOIDS + [PROBLEMS])
