# SPDX-License-Identifier: GPL-2.0
"""KTAP for tests in Python: a test is a function, it fails by raising."""

import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here, with the reason."""


class BailOut(Exception):
    """Raised by a test after which no other can be judged, with the reason."""


def run(tests):
    """Run functions or (description, function) pairs in order: the exit status."""
    print("TAP version 13")
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, test in enumerate(tests, 1):
        description, function = test if isinstance(test, tuple) else (None, test)
        description = description or function.__doc__.split("\n", 1)[0]
        try:
            function()
            print(f"ok {number} {description}", flush=True)
        except Skip as reason:
            print(f"ok {number} {description} # SKIP {reason}", flush=True)
        except BailOut as reason:
            print(f"Bail out! {reason}", flush=True)
            return 1
        except Exception:  # pylint: disable=broad-except
            failed = 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print(f"not ok {number} {description}", flush=True)
    return failed


def main(tests):
    """Run tests and exit."""
    sys.exit(run(tests))
