#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Each fuzz target passes its whole corpus, and a few seconds of fuzzing."""

import sys
import tempfile
from pathlib import Path

import targets

sys.path.insert(0, str(targets.HERE.parent))
import ktap  # pylint: disable=wrong-import-position

SECONDS = 4


def corpus(target):
    """Every input of the corpus."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "corpus"
        count = targets.unpack(target, inputs)
        assert count, "the corpus is empty"
        status, output = targets.run(target, f"-artifact_prefix={folder}/",
                                     *sorted(inputs.iterdir()))
        assert not status, output
        assert output.count("Executed ") == count, output


def briefly(target):
    """New inputs, from those of the corpus."""
    crashes = targets.STATE / target / "crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        targets.unpack(target, Path(folder))
        status, output = targets.run(target, f"-max_total_time={SECONDS}", "-timeout=10",
                                     f"-artifact_prefix={crashes}/", folder)
    assert not status, output
    runs, coverage = targets.summary(output)
    assert runs and coverage, output


ktap.main([(f"{target}: {what}", lambda function=function, target=target: function(target))
           for target in targets.TARGETS
           for what, function in (("the corpus", corpus), ("a few seconds", briefly))])
