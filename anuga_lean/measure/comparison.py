"""Compares stock with lean: runs one request on both in turn and finds what differs.

Owns the order of the runs, the medians and the equality of results.  Running
one lives in measurement.py, printing in report.py.
"""

from __future__ import annotations

import datetime
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import VARIANTS, Progress, Request, measure


class Comparison(NamedTuple):
    """Results of the same request on stock and on lean.

    Attributes
    ----------
    request : Request
        As asked; its variant has no meaning here.
    stock, lean : list of dict
        What measurement.measure gave, one for each repeat; none of the side that was not run.
    equal : dict of str to bool
        By compared thing: ``stage`` ... ``timestep``, and ``sww/NAME`` for
        every variable of the SWW file; true if equal in every repeat.
    several : int
        Threads of further runs of both; 1: there are none.
    stock_several, lean_several : list of dict
        Their results, one for each repeat.
    """

    request: Request
    stock: list[dict[str, Any]]
    lean: list[dict[str, Any]]
    equal: dict[str, bool]
    several: int = 1
    stock_several: Sequence[dict[str, Any]] = ()
    lean_several: Sequence[dict[str, Any]] = ()

    @property
    def identical(self) -> bool:
        """Whether everything compared was equal, and something was compared."""
        return bool(self.equal) and all(self.equal.values())

    def median(self, variant: str, *keys: str) -> float | None:
        """Return the median over the repeats of one figure; None if any run lacks it."""
        found: list[float] = []
        for result in getattr(self, variant):
            for key in keys:
                result = result[key]
            if result is None:
                return None
            found.append(result)
        return statistics.median(found) if found else None

    def peak_rss(self, variant: str) -> float | None:
        """Return the median over the repeats of the largest RSS of any stage, bytes."""
        peaks: list[float] = []
        for result in getattr(self, variant):
            stages = [stage["peak_rss"] for stage in result["stages"].values()]
            if None in stages:
                return None
            peaks.append(max(stages))
        return statistics.median(peaks) if peaks else None

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold, with every run in full."""
        request = dict(vars(self.request))
        del request["variant"]
        summary = {
            variant: {
                "bytes_per_triangle": self.median(variant, "census", "bytes_per_triangle"),
                "seconds_per_step": self.median(variant, "seconds_per_step"),
                "evolve_seconds": self.median(variant, "evolve_seconds"),
                "run_seconds": self.median(variant, "run_seconds"),
                "peak_rss": self.peak_rss(variant),
            }
            for variant in VARIANTS
        }
        return {
            "date": datetime.date.today().isoformat(),
            "machine": machine(),
            "request": request,
            "identical": self.identical,
            "equal": self.equal,
            "summary": summary,
            "stock": self.stock,
            "lean": self.lean,
            "several": {"threads": self.several, "stock": list(self.stock_several),
                        "lean": list(self.lean_several)},
        }


def compare(
    request: Request, repeat: int, folder: str | Path, progress: Progress | None = None,
    several: int = 1, only: str | None = None
) -> Comparison:
    """Run a request on stock and on lean, `repeat` times each, in turn.

    Parameters
    ----------
    request : Request
        Its variant is ignored.
    repeat : int
        Pairs of runs; every second pair begins with lean.
    folder : path
        Every run works in its own folder below this one.
    progress : callable, optional
    several : int
        From 2 on: as many runs on so many threads, each after the one on `request.threads`.
        Their results are not compared: a set-up of ANUGA's own may sum in any order.
    only : "stock" or "lean", optional
        Run this side alone: nothing is compared.

    Raises
    ------
    ScenarioError, MeasurementError
        As `measure`.
    """
    results: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    further: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    equal: dict[str, bool] = {}
    for number in range(repeat):
        pair = {}
        for variant in (only,) if only else VARIANTS[:: -1 if number % 2 else 1]:
            asked = replace(request, variant=variant)
            place, label = Path(folder) / f"{variant}_{number + 1}", f"{variant} {number + 1}"
            pair[variant] = measure(asked, place, _labelled(progress, f"{label}/{repeat}: "))
            if several > 1:
                further[variant].append(measure(
                    replace(asked, threads=several, arrays=False), place / "several",
                    _labelled(progress, f"{label}/{repeat}, {several} threads: ")))
        for name, same in ({} if only else equalities(pair["stock"], pair["lean"])).items():
            equal[name] = equal.get(name, True) and same
        for variant, result in pair.items():
            results[variant].append(result)
    return Comparison(request, results["stock"], results["lean"], equal, several,
                      further["stock"], further["lean"])


def _labelled(progress: Progress | None, label: str) -> Progress | None:
    return None if progress is None else lambda line: progress(label + line)


def equalities(first: dict[str, Any], second: dict[str, Any]) -> dict[str, bool]:
    """Return which results of two runs are equal, bit for bit.

    Centroid arrays, the timestep sequence and every variable of the SWW file
    are compared; a name that only one side has is unequal.
    """
    equal = {}
    if first.get("ranks") or second.get("ranks"):
        nothing: dict[str, Any] = {}
        parts = itertools.zip_longest(first.get("ranks") or (), second.get("ranks") or (),
                                      fillvalue=nothing)
        for rank, (ours, theirs) in enumerate(parts):
            alone = [{**part, "ranks": None} for part in (ours, theirs)]
            equal.update({f"rank {rank}: {name}": same
                          for name, same in equalities(*alone).items()})
        return equal
    for number, (ours, theirs) in enumerate(
            itertools.zip_longest(_array_files(first), _array_files(second)), 1):
        of = "" if number == 1 else f"evolve {number}: "
        equal.update({of + name: same for name, same in _array_equalities(ours, theirs).items()})
    if first.get("sww") or second.get("sww"):
        equal.update(_sww_equalities(first.get("sww"), second.get("sww")))
    digests = [result.get("sww_digests") or {} for result in (first, second)]
    for name in sorted({*digests[0], *digests[1]}):
        equal[f"sww/{name}"] = digests[0].get(name) == digests[1].get(name)
    return equal


def _array_files(result: dict[str, Any]) -> list[str]:
    """Return the files of arrays of a run, one for each evolve of a script."""
    return [*filter(None, [result.get("arrays")]), *result.get("more_arrays", ())]


def _array_equalities(first: str | None, second: str | None) -> dict[str, bool]:
    if first is None or second is None:
        return {"arrays": False}
    with np.load(first) as ours, np.load(second) as theirs:
        return {name: name in ours.files and name in theirs.files
                and same_bits(ours[name], theirs[name])
                for name in dict.fromkeys([*ours.files, *theirs.files])}


def _sww_equalities(first: str | None, second: str | None) -> dict[str, bool]:
    if first is None or second is None:
        return {"sww/file": False}
    from netCDF4 import Dataset

    equal = {}
    with Dataset(first) as ours, Dataset(second) as theirs:
        for dataset in (ours, theirs):
            dataset.set_auto_mask(False)
        for name in sorted({*ours.variables, *theirs.variables}):
            both = name in ours.variables and name in theirs.variables
            equal[f"sww/{name}"] = both and _same_variable(ours[name], theirs[name])
    return equal


def _same_variable(ours: Any, theirs: Any) -> bool:
    return (
        ours.dtype == theirs.dtype
        and ours.dimensions == theirs.dimensions
        and same_bits(ours[...], theirs[...])
    )


def same_bits(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two arrays have one shape, one dtype and the same bits, signs of zeros included.

    A NaN equals any NaN: which of them an operation gives is the processor's affair.
    """
    first, second = np.asarray(first), np.asarray(second)
    if (first.dtype, first.shape) != (second.dtype, second.shape):
        return False
    if first.dtype.kind != "f":
        return np.array_equal(first, second)
    numbers = ~np.isnan(first)
    return (np.array_equal(first, second, equal_nan=True)
            and np.array_equal(np.signbit(first[numbers]), np.signbit(second[numbers])))
