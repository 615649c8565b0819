"""Measures the memory of every rank of a parallel run on every build."""

from __future__ import annotations

from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.measure.cases import Case, ranks_record

SUITE = "ranks"


def test_ranks(harness: Any, put: Any, case: Case, build_name: str, build_or_error: Any) -> None:
    if isinstance(build_or_error, LeanError):
        put(case.failed(SUITE, build_name, build_or_error))
        return
    record = ranks_record(case, build_or_error, harness.folder, build_name, harness.progress)
    seconds = [record.figures["seconds_per_step"].value] if record.figures else []
    put(record, seconds)
