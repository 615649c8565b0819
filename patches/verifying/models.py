"""Runs models on one ANUGA: their results, and the memory they take.

Owns which models, and the processes that anuga_lean.measure has not; the figures
of the release as it is are kept, for they do not change.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anuga_lean._errors import MeasurementError
from anuga_lean.measure.builds import Build
from anuga_lean.measure.cases import Case, memory_record
from anuga_lean.measure.measurement import (
    Request,
    child_environment,
    fixed_addresses,
    how_it_ended,
    measure,
    mpiexec,
)
from anuga_lean.measure.records import Figure, Record
from verifying.builds import Progress

CHILDREN = Path(__file__).resolve().parent / "children"
ALGORITHMS = ("DE0", "DE1")
CHECKPOINT, FIT = "checkpoint", "fit"


@dataclass(frozen=True)
class Sizes:
    """The sizes of the models, in triangles, and their lengths, the last three.

    Attributes
    ----------
    memory, distribute, fit : pair of int
        Slopes of memory are between the two.
    checkpoint, bits, time : int
    steps : int
        Of the runs whose results are compared.
    points : int
        Of the file that is fitted.
    numprocs : int
        Ranks that a domain is given out to.
    """

    memory: tuple[int, int] = (40_000, 160_000)
    distribute: tuple[int, int] = (100_000, 300_000)
    fit: tuple[int, int] = (40_000, 160_000)
    checkpoint: int = 160_000
    bits: int = 6_000
    time: int = 160_000
    steps: int = 60
    points: int = 20_000
    numprocs: int = 4


# What is compared bit for bit: wet and dry, rain and friction, culverts and walls.
RAIN = "regions DE0"
RESULTS: Mapping[str, tuple[str, str, int]] = {
    "dam_break DE0": ("dam_break", "DE0", 1),
    "dam_break DE1": ("dam_break", "DE1", 1),
    RAIN: ("regions", "DE0", 1),
    "structures DE1": ("structures", "DE1", 1),
    "parallel DE1": ("parallel", "DE1", 3),
}


class Models:
    """Runs models on one ANUGA.

    Parameters
    ----------
    label : str
        As records name the build.
    python : Path
    sizes : Sizes
    folder : Path
        For what the runs leave.
    progress : callable
    """

    def __init__(self, label: str, python: Path, sizes: Sizes, folder: Path,
                 progress: Progress) -> None:
        self.build = Build(label, "stock", str(python))
        self.sizes, self.folder = sizes, folder
        self._progress = progress

    def progress(self, line: str) -> None:
        """Show a line about this build."""
        self._progress(f"{self.build.label}: {line}")

    def results(self, name: str) -> dict[str, Any]:
        """Run one of `RESULTS` with SWW output; return what measure() gives."""
        scenario, algorithm, numprocs = RESULTS[name]
        self.progress(f"results of {name}")
        request = Request(
            "stock", scenario, {"triangles": self.sizes.bits, "flow_algorithm": algorithm,
                                "store": numprocs == 1},
            steps=self.sizes.steps, numprocs=numprocs, python=self.build.python)
        return measure(request, self.folder / "results" / name.replace(" ", "_"))

    def memory(self, algorithm: str) -> Record:
        """Return arrays, RSS slope and peaks of the dam break."""
        small, large = self.sizes.memory
        case = Case("dam_break", {"flow_algorithm": algorithm},
                    [{"triangles": small}, {"triangles": large}], allocations=False)
        return memory_record(case, self.build, self.folder / f"memory_{algorithm}",
                             progress=self._progress)

    def checkpoint(self) -> tuple[Record, dict[str, Any]]:
        """Return bytes and extra peak of a checkpoint, and results of a run that continues it."""
        record = Record("checkpoint", "dam_break", self.build.label)
        request = {"triangles": self.sizes.checkpoint, "flow_algorithm": "DE0"}
        place = self.folder / CHECKPOINT
        self.progress("checkpoint")
        written = self._child("checkpoint.py", "write", request, place)
        loaded = self._child("checkpoint.py", "load", request, place)
        record.triangles = [written["triangles"]]
        record.figures = {"checkpoint": Figure(written["checkpoint"], "B/tri", None, "memory"),
                          "checkpoint_peak": Figure(written["checkpoint_peak"], "B/tri", None,
                                                    "memory"),
                          "peak_load": Figure(loaded["peak_load"], "B/tri", None, "memory")}
        for path in (place / "CHECKPOINTS").iterdir():
            path.unlink()
        return record, {"arrays": str(place / "arrays.npz")}

    def distribute(self) -> Record:
        """Return memory of rank 0 after `distribute`, and its peak, by triangle of all ranks."""
        ends = []
        for triangles in self.sizes.distribute:
            self.progress(f"distribute {triangles}")
            ends.append(self._child("distribute.py", "run", {"triangles": triangles},
                                    self.folder / "distribute", self.sizes.numprocs))
        record = Record("ranks", "distribute", self.build.label, numprocs=self.sizes.numprocs,
                        triangles=[end["triangles"] for end in ends])
        record.figures = {"rank_0": _slope(ends, "rss"), "rank_0_peak": _slope(ends, "peak_rss")}
        return record

    def fit(self) -> tuple[Record, dict[str, Any]]:
        """Return the peak of the fit of a points file, and the bed that it gives."""
        ends = []
        for triangles in self.sizes.fit:
            self.progress(f"fit on {triangles}")
            request = {"triangles": triangles, "points": self.sizes.points}
            ends.append(self._child("fit.py", "run", request, self.folder / FIT))
        record = Record("memory", "fit", self.build.label,
                        triangles=[end["triangles"] for end in ends])
        record.figures = {"fit_peak": _slope(ends, "peak"), "fit_kept": _slope(ends, "kept")}
        return record, {"arrays": str(self.folder / FIT / "arrays.npz")}

    def _child(self, script: str, part: str, request: Mapping[str, Any], folder: Path,
               numprocs: int = 1) -> dict[str, Any]:
        """Run a process of children/ in a folder; return the JSON of its last line."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "request.json").write_text(json.dumps(dict(request)))
        python = self.build.python
        command = [python, str(CHILDREN / script), part, str(folder)]
        if numprocs > 1:
            command = [*mpiexec(python), "-n", str(numprocs), *command]
        log = folder / f"{part}.log"
        with open(log, "w") as stream:
            status = subprocess.run(
                [*fixed_addresses(), *command], cwd=folder, stdin=subprocess.DEVNULL,
                stdout=stream, stderr=subprocess.STDOUT,
                env=child_environment(python, 1, None, folder, small_pages=True)).returncode
        if status != 0:
            raise MeasurementError(f"{script.removesuffix('.py')} {part} on {self.build.label} "
                                   f"{how_it_ended(status, log)}")
        lines = [line for line in log.read_text(errors="replace").splitlines()
                 if line.startswith("{")]
        if not lines:
            raise MeasurementError(f"{script.removesuffix('.py')} {part} on {self.build.label} "
                                   "ended without a figure")
        return json.loads(lines[-1])


def _slope(ends: list[dict[str, Any]], key: str) -> Figure:
    small, large = ends
    value = (large[key] - small[key]) / (large["triangles"] - small["triangles"])
    return Figure(value, "B/tri", None, "memory")
