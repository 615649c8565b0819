"""Calls every function, class and method of the kernels' door as they must not be called.

`python door_cases.py KIND` prints a line of JSON, {"case": ..., "outcome": ...}, for each
case of a kind: empty, partial, unbound, whole or spoilt.  Each group of cases runs in a fork
of its own, so that a crash ends that fork and is told by the name of its case.
Longer than 500 lines: the calls of all methods are one list.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

import anuga_lean as anuga
from anuga_lean import _kernels
from anuga_lean.mesh.blocks import Blocks

TRACERS, WALLS = 2, 3
SETTERS = tuple(name for name in dir(_kernels.Run) if name.startswith(("bind_", "set_")))
ASK_NOTHING = ("bound", "held", "forget_stopped", "isa", "n_undo")


def _mesh() -> SimpleNamespace:
    """What a mesh of four blocks is cut from."""
    mesh = anuga.rectangular_cross_domain(4, 4).mesh
    triangles = np.asarray(mesh.triangles).astype(np.int32)
    nodes = np.ascontiguousarray(mesh.nodes)
    link = _kernels.find_neighbours(triangles, len(nodes))
    edges = np.flatnonzero(link.ravel() < 0)
    link.reshape(-1)[edges] = -1 - np.arange(len(edges))
    order, position = _kernels.hilbert_order(nodes, triangles)
    none = np.empty(0, np.int32)
    return SimpleNamespace(
        node_xy=nodes, triangles=triangles, link=link, order=order, position=position,
        exception_edge=none, exception_index=none, block_size=16, boundary_edges=len(edges))


MESH = _mesh()


def blocks() -> Blocks:
    """Blocks of that mesh, with pools of their own."""
    return Blocks.build(MESH.node_xy, MESH.triangles, MESH.link.copy(), block_size=16,
                        number_of_boundary_edges=MESH.boundary_edges)


BLOCKS = blocks()
HANDLE = _kernels.MeshHandle(BLOCKS)
N, B, E = len(MESH.triangles), len(BLOCKS.block), MESH.boundary_edges


def _per_block(own: np.ndarray) -> np.ndarray:
    """Offsets of triangles that stand in the blocks `own`, ascending."""
    return np.searchsorted(own, np.arange(B + 1)).astype(np.int64)


def groups() -> dict[str, dict[str, Any]]:
    """Right arguments of every setter."""
    rng = np.random.default_rng(5)
    stage, bed = rng.random(N), 0.3 * rng.random(N)
    places = np.full((B, 3), -1, np.int32)
    places[:WALLS, 1] = np.arange(WALLS)
    local = BLOCKS.block["n_own"].astype(np.int64) + BLOCKS.block["n_ring1"]
    slots = (local + 2).astype(np.uint16)
    prescribed = np.full((B, 3), -1, np.int32)
    prescribed[:, 0] = np.arange(B)
    zeros = np.zeros
    return {
        "bind_state": dict(stage=stage, xmomentum=0.1 * stage, ymomentum=-0.2 * stage,
                           height=zeros(N), elevation=bed, friction=np.full(N, 0.03)),
        "bind_work": dict(stage_work=zeros(N), xmomentum_work=zeros(N), ymomentum_work=zeros(N)),
        "bind_flags": dict(isolated=zeros(N, np.uint8), full=np.ones(N, np.uint8),
                           block_active=np.ones(B, np.uint8), block_timestep=zeros(B)),
        "bind_quiet": dict(changed=np.ones(B, np.uint8), always=zeros(B, np.uint8),
                           near=zeros(B, np.uint8), fingerprint=zeros(B, np.uint64),
                           known=zeros(B, np.uint8)),
        "bind_boundary": dict(reflective=np.arange(E, dtype=np.uint8) % 2, stage=zeros(E),
                              xmomentum=zeros(E), ymomentum=zeros(E), elevation=zeros(E),
                              height=zeros(E)),
        "bind_counted": dict(edge_flux=zeros(B), offset=np.arange(B + 1), slot=slots,
                             index=np.arange(B, dtype=np.int32)),
        "bind_undo": dict(index=zeros(N, np.int32), value=zeros(3 * N),
                          bits=zeros((N + 63) // 64, np.uint64)),
        "bind_tracers": dict(count=TRACERS, beta=1.0, conserved=rng.random((TRACERS, N)),
                             concentration=zeros((TRACERS, N)),
                             explicit_update=zeros((TRACERS, N)),
                             boundary=zeros((TRACERS, E)), boundary_flux=zeros((TRACERS, E))),
        "set_parameters": dict(g=9.8, epsilon=1e-12, h_min=1e-3,
                               betas=(1.0, 0.2, 1.0, 0.2, 1.0, 0.2), low_froude=0),
        "set_threads": dict(n=1),
        "bind_optional": dict(friction_rate=zeros(N), max_speed=zeros(N)),
        "bind_semi_implicit": dict(stage=zeros(N), xmomentum=zeros(N), ymomentum=zeros(N)),
        "bind_walls": dict(offset=np.arange(B + 1), triangle=zeros(B, np.uint16), place=places,
                           elevation=np.full(WALLS, 2.0), row=np.arange(WALLS) % 2,
                           properties=np.ones((2, 6))),
        "bind_prescribed": dict(offset=np.arange(B + 1), triangle=zeros(B, np.uint16),
                                place=prescribed, bits=np.full(B, 3, np.uint8),
                                edge=np.arange(B, dtype=np.int32),
                                block=np.arange(B, dtype=np.int32), value=zeros((3, B))),
        "set_manning": dict(manning=True),
        "set_polling": dict(blocks=1),
        "set_predictor": dict(dt=0.001),
    }


# Setters without which some method has to say so.
GROUPS = ("bind_state", "bind_work", "bind_flags", "bind_quiet", "bind_boundary", "bind_counted",
          "bind_undo", "bind_tracers", "set_parameters", "set_threads")


def calls() -> dict[str, dict[str, Any]]:
    """Right arguments of every other method, in an order in which all can be called."""
    rows = np.array([0, 5, N - 1])
    rates = dict(xmomentum=np.zeros(N), ymomentum=np.zeros(N))
    return {
        "ordered": {}, "in_ranges": {}, "mark_isolated": {}, "find_active": {},
        "sweep": dict(mode=_kernels.FLUXES, dt=0.001),
        "boundary_flux_sum": {}, "edge_rows": dict(quantity="stage", rows=rows),
        "all_edge_rows": dict(rows=rows),
        "reflect": dict(ids=np.array([0, E - 1]), vol=np.array([0, N - 1]),
                        edge=np.array([0, 2])),
        "keep_normal_momentum": dict(
            ids=np.array([0, E - 1]), vol=np.array([0, N - 1]), edge=np.array([0, 2]),
            normals=np.array([1.0, 0.6, 0.0, 0.8]), stage=0.3, scaled=True),
        "tracer_edges": {}, "tracer_concentrations": {},
        "update_tracers": dict(dt=0.001, conserved=np.zeros((TRACERS, N))),
        "tracer_boundary_flux_sum": dict(triangle=np.arange(E)),
        "add_friction": rates.copy(),
        "add_vegetation": dict(density=np.ones(N), diameter=np.ones(N), height=np.ones(N),
                               drag=1.0, bed_chezy=60.0, **rates),
        "average": dict(x=np.ones(N), y=np.ones(N), a=0.5, b=0.5, c_inverse=1.0),
        "update": dict(mode=_kernels.EXCHANGE, dt=0.001, manning=True, marking=True),
        "take_fingerprints": {}, "finish_second_stage": {}, "take_prescribed": {},
        "defer_distribute": dict(taking=True), "wake_all": {},
        "compute_all": {},
        "distribute": dict(recording=True), "sort_undo": {}, "clear_undo": {},
    }


def run_without(left_out: str | None = None) -> _kernels.Run:
    """A run with everything bound but one group."""
    run = _kernels.Run(HANDLE)
    for name, arguments in groups().items():
        if name != left_out:
            getattr(run, name)(**arguments)
    if left_out != "set_threads":
        run.set_threads(1)      # with room for the tracers and the predictor
    return run


def called(run: _kernels.Run, name: str, arguments: dict[str, Any]) -> Any:
    """The result of a method, or of reading a property."""
    return getattr(run, name) if name in ("ordered", "in_ranges", *ASK_NOTHING[3:]) \
        else getattr(run, name)(**arguments)


def use(run: _kernels.Run) -> None:
    """Call every method in every mode, whatever it says."""
    modes = [("sweep", dict(mode=mode, dt=0.001)) for mode in range(-2, 9)]
    modes += [("update", dict(mode=mode, dt=0.001, manning=True)) for mode in range(-2, 9)]
    modes += [("edge_rows", dict(quantity=name, rows=np.arange(N)))
              for name in (*_kernels.EDGE_QUANTITIES, "none")]
    for name, arguments in [*calls().items(), *modes, *calls().items()]:
        try:
            called(run, name, arguments)
        except Exception:   # noqa: S110  (only a crash counts here)
            pass


# -- cases: each yields (name, action), the action's error is the outcome -----------

Case = tuple[str, Callable[[], Any]]


def empty() -> Iterator[list[Case]]:
    """Every method of a run that has nothing."""
    for name in methods():
        yield [(name, lambda name=name: called(
            _kernels.Run(HANDLE), name, calls().get(name, {"name": "stage"} if name == "bound"
                                                    else {})))]


def methods() -> list[str]:
    """The public methods and properties of a run but its setters, found there."""
    return [name for name in dir(_kernels.Run) if not name.startswith("_")
            and name not in SETTERS]


def partial() -> Iterator[list[Case]]:
    """Every method of a run that lacks one group."""
    for group in GROUPS:
        for name in calls():
            yield [(f"{name} without {group}", lambda name=name, group=group: called(
                run_without(group), name, calls()[name]))]


def unbound() -> Iterator[list[Case]]:
    """The same after the group was bound and taken out again, or bound in vain."""
    def none_of(group: str, name: str) -> None:
        run = run_without()
        arguments = {key: value if key in ("beta",) else 0 if key == "count" else None
                     for key, value in groups()[group].items()}
        getattr(run, group)(**arguments)
        called(run, name, calls()[name])

    def in_vain(group: str, name: str) -> None:
        run, arguments = run_without(), groups()[group]
        last = [key for key, value in arguments.items() if isinstance(value, np.ndarray)][-1]
        try:
            getattr(run, group)(**arguments | {last: arguments[last][..., :-1].copy()})
        except _kernels.ArrayError:
            called(run, name, calls()[name])

    for group in GROUPS:
        if group.startswith("bind_"):
            for name in calls():
                for how in (none_of, in_vain):
                    yield [(f"{name} after {how.__name__} {group}",
                            lambda how=how, group=group, name=name: how(group, name))]


def whole() -> Iterator[list[Case]]:
    """Every method, once everything is there, one after the other on one run."""
    def cases() -> list[Case]:
        run = run_without()
        return [(name, lambda name=name, arguments=arguments: called(run, name, arguments))
                for name, arguments in calls().items()]
    yield cases()


def subjects() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Every function, class and method that takes arrays, with right arguments."""
    found: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {}

    def setter(name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> None:
            run = run_without()
            try:
                getattr(run, name)(**arguments)
            finally:
                use(run)
        return call

    def method(name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> None:
            run = run_without()
            called(run, name, arguments)
            use(run)
        return call

    for name, arguments in groups().items():
        found[f"Run.{name}"] = setter(name), arguments
    for name, arguments in calls().items():
        if arguments:
            found[f"Run.{name}"] = method(name), arguments
    found["Run"] = lambda mesh, isa: use(_kernels.Run(mesh, isa)), dict(mesh=HANDLE, isa=None)
    cut = {name: getattr(MESH, name) for name in (
        "node_xy", "triangles", "link", "order", "position", "exception_edge",
        "exception_index", "block_size")}
    found["Cut"] = _cut, cut
    pools = {name: value for name, value in vars(BLOCKS).items() if not name.startswith("_")
             and name not in ("lone_node", "lone_node_xy", "extent", "use_inscribed_circle")}
    found["MeshHandle"] = _use_mesh, pools
    found["Cut.fill"] = _fill, {name: value for name, value in pools.items()
                                if isinstance(value, np.ndarray) and name != "position"}
    found["find_neighbours"] = _kernels.find_neighbours, dict(
        triangles=MESH.triangles, n_nodes=len(MESH.node_xy))
    found["make_threads"] = _kernels.make_threads, dict(n=2, stack_nbytes=1 << 16)
    for name in ("count_flat", "hilbert_order"):
        found[name] = getattr(_kernels, name), dict(
            node_xy=MESH.node_xy, triangles=MESH.triangles)
    for name in ("geometry_rows", "relation_rows"):
        found[f"MeshHandle.{name}"] = getattr(HANDLE, name), dict(
            table=1, rows=np.array([0, N - 1]))
    for name in ("geometry_all", "relation_all"):
        found[f"MeshHandle.{name}"] = getattr(HANDLE, name), dict(table=1)
    found["MeshHandle.node_coordinates"] = HANDLE.node_coordinates, dict(
        xy=np.zeros((3, 2)), first=1)
    counts = np.bincount(MESH.triangles.ravel()).astype(np.int32)
    corners = np.argsort(MESH.triangles.ravel(), kind="stable").astype(np.int32)
    for name, values in (("average_centroids", N), ("average_vertices", 3 * N)):
        what = "centroid_values" if name == "average_centroids" else "vertex_values"
        found[name] = getattr(_kernels, name), dict(
            vertex_value_indices=corners, number_of_triangles_per_node=counts,
            **{what: np.ones(values)}, out=np.zeros(len(counts)))
    found["narrow_level"] = _kernels.narrow_level, dict(
        stages=np.linspace(0.0, 1.0, 6), depths=np.ones(6), areas=np.ones(6), wanted=0.7,
        low=0.0, high=2.0, most=100)
    few = np.array([2, 3, 7])
    found["water_in"] = _kernels.water_in, dict(
        stage=np.ones(N), elevation=np.zeros(N), triangles=few, areas=np.ones(3))
    found["pour"] = _kernels.pour, dict(
        stage=np.ones(N), elevation=np.zeros(N), xmomentum=np.ones(N), ymomentum=np.ones(N),
        triangles=few, areas=np.ones(3), order=np.array([1, 0, 2]), volume=0.7, highest=1e30,
        protection=1e-6, velocity=np.array([0.3, 0.1]), stops=False)
    found["viscous_change"] = _viscous, dict(
        viscosity=0.1, dt=0.001, free_slip=np.zeros(E, np.uint8), bed=np.zeros(E),
        xchange=np.zeros(N), ychange=np.zeros(N))
    found["frame_at_vertices"] = _frame_at_vertices, dict(
        names=("ymomentum", "stage", "elevation"), first=2, least=1e-3, out=np.zeros((3, 3 * 5)))
    found["frame_at_nodes"] = _frame_at_nodes, dict(
        names=("stage", "friction"), values=(np.ones(N), np.zeros(N)), stage=np.ones(N),
        elevation=np.zeros(N), least=1e-3, order=corners, n_around=counts, entry=0,
        out=np.zeros((2, len(counts)), np.float32))
    return found | _fit_subjects() | _operators()


def _in_ranges() -> _kernels.Run:
    run = run_without("set_predictor")
    run.set_parameters(**groups()["set_parameters"] | {"betas": (1.0, 0.0, 1.0, 0.0, 1.0, 0.0)})
    return run


def _frame_at_vertices(**arguments: Any) -> None:
    _kernels.frame_at_vertices(_in_ranges(), **arguments)


def _frame_at_nodes(**arguments: Any) -> None:
    _kernels.frame_at_nodes(run_without(), **arguments)


def _viscous(**arguments: Any) -> None:
    _kernels.viscous_change(run_without(), **arguments)


def _cut(**arguments: Any) -> None:
    made = _kernels.Cut(**arguments)
    pools = SimpleNamespace()
    pools.block, sizes = made.count()
    for name, array in vars(BLOCKS).items():
        if isinstance(array, np.ndarray) and name != "block":
            setattr(pools, name, np.empty_like(array))
    made.fill(pools)


def _use_mesh(**arguments: Any) -> None:
    handle = _kernels.MeshHandle(SimpleNamespace(use_inscribed_circle=False, **arguments))
    for table in range(len(_kernels.GEOMETRY_TABLES)):
        handle.geometry_all(table)
    for table in range(len(_kernels.RELATION_TABLES)):
        handle.relation_all(table)
    handle.triangles_per_node(), handle.extent()


def _fill(**arguments: Any) -> None:
    made = _kernels.Cut(*[getattr(MESH, name) for name in (
        "node_xy", "triangles", "link", "order", "position", "exception_edge",
        "exception_index", "block_size")])
    block, _ = made.count()
    own = {name: value.copy() if name != "block" and isinstance(value, np.ndarray)
           and value.flags.c_contiguous and value.flags.aligned else value
           for name, value in arguments.items()}
    right = arguments["block"] is BLOCKS.block
    made.fill(SimpleNamespace(**own | {"block": block if right else arguments["block"]}))


def _fit_rows() -> tuple[np.ndarray, np.ndarray]:
    count = np.ones(len(MESH.node_xy), np.int32)
    _kernels.fit_count(MESH.triangles, count)
    row = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=row[1:])
    column = np.empty(row[-1], np.int32)
    column[row[:-1]] = np.arange(len(count), dtype=np.int32)
    count[:] = 1
    _kernels.fit_link(MESH.triangles, row, count, column)
    return row, column[:_kernels.fit_close(row, column)].copy()


def _fit_subjects() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    row, column = _fit_rows()
    corner, xy = MESH.triangles, MESH.node_xy[MESH.triangles]
    count = np.ones(len(MESH.node_xy), np.int32)
    _kernels.fit_count(corner, count)
    wide = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=wide[1:])
    places = np.zeros(wide[-1], np.int32)
    entries, nodes = len(column), len(MESH.node_xy)

    def of_rows(name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> None:
            getattr(_kernels.FitRows(row.copy(), column.copy()), name)(**arguments)
        return call

    def fit_rows(row: Any, column: Any) -> None:
        rows = _kernels.FitRows(*[each.copy() if isinstance(each, np.ndarray)
                                  and each.flags.c_contiguous and each.flags.aligned
                                  else each for each in (row, column)])
        rows.smooth(corner, np.ones(N), xy, np.zeros(entries))
        rows.add_points(corner, xy, xy.mean(axis=1), np.ones(N), np.zeros(entries),
                        np.zeros(nodes))
        rows.matrix(0.1, np.ones(entries), np.ones(entries))
        try:
            rows.smooth(corner, np.ones(N), xy, np.zeros(entries))
        except _kernels.ArrayError:
            return
        raise AssertionError("a matrix that is made takes more triangles")

    def grid(points: Any, origin: Any, per: Any, shape: Any, start: int, xy: Any,
             extent: Any) -> None:
        _kernels.FitGrid(points, origin, per, shape).find(start, xy, extent)

    right_grid = dict(
        points=xy.mean(axis=1), origin=(0.0, 0.0), per=(4.0, 4.0), shape=(4, 4), start=0, xy=xy,
        extent=np.array([-0.1, 1.1, -0.1, 1.1]))
    later = {name: right_grid[name] for name in ("start", "xy", "extent")}
    return {
        "fit_count": (_kernels.fit_count, dict(corner=corner, count=count)),
        "fit_link": (_kernels.fit_link, dict(corner=corner, row=wide, used=np.ones_like(count),
                                             column=places)),
        "fit_close": (_kernels.fit_close, dict(row=wide.copy(), column=places.copy())),
        "FitRows": (fit_rows, dict(row=row, column=column)),
        "FitRows.smooth": (of_rows("smooth"), dict(
            corner=corner, area=np.ones(N), xy=xy, value=np.zeros(entries))),
        "FitRows.add_points": (of_rows("add_points"), dict(
            corner=corner, xy=xy, point=xy.mean(axis=1), z=np.ones(N),
            value=np.zeros(entries), right=np.zeros(nodes))),
        "FitRows.join": (of_rows("join"), dict(value=np.ones(entries), more=np.ones(entries))),
        "FitRows.matrix": (of_rows("matrix"), dict(
            alpha=0.1, smooth=np.ones(entries), products=np.ones(entries))),
        "FitGrid": (grid, right_grid),
        "FitGrid.find": (lambda **given: grid(**right_grid | given), later),
    }


def _operators() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Right calls of what operators do."""
    rng = np.random.default_rng(11)

    def change(threads: int, own: Any, **given: Any) -> None:
        made = _kernels.RateChange(**given)
        for limited in (False, True):
            for scale in (-0.1, 0.0):
                made.change(threads, scale, limited)
                made.change(threads, scale, limited, own)

    some = np.arange(0, N, 2)
    given = {"threads": 2} | {
        name: rng.random(N) for name in ("stage", "elevation", "height", "xmomentum", "ymomentum")}
    given |= {"area": rng.random(len(some)), "index": some, "full": np.arange(0, len(some), 3),
              "rate": rng.random(N), "own": rng.random(len(some)), "second": True,
              "in_runs": False}
    given["n_full"] = len(given["full"])
    maxima = {"threads": 2, "least_depth": 1.0e-3} | {name: rng.random(N) for name in (
        "stage", "elevation", "xmomentum", "ymomentum", "max_stage", "max_depth", "max_speed",
        "max_momentum")}

    def raise_maxima(copy: Any, **given: Any) -> None:
        _kernels.raise_maxima(**given, own_hypot=True, copies=(copy, *np.zeros((3, N))))

    def on_all(name: str) -> Callable[..., Any]:
        return lambda **given: getattr(_kernels, name)(run_without(), **given)

    whole = {name: rng.random(N) for name in ("elevation", "stage", "xmomentum", "ymomentum")}
    bed = {name: whole[name] for name in ("elevation", "stage")}
    list_of = {"at": np.arange(1, N, 3)}
    each = rng.random(len(list_of["at"]))
    wind = {"speed": rng.random(N), "angle": rng.random(N), "factor": 0.1, "dt": 0.2,
            "limit": 9.0}
    everywhere = {
        "fill": {"x": rng.random(N), "value": each} | list_of,
        "fill_above": {"x": rng.random(N), "least": rng.random(N), "value": each} | list_of,
        "add_to_all": {"x": rng.random(N), "value": 0.5},
        "move_bed": bed | {"value": each} | list_of,
        "erode": whole | {"threshold": 0.1, "dt": 0.2, "base": 0.3} | list_of,
        "centroid_columns": list_of,
        "blow": {name: whole[name] for name in ("xmomentum", "ymomentum")} | wind,
        "press": whole | {"pressure": rng.random(HANDLE.number_of_nodes),
                          "dt": 0.2, "density": 1000.0},
    }
    return {name: (on_all(name), given) for name, given in everywhere.items()} | {
            "RateChange": (change, given),
            "raise_to": (_kernels.raise_to, {"threads": 2, "maximum": rng.random(N),
                                             "value": rng.random(N)}),
            "edge_range": (lambda **given: _kernels.edge_range(_in_ranges(), **given),
                           {"quantity": "stage", "first": 3, "count": 7}),
            "scour": (lambda **given: _kernels.scour(_in_ranges(), **given, threshold=0.1,
                                                     shear_factor=2.0, dt=0.2, base=0.3),
                      whole | {"chosen": np.ones(N, np.uint8)}),
            "ask_each": (lambda x: _kernels.ask_each(abs, x), {"x": rng.random(N)}),
            "hypots": (lambda x, y: _kernels.hypots(x, y, True),
                       {"x": rng.random(N), "y": rng.random(N)}),
            "raise_maxima": (raise_maxima, maxima | {"copy": rng.random(N)})}


# Index arrays and numbers that may be any: lists of flags, places that only C compares, bytes.
ANY_NUMBER = {
    ("FitGrid", "start"), ("FitGrid.find", "start"), ("Run.bind_prescribed", "bits"),
    ("Run.tracer_boundary_flux_sum", "triangle"), ("make_threads", "stack_nbytes")}


def spoils(subject: str, name: str, value: Any) -> Iterator[tuple[str, Any, bool]]:
    """What to give instead of an argument: (how, value, whether it must be refused)."""
    if isinstance(value, np.ndarray):
        for how, other in (("None", None), ("a list", value.tolist()), ("a text", "x"),
                           ("no dimension", value.dtype.type(0) if value.dtype.names is None
                            else 0)):
            may = how == "None" and subject in OPTIONAL and name in OPTIONAL[subject]
            yield how, other, not (may or how == "no dimension" and (subject, name) in OR_NUMBER)
        if value.size and value.dtype.names is None:
            other_type = np.float32 if value.dtype.kind == "f" else np.float64
            yield "another dtype", value.astype(other_type), (subject, name) not in EITHER_FLOAT
            yield "another order of bytes", value.astype(value.dtype.newbyteorder(">")), \
                value.dtype.itemsize > 1
            must = (subject, name) not in ANY_LENGTH
            yield "shorter", value.reshape(-1)[:-1].copy(), must
            yield "longer", np.resize(value, value.size + 1), must
            yield "empty", value[:0].copy(), must and (subject, name) not in MAY_BE_EMPTY
            if value.size > 1:
                yield "every other", np.repeat(value, 2, axis=-1)[..., ::2], True
            bytes_ = np.zeros(value.nbytes + 1, np.uint8)
            crooked = bytes_[1:].view(value.dtype).reshape(value.shape)
            crooked[...] = value
            yield "not aligned", crooked, value.dtype.itemsize > 1
        if value.size and value.dtype.kind in "iu" and value.dtype.itemsize > 1:
            any_number = (subject, name) in ANY_NUMBER or name in ("fingerprint", "bits")
            info = np.iinfo(value.dtype)
            for number in (info.max, info.min if value.dtype.kind == "i" else info.max - 1):
                for at in (0, -1):
                    spoilt = value.copy()
                    spoilt.reshape(-1)[at] = number
                    free = any_number or subject == "Cut.fill" or (subject, name) in (
                        ("Run.bind_undo", "index"), ("fit_close", "column"), ("fit_link", "column"))
                    yield f"{number} at {at}", spoilt, not free
        elif value.size and value.dtype.kind == "f":
            for number in (np.nan, np.inf, -1e308):
                yield f"{number}", np.full_like(value, number), False
        elif value.size and value.dtype.names:
            for field in value.dtype.names:
                for number in (-1, np.iinfo(value.dtype[field]).max):
                    spoilt = value.copy()
                    spoilt[field][-1] = number
                    yield f"{field} {number}", spoilt, True
    elif type(value) is int:
        must = (subject, name) not in ANY_NUMBER
        yield from ((f"{number}", number, must) for number in (-1, 2**31, 2**40, -2**63, 2**63))
        yield "None", None, True
    elif type(value) is float:
        yield from ((f"{number}", number, False) for number in (np.nan, np.inf, -1.0, 0.0))
        yield "None", None, name not in OPTIONAL.get(subject, ())
    elif type(value) is tuple:
        yield "shorter", value[:-1], True
        yield from ((f"{number}", (number,) * len(value), False)
                    for number in (np.nan, -1, 0, 2**31, 2**62))
    elif name in ("mesh", "isa", "quantity"):
        yield from ((f"{other!r}", other, True) for other in (7, "v9", "", b"v3"))


# Arrays that need not be of one length.
ANY_LENGTH = {
    ("erode", "at"), ("centroid_columns", "at"), ("ask_each", "x"),
    *((subject, "rows") for subject in ("Run.edge_rows", "Run.all_edge_rows",
                                        "MeshHandle.geometry_rows", "MeshHandle.relation_rows")),
    *((subject, name) for subject in ("average_centroids", "average_vertices")
      for name in ("number_of_triangles_per_node", "out")),
    *(("MeshHandle", name) for name in ("member", "vertex", "flux_slot", "ring_neighbour",
                                        "near_block")),
    ("fit_count", "count")}
MAY_BE_EMPTY = {
    *((subject, "triangles") for subject in ("find_neighbours", "count_flat", "hilbert_order")),
    ("MeshHandle.node_coordinates", "xy"), ("fit_count", "corner"), ("fit_link", "corner"),
    ("FitGrid", "points"), ("FitGrid", "xy"), ("FitGrid.find", "xy")}
# Arrays of which C has a loop for each kind of float.
EITHER_FLOAT = {("frame_at_vertices", "out"), ("frame_at_nodes", "out")}
# One number stands for all triangles.
OR_NUMBER = {("fill", "value"), ("fill_above", "value"), ("move_bed", "value"), ("blow", "speed")}
# None stands for arrays that are not there, and for a depth that leaves nothing out.
OPTIONAL = {
    "frame_at_vertices": ("least",), "frame_at_nodes": ("least",),
    "Run.bind_flags": ("full",), "Run.bind_optional": ("friction_rate", "max_speed"),
    "Run.bind_semi_implicit": ("stage", "xmomentum", "ymomentum"),
    "Run.bind_counted": ("edge_flux",), "RateChange": ("height", "full", "rate", "own"),
    "scour": ("chosen",), "erode": ("at",), "centroid_columns": ("at",),
    "narrow_level": ("depths",), "pour": ("velocity",)}


def spoilt() -> Iterator[list[Case]]:
    """Every argument of everything, spoilt in every way."""
    for subject, (call, arguments) in subjects().items():
        right = {key: value.copy() if isinstance(value, np.ndarray) and subject != "Cut.fill"
                 else value for key, value in arguments.items()}
        yield [(f"{subject} | right |", lambda call=call, right=right: call(**right))]
        for name, value in arguments.items():
            yield [(f"{subject} | {name} is {how} | {'refused' if must else ''}",
                    lambda call=call, arguments=arguments, name=name, other=other: call(
                        **arguments | {name: other}))
                   for how, other, must in spoils(subject, name, value)]


KINDS = {"empty": empty, "partial": partial, "unbound": unbound, "whole": whole,
         "spoilt": spoilt}


def outcome(action: Callable[[], Any]) -> str:
    """What an action raises, in one line, or "returned"."""
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "returned"


def main(kind: str) -> None:
    """Run the cases of a kind; print their outcomes."""
    for cases in KINDS[kind]():
        sys.stdout.flush()
        ends = os.pipe()
        process = os.fork()
        if process == 0:
            with os.fdopen(ends[1], "w") as to:
                for name, action in cases:
                    to.write(json.dumps([name]) + "\n")
                    to.flush()
                    to.write(json.dumps([name, outcome(action)]) + "\n")
                    to.flush()
            os._exit(0)
        os.close(ends[1])
        with os.fdopen(ends[0]) as origin:
            lines = [json.loads(line) for line in origin]
        status = os.waitpid(process, 0)[1]
        if status:      # the last case that began has not ended
            lines.append([lines[-1][0], f"died of {os.waitstatus_to_exitcode(status)}"])
        for case in lines:
            if len(case) == 2:
                print(json.dumps({"case": case[0], "outcome": case[1]}))


if __name__ == "__main__":
    main(sys.argv[1])
