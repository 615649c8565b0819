"""Describes the stored form of figures: one file a night, one record a scenario and build.

Owns the schema and the check of files that claim to have it.  The files are
pytest-benchmark's own JSON; what is ours lies in each benchmark's `extra_info`
and in `machine_info["anuga_lean"]`.  What measures is elsewhere in measure/ and in
benchmarks/, what shows figures is in report.py and page/.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean._errors import RecordError
from anuga_lean.measure.environment import environment

SCHEMA = "anuga_lean.figures/1"
MEASURED = ("memory", "speed", "evolve", "instructions", "checkpoint", "ranks")
SUITES = (*MEASURED, "patches")
GATES = ("memory", "ratio", "instructions", "kernel instructions")


class Figure(NamedTuple):
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
        found = asdict(self)
        found["figures"] = {name: figure._asdict() for name, figure in self.figures.items()}
        return {"schema": SCHEMA, **found}


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
        return json.loads(Path(path).read_text())
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is no JSON: {error}") from error


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
    if not isinstance(found, dict) or not isinstance(found.get("benchmarks"), list):
        raise RecordError(f"{path} holds no figures: it has no list of benchmarks, as "
                          "pytest benchmarks --benchmark-json and anuga_lean compare --json write")
    commit, machine = (found.get(name) or {} for name in ("commit_info", "machine_info"))
    ours = machine.get("anuga_lean") or {} if isinstance(machine, dict) else None
    if not isinstance(commit, dict) or not isinstance(ours, dict):
        raise RecordError(f"{path} is damaged: commit_info or machine_info is no mapping")
    wrong = [name for name, value in ours.items() if not _is_fact(name, value)]
    if wrong:
        raise RecordError(f"{path} is damaged: machine_info has {', '.join(wrong)} of another kind")
    dirty = "+" if commit.get("dirty") else ""
    name = str(commit.get("id") or "")[:9]
    return Night(Path(path), str(found.get("datetime", "")), name and name + dirty,
                 ours, [_record(path, entry) for entry in found["benchmarks"]])


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("suite", "scenario", "build", "version", "flow_algorithm", "command"), str),
    **dict.fromkeys(("threads", "numprocs", "repeats"), int),
    **dict.fromkeys(("isa", "error"), (str, type(None))),
    **dict.fromkeys(("parameters", "groups", "arrays", "stages", "split", "functions",
                     "toolchain"), dict),
    **dict.fromkeys(("triangles", "ranks", "sites"), list),
}
_NUMBERS = ("seconds", "rss", "pss", "uss", "peak_rss", "number_of_triangles", "nbytes", "share")


def _check(record: Record) -> None:
    """Raise TypeError unless every part is of the kind that `Record` says."""
    for name, kind in _KINDS.items():
        if not isinstance(getattr(record, name), kind):
            raise TypeError(f"{name} is {getattr(record, name)!r}")
    inner = [*record.stages.values(), *record.ranks, *record.sites]
    numbers = [*record.groups.items(), *record.arrays.items(), *record.split.items(),
               *record.functions.items(),
               *(("triangles", size) for size in record.triangles),
               *((name, values[name]) for values in inner for name in _NUMBERS
                 if values.get(name) is not None)]
    for name, value in numbers:
        if not _is_number(value):
            raise TypeError(f"{name} is {value!r}, no number")
    for name, figure in record.figures.items():
        if not isinstance(figure.unit, str) or not (
                figure.spread is None or _is_number(figure.spread)):
            raise TypeError(f"{name} has the unit {figure.unit!r} and the spread {figure.spread!r}")


def _is_fact(name: str, value: Any) -> bool:
    """Whether a value of machine_info is one, or a mapping of texts and numbers."""
    if isinstance(value, dict):
        return not any(isinstance(each, (dict, list)) for each in value.values()) \
            and all(_is_fact("", each) for each in value.values())
    if name in ("versions", "limits"):
        return value is None
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, str) or _is_number(value)


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:   # an int that no float comes near
        return False


def _record(path: str | Path, entry: Any) -> Record:
    if not isinstance(entry, dict) or not isinstance(entry.get("extra_info") or {}, dict):
        raise RecordError(f"{path} is damaged: a benchmark has no mapping extra_info")
    given = dict(entry.get("extra_info") or {})
    schema = given.pop("schema", None)
    if schema != SCHEMA:
        raise RecordError(f"{path}: {entry.get('name')} has the schema {schema!r}, this version "
                          f"of anuga_lean reads {SCHEMA!r}: measure again, or read it with the "
                          "version that wrote it")
    try:
        figures = {name: Figure(**figure) for name, figure in given.pop("figures").items()}
        record = Record(figures=figures, **given)
        _check(record)
    except (TypeError, KeyError, AttributeError) as error:
        raise RecordError(f"{path}: {entry.get('name')} is damaged: {error}") from error
    for name, figure in figures.items():
        if not _is_number(figure.value):
            raise RecordError(f"{path}: {entry.get('name')}: {name} is {figure.value!r}, no number")
    return record


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
