"""Builds the domain of a case and takes one step, the same way on stock and on lean.

Owns what else is drawn for a case besides what its row says.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from anuga_lean._errors import RefusedError
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.selfcheck import boundaries, meshes
from anuga_lean.selfcheck.cases import ALGORITHMS, Case

STEPPED = ("stage", "xmomentum", "ymomentum", "height", "elevation")
NEVER = 1.0e9       # s, later than any step
BLOCK_SIZES = (16, 5, 64, 1024)
SOURCE_SPAN = 7.0   # s, of the file that File_boundary and Field_boundary read


class Drawn(NamedTuple):
    """The random choices for a case besides its states.

    Attributes
    ----------
    mesh : meshes.Mesh
    algorithm, timestepping : str
        Of the flow, and the method instead of its own or ''.
    low_froude : int
    tangential : bool
    sloped : bool
    betas : list of float or None
        All six, instead of the algorithm's own.
    minimum_allowed_height : float or None, m
    block_size : int
        Triangles per block of a lean mesh: small ones, so that small meshes have many.
    kinds : tuple of str
        Boundary classes of the tags a, b and c.
    values : boundaries.Values
    centroid_transmissive : bool
    """

    mesh: meshes.Mesh
    algorithm: str
    timestepping: str
    low_froude: int
    tangential: bool
    sloped: bool
    betas: list[float] | None
    minimum_allowed_height: float | None
    block_size: int
    kinds: tuple[str, str, str]
    values: boundaries.Values
    centroid_transmissive: bool


def draw(case: Case, rng: np.random.Generator, source: Any) -> Drawn:
    """Return what the name of a case stands for; `source` gives the path of an SWW file."""
    group, row = case.group, case.row
    kind, interior = str(rng.choice(meshes.KINDS)), bool(rng.random() < 0.2)
    algorithm, timestepping = str(rng.choice(ALGORITHMS)), ""
    low_froude = int(rng.choice([0, 1, 2], p=[0.7, 0.15, 0.15]))
    sloped = bool(rng.random() < 0.2)
    kinds = [str(rng.choice(["Reflective_boundary", "Transmissive_boundary", "Dirichlet_boundary",
                             "Time_boundary"], p=[0.5, 0.3, 0.1, 0.1])) for _ in meshes.TAGS]
    tangential = row.endswith("tangential")
    if group == "algorithms":
        algorithm, timestepping = ("DE0", row) if row == "rk3" else (row, "")
    elif group == "boundaries":
        kinds = [row, "Reflective_boundary", str(rng.choice(["Transmissive_boundary", row]))]
    elif group == "low_froude":
        low_froude = int(row[0])
    elif group == "friction":
        sloped = row == "sloped"
    elif group == "walls":
        kind = str(rng.choice(["grid", "cross"]))
    elif group == "meshes":
        interior = row == "interior"
        kind = str(rng.choice(["grid", "cloud", "cut"])) if interior else row
    return Drawn(
        meshes.mesh(rng, kind, interior), algorithm, timestepping, low_froude, tangential, sloped,
        rng.choice([0.0, 0.3, 1.0], 6).tolist() if rng.random() < 0.3 else None,
        1.0e-3 if rng.random() < 0.3 else None, int(rng.choice(BLOCK_SIZES)),
        (kinds[0], kinds[1], kinds[2]), boundaries.values(rng, source), bool(rng.random() < 0.2))


def cut_smaller(block_size: int) -> None:
    """Cut lean meshes into blocks of this many triangles from here on."""
    from anuga_lean.mesh.blocks import Blocks

    Blocks.build.__func__.__kwdefaults__["block_size"] = block_size  # type: ignore[attr-defined]


def build(anuga: ModuleType, case: Case, drawn: Drawn, rng: np.random.Generator) -> Any:
    """Return the domain of a case, ready to take steps of any size.

    Raises
    ------
    RefusedError
        If this ANUGA has no such boundary, or no tangential upwinding.
    """
    mesh = drawn.mesh
    domain = anuga.Domain(mesh.points, mesh.triangles, mesh.boundary)
    domain.set_name("selfcheck")
    domain.set_store(False)
    set_scheme(domain, drawn.algorithm, drawn.low_froude, drawn.tangential, drawn.sloped)
    if drawn.timestepping:
        domain.set_timestepping_method(drawn.timestepping)
    if drawn.betas is not None:
        domain.set_betas(*drawn.betas)
    if drawn.minimum_allowed_height is not None:
        domain.set_minimum_allowed_height(drawn.minimum_allowed_height)
    if boundaries.WITH_FULL_FRICTION in drawn.kinds:
        domain.quantities.pop("friction")
        anuga.Quantity(domain, name="friction", register=True, qty_type="evolved")
    domain.set_centroid_transmissive_bc(drawn.centroid_transmissive)
    set_boundaries(domain, drawn.kinds, drawn.values)
    if case.group == "rain":
        add_rain(anuga, domain, case.row, rng)
    elif case.group == "walls":
        add_wall(domain, mesh, case.row, rng)
    domain.evolve_min_timestep = 1.0e-300
    domain.finaltime = domain.relative_finaltime = NEVER
    domain.yieldstep = domain.relative_yieldtime = NEVER
    return domain


def set_scheme(domain: Any, algorithm: str, low_froude: int, tangential: bool, sloped: bool
               ) -> None:
    """Set flow algorithm, low-Froude mode and Manning friction."""
    domain.set_flow_algorithm(algorithm)
    bit = capabilities().tangential_upwind
    if tangential and not bit:
        raise RefusedError("this ANUGA has no tangential upwinding")
    domain.set_low_froude(low_froude | (bit if tangential else 0))
    domain.set_sloped_mannings_function(sloped)


def set_boundaries(domain: Any, kinds: tuple[str, ...], values: boundaries.Values) -> None:
    """Put a boundary of each kind on the tags a, b and c, as far as the mesh has them."""
    found = boundaries.classes()
    missing = [kind for kind in kinds if kind not in found
               and kind not in (boundaries.OWN, boundaries.NO_BOUNDARY)]
    if missing:
        raise RefusedError(f"this ANUGA has no {missing[0]}")
    objects: dict[str, Any] = {}
    for tag, kind in zip(meshes.TAGS, kinds, strict=True):
        if tag in domain.get_boundary_tags():
            objects[tag] = boundaries.MAKERS[kind](found, domain, values)
    domain.set_boundary(objects)


def add_rain(anuga: ModuleType, domain: Any, row: str, rng: np.random.Generator) -> None:
    """Add a Rate_operator, mm to dm per second: a step here may be a hundredth of one."""
    rate = float(rng.uniform(0.0, 0.1))
    cosine = np.cos
    if row == "constant":
        anuga.Rate_operator(domain, rate=rate, factor=0.5)
    elif row == "time":
        anuga.Rate_operator(domain, rate=lambda t: rate * (1.0 + float(cosine(t))), factor=1.0e-1)
    elif row == "place":
        anuga.Rate_operator(domain, rate=lambda x, y, t: rate * (0.01 * x + 0.02 * y + t))
    elif row == "region":
        anuga.Rate_operator(domain, rate=rate, center=[15.0, 12.0], radius=14.0)
    else:
        anuga.Rate_operator(domain, rate=-rate)


def add_wall(domain: Any, mesh: meshes.Mesh, row: str, rng: np.random.Generator) -> None:
    """Add a riverwall along a line of the grid, its crest below to above the water."""
    x = meshes.CELL * int(rng.integers(1, mesh.columns))
    top = meshes.CELL * mesh.rows
    crest = rng.uniform(-1.0, 2.0, 2)
    parameters: dict[str, float] = {"Qfactor": float(rng.uniform(0.5, 1.5))}
    if row == "drowned":
        parameters |= {"s1": 0.2, "s2": 0.6, "h1": 0.1, "h2": 0.9}
    elif row == "through":
        parameters |= {"Cd_through": float(rng.uniform(0.1, 0.8))}
    domain.riverwallData.create_riverwalls(
        {"wall": [[x, 0.0, float(crest[0])], [x, top, float(crest[1])]]}, {"wall": parameters},
        verbose=False)


def step(domain: Any, state: dict[str, np.ndarray], time: float) -> dict[str, np.ndarray]:
    """Take one step from a state at a time in s; return the state after it."""
    for name, values in state.items():
        domain.quantities[name].centroid_values[:] = values
    domain.relative_time = time
    domain.boundary_flux_sum[:] = 0.0
    getattr(domain, f"evolve_one_{domain.timestepping_method}_step")(NEVER, NEVER)
    domain.apply_fractional_steps()
    found = {name: np.array(domain.quantities[name].centroid_values) for name in STEPPED}
    found["timestep"] = np.array(domain.timestep, dtype=np.float64)
    found["boundary_flux_sum"] = np.array(domain.boundary_flux_sum, dtype=np.float64)
    return found
