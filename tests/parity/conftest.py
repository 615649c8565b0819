"""The session's parity runs: only those the selected tests ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from parity.runs import Runs


@pytest.fixture(scope="session")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """Results of every (case, setting) the session's tests name in their `wants` mark."""
    wanted = [
        want
        for item in request.session.items
        for mark in item.iter_markers("wants")
        for want in mark.args
    ]
    if hasattr(request.config, "workerinput"):      # of pytest-xdist: all of its workers share them
        folder = tmp_path_factory.getbasetemp().parent / "parity"
        folder.mkdir(exist_ok=True)
    else:
        folder = tmp_path_factory.mktemp("parity")
    started = Runs(folder, wanted)
    yield started
    started.close()
