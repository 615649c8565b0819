"""Goes on from stored checkpoints: `python -m checkpoint.go_on FOLDER TARGET WAY MODEL,...`.

WAY is lean (a set of lean's), lean-stock (ANUGA's own, by lean classes), stock (the same by
ANUGA's classes, which get by hand what an older release has not set), or whole (a run of
ANUGA's classes from its beginning).  Leaves TARGET/WAY_MODEL.npz; each of several ranks
TARGET/WAY_MODEL_PRANKS_RANK.npz.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from checkpoint.older_models import WRITTEN_AT, built, evolved


def by_hand(domain: Any) -> Any:
    """Give a domain that 4.1 has pickled what 4.2 asks for."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    if hasattr(Boundary, "limiter_prescribes") and not hasattr(domain, "boundary_limit_mask"):
        domain.boundary_limit_mask = np.zeros_like(domain.number_of_boundaries)
        domain.set_boundary({})
        for operator in domain.fractional_step_operators:
            if type(operator).__name__ == "Kinematic_viscosity_operator":
                operator.form, operator.scheme = "velocity", "implicit"
                operator._geo_structure_base = operator.geo_structure_values.copy()
                operator._geo_boundary_objects, operator._geo_walls_set = None, False
    return domain


def gone_on(way: str, folder: Path, model: str) -> dict[str, np.ndarray]:
    """What the rest of a run shows."""
    if way.startswith("lean"):
        import anuga_lean as anuga

        place = folder / ("stock" if way == "lean-stock" else "lean")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                domain = anuga.load_checkpoint_file(model, str(place))
            except anuga.CheckpointError as error:
                return {"refused": np.array(f"{type(error).__name__}: {error}")}
        found = {"said": np.array([f"{each.category.__name__}: {each.message}" for each in said])}
        domain.set_checkpointing(False)
        return found | {"kernels": np.array("stock" if domain.lean is None else "lean")} \
            | evolved(domain)
    import anuga
    import dill

    if way == "whole":
        return evolved(built(anuga, model))
    name = model + _suffix()
    with open(folder / "stock" / f"{name}_{WRITTEN_AT}.pickle", "rb") as file:
        domain = by_hand(dill.load(file))
    domain.checkpoint = False
    return evolved(domain)


def _suffix() -> str:
    """What ANUGA adds to the name of a domain on this rank."""
    import anuga

    return "" if anuga.numprocs == 1 else f"_P{anuga.numprocs}_{anuga.myid}"


def main() -> None:
    """Some models, one way."""
    folder, target, way = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    for model in sys.argv[4].split(","):
        found = gone_on(way, folder, model)
        np.savez(target / f"{way}_{model}{_suffix()}.npz", **found)
    import anuga

    anuga.finalize()


if __name__ == "__main__":
    main()
