"""Finds by how much results differ, and since when, for a patch that changes them.

Whether they differ is anuga_lean.measure.comparison's, bit for bit.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np


def differences(first: dict[str, Any], second: dict[str, Any], different: list[str]
                ) -> dict[str, dict[str, Any]]:
    """Return what is known about results that are not equal.

    Parameters
    ----------
    first, second : dict
        Results of stock and of the patched ANUGA, as `measure` gives them.
    different : list of str
        Their names, as `equalities` gives them.

    Returns
    -------
    dict
        By name, as far as both have numbers: ``largest`` absolute difference, and
        ``first``, where the results meet it: ``at 0.02 s`` or ``in step 3``, else ``None``.
    """
    found: dict[str, dict[str, Any]] = {}
    if first.get("ranks") or second.get("ranks"):
        pairs = zip(first.get("ranks") or (), second.get("ranks") or (), strict=False)
        for rank, (ours, theirs) in enumerate(pairs):
            begin = f"rank {rank}: "
            some = [name.removeprefix(begin) for name in different if name.startswith(begin)]
            alone = [{**part, "ranks": None} for part in (ours, theirs)]
            found |= {begin + name: each
                      for name, each in differences(*alone, some).items()}
        return found
    files = itertools.zip_longest(*(
        [*filter(None, [run.get("arrays")]), *run.get("more_arrays", ())]
        for run in (first, second)))
    for number, both in enumerate(files, 1):
        if all(both):
            found |= _of_arrays(*both, "" if number == 1 else f"evolve {number}: ", different)
    if first.get("sww") and second.get("sww") and any(
            name.startswith("sww/") for name in different):
        found |= _of_sww(first["sww"], second["sww"], different)
    return found


def _of_arrays(first: str, second: str, begin: str, different: list[str]
               ) -> dict[str, dict[str, Any]]:
    found = {}
    with np.load(first) as ours, np.load(second) as theirs:
        for name in ours.files:
            if begin + name in different and name in theirs.files:
                one = _largest(ours[name], theirs[name])
                if one is not None and name == "timestep":
                    one["first"] = f"in step {_first(ours[name], theirs[name]) + 1}"
                if one is not None:
                    found[begin + name] = one
    return found


def _of_sww(first: str, second: str, different: list[str]) -> dict[str, dict[str, Any]]:
    from netCDF4 import Dataset

    found = {}
    with Dataset(Path(first)) as ours, Dataset(Path(second)) as theirs:
        for dataset in (ours, theirs):
            dataset.set_auto_mask(False)
        for name in ours.variables:
            if f"sww/{name}" not in different or name not in theirs.variables:
                continue
            one = _largest(ours[name][...], theirs[name][...])
            if one is None:
                continue
            if "time" in ours.variables and ours[name].dimensions[:1] == ours["time"].dimensions:
                at = float(ours["time"][_first(ours[name][...], theirs[name][...])])
                one["first"] = f"at {at:g} s"
            found[f"sww/{name}"] = one
    return found


def _largest(first: np.ndarray, second: np.ndarray) -> dict[str, Any] | None:
    """Return the largest difference; None for what is no numbers or has another shape."""
    if first.shape != second.shape or not first.size or first.dtype.kind not in "fiu" \
            or second.dtype.kind not in "fiu":
        return None
    with np.errstate(invalid="ignore"):
        apart = np.abs(first.astype(float) - second.astype(float))
    return {"largest": float(np.nan_to_num(apart, nan=np.inf if np.any(
        np.isnan(first) != np.isnan(second)) else 0.0).max()), "first": None}


def _first(first: np.ndarray, second: np.ndarray) -> int:
    """Return the first index of axis 0 where two arrays differ, signs of zero included."""
    unequal = ~((first == second) & (np.signbit(first) == np.signbit(second))
                | (np.isnan(first) & np.isnan(second)))
    return int(np.argmax(unequal.reshape(len(first), -1).any(axis=1)))


def words(name: str, found: dict[str, Any] | None) -> str:
    """Describe a result and by how much it differs."""
    if found is None:
        return name
    since = f", first {found['first']}" if found["first"] else ""
    much = f"by up to {found['largest']:.2g}" if found["largest"] else "only in signs of zero"
    return f"{name} ({much}{since})"
