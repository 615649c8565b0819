"""Measures what each feature adds to a lean domain, in bytes per triangle, by census.

For every row of `anuga_lean.stepping.features.FEATURES` one function in `SWITCHES` turns
the feature on.  A plain domain and one with the feature are run at two sizes;
the figure is the difference of their slopes, so that what does not grow with
the mesh cancels.  `tests/unit/test_features.py` runs this at small sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

YARD = [[30.0, 8.0], [32.0, 8.0], [32.0, 10.0], [30.0, 10.0]]
BANK = [[35.0, 0.0, 0.1], [35.0, 25.0, 0.1]]


class Cost(NamedTuple):
    """The cost of one feature, as measured."""

    name: str
    kernels: str  # that stepped the domain: 'lean' or 'stock'
    bytes_per_triangle: float  # more than the plain domain holds


def drag(domain: Any) -> None:
    """Add drag, as a forcing term of a user's."""
    domain.quantities["xmomentum"].explicit_update[:] += 0.001


def spoil(anuga: Any, domain: Any) -> None:
    """Put a NaN into the stage."""
    domain.quantities["stage"].centroid_values[7] = np.nan


def watch_fluxes(anuga: Any, domain: Any) -> None:
    """Replace a method of ANUGA's by a user's own."""
    compute_fluxes = domain.compute_fluxes
    domain.compute_fluxes = lambda: compute_fluxes()


def watch_updates(anuga: Any, domain: Any) -> None:
    """Replace a method by a user's own that ANUGA's kernels have to follow."""
    update = domain.update_conserved_quantities
    domain.update_conserved_quantities = lambda: update()


def make_ghosts(anuga: Any, domain: Any) -> None:
    """Declare a few triangles ghosts."""
    domain.tri_full_flag[:5] = 0


def add_sediment(anuga: Any, domain: Any) -> None:
    """Add one suspended fraction and what moves it."""
    domain.add_sediment_fraction("sand", diameter=2.0e-4)
    anuga.Sediment_transport_operator(domain)


def open_everywhere(anuga: Any, domain: Any) -> None:
    """Replace the walls by four other kinds of boundary."""
    level = [-0.5, 0.0, 0.0]
    domain.set_boundary({
        "left": anuga.Dirichlet_boundary(level),
        "right": anuga.Transmissive_boundary(domain),
        "top": anuga.Time_boundary(domain, lambda t: level),
        "bottom": anuga.Flather_external_stage_zero_velocity_boundary(domain, lambda t: -0.5),
    })


def low_froude(anuga: Any, domain: Any) -> None:
    """Set low Froude mode 1, with the tangential momentum upwinded where ANUGA can."""
    from anuga_lean.overlay.capabilities import capabilities

    domain.set_low_froude(1 | capabilities().tangential_upwind)


def prescribe_everywhere(anuga: Any, domain: Any) -> None:
    """Replace the walls by boundaries that prescribe stage and momentum."""
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(),
                                      anuga.Dirichlet_boundary([0.1, 0.2, 0.0])))


SWITCHES: dict[str, Callable[[Any, Any], Any]] = {
    "flow algorithms DE0, DE1, DE2, DE0_7, DE1_7, DE_ader2":
        lambda anuga, d: d.set_flow_algorithm("DE_ader2"),
    "timestepping euler, rk2, rk3, ader2": lambda anuga, d: d.set_timestepping_method("rk3"),
    "low_froude 0, 1, 2; tangential upwinding (ANUGA 4.2)": low_froude,
    "Manning friction, flat and sloped":
        lambda anuga, d: d.set_sloped_mannings_function(True),
    "reflective walls": lambda anuga, d: None,
    "all other boundaries, users' own included": open_everywhere,
    "values prescribed at boundaries bound the reconstruction (ANUGA 4.2)": prescribe_everywhere,
    "fractional-step operators (rain, inlets, culverts, set_stage, ...)":
        lambda anuga, d: anuga.Rate_operator(d, rate=1.0e-4, polygon=YARD),
    "set_collect_max_quantities": lambda anuga, d: d.set_collect_max_quantities(),
    "kinematic viscosity": lambda anuga, d: d.set_use_kinematic_viscosity(True),
    "erosion operators":
        lambda anuga, d: anuga.Bed_shear_erosion_operator(d, base=-9.0, polygon=YARD),
    "monitored quantities, expressions too":
        lambda anuga, d: d.set_quantities_to_be_monitored("stage-elevation"),
    "SWW output, smooth or unique vertices": lambda anuga, d: d.set_store(True),
    "ghost triangles (parallel domains)": make_ghosts,
    "riverwalls":
        lambda anuga, d: d.riverwallData.create_riverwalls({"bank": BANK}, verbose=False),
    "passive tracers": lambda anuga, d: d.add_tracer("dye", initial_value=1.0),
    "sediment": add_sediment,
    "vegetation drag":
        lambda anuga, d: d.set_vegetation_drag(density=20.0, diameter=0.02, height=0.5),
    "compute mode 'unified'": lambda anuga, d: d.set_compute_mode("unified"),
    "forcing terms besides Manning friction": lambda anuga, d: d.forcing_terms.append(drag),
    "NaN in the initial state": spoil,
    "protect_against_isolated_degenerate_timesteps":
        lambda anuga, d: setattr(d, "protect_against_isolated_degenerate_timesteps", True),
    "velocity extrapolation switched off": lambda anuga, d: d.set_extrapolate_velocity(False),
    "mesh geometry or edge values written by a script":
        lambda anuga, d: d.radii.__setitem__(slice(0, 9), 0.1),
    "a user's own compute_fluxes, update_timestep or other method that calls ANUGA's":
        watch_fluxes,
    "a user's own distribute_to_vertices_and_edges, update_conserved_quantities, ...":
        watch_updates,
}


def plain(anuga: Any, cells: int) -> Any:
    """Return a channel of 4*cells*cells triangles between walls, wet, nothing stored.

    Dry triangles would make the record of what distribute changes grow by jumps.
    """
    domain = anuga.rectangular_cross_domain(cells, cells, len1=70.0, len2=25.0)
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: -0.02 * x)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: 0.2 + 0.1 * np.sin(x))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    return domain


def held(switch: Callable[[Any, Any], Any] | None, cells: int) -> tuple[int, int, str]:
    """Return bytes and triangles of a domain after two yields, and the kernels that ran."""
    import anuga_lean as anuga
    from anuga_lean.arrays.census import census

    domain = plain(anuga, cells)
    # What a structure or a maxima operator returns may be all that holds it.
    kept = switch and switch(anuga, domain)
    domain.set_fixed_flux_timestep(0.001)
    for _ in domain.evolve(yieldstep=0.002, finaltime=0.004):
        pass
    counted = census(domain)
    del kept
    # One arena per thread, as large as the largest block wherever that is.
    nbytes = counted.nbytes - counted.groups().get("kernels/scratch", 0)
    return nbytes, counted.number_of_triangles, "stock" if domain.lean is None else "lean"


def slope(switch: Callable[[Any, Any], Any] | None, cells: tuple[int, int]) -> tuple[float, str]:
    """Return bytes per triangle between the two sizes, and the kernels that ran."""
    small, large = (held(switch, size) for size in cells)
    return (large[0] - small[0]) / (large[1] - small[1]), large[2]


def measure(names: list[str], cells: tuple[int, int]) -> list[Cost]:
    """Return the cost of each feature over a plain domain."""
    costs = []
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            base, _ = slope(None, cells)
            for name in names:
                total, kernels = slope(SWITCHES[name], cells)
                costs.append(Cost(name, kernels, total - base))
        finally:
            os.chdir(here)
    return costs


def main() -> None:
    """Measure and print."""
    from anuga_lean.measure.report import table
    from anuga_lean.stepping.features import FEATURES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feature", action="append", choices=list(SWITCHES), metavar="NAME",
                        help="default: all")
    parser.add_argument("--cells", type=int, nargs=2, default=(100, 200), metavar="N",
                        help="cells along a side, 4*N*N triangles (default: 100 200)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    costs = measure(args.feature or list(SWITCHES), tuple(args.cells))
    stated = {feature.name: str(feature.nbytes_per_triangle) for feature in FEATURES}
    rows = [["feature", "kernels", "adds B/tri", "stated"]]
    rows += [[cost.name, cost.kernels, f"{cost.bytes_per_triangle:.1f}",
              stated.get(cost.name, "-")] for cost in costs]
    print(table(rows))
    if args.json is not None:
        args.json.write_text(json.dumps([cost._asdict() for cost in costs], indent=1) + "\n")


if __name__ == "__main__":
    main()
