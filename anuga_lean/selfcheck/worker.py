"""Runs cases on one variant of ANUGA: ``python -m anuga_lean.selfcheck.worker FOLDER FD``.

Reads FOLDER/request.json (variant, seed and cases), names each case on the file descriptor FD
before it begins it, and leaves FOLDER/POSITION.npz for each, the last thing it does with it.
Started by check.py.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from anuga_lean.selfcheck import boundaries, meshes
from anuga_lean.selfcheck.cases import MODEL_GROUP, Case
from anuga_lean.selfcheck.domains import (
    SOURCE_SPAN,
    STEPPED,
    add_rain,
    add_wall,
    build,
    cut_smaller,
    draw,
    set_boundaries,
    set_scheme,
    step,
)
from anuga_lean.selfcheck.models import FINALTIME, MODELS, YIELDSTEP

Answer = dict[str, np.ndarray]


def answer(anuga: ModuleType, variant: str, case: Case, seed: int) -> Answer:
    """Run one case and return its answer.

    Returns
    -------
    dict of str to ndarray
        ``value.NAME`` with one entry per state on its first axis; ``error`` and ``lean``
        (states,): why there is none, and whether lean kernels took the step; ``isa`` that they
        ran on; ``inputs``, a checksum of what was drawn.
    """
    rng = case.generator(seed)
    drawn = draw(case, rng, lambda: source(anuga, case, seed))
    if variant == "lean":
        cut_smaller(drawn.block_size)
    here = rng.bit_generator.state
    domain = None
    errors, lean, isa, inputs = [], [], "", zlib.crc32(drawn.mesh.points.tobytes())
    steps: list[dict[str, np.ndarray]] = []
    for number in range(case.states):
        error, found = "", {}
        try:
            if domain is None:
                rng.bit_generator.state = here
                domain = build(anuga, case, drawn, rng)
            draws = case.generator(seed, number)
            state = meshes.state(draws, np.asarray(domain.centroid_coordinates),
                                 domain.minimum_allowed_height)
            inputs = zlib.crc32(b"".join(each.tobytes() for each in state.values()), inputs)
            found = step(domain, state, float(draws.uniform(0.0, 1.1 * SOURCE_SPAN)))
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
        on = getattr(domain, "lean", None)
        lean.append(on is not None)
        isa = isa if on is None or on.run is None else on.run.isa
        errors.append(error)
        steps.append(found)
        if error:
            domain = None   # what it left may differ
    return _stacked(steps) | _said(errors, lean, isa, inputs)


def _stacked(steps: list[dict[str, np.ndarray]]) -> Answer:
    """Return one array per name, NaN where a state has no answer."""
    some = next(filter(None, steps), {})
    return {f"value.{name}": np.stack([found.get(name, np.full(value.shape, np.nan))
                                       for found in steps]) for name, value in some.items()}


def _said(errors: list[str], lean: list[bool], isa: str, inputs: int) -> Answer:
    return {"error": np.array(errors, dtype=str), "lean": np.array(lean, dtype=bool),
            "isa": np.array(isa), "inputs": np.array(inputs)}


class Recorder:
    """A fractional-step operator that writes down every step and changes nothing."""

    logging = False
    label = description = "selfcheck recorder"

    def __init__(self, domain: Any) -> None:
        self.domain = domain
        self.timesteps: list[float] = []
        self.yields: dict[str, list[np.ndarray]] = {name: [] for name in STEPPED}
        self.fluxes: list[float] = []
        domain.fractional_step_operators.append(self)

    def __call__(self) -> None:
        self.timesteps.append(float(self.domain.timestep))

    def log_timestepping_statistics(self) -> None:
        """Log nothing: ANUGA calls this on every operator at a yield."""

    def at_yield(self) -> None:
        """Keep what a script sees at this yield."""
        self.fluxes.append(float(self.domain.get_boundary_flux_integral()))
        for name, kept in self.yields.items():
            kept.append(np.array(self.domain.quantities[name].centroid_values))


def answer_model(anuga: ModuleType, variant: str, case: Case, seed: int) -> Answer:
    """Run a model to its end, in the present folder, and return the answer of its one state."""
    model = MODELS[case.row]
    rng = case.generator(seed)
    if variant == "lean":
        cut_smaller(16)
    name = f"model_{case.row}_{case.number}"
    domain, recorder, error = None, None, ""
    try:
        domain = _channel(anuga, case, rng, seed)
        domain.set_name(name)
        recorder = Recorder(domain)
        for _ in domain.evolve(yieldstep=YIELDSTEP, finaltime=FINALTIME):
            recorder.at_yield()
        if model.again:
            set_boundaries(domain, ("Transmissive_boundary", "Reflective_boundary",
                                    "Dirichlet_boundary"), _values(anuga, case, rng, seed))
            for t in domain.evolve(yieldstep=YIELDSTEP, finaltime=1.5 * FINALTIME,
                                   skip_initial_step=True):
                recorder.at_yield()
                if t < 1.3 * FINALTIME:
                    domain.add_quantity("stage", lambda x, y: 0.01 * x)
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught}"
    found: Answer = {}
    if recorder is not None:
        found = {"timesteps": np.array(recorder.timesteps),
                 "boundary_flux_integral": np.array(recorder.fluxes),
                 **{name: np.array(kept) for name, kept in recorder.yields.items()}}
        found |= _stored(Path(f"{name}.sww"))
    on = getattr(domain, "lean", None)
    isa = "" if on is None or on.run is None else on.run.isa
    inputs = 0 if domain is None else zlib.crc32(np.asarray(domain.nodes).tobytes())
    return {f"value.{name}": value[None] for name, value in found.items()} | _said(
        [error], [on is not None], isa, inputs)


def _values(anuga: ModuleType, case: Case, rng: np.random.Generator, seed: int
            ) -> boundaries.Values:
    """Return values that wet and dry the bank, without the velocities that end a run."""
    momentum = 0.05 * rng.normal(size=2)
    return boundaries.Values(float(rng.uniform(0.4, 0.7)), float(rng.uniform(0.1, 0.3)),
                             (float(momentum[0]), float(momentum[1])), False,
                             lambda: source(anuga, case, seed))


def _channel(anuga: ModuleType, case: Case, rng: np.random.Generator, seed: int) -> Any:
    """Return the domain of a model: squares of 10 m cut in four, a bed with steep, dry banks."""
    model = MODELS[case.row]
    columns, rows = 8, 4
    points, triangles = meshes.grid(columns, rows, True)
    mesh = meshes.Mesh(points, triangles, meshes.tags(rng, triangles, model.interior),
                       columns, rows)
    domain = anuga.Domain(mesh.points, mesh.triangles, mesh.boundary)
    set_scheme(domain, model.algorithm, model.low_froude, model.tangential, model.sloped)
    if model.timestepping:
        domain.set_timestepping_method(model.timestepping)
    amplitude, phase, level = rng.uniform(0.1, 0.4), rng.uniform(0.0, 6.0), rng.uniform(-0.3, 0.2)

    def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        bank = 0.3 * np.maximum(0.0, y - 25.0) * (x < 50.0)
        return -0.02 * x + amplitude * np.sin(x / 6.0 + phase) * np.cos(y / 4.0) + bank

    domain.set_quantity("elevation", bed)
    domain.set_quantity("friction", lambda x, y: 0.02 + 0.0004 * x)
    domain.set_quantity("stage", lambda x, y: np.maximum(bed(x, y), level + 1.5 * np.exp(
        -((x - 30.0) ** 2 + (y - 15.0) ** 2) / 60.0)))
    set_boundaries(domain, (model.kind, "Reflective_boundary", model.kind),
                   _values(anuga, case, rng, seed))
    if model.rain:
        add_rain(anuga, domain, model.rain, rng)
    if model.wall:
        add_wall(domain, mesh, model.wall, rng)
    return domain


def _stored(path: Path) -> Answer:
    """Return every variable of an SWW file, nothing masked or scaled."""
    from netCDF4 import Dataset

    if not path.exists():
        return {}
    with Dataset(str(path)) as file:
        file.set_auto_mask(False)
        return {f"sww/{name}": np.array(variable[:]) for name, variable in file.variables.items()}


def source(anuga: ModuleType, case: Case, seed: int) -> str:
    """Return the path of an SWW file for File and Field boundaries; make it at the first call."""
    name = f"source_{seed}"
    path = Path(f"{name}.sww")
    if path.exists():
        return str(path)
    side = meshes.EXTENT + 20.0
    domain = anuga.rectangular_cross_domain(8, 8, len1=side, len2=side, origin=(-10.0, -10.0))
    domain.set_name(name)
    domain.set_quantity("elevation", lambda x, y: -0.2 - 0.001 * x)
    domain.set_quantity("stage", lambda x, y: 0.5 * np.exp(-(x ** 2 + y ** 2) / 400.0))
    reflective = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), reflective))
    for _ in domain.evolve(yieldstep=1.0, finaltime=SOURCE_SPAN):
        pass
    return str(path)


def run(folder: Path, say: Callable[[str], None]) -> None:
    """Answer the request in `folder`; raises what ANUGA raises outside of the cases."""
    request = json.loads((folder / "request.json").read_text())
    say("import anuga")
    from anuga_lean.measure.child import import_anuga

    variant = request["variant"]
    anuga = import_anuga(variant)
    (folder / "classes.json").write_text(json.dumps(list(boundaries.classes())))
    os.chdir(folder)
    for position, fields in enumerate(request["cases"]):
        case = Case(*fields)
        say(case.name)
        ask = answer_model if case.group == MODEL_GROUP else answer
        found = ask(anuga, variant, case, request["seed"])
        partial = folder / f"{position}.part.npz"
        np.savez(partial, **found)  # type: ignore[arg-type]  # numpy types its own keyword too
        partial.replace(folder / f"{position}.npz")
    say("end")


def main(folder: str, descriptor: str) -> None:
    """Run the request in `folder`, naming each case on `descriptor`."""
    with os.fdopen(int(descriptor), "w", buffering=1) as channel:
        run(Path(folder), lambda line: print(line, file=channel))


if __name__ == "__main__":
    main(*sys.argv[1:])
