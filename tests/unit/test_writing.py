"""Nothing that numpy writes into an array-like is lost without a word."""

from __future__ import annotations

import ctypes
import hashlib
import warnings
from typing import Any

import numpy as np
import pytest
from unit import writing_table as table
from unit.writing_table import (
    FORGETS_OUT,
    FUNCTIONS,
    METHODS,
    READS,
    RESULTS,
    SAME,
    SHARES,
    UFUNCS,
    WAYS,
    Row,
)

import anuga_lean as anuga
from anuga_lean._errors import StockKernelWarning
from anuga_lean.arrays.census import census
from anuga_lean.arrays.view import ArrayView
from anuga_lean.mesh.tables import ON_DOMAIN
from anuga_lean.overlay.capabilities import capabilities

START = np.array([[1.0, -2.0, 3.0], [2.0, 5.0, -7.0], [0.5, 4.0, 2.0], [9.0, 8.0, 6.0]])
ROWS = {f"{kind}: {name}": row for kind, rows in (
    ("function", FUNCTIONS), ("ufunc", UFUNCS), ("result of", RESULTS), ("method", METHODS),
    ("way", WAYS))
    for name, row in rows.items()}


class Recipe(ArrayView):
    """Elements that are computed until an array takes their place."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__(None, values.shape, values.dtype)
        self.values = values
        self.held: np.ndarray | None = None

    def _rows(self, ks: np.ndarray) -> np.ndarray:
        return self.values[ks]

    def _stored(self) -> np.ndarray | None:
        return self.held

    def _change(self, change: Any) -> None:
        change(self.become_array())

    def _materialise(self) -> None:
        self.held = self.values.copy()


def _start(row: Row) -> np.ndarray:
    kind = np.dtype(row.dtype).kind
    if kind == "b":
        return START.astype("i8") % 2 == 0
    return START.astype("i8").astype(row.dtype) if kind == "M" else START.astype(row.dtype)


def _written(target: Any, row: Row) -> tuple[bytes, Exception | None]:
    """What is in the array after a write, what was raised."""
    raised = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            row.write(target)
        except (AttributeError, BufferError, TypeError, ValueError) as error:
            raised = error
    return np.array(target).tobytes(), raised


@pytest.mark.parametrize("name", ROWS)
def test_what_is_written_arrives_or_is_refused(name: str) -> None:
    row = ROWS[name]
    expected, raised = _written(_start(row), row)
    recipe = Recipe(_start(row))
    actual, refused = _written(recipe, row)
    if row.spoils:
        assert _start(row).tobytes() == actual
    elif row.raises:
        assert refused is not None and str(refused)
        assert _start(row).tobytes() == actual
    else:
        assert type(raised) is type(refused), refused
        assert expected == actual
        writes = raised or _start(row).tobytes() != expected
        assert writes or name.split(": ")[1] in FORGETS_OUT, "a row that writes nothing"


def test_every_function_that_may_write_is_in_the_table() -> None:
    known = {name.split("(")[0] for name in FUNCTIONS} | SAME.keys() | READS | SHARES
    missing = sorted(set(table.writing_functions()) - known)
    assert not missing, (
        f"numpy {np.__version__} has functions that may write into an array: give each a row in "
        f"FUNCTIONS of writing_table.py, or list it under READS or SHARES: {missing}")


def test_every_method_that_may_write_is_in_the_table() -> None:
    found = {name for name in dir(np.ndarray) if not name.startswith("_")
             and callable(getattr(np.ndarray, name)) and table.may_write(getattr(np.ndarray, name))}
    assert set() == found - RESULTS.keys() - METHODS.keys() - table.READING_METHODS
    assert {name for name in dir(np.ndarray) if name.startswith("__i") and name not in (
        "__init__", "__init_subclass__", "__iter__", "__int__", "__index__", "__invert__")} \
        <= METHODS.keys()


def test_every_ufunc_is_in_the_table() -> None:
    found = {name for name, each in vars(np).items() if isinstance(each, np.ufunc)}
    assert found - UFUNCS.keys() <= {"vecdot", "matvec", "vecmat", "isnat", "bitwise_count"}


# -- the array-likes of a domain ----------------------------------------------------------------

MASKED = capabilities().prescribed_limiter
WAYS_INTO = {
    "index": lambda v: v.__setitem__(slice(3, 9), 1),
    "put": lambda v: np.put(v, [1, 5], 1),
    "copyto": lambda v: np.copyto(v, 1, where=np.ones(v.shape, bool)),
    "clip": lambda v: np.clip(v, 1, 2, out=v),
    "at": lambda v: np.maximum.at(v, 3, 1),
    "fill": lambda v: v.fill(1),
    "flat": lambda v: v.flat.__setitem__(slice(2, 6), 1),
    "part": lambda v: v[2:5].__setitem__(slice(None), 1),
    "row": lambda v: (v[3] if v.ndim > 1 else v[3:5]).__setitem__(0, 1),
    "iteration": lambda v: [row.fill(1) for row in v] if v.ndim > 1 else v.fill(1),
    "shuffle": lambda v: np.random.RandomState(2).shuffle(v),
    "reduce": lambda v: np.ones((2, *v.shape), v.dtype).max(axis=0, out=v),
    "address": lambda v: v.ctypes.data_as(
        ctypes.POINTER(np.ctypeslib.as_ctypes_type(v.dtype))).__setitem__(2, 1),
    "interface": lambda v: np.frombuffer(v, v.dtype).__setitem__(2, 1),
}
if np.from_dlpack(np.ones(2)).flags.writeable:      # from numpy 2.1 on
    WAYS_INTO["dlpack"] = lambda v: np.from_dlpack(v).__setitem__(2, 1)
ARRAY_LIKES = {
    "vertex_values": lambda d: d.quantities["stage"].vertex_values,
    "edge_values": lambda d: d.quantities["stage"].edge_values,
    "vertex_values of friction": lambda d: d.quantities["friction"].vertex_values,
    "vertex_values of its own": lambda d: d.quantities["dye"].vertex_values,
    "edge_values of its own": lambda d: d.quantities["dye"].edge_values,
    "explicit_update": lambda d: d.quantities["dye"].explicit_update,
    "semi_implicit_update": lambda d: d.quantities["xmomentum"].semi_implicit_update,
    "centroid_backup_values": lambda d: d.quantities["stage"].centroid_backup_values,
    "x_gradient": lambda d: d.quantities["friction"].x_gradient,
    "tri_full_flag": lambda d: d.tri_full_flag,
    "max_speed": lambda d: d.max_speed,
    "edge_flux_type": lambda d: d.edge_flux_type,
    **({"boundary_limit_mask": lambda d: d.boundary_limit_mask} if MASKED else {}),
    **{name: lambda d, name=name: getattr(d, name) for name in ON_DOMAIN},
}


def _domain() -> Any:
    domain = anuga.rectangular_cross_domain(4, 4, 4.0, 4.0)
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: -0.1 * x)
    domain.set_quantity("friction", lambda x, y: 0.02 + 0.001 * x * y)
    domain.set_quantity("stage", lambda x, y: 0.5 + 0.01 * x)
    domain.quantities["friction"].compute_local_gradients()
    anuga.Quantity(domain, name="dye", register=True).set_values(lambda x, y: x)
    domain.set_boundary({tag: anuga.Reflective_boundary(domain) for tag in (
        "left", "right", "top", "bottom")})
    domain.riverwallData.create_riverwalls(
        {"wall": [[2.0, 0.0, 0.4], [2.0, 4.0, 0.4]]}, verbose=False)
    for _ in domain.evolve(yieldstep=0.05, finaltime=0.05):
        pass
    return domain


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS_INTO)
@pytest.mark.parametrize("name", ARRAY_LIKES)
def test_a_domain_shows_what_was_written(name: str, way: str) -> None:
    domain = _domain()
    view = ARRAY_LIKES[name](domain)
    assert isinstance(view, ArrayView)
    expected = np.array(view)
    WAYS_INTO[way](expected)
    WAYS_INTO[way](view)
    assert np.array_equal(expected, ARRAY_LIKES[name](domain))
    assert np.array_equal(expected, view)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ARRAY_LIKES)
def test_an_array_like_that_was_kept_is_the_real_array(name: str) -> None:
    """Whatever the domain turned to ANUGA's arrays for, and whoever kept it from before."""
    domain = _domain()
    view = ARRAY_LIKES[name](domain)
    domain.use_stock_kernels("a test")
    real = ARRAY_LIKES[name](domain)
    assert type(real) is np.ndarray
    view[3] = 1
    np.asarray(view)[4] = 2
    assert np.array_equal(view, real)
    assert (np.array([1, 2]) == real[3:5].reshape(2, -1)[:, 0]).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ARRAY_LIKES)
def test_what_reads_costs_no_array(name: str) -> None:
    domain = _domain()
    view = ARRAY_LIKES[name](domain)
    before = census(domain).nbytes
    for read in (np.asarray, memoryview, repr, str, np.sum, np.ravel, list, hashlib.sha1,
                 lambda v: np.array(v, copy=False), lambda v: (v.flags, v.strides, v.nbytes)):
        read(view)
    assert not domain.on_stock_arrays
    assert set() == domain.mesh.overridden
    assert name == "max_speed" or before == census(domain).nbytes
    assert repr(np.array(view)) == repr(view)


@pytest.mark.filterwarnings("ignore")
def test_memory_that_was_handed_out_stays_the_domains() -> None:
    domain = _domain()
    stage = domain.quantities["stage"]
    given = {name: getattr(owner, name).ctypes.data for owner, name in (
        (domain, "areas"), (stage, "edge_values"), (stage, "vertex_values"))}
    for _ in domain.evolve(yieldstep=0.05, duration=0.1):
        pass
    assert domain.on_stock_arrays
    assert given == {name: getattr(owner, name).ctypes.data for owner, name in (
        (domain, "areas"), (stage, "edge_values"), (stage, "vertex_values"))}


@pytest.mark.parametrize("name", [
    "x_gradient", "edge_flux_type", *(["boundary_limit_mask"] if MASKED else [])])
def test_what_a_domain_has_replaced_refuses_writes(name: str) -> None:
    domain = _domain()
    view = ARRAY_LIKES[name](domain)
    domain.quantities["friction"].compute_local_gradients()
    domain.edge_flux_type = np.array(domain.edge_flux_type)
    if MASKED:
        domain.boundary_limit_mask = np.array(domain.boundary_limit_mask)
    for write in (lambda v: v.__setitem__(3, 1), lambda v: v.put([3], 1), lambda v: v.ctypes):
        with pytest.raises(ValueError, match="no longer the|cannot be had"):
            write(view)


def test_handing_out_memory_is_announced() -> None:
    domain = _domain()
    with pytest.warns(StockKernelWarning, match="handing out the memory of edge_values of stage"):
        _ = domain.quantities["stage"].edge_values.ctypes
