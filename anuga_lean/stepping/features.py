"""Lists what runs on lean kernels and what on ANUGA's, and decides it for a domain.

Owns the one table that `anuga_lean features` prints, docs/ show and the
tests assert, and the check a domain makes before every step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from anuga_lean.stepping import user_methods


class Feature(NamedTuple):
    """A line of the table: `runs_on` is 'lean' or 'stock'.

    `nbytes_per_triangle` is what a domain holds more with the feature in use,
    as `benchmarks/fallbacks.py` measures it.
    """

    name: str
    runs_on: str
    nbytes_per_triangle: int
    note: str


# The figures are those of `python benchmarks/fallbacks.py`.
FEATURES = (
    Feature("flow algorithms DE0, DE1, DE2, DE0_7, DE1_7, DE_ader2", "lean", 0, ""),
    Feature("timestepping euler, rk2, rk3, ader2", "lean", 24, "rk3 keeps a backup"),
    Feature("low_froude 0, 1, 2; tangential upwinding (ANUGA 4.2)", "lean", 0, ""),
    Feature("Manning friction, flat and sloped", "lean", 8, "sloped keeps a slope"),
    Feature("reflective walls", "lean", 0, "own kernel inside the sweep"),
    Feature("all other boundaries, users' own included", "lean", 0,
            "Python objects over computed edge values"),
    Feature("values prescribed at boundaries bound the reconstruction (ANUGA 4.2)", "lean", 0,
            "a list of such edges and the values they had"),
    Feature("fractional-step operators (rain, inlets, culverts, set_stage, ...)", "lean", 0,
            "rates, maxima, what is set, blown, pressed or eroded, and inlets of up to 128 "
            "triangles on kernels (a rate everywhere holds the areas, 8 B/tri); culverts ask for "
            "everything once, their flow is ANUGA's; the others ANUGA's own code"),
    Feature("riverwalls", "lean", 0, "a list of wall edges; crests are ANUGA's live array"),
    Feature("forcing terms besides Manning friction", "lean", 0,
            "16 to 24 B/tri within a step, 24 of backup under rk2"),
    Feature("vegetation drag", "lean", 24, "16 B/tri within a step, 24 of backup under rk2"),
    Feature("passive tracers", "lean", 24, "each; 32 under rk2 and rk3"),
    Feature("set_collect_max_quantities", "lean", 64, "ANUGA's own arrays, 32 if not stored"),
    Feature("kinematic viscosity", "lean", 32, "velocities; 180 more while it solves"),
    Feature("erosion operators", "lean", 32, "bed shear keeps levels of the last yields"),
    Feature("monitored quantities, expressions too", "lean", 16,
            "expressions keep the levels of the last yield, 32 with momenta"),
    Feature("protect_against_isolated_degenerate_timesteps", "lean", 40,
            "wave speeds and the state of the last yield"),
    Feature("SWW output, smooth or unique vertices", "lean", 14, "order of the nodes"),
    Feature("ghost triangles (parallel domains)", "lean", 1, "flags"),
    Feature("sediment", "stock", 1077, ""),
    Feature("compute mode 'unified'", "stock", 861, ""),
    Feature("NaN in the initial state", "stock", 861, "spreads exactly as in ANUGA"),
    Feature("velocity extrapolation switched off", "stock", 861, ""),
    Feature("mesh geometry or edge values written by a script", "stock", 861, ""),
    Feature("a user's own compute_fluxes, update_timestep or other method that calls ANUGA's",
            "lean", 0, "40 B/tri within a step, 24 of backup under rk2; also update_boundary, "
            "compute_forcing_terms and evolve_one_*_step"),
    Feature("a user's own distribute_to_vertices_and_edges, update_conserved_quantities, ...",
            "stock", 861,
            "evolve, set_quantity, update_ghosts and apply_fractional_steps may be a user's"),
)


_OF_EVERY_DOMAIN = "boundary_flux_integral_operator"
_ROWS = {feature.name.split(maxsplit=1)[0].rstrip(","): feature.name for feature in FEATURES}


def used(domain: Any) -> dict[str, int]:
    """Return the lines of the table that cost this domain something, and how often it has each.

    What runs on stock's kernels stands there by the sentence of `unsupported`.
    """
    operators = [type(each).__name__ for each in domain.fractional_step_operators
                 if type(each).__name__ != _OF_EVERY_DOMAIN]
    viscous = sum("viscosity" in name for name in operators)
    eroding = sum("rosion" in name for name in operators)
    maxima = sum(name.startswith("Collect_max") for name in operators)
    counts = {
        "timestepping": int(domain.get_timestepping_method() == "rk3"),
        "Manning": int(bool(domain.use_sloped_mannings)),
        "fractional-step": len(operators) - viscous - eroding - maxima,
        "riverwalls": int(bool(domain.riverwallData.names)),
        "forcing": len(domain.forcing_terms) - int(domain.has_manning_friction()),
        "vegetation": int(bool(domain.vegetation_mode)),
        "passive": len(domain.__dict__.get("_tracer_names") or ()),
        "set_collect_max_quantities": maxima,
        "kinematic": viscous,
        "erosion": eroding,
        "monitored": int(bool(domain.quantities_to_be_monitored)),
        "protect_against_isolated_degenerate_timesteps":
            int(bool(domain.protect_against_isolated_degenerate_timesteps)),
        "SWW": int(bool(domain.store)),
        "ghost": int(domain.full_flags() is not None),
    }
    found = {_ROWS[word]: count for word, count in counts.items() if count > 0}
    stock = "ANUGA's own arrays" if domain.on_stock_arrays else unsupported(domain)
    return found if stock is None else found | {stock: 1}


def unsupported(domain: Any) -> str | None:
    """Return what this domain uses that has no lean kernel, or None.

    Called every substep: attribute reads only.
    """
    if domain.multiprocessor_mode != 1:
        return "compute mode 'unified'"
    if domain.n_sediment_classes or domain.tracer_speed_factor is not None:
        return "sediment"
    if domain.lean.parameters.value("extrapolate_velocity_second_order") != 1:
        return "velocity extrapolation switched off"
    if domain.mesh.overridden:
        return f"mesh arrays written by the script ({', '.join(sorted(domain.mesh.overridden))})"
    own = user_methods.users_own(domain)
    if not own <= user_methods.SEEN_THROUGH:
        return user_methods.described(own - user_methods.SEEN_THROUGH, domain)
    if own or domain._lean_own:
        domain._lean_own = own
    return None
