"""Makes the sets of parameters of a study: a grid, a CSV file, a function or a sampler.

Owns their order, which names members for good: the same study gives the same sets.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import math
import runpy
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from anuga_lean._errors import StudyError
from anuga_lean.studies.definition import Definition, Sample, Study, Value, check_name, function_of

MOST = 1_000_000        # sets; each is a folder and a file


def sets_of(study: Study) -> list[dict[str, Value]]:
    """Return the sets of parameters of a study, one of no parameters if it names none.

    Raises
    ------
    StudyError
        There is none, one has a value that no script can be given, or a file cannot be read.
    """
    said = study.definition
    if said.grid is not None:
        found = _grid(study.name, said)
    elif said.table is not None:
        found = _table(study, said.table)
    elif said.function is not None:
        found = _from_function(study, said.function)
    elif said.sample is not None:
        found = _sampled(study.name, said.sample, said.seed)
    else:
        found = [{}]
    if not found:
        raise StudyError(f"the study {study.name} has no set of parameters: its table is empty.")
    _check(study.name, found)
    if len(found) * said.replicates > MOST:
        raise StudyError(f"the study {study.name} has {len(found):,} sets of parameters and "
                         f"{said.replicates:,} replicates of each: {MOST:,} members are the most.")
    return found


def _grid(name: str, said: Definition) -> list[dict[str, Value]]:
    if not said.grid:
        raise StudyError(f"the study {name} has a grid of no parameters: give it one with its "
                         "values, rain = [10.0, 20.0], or leave the grid out.")
    empty = [key for key, values in said.grid.items() if not values]
    if empty:
        raise StudyError(f"the study {name} has no value for {', '.join(empty)} in its grid: "
                         "give at least one.")
    count = math.prod(len(values) for values in said.grid.values())
    if count > MOST:
        raise StudyError(f"the grid of the study {name} has {count:,} sets of parameters: "
                         f"{MOST:,} are the most.")
    return [dict(zip(said.grid, values, strict=True))
            for values in itertools.product(*said.grid.values())]


def _table(study: Study, name: str) -> list[dict[str, Value]]:
    path = study.path(name)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"the table {path} cannot be read: {error}.") from error
    if not rows:
        raise StudyError(f"the table {path} is empty: its first line names the parameters.")
    names = [each.strip() for each in rows[0]]
    if len(set(names)) != len(names):
        raise StudyError(f"the table {path} names a parameter twice: {', '.join(names)}.")
    found = []
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(names):
            raise StudyError(f"the table {path} has {len(row)} values in line {number} for "
                             f"{len(names)} parameters.")
        found.append({key: _value(cell.strip()) for key, cell in zip(names, row, strict=True)})
    return found


def _value(text: str) -> Value:
    """Return a cell as a number where it is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _from_function(study: Study, text: str) -> list[dict[str, Value]]:
    path, name = function_of(study, "function", text)
    function = named_in(path, name)
    with said_of(path, name):
        found: Iterable[Any] = function()
        sets = list(itertools.islice(found, MOST + 1))
    if len(sets) > MOST:
        raise StudyError(f"{text} yields more than {MOST:,} sets of parameters.")
    wrong = next((each for each in sets if not isinstance(each, Mapping)), None)
    if wrong is not None:
        raise StudyError(f"{text} yields {type(wrong).__name__}: each set of parameters is a "
                         "dictionary of names and values.")
    return [{str(key): _plain(value) for key, value in each.items()} for each in sets]


def named_in(path: Path, name: str) -> Any:
    """Return the function of this name in a file of Python, which is run for it.

    Raises
    ------
    StudyError
        There is none, or the file ends with an error.
    """
    with said_of(path, name):
        found = runpy.run_path(str(path), run_name="anuga_lean_study").get(name)
    if not callable(found):
        raise StudyError(f"{path} has no function {name}.")
    return found


@contextlib.contextmanager
def said_of(path: Path, name: str) -> Iterator[None]:
    """Turn whatever a user's file raises into one sentence, with the file's last line of it."""
    try:
        yield
    except (Exception, SystemExit) as error:
        lines = [each.lineno for each in traceback.extract_tb(error.__traceback__)
                 if each.filename == str(path)]
        where = f"{path}:{lines[-1]}" if lines else str(path)
        raise StudyError(f"the function {name} of the study cannot be used: {where} raises "
                         f"{type(error).__name__}: {' '.join(str(error).split())}.") from error


def _plain(value: Any) -> Any:
    """Return a number of numpy's as one of Python's."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value


def _sampled(name: str, said: Sample, seed: int) -> list[dict[str, Value]]:
    from scipy.stats import qmc

    if said.count < 1 or said.count > MOST or not said.ranges:
        raise StudyError(f"the sample of the study {name} has count = {said.count} and "
                         f"{len(said.ranges)} ranges: give 1 to {MOST:,} and at least one range.")
    wrong = [f"{key} = [{low}, {high}]" for key, (low, high) in said.ranges.items()
             if not (-math.inf < low < high < math.inf and high - low < math.inf)]
    if wrong:
        raise StudyError(f"the sample of the study {name} has {', '.join(wrong)}: the first bound "
                         "is below the second, both and their distance are finite.")
    kinds = {"latin-hypercube": qmc.LatinHypercube, "sobol": qmc.Sobol, "halton": qmc.Halton,
             "poisson-disk": qmc.PoissonDisk}
    sampler = kinds[said.method](d=len(said.ranges), seed=seed)
    if said.method == "sobol":      # balanced only as a power of two, of which these are the first
        points = sampler.random_base2(math.ceil(math.log2(said.count)))[:said.count]
    else:
        points = sampler.random(said.count)
    if len(points) < said.count:
        raise StudyError(f"poisson-disk finds room for {len(points)} of {said.count} sets of the "
                         f"study {name}: ask for fewer, or take another method.")
    low, high = zip(*said.ranges.values(), strict=True)
    return [dict(zip(said.ranges, map(float, row), strict=True))
            for row in qmc.scale(points, low, high)]


def _check(name: str, found: list[dict[str, Value]]) -> None:
    names = list(found[0])
    for each in names:
        check_name(each, f"the study {name}")
    for number, one in enumerate(found):
        if list(one) != names:
            raise StudyError(f"the study {name}: set {number} has the parameters "
                             f"{', '.join(one) or 'none'}, and the first one "
                             f"{', '.join(names) or 'none'}.")
        for key, value in one.items():
            if not isinstance(value, str | int | float | bool) or (
                    isinstance(value, float) and not math.isfinite(value)) or (
                    isinstance(value, str) and "\0" in value):
                raise StudyError(f"the study {name}: set {number} has {key} = {value!r}: a "
                                 "parameter is a finite number, a text, true or false.")
