"""Measures seconds per step of every scenario on every build, all builds of a case in turns."""

from __future__ import annotations

from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.measure.cases import Case, speed_records

SUITE = "speed"


def test_speed(harness: Any, put: Any, case: Case, build_name: str, build_or_error: Any) -> None:
    if isinstance(build_or_error, LeanError):
        put(case.failed(SUITE, build_name, build_or_error))
        return
    key = id(case)
    if key not in harness.seconds:
        names = harness.names(SUITE, case)
        harness.seconds[key] = speed_records(case, list(harness.found(names)), harness.folder,
                                             names, harness.progress)
    put(*harness.seconds[key][build_or_error.label])
