"""Counts the instructions of a step under valgrind, whole and by function of the kernels."""

from __future__ import annotations

from typing import Any

import pytest

from anuga_lean._errors import LeanError
from anuga_lean.measure.cases import Case
from anuga_lean.measure.instructions import NO_VALGRIND, has_valgrind, instructions_record

SUITE = "instructions"


@pytest.mark.skipif(not has_valgrind(), reason=NO_VALGRIND)
def test_instructions(harness: Any, put: Any, case: Case, build_name: str,
                      build_or_error: Any) -> None:
    if isinstance(build_or_error, LeanError):
        put(case.failed(SUITE, build_name, build_or_error))
        return
    put(instructions_record(case, build_or_error, harness.folder, build_name, harness.progress))
