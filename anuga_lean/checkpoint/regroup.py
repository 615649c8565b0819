"""Loads a set of checkpoint files on another number of ranks than it was written on.

Owns how the domains of the ranks become one again (full triangles, by their
global numbers), and what of it a newly distributed domain gets.  Boundaries
and operators belong to a part of the mesh: they have to be set again, as after
`anuga.distribute`.
"""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean._errors import CheckpointError, CheckpointWarning
from anuga_lean.checkpoint.confinement import Folders
from anuga_lean.checkpoint.decoder import Missing
from anuga_lean.checkpoint.reading import StateFile
from anuga_lean.checkpoint.releases import say
from anuga_lean.mpi.ranks import Ranks, tried

_PLAIN = (bool, int, float, str, np.generic, type(None))
# Plain attributes that say which part of the mesh a domain is, or where it stands in its run.
_OF_A_PART = frozenset([
    "boundary_length", "number_of_elements", "number_of_triangles", "number_of_nodes",
    "number_of_full_triangles", "number_of_full_nodes", "number_of_full_triangles_tmp",
    "number_of_full_nodes_tmp", "number_of_global_triangles", "number_of_global_nodes",
    "number_of_riverwall_edges", "number_of_tracers", "n_sediment_classes", "numproc",
    "processor", "parallel", "simulation_name", "global_name", "ghost_counter",
    "ghost_layer_width", "evolved_called", "fractional_step_volume_integral", "kv_operator",
    "lean", "max_quantities_operator", "edge_flux_type", "edge_river_wall_counter", "nsys",
])
_DERIVED = ("x", "y", "xvelocity", "yvelocity", "height")
_INTERNAL_TAGS = ("ghost", "exterior")
_WHY = "which another number of ranks has written"


class _Whole:
    """Puts the parts of a set together, one after the other.

    Parameters
    ----------
    part : anuga.Domain
        The first of them.
    """

    def __init__(self, part: Any) -> None:
        n, nodes = int(part.number_of_global_triangles), int(part.number_of_global_nodes)
        self.triangles = np.full((n, 3), -1, np.int64)
        self.nodes = np.zeros((nodes, 2))
        self.boundary: dict[tuple[int, int], str] = {}
        self.tagged: dict[str, list[NDArray[Any]]] = {}
        self.quantities: dict[str, NDArray[Any]] = {}
        self.kinds: dict[str, str] = {}
        self.tracers = {name: np.zeros(n) for name in part._tracer_names}
        self.geo_reference = part.geo_reference
        self.attributes = {
            name: value for name, value in part.__dict__.items()
            if isinstance(value, _PLAIN) and name not in _OF_A_PART
            and not name.startswith(("_lean", "_full", "communication", "sediment_nearbed"))}
        self.stored = dict(part.quantities_to_be_stored or {})
        self.timezone = part.timezone
        self.call = part.resumed_call()     # of evolve, if the set stands between two of its yields
        self.boundary_flux = self.fractional_volume = 0.0
        self.tags: dict[str, str] = {}      # boundaries by tag
        self.again: dict[str, int] = {}     # what else to set again, and how often

    def add(self, part: Any) -> None:
        """Add the full triangles of a part."""
        if part.n_sediment_classes:
            raise CheckpointError(
                f"a set of {part.numproc} ranks with sediment can be loaded on {part.numproc} "
                "ranks only")
        number = self._numbers(part, "tri_l2g", part.number_of_triangles)
        node = self._numbers(part, "node_l2g", part.number_of_nodes)
        full = np.flatnonzero(np.asarray(part.tri_full_flag) == 1)
        corners = np.asarray(part.mesh.triangles)[full]
        self.triangles[number[full]] = node[corners]
        used = np.unique(corners)
        self.nodes[node[used]] = np.asarray(part.mesh.nodes)[used]
        is_full = np.zeros(len(number), bool)
        is_full[full] = True
        for (k, i), tag in part.boundary.items():
            if is_full[k] and tag != "ghost":
                self.boundary[int(number[k]), i] = tag
        for tag, ks in part.mesh.tagged_elements.items():
            self.tagged.setdefault(tag, []).append(number[ks[is_full[ks]]])
        for name, quantity in part.quantities.items():
            if name not in _DERIVED and not name.startswith("max_"):
                values = self.quantities.setdefault(name, np.zeros(len(self.triangles)))
                values[number[full]] = quantity.centroid_values[full]
                self.kinds[name] = quantity._qty_type
        for row, values in enumerate(self.tracers.values()):
            values[number[full]] = part.tracer_centroid_values[row][full]
        self.boundary_flux += float(part.boundary_flux_integral.boundary_flux_integral[0])
        self.fractional_volume += float(part.fractional_step_volume_integral)
        self._note_what_to_set_again(part)

    @staticmethod
    def _numbers(part: Any, name: str, count: int) -> NDArray[Any]:
        """Return the global numbers of a part's triangles or nodes; a serial domain has its own."""
        found = getattr(part, name, None)
        return np.arange(count) if found is None else np.asarray(found)

    def _note_what_to_set_again(self, part: Any) -> None:
        for tag, boundary in (part.boundary_map or {}).items():
            if boundary is not None:
                kind = boundary.kind if isinstance(boundary, Missing) else \
                    type(boundary).__name__
                self.tags[tag] = kind
        again = Counter([type(operator).__name__ for operator in part.fractional_step_operators
                         if operator is not part.boundary_flux_integral])
        again += Counter([term.kind for term in part.forcing_terms if isinstance(term, Missing)])
        if part.number_of_riverwall_edges:
            again["create_riverwalls"] = 1
        if part.quantities_to_be_monitored:
            again["set_quantities_to_be_monitored"] = 1
        for what, count in again.items():   # a rank has the operators of its part of the mesh
            self.again[what] = max(count, self.again.get(what, 0))

    def domain(self, name: str) -> Any:
        """Return the serial domain of all parts."""
        import anuga

        missing = np.flatnonzero(self.triangles[:, 0] < 0)
        if len(missing):
            raise CheckpointError(
                f"the files of the set {name!r} hold {len(self.triangles) - len(missing):,} of "
                f"{len(self.triangles):,} triangles, e.g. not triangle {missing[0]}")
        domain = anuga.Domain(
            self.nodes, self.triangles, self.boundary,
            tagged_elements={tag: np.concatenate(ks) for tag, ks in self.tagged.items()},
            geo_reference=self.geo_reference)
        self.triangles = self.nodes = None      # type: ignore[assignment]
        domain.set_name(name)
        self.transfer(domain)
        for each, values in self.quantities.items():
            if each not in domain.quantities:
                anuga.Quantity(domain, name=each, register=True, qty_type=self.kinds[each])
            domain.quantities[each].set_values(values, location="centroids")
        for each, values in self.tracers.items():
            domain.add_tracer(each, beta=self.attributes["beta_tracer"], initial_value=None)
            domain.set_tracer(each, values)
        self.tracers.clear()
        return domain

    def give_quantities(self, domain: Any, ranks: Ranks) -> None:
        """Set the user's own quantities of a part, which `anuga.distribute` does not send."""
        import anuga

        for name, kind in self.kinds.items():
            if name not in domain.quantities:
                anuga.Quantity(domain, name=name, register=True, qty_type=kind)
                values = ranks.selected(self.quantities.get(name), np.asarray(domain.tri_l2g))
                domain.quantities[name].set_values(values, location="centroids")

    def facts(self) -> _Whole:
        """Return the same object without its arrays, to be sent to the other ranks."""
        twin = copy.copy(self)
        twin.boundary, twin.tagged, twin.quantities = {}, {}, {}
        return twin

    def transfer(self, domain: Any) -> None:
        """Set the parameters, times and counters of the set on a domain."""
        domain.set_flow_algorithm(self.attributes["flow_algorithm"])
        stored = {name: flag for name, flag in self.stored.items()
                  if not name.startswith("max_")}
        domain.set_quantities_to_be_stored(stored)
        domain.timezone = self.timezone
        for name, value in self.attributes.items():
            setattr(domain, name, value)
        domain.evolve_starttime = domain.relative_time
        if self.call is None:
            domain.yieldstep_counter -= 1   # the run begins with the yield of the set
        else:
            domain.evolved_called = True
            domain.mark_between_yields(self.call)
        domain.update_domain_c_struct()

    def ask_for(self, domain: Any) -> None:
        """Make boundaries that are not set again raise an error, instead of none at all."""
        domain.set_boundary({
            tag: Missing(f"domain.boundary_map[{tag!r}]", self.tags.get(tag, "a boundary"), _WHY)
            for tag in domain.get_boundary_tags() if tag not in _INTERNAL_TAGS
            or tag in self.tags})


def put_together(files: list[Path], name: str, folders: Folders | None,
                 datadir: str | None) -> tuple[Any, _Whole]:
    """Return the serial domain of a set's files, and what else is known of all its ranks."""
    whole = None
    for path in files:
        with StateFile(path) as file:
            part, _ = file.restore(trusted=False, folders=folders, datadir=datadir)
            if whole is None:
                say(file.older)
                _check_room(part, len(files) * file.room)
        try:
            whole = _Whole(part) if whole is None else whole
            whole.add(part)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"checkpoint {path} is no part of the set {name!r} "
                                  f"({type(error).__name__}: {error})") from error
    if whole is None:
        raise CheckpointError(f"the set {name!r} has no files")
    return whole.domain(name), whole


def _check_room(part: Any, room: int) -> None:
    """Raise CheckpointError if files cannot hold as much as a part says that they hold."""
    n, nodes = part.number_of_global_triangles, part.number_of_global_nodes
    if 24 * n + 16 * nodes > room:
        raise CheckpointError(f"a set of {n:,} triangles at {nodes:,} nodes where there is room "
                              f"for {room:,} bytes")


def regrouped(files: list[Path], name: str, ranks: Ranks, folders: Folders | None = None,
              datadir: str | None = None) -> Any:
    """Return this rank's domain of a set that another number of ranks has written; collective.

    Parameters
    ----------
    files : list of Path
        Of every rank that wrote the set, by rank.
    name : str
        Of the domain, without the number of a rank.
    ranks : Ranks
        Rank 0 reads all files, one at a time.
    folders, datadir
        As `StateFile.restore` takes them.

    Raises
    ------
    CheckpointError
        A file is damaged or missing, or the model cannot be distributed anew.
    """
    import anuga

    found, reason = tried(ranks, lambda: put_together(
        files, name, folders, datadir) if ranks.rank == 0 else None)
    if reason is not None:
        raise CheckpointError(reason)
    domain: Any
    whole: Any      # what rank 0 has put together; the others take its facts
    domain, whole = found or (None, None)
    if ranks.count > 1:
        domain = anuga.distribute(domain)
        facts = ranks.from_first(whole and whole.facts())
        whole = whole or facts
        whole.transfer(domain)
        whole.give_quantities(domain, ranks)
    whole.ask_for(domain)
    first = ranks.rank == 0
    domain.boundary_flux_integral.boundary_flux_integral[0] = whole.boundary_flux * first
    domain.fractional_step_volume_integral = whole.fractional_volume * first
    domain.keep_older_sww()
    if first:
        again = [*(f"boundary {tag!r} ({kind})" for tag, kind in whole.tags.items()),
                 *(what if count == 1 else f"{count} {what}"
                   for what, count in whole.again.items())]
        warnings.warn(
            f"{files[0].name} and its set were written by {len(files)} ranks and are loaded on "
            f"{ranks.count}; set again: {', '.join(again)}.", CheckpointWarning, stacklevel=7)
    return domain
