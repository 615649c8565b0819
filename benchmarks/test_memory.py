"""Measures the memory of every scenario on every build by `cases.memory_record`."""

from __future__ import annotations

from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.measure.cases import Case, memory_record

SUITE = "memory"


def test_memory(harness: Any, put: Any, case: Case, build_name: str, build_or_error: Any) -> None:
    if isinstance(build_or_error, LeanError):
        put(case.failed(SUITE, build_name, build_or_error))
        return
    record = memory_record(case, build_or_error, harness.folder, build_name, harness.progress)
    seconds = [record.stages["build"]["seconds"]] if record.stages else []
    put(record, seconds)
