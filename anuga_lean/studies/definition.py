"""Reads a study file: what it may say, and what is wrong with one that says something else.

Owns keys, defaults and their checks.  The table of parameters is made in `parameter_sets`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from anuga_lean._errors import StudyError

_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3,
          "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_NBYTES = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([a-zA-Z]{0,3})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
RESERVED = ("replicate", "seed")

Value = str | int | float | bool


class Sample(msgspec.Struct, forbid_unknown_fields=True):
    """Parameters drawn by a sampler of scipy.stats.qmc between two bounds each."""

    count: int
    ranges: dict[str, tuple[float, float]]
    method: Literal["latin-hypercube", "sobol", "halton", "poisson-disk"] = "latin-hypercube"


class Definition(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a study file says.

    Attributes
    ----------
    script : str
        Relative to the file's folder; a scenario of ``anuga_toml_run`` (a .toml file) or
        ``run_anuga`` (scenario.json) is run by these.
    places : dict
        Where in a scenario's file the value of a parameter goes, ``conditions.stage.0.value``; to
        the key of its own name if left out.
    grid : dict or None
        Values of each parameter; every combination is a set of parameters.
    table : str or None
        CSV file with a column for each parameter and a row for each set.
    function : str or None
        ``file.py:name`` of a function that yields a dictionary for each set.
    sample : Sample or None
    replicates : int
        Members of each set of parameters, which differ in their seed alone.
    seed : int
        Of the study: seeds of members follow from it, their set and their replicate.
    pass_by : str
        How a member gets its parameters: ``arguments`` (``--name value``), ``environment``
        (``NAME``), or ``json`` (the path of a file is the last argument).
    arguments : list of str
        In front of those, each with ``{name}`` replaced by that parameter's value.
    environment : dict
        Variables that all members get.
    anuga : str
        ``lean`` or ``stock``; ``{name}`` takes it from a parameter.
    ranks, threads : int
        MPI ranks of a member, and OpenMP threads of a rank.
    guard : bool
        Whether members are guarded runs, which go on where they have stopped.
    memory : str or None
        What the first members are given; learned from them if left out.
    triangles : int, str or None
        Of a member's mesh: a number, or what parameters give, ``2 * {nx} * {ny}``; members that
        have not run yet are given memory by it.
    timeout : float or None
        Wall time of a member at most, s.
    keep : list of str
        Patterns of a member's files that stay; all of them if left out.
    shared : list of str
        Patterns of files that members may write into the script's own folder.
    summary : str or None
        ``file.py:name`` of a function of the member's folder (a `pathlib.Path`) and parameters
        that returns a dictionary of numbers, texts or short lists of them.
    units : dict
        Of parameters and results, by name, for ``results.nc``: ``{rain = "mm/h"}``.
    max_failures : int
        Failures of scripts at which no further member is started.
    """

    script: str
    places: dict[str, str] = {}
    grid: dict[str, list[Value]] | None = None
    table: str | None = None
    function: str | None = None
    sample: Sample | None = None
    replicates: int = 1
    seed: int = 0
    pass_by: Literal["arguments", "environment", "json"] = "arguments"
    arguments: list[str] = []
    environment: dict[str, str] = {}
    anuga: str = "lean"
    ranks: int = 1
    threads: int = 1
    guard: bool = True
    memory: str | None = None
    triangles: int | float | str | None = None
    timeout: float | None = None
    keep: list[str] | None = None
    shared: list[str] = []
    summary: str | None = None
    units: dict[str, str] = {}
    max_failures: int = 20


class Study(msgspec.Struct, frozen=True):
    """A definition and where it is from.

    Attributes
    ----------
    definition : Definition
    folder : Path
        Names in the definition are relative to it.
    name : str
    """

    definition: Definition
    folder: Path
    name: str

    def path(self, name: str) -> Path:
        """Return the path of a file that the definition names."""
        return (self.folder / name).resolve()

    @property
    def script(self) -> Path:
        """Return the path of the script."""
        return self.path(self.definition.script)


def read(path: Path) -> Study:
    """Read a study file.

    Raises
    ------
    StudyError
        It cannot be read, or says what no study file says.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StudyError(f"the study file {path} cannot be read: {error.strerror}; 'anuga_lean "
                         f"study init {path}' writes one to begin with.") from error
    try:
        found = msgspec.toml.decode(text, type=Definition)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise StudyError(f"{path}: {_plain(str(error))}; 'anuga_lean study init OTHER.toml' "
                         "writes a file with all keys.") from error
    return checked(Study(found, path.resolve().parent, path.stem))


def from_arguments(folder: Path, name: str, **keys: Any) -> Study:
    """Make a study of the keys of a study file, given in Python.

    Raises
    ------
    StudyError
        A key or its value is none of a study file's.
    """
    try:
        found = msgspec.convert(keys, type=Definition)
    except msgspec.ValidationError as error:
        raise StudyError(f"the study {name}: {_plain(str(error))}.") from error
    return checked(Study(found, folder.resolve(), name))


def checked(study: Study) -> Study:
    """Return a study whose numbers mean something and whose files are there."""
    said = study.definition
    sources = [name for name, given in (
        ("grid", said.grid is not None), ("table", said.table is not None),
        ("function", said.function is not None), ("sample", said.sample is not None)) if given]
    if len(sources) > 1:
        raise StudyError(f"the study {study.name} has {' and '.join(sources)}: its sets of "
                         "parameters come from one of them, leave the others out.")
    for name, least in (("replicates", 1), ("ranks", 1), ("threads", 1), ("max_failures", 1),
                        ("seed", 0)):
        if getattr(said, name) < least:
            raise StudyError(f"the study {study.name} has {name} = {getattr(said, name)}: give "
                             f"{least} or more.")
    if said.timeout is not None and not 0.0 < said.timeout < float("inf"):
        raise StudyError(f"the study {study.name} has timeout = {said.timeout}: give seconds "
                         "above 0.")
    if said.memory is not None:
        nbytes(said.memory)
        if said.triangles is not None:
            raise StudyError(f"the study {study.name} has memory and triangles: what members are "
                             "given follows from one of them, leave the other out.")
    for name in (*(said.grid or ()), *(said.sample.ranges if said.sample else ())):
        check_name(name, study.name)
    wrong = [text for text in (*said.arguments, *said.environment, *said.environment.values())
             if "\0" in text] + [name for name in said.environment if not name or "=" in name]
    if wrong:
        raise StudyError(f"the study {study.name} has {wrong[0]!r} among its arguments and "
                         "environment, which no process can be given.")
    named = [("script", said.script), ("table", said.table),
             *((key, text and _function_of(key, text)[0])
               for key, text in (("function", said.function), ("summary", said.summary)))]
    for key, file in named:
        if file is not None and "\0" in file:
            raise StudyError(f"the study {study.name} has {key} = {file!r}, which names no file.")
        if file is not None and not study.path(file).is_file():
            raise StudyError(f"the study {study.name} has {key} = {file!r}, and there is no file "
                             f"{study.path(file)}.")
    return study


def check_name(name: str, where: str) -> None:
    """Raise StudyError unless a parameter may be called so."""
    if not _NAME.fullmatch(name) or name in RESERVED:
        why = "every member has one of its own" if name in RESERVED else (
            "letters, digits and _ make a name, at most 64 of them")
        raise StudyError(f"{where}: {name!r} is no name of a parameter: {why}.")


def _function_of(key: str, text: str) -> tuple[str, str]:
    file, _, name = text.rpartition(":")
    if not file or not name.isidentifier():
        raise StudyError(f"{key} = {text!r} names no function: give 'file.py:name'.")
    return file, name


def function_of(study: Study, key: str, text: str) -> tuple[Path, str]:
    """Return the file and the name of a function that a definition names."""
    file, name = _function_of(key, text)
    return study.path(file), name


def nbytes(text: str) -> int:
    """Return the bytes of a text like ``300MiB``, ``2 GB`` or ``1073741824``.

    Raises
    ------
    StudyError
        It is none of these, or under 1 MiB.
    """
    found = _NBYTES.fullmatch(text.strip())
    unit = _UNITS.get(found[2].upper()) if found else None
    value = int(float(found[1]) * unit) if found and unit else 0
    if value < 1 << 20:
        raise StudyError(f"{text!r} is no amount of memory from 1 MiB on: give 300MiB or 2GB.")
    return value


def _plain(message: str) -> str:
    """Return what msgspec says with the key as it stands in the file."""
    return message.replace("`$.", "`").replace("Object contains", "it has an").replace(
        "an unknown field", "an unknown key").removesuffix(".")
