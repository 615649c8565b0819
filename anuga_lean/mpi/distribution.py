"""Distributes a domain or mesh of rank 0: every rank gets a lean domain.

Owns ANUGA's distribute, distribute_collaborative, distribute_basic_mesh and
distribute_basic_mesh_collaborative.  Rank 0 makes the part of one rank at a
time and sends it before it makes the next; the quantities follow when the
ranks have made their domains.  What a part is, is `submeshes`'; parts in files
are `partition_files`'.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import numpy as np
from anuga.parallel import distribute_mesh as _stock_parts
from anuga.parallel import parallel_api as _stock

from anuga_lean import _kernels
from anuga_lean._errors import MemoryWarning, PartitionError
from anuga_lean.memory_limits import count_unknown, stage
from anuga_lean.mpi.submeshes import Partition, Submesh
from anuga_lean.stepping import guarding
from anuga_lean.stepping.whole_domains import leave_behind

# What a part has of its domain, in the order in which ANUGA's functions set it: a flow
# algorithm sets heights of its own.
_OF_DISTRIBUTE = (
    "boundary_map", "flow_algorithm", "name", "datadir", "store", "low_froude",
    "store_centroids", "minimum_storable_height", "minimum_allowed_height", "geo_reference",
    "quantities_to_be_stored", "smooth")
_OF_COLLABORATIVE = (
    "boundary_map", "name", "datadir", "store", "store_centroids", "minimum_storable_height",
    "minimum_allowed_height", "flow_algorithm", "geo_reference", "quantities_to_be_stored",
    "smooth", "low_froude")
_ATTRIBUTES = ("geo_reference", "smooth")

_SUBMESH, _POINTS, _VERTICES, _TRIANGLES, _NODES, _QUANTITY = range(6)  # tags of messages


def parts_anew(parameters: Mapping[str, Any] | None, function: str) -> bool:
    """Whether a mesh is partitioned here; if not, warn that ANUGA's own functions do it."""
    if not (parameters or {}).get("cache_dir"):
        return True
    warnings.warn(
        f"{function} with cache_dir makes the parts of all ranks at once, as ANUGA does, some "
        f"500 bytes per triangle: without it each part is made when it is sent",
        MemoryWarning, stacklevel=3)
    return False


# -- what travels with a domain -------------------------------------------------------


def settings_of(domain: Any, boundary_map: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a domain that ANUGA gives its parts besides mesh and quantities."""
    return {
        "boundary_map": dict(boundary_map),
        "flow_algorithm": domain.get_flow_algorithm(),
        "name": domain.get_name(),
        "datadir": domain.get_datadir(),
        "store": domain.get_store(),
        "low_froude": domain.low_froude,
        "store_centroids": domain.get_store_centroids(),
        "minimum_storable_height": domain.minimum_storable_height,
        "minimum_allowed_height": domain.get_minimum_allowed_height(),
        "geo_reference": domain.geo_reference,
        "quantities_to_be_stored": domain.quantities_to_be_stored,
        "smooth": domain.smooth,
    }


def apply_settings(domain: Any, settings: Mapping[str, Any], names: Iterable[str]) -> None:
    """Apply the settings of a domain to its part, in the order of `names`."""
    for name in names:
        value = settings[name]
        if name == "boundary_map":
            domain.set_boundary(dict(value, ghost=None))
        elif name in _ATTRIBUTES:
            setattr(domain, name, value)
        else:
            getattr(domain, f"set_{name}")(value)


def forget_boundary(domain: Any) -> dict[str, Any]:
    """Set every boundary of a domain to None, as ANUGA does before it partitions it."""
    tags = dict.fromkeys(domain.get_boundary_tags())
    domain.set_boundary(tags)
    return tags


def distributed_values(
    domain: Any, parameters: Mapping[str, Any] | None
) -> dict[str, np.ndarray]:
    """Return the centroid values of the quantities and tracers that are distributed."""
    names = (parameters or {}).get(
        "distribute_quantity_names", _stock_parts.DEFAULT_DISTRIBUTE_QUANTITY_NAMES)
    values = {name: domain.quantities[name].centroid_values
              for name in names if name in domain.quantities}
    return values | _stock_parts.tracer_partition_quantities(domain)


def keywords_of(
    submesh: Submesh, geo_reference: Any, numbers: tuple[int, int], rank: int, ranks: int,
    ghost_layer_width: int,
) -> dict[str, Any]:
    """Return the keyword arguments of a Parallel_domain.

    Parameters
    ----------
    numbers : (int, int)
        Triangles and nodes of the whole mesh.
    """
    return {
        "full_send_dict": submesh.full_send_dict,
        "ghost_recv_dict": submesh.ghost_recv_dict,
        "number_of_full_nodes": submesh.number_of_full_nodes,
        "number_of_full_triangles": submesh.number_of_full_triangles,
        "geo_reference": geo_reference,
        "number_of_global_triangles": numbers[0],
        "number_of_global_nodes": numbers[1],
        "processor": rank,
        "numproc": ranks,
        "s2p_map": None,
        "p2s_map": None,
        "tri_l2g": submesh.tri_l2g,
        "node_l2g": submesh.node_l2g,
        "ghost_layer_width": ghost_layer_width,
    }


class Restoring:
    """Sets the quantities and tracers of a part, one after the other.

    Parameters
    ----------
    domain : Parallel_domain
    creating : bool
        Whether a quantity that the part does not have is made.
    """

    def __init__(self, domain: Any, creating: bool = True) -> None:
        self._domain = domain
        self._creating = creating
        self._tracers: dict[str, np.ndarray] = {}

    def take(self, name: str, values: np.ndarray) -> None:
        """Set a quantity from its (n, 1) centroid values, or keep those of a tracer."""
        if name.startswith(_stock_parts.TRACER_QUANTITY_PREFIX):
            self._tracers[name] = values
            return
        if self._creating and name not in self._domain.quantities:
            from anuga import Quantity

            Quantity(self._domain, name=name, register=True)
        self._domain.set_quantity(name, values, location="centroids")

    def finish(self, metadata: dict[str, Any] | None) -> None:
        """Set the tracers: their mass follows from the depth."""
        _stock_parts.restore_tracers(
            self._domain, metadata, _stock_parts.pop_tracer_quantities(self._tracers))


# -- from rank 0 to all ranks --------------------------------------------------------------


class _Ranks:
    """The ranks of a run, between which rank 0 distributes."""

    def __init__(self) -> None:
        from mpi4py import MPI

        self._comm = MPI.COMM_WORLD
        self.rank, self.count = self._comm.Get_rank(), self._comm.Get_size()

    def from_first(self, function: Callable[[], Any]) -> Any:
        """Return on rank 0 what a function gives, None on others; an error is raised on all."""
        found, error = None, None
        if self.rank == 0:
            try:
                found = function()
            except Exception as caught:
                error = caught
        reason = None if error is None else f"{type(error).__name__}: {error}"
        reason = self._comm.bcast(reason)
        if error is not None:
            raise error
        if reason is not None:
            raise PartitionError(f"rank 0 could not distribute the mesh: {reason}")
        return found

    def shared(self, value: Any) -> Any:
        """Return the value of rank 0."""
        return self._comm.bcast(value)

    def send(self, submesh: Submesh, to: int) -> None:
        """Send a part; its arrays may be reused when this returns."""
        self._comm.send(
            (submesh.boundary, submesh.full_send_dict, submesh.ghost_recv_dict,
             submesh.number_of_full_triangles, submesh.number_of_full_nodes,
             len(submesh.vertices), len(submesh.points)), to, _SUBMESH)
        self._comm.Send(submesh.points, to, _POINTS)
        self._comm.Send(submesh.vertices, to, _VERTICES)
        self._comm.Send(submesh.tri_l2g, to, _TRIANGLES)
        self._comm.Send(submesh.node_l2g, to, _NODES)

    def receive(self) -> Submesh:
        """Return the part that rank 0 sends, in arrays of its own."""
        boundary, send, receive, triangles, nodes, n, m = self._comm.recv(None, 0, _SUBMESH)
        points, vertices = np.empty((m, 2)), np.empty((n, 3), np.int32)
        tri_l2g, node_l2g = np.empty(n, np.int32), np.empty(m, np.int32)
        self._comm.Recv(points, 0, _POINTS)
        self._comm.Recv(vertices, 0, _VERTICES)
        self._comm.Recv(tri_l2g, 0, _TRIANGLES)
        self._comm.Recv(node_l2g, 0, _NODES)
        return Submesh(points, vertices, boundary, send, receive, tri_l2g, node_l2g,
                       triangles, nodes)

    def send_values(self, values: np.ndarray, to: int) -> None:
        """Send the values of a quantity, (n,) float64."""
        self._comm.Send(values, to, _QUANTITY)

    def receive_values(self, count: int) -> np.ndarray:
        """Return the values that rank 0 sends, (count, 1) float64."""
        values = np.empty((count, 1))
        self._comm.Recv(values, 0, _QUANTITY)
        return values


def _in_parallel() -> bool:
    return bool(_stock.pypar_available) and _stock.numprocs > 1


def _own_part(
    ranks: _Ranks, partition: Partition | None, geo_reference: Any, numbers: tuple[int, int],
    ghost_layer_width: int, renumbered: bool,
) -> Any:
    """Return this rank's Parallel_domain, without values."""
    if partition is None:
        submesh = ranks.receive()
    else:
        for p in range(1, ranks.count):
            ranks.send(partition.submesh(p, renumbered), p)
        submesh = partition.submesh(0, renumbered)
    keywords = keywords_of(
        submesh, geo_reference, numbers, ranks.rank, ranks.count, ghost_layer_width)
    points, vertices, boundary = submesh.points, submesh.vertices, submesh.boundary
    del submesh
    return _stock.Parallel_domain(points, vertices, boundary, **keywords)


def _hand_out(
    ranks: _Ranks, partition: Partition, values: Mapping[str, np.ndarray], own: Restoring
) -> None:
    """Send every rank its values of each quantity, and take those of rank 0."""
    for p in [*range(1, ranks.count), 0]:
        triangles = partition.triangles_of(p)
        for name, all_values in values.items():
            some = np.asarray(all_values[triangles], float)
            if p:
                ranks.send_values(some, p)
            else:
                own.take(name, some.reshape(-1, 1))


@stage("the part of a rank", count_unknown)
def _distribute(
    domain: Any, parameters: Mapping[str, Any] | None, verbose: bool, collaborative: bool = False
) -> Any:
    """Return this rank's part of the domain that rank 0 has.

    Notes
    -----
    ANUGA's two functions differ in what this follows `collaborative` in: a
    boundary that is set is kept, the settings come in another order, and a
    triangle's global number is that in the parted mesh.
    """
    ranks = _Ranks()

    def parted() -> tuple[Partition, dict[str, np.ndarray], dict[str, Any]]:
        keeps = collaborative and domain.boundary_map is not None
        settings = settings_of(domain, domain.boundary_map if keeps else forget_boundary(domain))
        settings["tracers"] = _stock_parts.tracer_partition_metadata(domain)
        partition = Partition(domain.mesh, ranks.count, parameters)
        _tell(partition, verbose)
        return partition, distributed_values(domain, parameters), settings

    partition, values, settings = ranks.from_first(parted) or (None, {}, {})
    numbers = (domain.number_of_triangles, domain.number_of_nodes) if ranks.rank == 0 else None
    width = None if partition is None else partition.ghost_layer_width
    settings, numbers, width, names = ranks.shared((settings, numbers, width, list(values)))
    part = _own_part(ranks, partition, settings["geo_reference"], numbers, width, collaborative)
    restoring = Restoring(part)
    if partition is None:
        for name in names:
            restoring.take(name, ranks.receive_values(len(part)))
    else:
        _hand_out(ranks, partition, values, restoring)
        del partition, values
    restoring.finish(settings["tracers"])
    apply_settings(part, settings, _OF_COLLABORATIVE if collaborative else _OF_DISTRIBUTE)
    if ranks.rank == 0:
        leave_behind(domain)
    _kernels.release_free_memory()
    _tell_guard(part, parameters)
    return part


def _tell_guard(part: Any, parameters: Mapping[str, Any] | None) -> None:
    guard = guarding.guard()
    if guard is not None:
        guard.made(part, (parameters or {}).get("partition_scheme", "metis"))


def _tell(partition: Partition, verbose: bool) -> None:
    for p, ghosts in enumerate(partition.ghosts if verbose else ()):
        print(f"distribute: rank {p} has {len(partition.full(p)):,} full and {len(ghosts):,} "
              f"ghost triangles")


@wraps(_stock.distribute)
def distribute(
    domain: Any, verbose: bool = False, debug: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    if not _in_parallel():
        return domain
    if not parts_anew(parameters, "distribute"):
        return _STOCK["distribute"](domain, verbose, debug, parameters)
    return _distribute(domain, parameters, verbose or debug)


@wraps(_stock.distribute_collaborative)
def distribute_collaborative(
    domain: Any, verbose: bool = False, debug: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    if not _in_parallel():
        return domain
    return _distribute(domain, parameters, verbose or debug, collaborative=True)


@stage("the part of a rank", count_unknown)
def _distribute_mesh(
    mesh: Any, parameters: Mapping[str, Any] | None, verbose: bool, collaborative: bool = False
) -> Any:
    """Return this rank's part of the Basic_mesh that rank 0 has, without values."""
    ranks = _Ranks()
    partition = ranks.from_first(lambda: Partition(mesh, ranks.count, parameters))
    told: Any = None
    if partition is not None:
        _tell(partition, verbose)
        told = (mesh.geo_reference, (mesh.number_of_triangles, mesh.number_of_nodes),
                partition.ghost_layer_width)
    geo_reference, numbers, width = ranks.shared(told)
    part = _own_part(ranks, partition, geo_reference, numbers, width, collaborative)
    part.set_name("domain")
    del partition
    _kernels.release_free_memory()
    _tell_guard(part, parameters)
    return part


def _alone(mesh: Any) -> Any:
    """Return the domain of a Basic_mesh in a serial run."""
    from anuga import Domain

    return Domain(mesh.nodes, mesh.triangles, boundary=mesh.boundary,
                  geo_reference=mesh.geo_reference)


@wraps(_stock.distribute_basic_mesh)
def distribute_basic_mesh(
    basic_mesh: Any, verbose: bool = False, parameters: Mapping[str, Any] | None = None
) -> Any:
    if not _in_parallel():
        return _alone(basic_mesh)
    if not parts_anew(parameters, "distribute_basic_mesh"):
        return _STOCK["distribute_basic_mesh"](basic_mesh, verbose, parameters)
    return _distribute_mesh(basic_mesh, parameters, verbose)


@wraps(_stock.distribute_basic_mesh_collaborative)
def distribute_basic_mesh_collaborative(
    basic_mesh: Any, verbose: bool = False, parameters: Mapping[str, Any] | None = None
) -> Any:
    if not _in_parallel():
        return _alone(basic_mesh)
    return _distribute_mesh(basic_mesh, parameters, verbose, collaborative=True)


_STOCK = {name: getattr(_stock, name) for name in ("distribute", "distribute_basic_mesh")}
