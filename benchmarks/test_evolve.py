"""Measures `evolve` as a whole, split by part, on one thread and on two, all builds in turns."""

from __future__ import annotations

from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.measure.cases import Case
from anuga_lean.measure.evolving import evolve_records

SUITE = "evolve"


def test_evolve(harness: Any, put: Any, case: Case, build_name: str, build_or_error: Any) -> None:
    if isinstance(build_or_error, LeanError):
        put(case.failed(SUITE, build_name, build_or_error))
        return
    key = id(case)
    if key not in harness.evolving:
        names = harness.names(SUITE, case)
        harness.evolving[key] = evolve_records(case, list(harness.found(names)), harness.folder,
                                               names, harness.progress)
    record = harness.evolving[key][build_or_error.label]
    put(record, [record.figures["evolve_seconds"].value] if record.figures else [])
