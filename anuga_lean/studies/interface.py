"""Runs a study from Python, or for the command line.

Owns which engine a name means, and what a caller gets back.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from anuga_lean._errors import StudyError
from anuga_lean.guard.options import duration
from anuga_lean.studies.definition import Study, from_arguments, nbytes
from anuga_lean.studies.engines import Dask, Engine, Jobs, Local
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
        self._units = run.study.definition.units
        self._pairs: list[tuple[Member, Record | None]] = [
            (each, read_record(run.folder.member(each.name))) for each in run.members.values()]

    def write(self) -> list[Path]:
        """Write the tables into the study's folder, and return their paths."""
        return write_tables(self.folder, self._pairs, self._units)

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each member: its parameters, how it ended, its scalar results."""
        return list(rows(self._pairs))

    def dataset(self) -> Any:
        """Return the results as an xarray Dataset; see `summaries.dataset_of`."""
        return dataset_of(self._pairs, self._units)


def engine_for(on: str, folder: Path, memory: str | None, cores: int | None,
               jobs: Jobs | None = None) -> Engine:
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
    if on == "slurm":
        if jobs is None or memory is not None or cores is not None:
            raise StudyError("a study on Slurm is told about its jobs, and nothing else of memory "
                             "and cores: --jobs 4 --job-memory 60GiB --job-cores 16 --job-time "
                             "12h; in Python jobs=dict(count=4, memory=\"60GiB\", cores=16, "
                             "time=\"12h\").")
        from anuga_lean.studies.slurm import Slurm

        return Slurm(jobs, folder)
    if "://" in on:
        if memory is not None or cores is not None:
            raise StudyError(f"memory and cores are those of the workers at {on}: start them as "
                             "'dask worker --resources MEMORY=48e9', and leave these out here.")
        return Dask(on, folder.resolve().parent)
    raise StudyError(f"a study does not run on {on!r}: give local, slurm, or the address of a "
                     "Dask scheduler, tcp://HOST:PORT.")


def jobs_of(count: int = 1, memory: str = "", cores: int = 1, time: str = "",
            largest: str | None = None, partition: str | None = None,
            directives: Sequence[str] = ()) -> Jobs:
    """Return the jobs that texts like ``60GiB`` and ``12h`` describe.

    Raises
    ------
    StudyError
        A text means nothing, or a number is below 1.
    """
    for name, value in (("jobs", count), ("cores of a job", cores)):
        if value < 1:
            raise StudyError(f"{value} {name} are too few: give 1 or more.")
    try:
        seconds = duration(time)
    except ArgumentTypeError as error:
        raise StudyError(f"the time of a job: {error}.") from error
    return Jobs(count, nbytes(memory), cores, seconds,
                None if largest is None else nbytes(largest), partition, list(directives))


def run(study: Study, folder: Path, on: str, memory: str | None, cores: int | None,
        tell: Callable[[Run], None] = lambda run: None, jobs: Jobs | None = None) -> Results:
    """Run what is missing of a study."""
    running = Run(study, folder, engine_for(on, folder, memory, cores, jobs), tell)
    running.run()
    return Results(running)


def run_study(folder: str | os.PathLike[str], on: str, memory: str | None, cores: int | None,
              jobs: Mapping[str, Any] | None, keys: Mapping[str, Any]) -> Results:
    """Run a study given as the keys of a study file; see `anuga_lean.study`."""
    path = Path(folder)
    found = run(from_arguments(Path.cwd(), path.name, **keys), path, on, memory, cores,
                jobs=None if jobs is None else jobs_of(**jobs))
    found.write()
    return found
