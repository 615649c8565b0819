"""What runs on lean kernels and what on ANUGA's.

Owns the one table that `anuga_lean features` prints, the README shows and the
tests assert, and the check a domain makes before every step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from anuga_lean import overrides


class Feature(NamedTuple):
    """One line of the table: `runs_on` is 'lean' or 'stock'."""

    name: str
    runs_on: str
    note: str


FEATURES = (
    Feature("flow algorithms DE0, DE1, DE2, DE0_7, DE1_7, DE_ader2", "lean", ""),
    Feature("timestepping euler, rk2, rk3, ader2", "lean", "rk3 keeps 24 B/tri of backup"),
    Feature("low_froude 0, 1, 2", "lean", ""),
    Feature("Manning friction, flat and sloped", "lean", "sloped keeps 8 B/tri"),
    Feature("reflective walls", "lean", "own kernel inside the sweep"),
    Feature("all other boundaries, users' own included", "lean",
            "Python objects over computed edge values"),
    Feature("fractional-step operators (rain, inlets, culverts, set_stage, ...)", "lean",
            "ANUGA's own code on the real centroid arrays"),
    Feature("riverwalls", "lean", "a list of wall edges; crests are ANUGA's live array"),
    Feature("forcing terms besides Manning friction", "lean",
            "16 to 24 B/tri within a step, 24 of backup under rk2"),
    Feature("vegetation drag", "lean", "16 B/tri within a step, 24 of backup under rk2"),
    Feature("passive tracers", "lean", "24 B/tri each, 32 under rk2 and rk3"),
    Feature("SWW output, smooth or unique vertices", "lean", "keeps 14 B/tri of node order"),
    Feature("ghost triangles (parallel domains)", "lean", "1 B/tri of flags"),
    Feature("sediment", "stock", ""),
    Feature("kinematic viscosity", "stock", ""),
    Feature("erosion operators", "stock", ""),
    Feature("compute mode 'unified'", "stock", ""),
    Feature("monitored quantities given as an expression", "stock", ""),
    Feature("NaN in the initial state", "stock", "spreads exactly as in ANUGA"),
    Feature("protect_against_isolated_degenerate_timesteps", "stock", ""),
    Feature("velocity extrapolation switched off", "stock", ""),
    Feature("mesh geometry or edge values written by a script", "stock", ""),
    Feature("a user's own compute_fluxes, update_boundary or other method of the step", "stock",
            "evolve, set_quantity, update_ghosts and apply_fractional_steps may be a user's"),
)


def unsupported(domain: Any) -> str | None:
    """Return what this domain uses that has no lean kernel, or None.

    Called every substep: attribute reads only.
    """
    if domain.multiprocessor_mode != 1:
        return "compute mode 'unified'"
    if domain.n_sediment_classes or domain.tracer_speed_factor is not None:
        return "sediment"
    if domain.kv_operator is not None:
        return "kinematic viscosity"
    if getattr(domain, "_erosion_present", False):
        return "erosion operators"
    if domain.protect_against_isolated_degenerate_timesteps:
        return "protect_against_isolated_degenerate_timesteps"
    if domain.lean.parameter("extrapolate_velocity_second_order") != 1:
        return "velocity extrapolation switched off"
    if domain.quantities_to_be_monitored is not None and any(
            [name not in domain.quantities for name in domain.quantities_to_be_monitored]):
        return "monitored quantities given as an expression"
    if domain.mesh.overridden:
        return f"mesh arrays written by the script ({', '.join(sorted(domain.mesh.overridden))})"
    own = overrides.users_own(domain)
    if own is not None:
        return f"the {own} that {type(domain).__name__} has instead of ANUGA's"
    return None
