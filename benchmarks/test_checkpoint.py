"""Measures checkpoints on every build: bytes, peak while writing, seconds; lean also with zstd."""

from __future__ import annotations

from typing import Any

import pytest

from anuga_lean._errors import LeanError
from anuga_lean.measure.cases import Case, checkpoint_record

SUITE = "checkpoint"


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_checkpoint(harness: Any, put: Any, case: Case, build_name: str, build_or_error: Any,
                    compression: str | None) -> None:
    if isinstance(build_or_error, LeanError):
        put(case.failed(SUITE, build_name, build_or_error))
        return
    if compression and build_or_error.variant != "lean":
        pytest.skip("ANUGA compresses no checkpoints")
    record = checkpoint_record(case, build_or_error, harness.folder, compression, harness.progress)
    seconds = [record.figures["seconds_later"].value] if record.figures else []
    put(record, seconds)
