"""Collects the records of a study's members into one table and one netCDF file.

Owns their columns and variables.  A member that has not been completed has a row without results.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import itertools
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean._errors import StudyError
from anuga_lean.studies.members import Member, write_whole
from anuga_lean.studies.records import End, Record

OWN = ("member", "set", "replicate", "seed", "end", "tries", "seconds", "cpu_seconds", "peak_bytes",
       "triangles")
_LONGEST = 200      # characters of a variable's name; netCDF takes 256 bytes
Pair = tuple[Member, Record | None]


def rows(pairs: Iterable[Pair]) -> Iterator[dict[str, Any]]:
    """Yield a row for each member: what is its own, its parameters, its scalar results."""
    for member, record in pairs:
        last = record.tries[-1] if record is not None and record.tries else None
        row: dict[str, Any] = {
            "member": member.name, "set": member.parameter_set, "replicate": member.replicate,
            "seed": member.seed, "end": last.end.value if last else "not run",
            "tries": len(record.tries) if record else 0,
            "seconds": last.seconds if last else None,
            "cpu_seconds": last.cpu_seconds if last else None,
            "peak_bytes": last.peak if last else None,
            "triangles": last.triangles if last else None}
        row |= {f"parameter_{name}" if name in OWN else name: value
                for name, value in member.parameters.items()}
        for name, value in _results(record).items():
            if not isinstance(value, list):
                row[name if name not in row else f"result_{name}"] = value
        yield row


def _results(record: Record | None) -> dict[str, Any]:
    done = record is not None and record.tries and record.end is End.COMPLETED
    return (record.summary or {}) if done and record is not None else {}


def write_tables(folder: Path, pairs: Sequence[Pair],
                 units: Mapping[str, str] | None = None) -> list[Path]:
    """Write ``results.csv``, ``results.nc`` and, where pyarrow is, ``results.parquet``.

    Parameters
    ----------
    folder : Path
    pairs : sequence of tuple
        Each member with its record, or None.
    units : mapping, optional
        Of parameters and results.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    StudyError
        A file cannot be written; those that were there are as they were.
    """
    try:
        return _written(folder, pairs, units)
    except (OSError, RuntimeError) as error:    # RuntimeError: of netCDF4
        raise StudyError(f"the tables of {folder} cannot be written: "
                         f"{getattr(error, 'strerror', None) or error}; 'anuga_lean study "
                         f"results {folder}' writes them once there is room.") from error


def _written(folder: Path, pairs: Sequence[Pair],
             units: Mapping[str, str] | None) -> list[Path]:
    found = list(rows(pairs))
    names = list(dict.fromkeys(name for row in found for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    write_whole(folder / "results.csv", text.getvalue())
    written = [folder / "results.csv"]
    if importlib.util.find_spec("pyarrow") is not None:
        import pyarrow
        from pyarrow import parquet

        columns = {name: _column([row.get(name) for row in found]) for name in names}
        written.append(_replaced(folder / "results.parquet", lambda part: parquet.write_table(
            pyarrow.table(columns), part)))
    dataset = dataset_of(pairs, units)
    written.append(_replaced(folder / "results.nc", lambda part: dataset.to_netcdf(part)))
    return written


def _column(values: list[Any]) -> list[Any]:
    """Return a column of one kind: texts where not all are numbers."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and not _is_wide(values):
        return [None if value is None else float(value) for value in values] \
            if float in kinds else values
    if len(kinds) <= 1 and not _is_wide(values):
        return values
    return [None if value is None else str(value) for value in values]


def _is_wide(values: Iterable[Any]) -> bool:
    """Whether a whole number is beyond what a column of them holds."""
    return any(abs(value) >> 63 for value in values if type(value) is int)


def _replaced(path: Path, write: Any) -> Path:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def dataset_of(pairs: Sequence[Pair], units: Mapping[str, str] | None = None) -> Any:
    """Return results as an xarray Dataset, with the parameters as coordinates.

    Where the sets are a grid its parameters are dimensions, so that ``depth.sel(rain=20.0)`` is
    what it says; else there is a dimension ``set``, along which the parameters lie.  Replicates
    are a dimension in both.  A result that is a list has a dimension of its own, as long as the
    longest.

    Parameters
    ----------
    pairs : sequence of tuple
        Each member with its record, or None, set by set.
    units : mapping, optional
        Of parameters and results, by name.

    Notes
    -----
    Whole numbers, true and false stay what they are if every member has the result; a missing one
    of these, and of any other number, is NaN.
    """
    import xarray

    replicates = 1 + max(member.replicate for member, _ in pairs)
    parameters = [member.parameters for member, _ in pairs[::replicates]]
    axes = grid_of(parameters)
    if axes is None:
        lengths = {"set": len(parameters)}
        coordinates: dict[str, Any] = {"set": np.arange(len(parameters)), **{
            _free(name): ("set", _array([each[name] for each in parameters]))
            for name in parameters[0]}}
    else:
        lengths = {_free(name): len(values) for name, values in axes.items()}
        coordinates = {_free(name): _array(values) for name, values in axes.items()}
    lengths["replicate"] = replicates
    coordinates["replicate"] = np.arange(replicates)
    columns: dict[str, list[Any]] = {
        name: [getattr(record.tries[-1], field) if record and record.tries else None
               for _, record in pairs]
        for name, field in (("seconds", "seconds"), ("peak_bytes", "peak"))}
    found = [_results(record) for _, record in pairs]
    for name in dict.fromkeys(name for each in found for name in each):
        shown = _of_netcdf(name)
        while shown in coordinates or shown in columns or shown in lengths:
            shown = f"result_{shown}"
        columns[shown] = [each.get(name) for each in found]
    variables = {name: _variable(name, values, lengths) for name, values in columns.items()}
    dataset = xarray.Dataset(variables, coords=coordinates)
    for name, unit in {"seconds": "s", "peak_bytes": "bytes", **(units or {})}.items():
        for shown in {name, f"parameter_{name}", f"result_{name}"} & set(dataset.variables):
            dataset[shown].attrs["units"] = unit
    return dataset


def _of_netcdf(name: str) -> str:
    """Return a name as a variable of netCDF may have it."""
    found = re.sub(r"[/\x00-\x1f\x7f]", "_", name).strip()[:_LONGEST]
    return found if re.match(r"\w", found) else f"_{found}"


def _free(name: str) -> str:
    """Return the name of a parameter where its own is that of something else."""
    return f"parameter_{name}" if name in ("set", "replicate", "seconds", "peak_bytes") else name


def grid_of(sets: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
    """Return the values of each parameter if sets are all their combinations, in that order."""
    axes = {name: list(dict.fromkeys((type(each[name]), each[name]) for each in sets))
            for name in sets[0]}
    values = {name: [value for _, value in found] for name, found in axes.items()}
    if not values or math.prod(map(len, values.values())) != len(sets) or any(
            len(set(some)) < len(some) for some in values.values()):
        return None
    combined = itertools.product(*values.values())
    same = all(tuple(each.values()) == some for each, some in zip(sets, combined, strict=True))
    return values if same else None


def _array(values: list[Any]) -> np.ndarray:
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    kinds = {type(value) for value in values}
    if len(kinds - {int, float}) and len(kinds) > 1 or _is_wide(values):
        return np.array([str(value) for value in values], dtype=object)
    return np.array(values)


def _lists(name: str, lists: list[list[Any]], lengths: Mapping[str, int]) -> tuple[Any, ...]:
    """Return dimensions and values of a result that is a list: of texts if one item is a text."""
    longest = max(map(len, lists))
    of_texts = any(isinstance(item, str) for each in lists for item in each)
    missing: Any = "" if of_texts else np.nan
    table = np.full((len(lists), longest), missing, dtype=object if of_texts else float)
    for row, each in zip(table, lists, strict=True):
        found = [missing if item is None else str(item) if of_texts else item for item in each]
        row[:len(each)] = found
    return (*lengths, f"{name}_item"), table.reshape(*lengths.values(), longest)


def _flat(value: Any) -> list[Any]:
    """Return the items of a list of lists."""
    if not isinstance(value, list):
        return [value]
    return [item for each in value for item in _flat(each)]


def _variable(name: str, values: list[Any], lengths: Mapping[str, int]) -> tuple[Any, ...]:
    """Return dimensions and values of a result, given for each member."""
    shape = tuple(lengths.values())
    there = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in there):
        texts = ["" if value is None else str(value) for value in values]
        return tuple(lengths), np.array(texts, dtype=object).reshape(shape)
    if any(isinstance(value, list) for value in there):
        return _lists(name, [[] if value is None else _flat(value) for value in values], lengths)
    for kind in (bool, int):
        if len(there) == len(values) and all(type(value) is kind for value in there):
            return tuple(lengths), np.array(values).reshape(shape)
    return tuple(lengths), np.array(
        [np.nan if value is None else value for value in values], dtype=float).reshape(shape)
