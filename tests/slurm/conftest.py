"""The Slurm of a module's tests, if one can run here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm.cluster import Cluster, cgroup_version, why_not


@pytest.fixture(scope="session")
def can_run() -> None:
    """Skip what needs Slurm where it cannot run."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")     # another process of pytest waits for it
def cluster(can_run: None) -> Iterator[Cluster]:
    yield from started()


@pytest.fixture(scope="module")
def cluster_with_accounts() -> Iterator[Cluster]:
    """Two nodes, whose jobs a database keeps."""
    reason = why_not(accounting=True)
    if reason is not None:
        pytest.skip(reason)
    yield from started(2, True)


def started(count: int = 1, accounting: bool = False) -> Iterator[Cluster]:
    # The path of a socket has 107 characters at most: no folder of pytest's.
    with tempfile.TemporaryDirectory(prefix="slurm_", dir="/tmp") as folder:
        found = Cluster(Path(folder) / "cluster", count, accounting)
        try:
            try:
                found.start()
            except RuntimeError as error:
                if cgroup_version() == 1:
                    raise
                # Slurm may want a part of the tree that systemd would have to give.
                pytest.skip(f"Slurm does not start on cgroups of version 2 here: {error}")
            yield found
        finally:
            found.stop()    # what there is of it
