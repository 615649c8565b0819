"""Describes the stored form of figures: one file a night, one record a scenario and build.

Owns what a record holds; schema.py checks files that claim to hold some.  The files are
pytest-benchmark's own JSON; what is ours lies in each benchmark's `extra_info`
and in `machine_info["anuga_lean"]`.  What measures is elsewhere in measure/ and in
benchmarks/, what shows figures is in report.py and page/.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from anuga_lean._errors import RecordError
from anuga_lean.measure.environment import environment

SCHEMA = "anuga_lean.figures/1"
MEASURED = ("memory", "speed", "evolve", "instructions", "checkpoint", "ranks")
SUITES = (*MEASURED, "patches")
GATES = ("memory", "ratio", "instructions", "kernel instructions")


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes
    ----------
    value : float
    unit : str
        ``B/tri``, ``MiB``, ``s``, ``ns/tri``, ``1/s``, ``x``, ``%``, ``instr/tri`` or
        ``tests``.
    spread : float or None
        Largest less smallest over the repeats, over the median; None for one.
    gate : str or None
        One of `GATES`: ``memory`` and ``instructions`` must not grow, ``ratio`` (stock over
        lean) must not fall.
    """

    value: float
    unit: str
    spread: float | None = None
    gate: str | None = None


@dataclass
class Record:
    """The figures of one scenario on one build.

    Attributes
    ----------
    suite : str
        One of `SUITES`; ``patches`` are verdicts of patches/verify.py, the others measurements.
    scenario, build : str
        ``build`` is ``stock``, ``lean``, a version such as ``3.3.10``, lean on one
        (``lean@4.1.0``) or the label of an interpreter.
    version : str
        What ran, ``anuga 4.1.0 + anuga_lean 0.1.0`` for example.
    parameters : dict
        Of the scenario, as asked for; those that give the mesh size as lists.
    triangles : list of int
        Sizes of the meshes, ascending; slopes are between first and last.
    flow_algorithm : str
    threads, numprocs, repeats : int
    isa : str or None
        Of the lean kernels.
    command : str
        What anyone can type to measure it again.
    figures : dict of str to Figure
    groups, arrays : dict of str to float
        B/tri of the census on the largest mesh, by group of arrays and by array.
    stages : dict of str to dict
        By stage, in their order: ``seconds`` and the bytes ``rss``, ``pss``,
        ``uss``, ``peak_rss`` (None where not known) on the largest mesh.
    ranks : list of dict
        By rank: ``rank``, ``number_of_triangles`` and the bytes ``rss``,
        ``pss``, ``uss``, ``peak_rss``.
    split : dict of str to float
        Wall time of `evolve` by part, s, of the run whose whole is the median; adds up to that.
    sites : list of dict
        Call sites of the peak, largest first: ``site``, ``nbytes``, ``share``.
    functions : dict of str to float
        Instructions per triangle and step, by function of the kernels and by library.
    toolchain : dict of str to str
        What instructions depend on: compiler of the kernels, Python, numpy, architecture.
    error : str or None
        Why there are no figures, in one sentence.
    """

    suite: str
    scenario: str
    build: str
    version: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    triangles: list[int] = field(default_factory=list)
    flow_algorithm: str = "DE0"
    threads: int = 1
    numprocs: int = 1
    repeats: int = 1
    isa: str | None = None
    command: str = ""
    figures: dict[str, Figure] = field(default_factory=dict)
    groups: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, float] = field(default_factory=dict)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    ranks: list[dict[str, Any]] = field(default_factory=list)
    sites: list[dict[str, Any]] = field(default_factory=list)
    split: dict[str, float] = field(default_factory=dict)
    functions: dict[str, float] = field(default_factory=dict)
    toolchain: dict[str, str] = field(default_factory=dict)
    error: str | None = None

    @property
    def key(self) -> str:
        """Return what names the same record in another file."""
        return f"{self.subject} on {self.build}"

    @property
    def release(self) -> str:
        """Return the version of ANUGA that ran or, if none did, was asked for; empty if unknown."""
        said = re.match(r"anuga (\S+)", self.version)
        asked = re.search(r"(?:^|@)(\d+(?:\.\w+)+)", self.build)
        return said[1] if said else asked[1] if asked else ""

    @property
    def variant(self) -> str:
        """Return the build without the version of ANUGA: ``lean`` for ``lean@4.1.0``."""
        return re.sub(r"@\d+(\.\w+)+", "", re.sub(r"^\d+(\.\w+)+", "stock", self.build))

    @property
    def subject(self) -> str:
        """Return suite, scenario and all that was set, without the build."""
        words = [self.suite, self.scenario]
        for name, value in self.parameters.items():
            given = value if isinstance(value, (list, tuple)) else [value]
            words.append(f"{name}={','.join(str(each) for each in given)}")
        if self.numprocs > 1:
            words.append(f"numprocs={self.numprocs}")
        if self.threads > 1:
            words.append(f"threads={self.threads}")
        return " ".join(words)

    def as_dict(self) -> dict[str, Any]:
        """Return the form that a benchmark's extra_info holds."""
        return {"schema": SCHEMA, **asdict(self)}


@dataclass
class Night:
    """All records of one file.

    Attributes
    ----------
    path : Path
    date : str
        ISO 8601, UTC.
    commit : str
        Short id, ``+`` behind it if the tree had changes; empty if not known.
    machine : dict
        See `environment.record`.
    records : list of Record
    """

    path: Path
    date: str
    commit: str
    machine: Mapping[str, Any]
    records: list[Record]


def read(path: str | Path) -> Night:
    """Read a file of figures.

    Parameters
    ----------
    path : path
        As written by ``pytest benchmarks --benchmark-json``.

    Raises
    ------
    RecordError
        Not there, no JSON, of another schema or damaged: one sentence.
    """
    return parse(load(path), path)


def load(path: str | Path) -> Any:
    """Return the JSON of a file of figures, unchecked.

    Raises
    ------
    RecordError
        Not there, or no JSON.
    """
    try:
        return json.loads(Path(path).read_text(), object_pairs_hook=_with_whole_names)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is no JSON: {error}") from error


def _with_whole_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping whose names can be encoded: JSON may hold half of a surrogate pair."""
    return {name.encode("utf-8", "backslashreplace").decode(): value for name, value in pairs}


def night(records: Sequence[Record]) -> dict[str, Any]:
    """Return records that pytest has not measured, in the form that `read` reads."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"datetime": now.isoformat(timespec="seconds"),
            "machine_info": {"anuga_lean": environment()},
            "benchmarks": [{"name": record.key, "extra_info": record.as_dict()}
                           for record in records]}


def parse(found: Any, path: str | Path) -> Night:
    """Return a night from the JSON of its file; `path` is what errors call it.

    Raises
    ------
    RecordError
        Of another schema or damaged.
    """
    from anuga_lean.measure import schema  # loads msgspec, which only what reads files wants

    file = schema.checked(found, path)
    commit = file.commit_info or schema.CommitInfo()
    name = str(commit.id or "")[:9]
    machine = (file.machine_info or schema.MachineInfo()).anuga_lean or {}
    return Night(Path(path), file.datetime, name + "+" * bool(name and commit.dirty),
                 dict(machine), [_record(entry.extra_info) for entry in file.benchmarks])


def _record(stored: Any) -> Record:
    given = {each.name: getattr(stored, each.name) for each in fields(Record)}
    given["figures"] = {name: Figure(each.value, each.unit, each.spread, each.gate)
                        for name, each in stored.figures.items()}
    return Record(**given)


def median_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the median, and largest less smallest number over it (None for one number)."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    if len(ordered) < 2 or not median:
        return median, None
    return median, (ordered[-1] - ordered[0]) / abs(median)


def figure(values: Sequence[float], unit: str, gate: str | None = None,
           factor: float = 1.0) -> Figure:
    """Return a figure from its repeats."""
    median, spread = median_and_spread(values)
    return Figure(median * factor, unit, spread, gate)
