"""Writes one line of JSON for each event of a test, at once; a plugin of pytest.

UPSTREAM_OUTCOMES names the file.  Tests that are in it already are left out, so
that a run goes on behind a test that killed the process.  Tests are called by
their place in the package: anuga/shallow_water/tests/test_x.py::Class::test.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FILE = Path(os.environ["UPSTREAM_OUTCOMES"])
_names: dict[str, str] = {}


def _write(**line: Any) -> None:
    with open(FILE, "a") as stream:
        print(json.dumps(line), file=stream)


def _name(item: pytest.Item) -> str:
    import anuga

    folder = Path(anuga.__file__).resolve().parent.parent
    path = Path(item.path).resolve().relative_to(folder)
    return "::".join([path.as_posix(), *item.nodeid.split("::")[1:]])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name the tests and leave out what has been run."""
    _names.update({item.nodeid: _name(item) for item in items})
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    done = {json.loads(line).get("start") for line in lines}
    left_out = [item for item in items if _names[item.nodeid] in done]
    items[:] = [item for item in items if _names[item.nodeid] not in done]
    config.hook.pytest_deselected(items=left_out)


def pytest_sessionstart() -> None:
    """Note which classes the domains are of."""
    import anuga

    own = any(cls.__module__.startswith("anuga_lean") for cls in anuga.Domain.__mro__)
    _write(variant="lean" if own else "stock")


def pytest_runtest_logstart(nodeid: str) -> None:
    """Note that a test begins."""
    _write(start=_names[nodeid])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note that a phase of a test has ended."""
    _write(
        test=_names[report.nodeid],
        when=report.when,
        outcome=report.outcome,
        xfail=hasattr(report, "wasxfail"),
        text=report.longreprtext[-4000:] if report.failed else None,
    )


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a module that cannot be loaded as a test that failed."""
    if report.failed:
        _write(start=report.nodeid)
        _write(test=report.nodeid, when="collect", outcome="failed", xfail=False,
               text=report.longreprtext[-4000:])
