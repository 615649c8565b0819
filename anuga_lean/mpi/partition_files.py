"""Writes the parts of a mesh or domain to files, one after the other, and loads them.

Owns ANUGA's sequential_distribute_dump and _load and sequential_mesh_dump and
_load: the same files under the same names, each written whole or not at all.
What a part is, is `submeshes`'; what travels with it, `distribution`'s.
"""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
from anuga.parallel import distribute_mesh as _stock_parts
from anuga.parallel import sequential_distribute as _stock

from anuga_lean import _kernels
from anuga_lean._errors import PartitionError
from anuga_lean.memory_limits import count_unknown, stage
from anuga_lean.mesh.input_checks import MOST_NODES, MOST_TRIANGLES
from anuga_lean.mpi.distribution import (
    Restoring,
    apply_settings,
    distributed_values,
    forget_boundary,
    keywords_of,
    parts_anew,
    settings_of,
)
from anuga_lean.mpi.submeshes import Partition

# A file holds (keywords, points, vertices, boundary, quantities, then these).
_SETTINGS = (
    "boundary_map", "name", "datadir", "store", "store_centroids", "minimum_storable_height",
    "minimum_allowed_height", "flow_algorithm", "geo_reference", "quantities_to_be_stored",
    "smooth", "low_froude")
# The order in which ANUGA sets them on the domain of a file.
_LOADED = (
    "boundary_map", "name", "datadir", "flow_algorithm", "low_froude", "store",
    "store_centroids", "minimum_storable_height", "minimum_allowed_height", "geo_reference",
    "quantities_to_be_stored", "smooth")

_STOCK = {name: getattr(_stock, name) for name in (
    "sequential_distribute_dump", "sequential_mesh_dump", "sequential_mesh_load")}

# What the processes that write parts share with the one that started them.
_writing: Callable[[int], None] | None = None


def _write_all(
    write: Callable[[int], None], numprocs: int, num_workers: int, verbose: bool, label: str
) -> None:
    """Write all parts: one after the other, or by `num_workers` forked processes."""
    global _writing
    if not _stock._use_parallel_dump(num_workers, numprocs):
        for p in range(numprocs):
            write(p)
        return
    _writing = write
    try:
        _stock._run_partition_dump_pool(_write_part, numprocs, num_workers, verbose, label)
    finally:
        _writing = None


def _write_part(p: int) -> int:
    assert _writing is not None
    _writing(p)
    return p


def _whole(path: str | os.PathLike, write: Callable[[str], None]) -> None:
    """Write a file under another name and rename it when it is whole."""
    path = os.fspath(path)
    unfinished = f"{path}.{os.getpid()}.unfinished"
    try:
        write(unfinished)
        os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(unfinished)


# -- domains: pickles, as ANUGA's -------------------------------------------------------


@wraps(_stock.sequential_distribute_dump)
def sequential_distribute_dump(
    domain: Any, numprocs: int = 1, verbose: bool = False, partition_dir: str = ".",
    debug: bool = False, parameters: Mapping[str, Any] | None = None, num_workers: int = 1,
    single_file: bool = True,
) -> None:
    if not parts_anew(parameters, "sequential_distribute_dump"):
        _STOCK["sequential_distribute_dump"](
            domain, numprocs, verbose, partition_dir, debug, parameters, num_workers, single_file)
        return
    _write_all(
        _domain_writer(domain, numprocs, partition_dir, parameters, single_file, verbose or debug),
        numprocs, num_workers, verbose or debug, "sequential_distribute_dump")
    _kernels.release_free_memory()


def _domain_writer(
    domain: Any, numprocs: int, partition_dir: str, parameters: Mapping[str, Any] | None,
    single_file: bool, verbose: bool,
) -> Callable[[int], None]:
    """Return the function that writes the part of a rank."""
    settings = settings_of(domain, forget_boundary(domain))
    tracers = _stock_parts.tracer_partition_metadata(domain)
    values = distributed_values(domain, parameters)
    partition = Partition(domain.mesh, numprocs, parameters)
    numbers = (domain.number_of_triangles, domain.number_of_nodes)
    os.makedirs(partition_dir, exist_ok=True)

    def write(p: int) -> None:
        path = os.path.join(partition_dir, f"{settings['name']}_P{numprocs}_{p}.pickle")
        if verbose:
            print(f"sequential_distribute_dump: writing {path}")
        part = partition.submesh(p)
        keywords = keywords_of(
            part, settings["geo_reference"], numbers, p, numprocs, partition.ghost_layer_width)
        if tracers is not None:
            keywords[_stock_parts.TRACER_METADATA_KEY] = tracers
        quantities = {name: np.asarray(each[part.tri_l2g], float).reshape(-1, 1)
                      for name, each in values.items()}
        arrays = [part.points, part.vertices, part.boundary, quantities]
        if not single_file:
            _write_arrays(path, arrays)
        content = (keywords, *arrays, *(settings[name] for name in _SETTINGS))
        _whole(path, lambda name: _pickle(content, name))

    return write


def _pickle(content: Any, path: str) -> None:
    with open(path, "wb") as file:
        pickle.dump(content, file, protocol=pickle.HIGHEST_PROTOCOL)


def _write_arrays(path: str, arrays: list[Any]) -> None:
    """Write points, vertices and quantities to files beside `path`; leave their names."""

    def beside(ending: str, values: np.ndarray) -> str:
        name = f"{path}.{ending}.npy"
        _whole(name, lambda unfinished: _save(unfinished, values))
        return name

    points, vertices, boundary, quantities = arrays
    arrays[:] = (beside("np1", points), beside("np2", vertices), boundary,
                 {name: beside(f"np4.{name}", values) for name, values in quantities.items()})


def _save(path: str, values: np.ndarray) -> None:
    with open(path, "wb") as file:  # numpy.save would add .npy to a name
        np.save(file, values)


@wraps(_stock.sequential_distribute_load)
def sequential_distribute_load(
    filename: str = "domain", partition_dir: str = ".", verbose: bool = False
) -> Any:
    from anuga import myid, numprocs

    path = os.path.join(partition_dir, f"{filename}_P{numprocs}_{myid}.pickle")
    return sequential_distribute_load_pickle_file(path, numprocs, verbose=verbose)


@stage("the part of a rank", count_unknown)
@wraps(_stock.sequential_distribute_load_pickle_file)
def sequential_distribute_load_pickle_file(
    pickle_name: str, np: int = 1, verbose: bool = False  # noqa: A002
) -> Any:
    _check_exists(pickle_name)
    with open(pickle_name, "rb") as file:
        content = pickle.load(file)
    _check_content(pickle_name, content)
    keywords, points, vertices, boundary, quantities, *rest = content
    del content
    settings = dict(zip(_SETTINGS, rest, strict=True))
    tracers = keywords.pop(_stock_parts.TRACER_METADATA_KEY, None)
    kind = _stock.Parallel_domain if np > 1 else _stock.Domain
    points, vertices = _array(points), _array(vertices)
    check_part(pickle_name, keywords, _count(vertices), _count(points))
    domain = kind(points, vertices, boundary, **keywords)
    del points, vertices
    restoring = Restoring(domain, creating=False)
    for name in list(quantities):
        restoring.take(name, _array(quantities.pop(name)))
    restoring.finish(tracers)
    apply_settings(domain, settings, _LOADED)
    _kernels.release_free_memory()
    return domain


def _array(values: Any) -> np.ndarray:
    return np.load(values) if isinstance(values, str) else values


def _count(rows: Any) -> int:
    """Return the number of rows; 0 of what has none, which the mesh refuses."""
    return int(np.shape(rows)[0]) if np.ndim(rows) else 0


def _check_content(path: str, content: Any) -> None:
    """Raise PartitionError unless a file holds as many things as a part, of their kinds."""
    count = 5 + len(_SETTINGS)
    if not isinstance(content, (tuple, list)) or len(content) != count:
        raise PartitionError(f"{path} is not the part of a domain: it does not hold {count} things")
    kinds = dict(zip(("keywords", "boundary", "quantities", "boundary_map"),
                     (content[0], content[3], content[4], content[5]), strict=True))
    wrong = [name for name, value in kinds.items() if not isinstance(value, dict)]
    if wrong:
        raise PartitionError(f"{path} is not the part of a domain: its {', '.join(wrong)} are no "
                             "dictionaries")


def check_part(path: str, keywords: Mapping[str, Any], n: int, nodes: int) -> None:
    """Raise PartitionError unless the numbers of a part are those of triangles and nodes.

    Parameters
    ----------
    path : str
        The file that it was read from.
    keywords : mapping
        Of a Parallel_domain, see `distribution.keywords_of`; None and what is missing is ANUGA's
        default.
    n, nodes : int
        Triangles and nodes of the part.
    """
    counts = {"number_of_full_triangles": n, "number_of_full_nodes": nodes,
              "number_of_global_triangles": MOST_TRIANGLES, "number_of_global_nodes": MOST_NODES}
    for name, most in counts.items():
        count = keywords.get(name)
        if count is not None and not (isinstance(count, (int, np.integer)) and 0 <= count <= most):
            raise PartitionError(f"{path} has {name}={_short(count)}, not a number up to {most:,}: "
                                 "dump the parts again")
    whole, whole_nodes = (most if keywords.get(name) is None else int(keywords[name])
                          for name, most in list(counts.items())[2:])
    for name, count, end in (("tri_l2g", n, whole), ("node_l2g", nodes, whole_nodes)):
        if keywords.get(name) is not None:
            _check_numbers(path, name, keywords[name], count, end)
    for name in ("full_send_dict", "ghost_recv_dict"):
        messages = keywords.get(name) or {}
        if not isinstance(messages, dict):
            raise PartitionError(f"{path} has a {name} that is no dictionary: dump the parts again")
        for rank, message in messages.items():
            here = f"{name}[{_short(rank)}]"
            if not isinstance(rank, (int, np.integer)) or rank < 0 \
                    or not isinstance(message, (list, tuple)) or len(message) < 2:
                raise PartitionError(f"{path} has a {here} that is no message of a rank: dump the "
                                     "parts again")
            _check_numbers(path, here, message[0], np.size(message[1]), n)
            _check_numbers(path, here, message[1], np.size(message[0]), whole)


def _short(value: Any) -> str:
    """Return what a file holds in so few characters that an error can quote it."""
    try:
        text = repr(value)
    except ValueError:      # Python writes no int of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_numbers(path: str, name: str, numbers: Any, count: int, end: Any) -> None:
    """Raise PartitionError unless there are `count` numbers, each from 0 to below `end`."""
    found = np.asarray(numbers)
    if found.shape != (count,) or found.size and (
            found.dtype.kind not in "iu" or not 0 <= found.min() <= found.max() < end):
        raise PartitionError(f"{path} has {name} that are not {count:,} numbers from 0 to below "
                             f"{end!r}: dump the parts again")


def _check_exists(path: str) -> None:
    """Raise PartitionError, naming what there is, unless a part's file exists."""
    if os.path.exists(path):
        return
    folder, name = Path(path).parent, Path(path).name
    of_all_ranks = re.sub(r"_P\d+_\d+(?=\.\w+$)", "_P*", name)
    found = sorted(each.name for each in folder.glob(of_all_ranks))
    there = f"there are {', '.join(found[:4])}{' ...' if len(found) > 4 else ''}" if found \
        else "nor does one for another number of ranks"
    raise PartitionError(
        f"{path} does not exist, {there}: load with as many ranks as the mesh was parted for")


# -- meshes: NetCDF files, as ANUGA's ------------------------------------------------------


@wraps(_stock.sequential_mesh_dump)
def sequential_mesh_dump(
    domain: Any, numprocs: int, partition_dir: str = ".", name: str | None = None,
    verbose: bool = False, parameters: Mapping[str, Any] | None = None, num_workers: int = 1,
) -> None:
    if not parts_anew(parameters, "sequential_mesh_dump"):
        _STOCK["sequential_mesh_dump"](
            domain, numprocs, partition_dir, name, verbose, parameters, num_workers)
        return
    _write_all(_mesh_writer(domain, numprocs, partition_dir, name, parameters, verbose),
               numprocs, num_workers, verbose, "sequential_mesh_dump")
    _kernels.release_free_memory()


def _mesh_writer(
    domain: Any, numprocs: int, partition_dir: str, name: str | None,
    parameters: Mapping[str, Any] | None, verbose: bool,
) -> Callable[[int], None]:
    """Return the function that writes the mesh of a rank."""
    from anuga.coordinate_transforms.geo_reference import Geo_reference

    if name is None:
        name = domain.get_name() if hasattr(domain, "get_name") else "mesh"
    geo_reference = getattr(domain, "geo_reference", None) or Geo_reference()
    partition = Partition(getattr(domain, "mesh", domain), numprocs, parameters)
    numbers = (domain.number_of_triangles, domain.number_of_nodes)
    os.makedirs(partition_dir, exist_ok=True)

    def write(p: int) -> None:
        path = os.path.join(partition_dir, f"{name}_mesh_P{numprocs}_{p}.nc")
        if verbose:
            print(f"sequential_mesh_dump: writing {path}")
        part = partition.submesh(p)
        _whole(path, lambda unfinished: _stock._write_mesh_partition(
            unfinished, p, numprocs, part.points, part.vertices, part.boundary,
            part.ghost_recv_dict, part.full_send_dict, part.tri_l2g, part.node_l2g,
            part.number_of_full_triangles, part.number_of_full_nodes, *numbers,
            partition.ghost_layer_width, geo_reference))

    return write


@stage("the part of a rank", count_unknown)
@wraps(_stock.sequential_mesh_load)
def sequential_mesh_load(name: str, partition_dir: str = ".", verbose: bool = False) -> Any:
    from anuga import myid, numprocs

    path = os.path.join(partition_dir, f"{name}_mesh_P{numprocs}_{myid}.nc")
    _check_exists(path)
    domain = _STOCK["sequential_mesh_load"](name, partition_dir, verbose)
    check_part(path, vars(domain) | {
        "number_of_full_triangles": domain.number_of_full_triangles_tmp,
        "number_of_full_nodes": domain.number_of_full_nodes_tmp,
        "full_send_dict": domain.full_send_dict, "ghost_recv_dict": domain.ghost_recv_dict,
    }, domain.number_of_triangles, domain.number_of_nodes)
    _kernels.release_free_memory()
    return domain
