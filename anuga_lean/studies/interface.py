"""Runs a study from Python, or for the command line.

Owns which engine a name means, and what a caller gets back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from anuga_lean._errors import StudyError
from anuga_lean.studies.definition import Study, from_arguments, nbytes
from anuga_lean.studies.engines import Dask, Engine, Local
from anuga_lean.studies.members import Member
from anuga_lean.studies.records import Record, read_record
from anuga_lean.studies.running import Run
from anuga_lean.studies.summaries import dataset_of, rows, write_tables


class Results:
    """What a study has come to.

    Attributes
    ----------
    folder : Path
    members, completed, failed : int
    failures : dict of str to str
        Why a member is not tried again, by its name.
    is_stopped : bool
        Whether too many scripts have failed for going on.
    """

    def __init__(self, run: Run) -> None:
        self.folder = run.folder.path
        found = run.progress
        self.members, self.completed, self.failed = found.members, found.completed, found.failed
        self.failures = dict(found.failures)
        self.is_stopped = run.is_stopping
        self._pairs: list[tuple[Member, Record | None]] = [
            (each, read_record(run.folder.member(each.name))) for each in run.members.values()]

    def write(self) -> list[Path]:
        """Write the tables into the study's folder, and return their paths."""
        return write_tables(self.folder, self._pairs)

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each member: its parameters, how it ended, its scalar results."""
        return list(rows(self._pairs))

    def dataset(self) -> Any:
        """Return parameters and results over sets and replicates, an xarray Dataset."""
        return dataset_of(self._pairs)


def engine_for(on: str, folder: Path, memory: str | None, cores: int | None) -> Engine:
    """Return the engine of a name.

    Raises
    ------
    StudyError
        There is none of this name, or it does not answer.
    """
    if cores is not None and cores < 1:
        raise StudyError(f"{cores} cores are too few: give 1 or more.")
    if on == "local":
        return Local(None if memory is None else nbytes(memory), cores)
    if "://" in on:
        if memory is not None or cores is not None:
            raise StudyError(f"memory and cores are those of the workers at {on}: start them as "
                             "'dask worker --resources MEMORY=48e9', and leave these out here.")
        return Dask(on, folder.resolve().parent)
    raise StudyError(f"a study does not run on {on!r}: give local, or the address of a Dask "
                     "scheduler, tcp://HOST:PORT.")


def run(study: Study, folder: Path, on: str, memory: str | None, cores: int | None,
        tell: Callable[[Run], None] = lambda run: None) -> Results:
    """Run what is missing of a study."""
    running = Run(study, folder, engine_for(on, folder, memory, cores), tell)
    running.run()
    return Results(running)


def run_study(folder: str | os.PathLike[str], on: str, memory: str | None, cores: int | None,
              keys: Mapping[str, Any]) -> Results:
    """Run a study given as the keys of a study file; see `anuga_lean.study`."""
    path = Path(folder)
    found = run(from_arguments(Path.cwd(), path.name, **keys), path, on, memory, cores)
    found.write()
    return found
