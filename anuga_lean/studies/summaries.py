"""Collects the records of a study's members into one table and one netCDF file.

Owns their columns and variables.  A member that has not been completed has a row without results.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean.studies.members import Member, write_whole
from anuga_lean.studies.records import End, Record

OWN = ("member", "set", "replicate", "seed", "end", "tries", "seconds", "cpu_seconds", "peak_bytes",
       "triangles")
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


def write_tables(folder: Path, pairs: Sequence[Pair]) -> list[Path]:
    """Write ``results.csv``, ``results.nc`` and, where pyarrow is, ``results.parquet``.

    Parameters
    ----------
    folder : Path
    pairs : sequence of tuple
        Each member with its record, or None.

    Returns
    -------
    list of Path
        What was written.
    """
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
    dataset = dataset_of(pairs)
    written.append(_replaced(folder / "results.nc", lambda part: dataset.to_netcdf(part)))
    return written


def _column(values: list[Any]) -> list[Any]:
    """Return a column of one kind: texts where not all are numbers."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values] \
            if float in kinds else values
    return values if len(kinds) <= 1 else [None if v is None else str(v) for v in values]


def _replaced(path: Path, write: Any) -> Path:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def dataset_of(pairs: Sequence[Pair]) -> Any:
    """Return parameters over sets, and results over sets and replicates, as an xarray Dataset.

    A result that is a list has a dimension of its own, as long as the longest.
    """
    import xarray

    sets = 1 + max(member.parameter_set for member, _ in pairs)
    replicates = 1 + max(member.replicate for member, _ in pairs)
    names = list(pairs[0][0].parameters)
    by_set: dict[int, dict[str, Any]] = {m.parameter_set: m.parameters for m, _ in pairs}
    variables: dict[str, Any] = {
        name: ("set", _array([by_set[k][name] for k in range(sets)])) for name in names}
    results: dict[str, dict[tuple[int, int], Any]] = {}
    for member, record in pairs:
        for name, value in _results(record).items():
            results.setdefault(name, {})[member.parameter_set, member.replicate] = value
    for name, found in results.items():
        shown = f"result_{name}" if name in variables or name in ("set", "replicate") else name
        variables[shown] = _of_members(shown, found, sets, replicates)
    return xarray.Dataset(variables, coords={
        "set": np.arange(sets), "replicate": np.arange(replicates)})


def _array(values: list[Any]) -> np.ndarray:
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    return np.array(values)


def _of_members(name: str, found: dict[tuple[int, int], Any], sets: int,
                replicates: int) -> tuple[Any, ...]:
    values = list(found.values())
    if any(isinstance(value, str) for value in values):
        texts = np.full((sets, replicates), "", dtype=object)
        for place, value in found.items():
            texts[place] = "" if value is None else str(value)
        return ("set", "replicate"), texts
    lists = [np.atleast_1d(np.array(value, dtype=float)) for value in values]
    longest = max((each.size for each in lists), default=1)
    table = np.full((sets, replicates, longest), np.nan)
    for place, value in zip(found, lists, strict=True):
        table[place][:value.size] = value.ravel()
    if longest == 1 and not any(isinstance(value, list) for value in values):
        return ("set", "replicate"), table[..., 0]
    return ("set", "replicate", f"{name}_item"), table
