"""Goes on from the newest whole set of a model that a script has built anew.

Owns which set that is, and which of a script's calls of evolve go on.  How the state gets into
the domain is in `checkpoint.graft`, what has to be the same in `model`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean._errors import CheckpointError, ModelsDiffer
from anuga_lean.checkpoint.confinement import Folders
from anuga_lean.checkpoint.loading import find_sets, go_on
from anuga_lean.checkpoint.names import FoundSet, path_in, whole_name
from anuga_lean.checkpoint.prepared import mesh_digest
from anuga_lean.checkpoint.reading import StateFile
from anuga_lean.checkpoint.regroup import put_together
from anuga_lean.checkpoint.users import STATES, give_back
from anuga_lean.guard.model import difference
from anuga_lean.mpi.ranks import Ranks, tried

MADE = "_lean_made"     # the attribute of a domain with what `model.describe` has found
CALL = "_lean_evolve_call"      # and the one with the number of its evolve


class Found:
    """The set that a model goes on from.

    Attributes
    ----------
    set : FoundSet
    call : int
        The call of evolve it was written in, from 1 on.
    passed : list of str
        Why newer sets were passed over.
    """

    def __init__(self, found: FoundSet, call: int, passed: list[str]) -> None:
        self.set = found
        self.call = call
        self.passed = passed


def find(domain: Any, folder: Path) -> Found | None:
    """Return the newest whole set of a domain's name and mesh; None if there is none; collective.

    Raises
    ------
    ModelsDiffer
        The newest whole set is of another mesh.
    """
    ranks = Ranks.of_domain(domain)
    name = whole_name(domain)
    if not all(ranks.allgather(folder.is_dir())):
        return None
    passed: list[str] = []
    for each in find_sets(ranks, folder, name):
        if each.is_stock:
            continue
        opened, reason = tried(ranks, partial(_opened, each, ranks, folder, name, domain))
        if reason is None:
            call, other = opened
            other = next((text for text in ranks.allgather(other) if text), None)
            if other is not None:
                raise ModelsDiffer(other)
            return Found(each, call, passed)
        passed.append(reason)
    if passed:
        raise CheckpointError(f"none of the sets of {name!r} in {folder} is whole: {passed[0]}")
    return None


def _opened(found: FoundSet, ranks: Ranks, folder: Path, name: str,
            domain: Any) -> tuple[int, str | None]:
    """Open, and so verify, the files that this rank needs.

    Returns
    -------
    int
        The number of the evolve.
    str or None
        How its mesh is another one than the script's.
    """
    other = None
    own = found.count == ranks.count
    header: dict[str, Any] = {}
    for rank in [ranks.rank] if own else range(found.count):
        with StateFile(path_in(folder, name, found.count, rank, found.time)) as file:
            header = file.state.header
    if own and header["mesh"] != mesh_digest(domain):
        other = (
            f"the newest set of {name!r} in {folder} is of another mesh than the script's "
            f"({header.get('number_of_triangles')} triangles, the script has "
            f"{domain.number_of_triangles}): give the run another name, or run it without "
            "--resume")
    call = header.get("evolve", 1)
    return call if type(call) is int and call > 0 else 1, other


def resume(domain: Any, found: Found, folder: Path, built: dict[str, str]) -> None:
    """Give a domain the state of a set; collective.

    Parameters
    ----------
    domain : anuga.Domain
        As the script has built it.
    found : Found
    folder : Path
    built : dict
        Of `model.describe`.

    Raises
    ------
    CheckpointError
        The set cannot be read, or the script has built another model (ModelsDiffer).
    """
    ranks = Ranks.of_domain(domain)
    name = whole_name(domain)
    if found.set.count == ranks.count:
        path = path_in(folder, name, ranks.count, ranks.rank, found.set.time)
        _, reason = tried(ranks, partial(_graft, path, domain, folder, built))
    else:
        reason = _distribute(domain, found.set, ranks, folder, name)
    if reason is not None:
        raise CheckpointError(reason + ".")


def _graft(path: Path, domain: Any, folder: Path, built: dict[str, str]) -> None:
    own = {key: domain.__dict__.get(key) for key in ("datadir", "checkpoint_dir")}
    checks = domain.__dict__["_checkpoint_sets"] if "_checkpoint_sets" in domain.__dict__ else None
    with StateFile(path) as file:
        folders = Folders([".", folder, str(own["datadir"])])
        domain_of_file, missing = file.restore(trusted=False, folders=folders, into=domain)
        assert domain_of_file is domain
        said = difference(built, domain.__dict__.get(MADE) or {})
        if said is not None:
            raise ModelsDiffer(f"{said}: run the script as it was, or without --resume")
        if missing:
            raise ModelsDiffer(f"{missing[0].path} of the set cannot be taken over")
        give_back(domain, domain.__dict__.get(STATES, {}))
        domain.__dict__.update({key: each for key, each in own.items() if each is not None})
        if checks is not None:
            domain.__dict__["_checkpoint_sets"] = checks
        domain.checkpoint_sets.adopt(file.state, file.mesh)
    go_on(domain)


def _distribute(domain: Any, found: FoundSet, ranks: Ranks, folder: Path, name: str) -> str | None:
    """Give the domain what another number of ranks has written, by the numbers of the mesh."""
    files = [path_in(folder, name, found.count, rank, found.time) for rank in range(found.count)]
    folders = Folders([".", folder, domain.get_datadir()])
    both, reason = tried(ranks, lambda: put_together(files, name, folders, None)
                         if ranks.rank == 0 else None)
    if reason is not None:
        return reason
    serial, whole = both or (None, None)
    facts = ranks.from_first(whole and whole.facts())
    facts.transfer(domain)
    numbers = np.asarray(domain.tri_l2g) if domain.parallel else np.arange(len(domain))
    for each in ranks.from_first(serial and [
            each for each, quantity in serial.quantities.items()
            if each in ("stage", "xmomentum", "ymomentum", "elevation", "friction")]):
        values = ranks.selected(
            None if serial is None else serial.quantities[each].centroid_values, numbers)
        domain.quantities[each].set_values(values, location="centroids")
    domain.boundary_flux_integral.boundary_flux_integral[0] = \
        facts.boundary_flux * (ranks.rank == 0)
    domain.fractional_step_volume_integral = facts.fractional_volume * (ranks.rank == 0)
    domain.keep_older_sww()
    go_on(domain)
    return None
