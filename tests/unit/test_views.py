"""ArrayView against the numpy array it stands for."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import pickle
import struct
from typing import Any

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import interpolate, ndimage, sparse, spatial

from anuga_lean.arrays.view import ArrayView


class Squares(ArrayView):
    """The squares of an array, computed; remembers which rows were asked for."""

    def __init__(self, roots: np.ndarray) -> None:
        super().__init__(None, roots.shape, roots.dtype)
        self.roots = roots
        self.asked: list[int] = []
        self.held: np.ndarray | None = None

    def _rows(self, ks: np.ndarray) -> np.ndarray:
        self.asked += ks.tolist()
        return self.roots[ks] ** 2

    def _stored(self) -> np.ndarray | None:
        return self.held

    def _change(self, change: Any) -> None:
        self.held = self.roots**2
        change(self.held)


def _pair(shape: tuple[int, ...] = (10, 3)) -> tuple[Squares, np.ndarray]:
    roots = np.arange(np.prod(shape), dtype=float).reshape(shape) - 4.5
    return Squares(roots), roots**2


def _same(expected: Any, actual: Any) -> None:
    assert isinstance(actual, type(expected))
    assert np.shape(expected) == np.shape(actual)
    assert np.array_equal(expected, actual)


KEYS = [
    3, -1, np.int64(2), slice(2, 8, 2), slice(None), slice(None, None, -1), slice(5, 2),
    (3, 1), (-2, -1), (3, slice(None)), (slice(None), 1), (slice(2, 5), slice(0, 2)),
    [1, 2], [-1, 0], [], (np.array([[1], [2]]), [0, 1]), ([1, 2, 2], [0, 2, 1]),
    (slice(None), [0, 2]), (4, [0, 2]), np.array(3), Ellipsis, (Ellipsis, 0), None,
    (None, 3), (), np.zeros(10, bool), np.arange(10) % 2 == 0, np.eye(10, 3) > 0,
    (np.arange(10) > 6, 1), np.array([1, 2], np.int32), np.array([[1, 2], [3, 4]]),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_gives_what_numpy_gives(key: Any) -> None:
    view, array = _pair()
    _same(array[key], view[key])


@pytest.mark.parametrize(
    "key",
    [10, -11, (0, 3), ([0], [5]), ([10], 0), (0, 0, 0), 1.5, "a", np.zeros(3, bool), [0.5]],
    ids=repr,
)
def test_a_bad_index_raises_as_numpy_does(key: Any) -> None:
    view, array = _pair()
    with pytest.raises(IndexError) as expected:
        array[key]
    with pytest.raises(IndexError) as actual:
        view[key]
    assert str(expected.value) == str(actual.value)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_basic_or_fancy_index(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(7,), (6, 3), (5, 6)]))
    view, array = _pair(shape)
    key = data.draw(st.one_of(
        hnp.basic_indices(shape, allow_newaxis=True),
        hnp.integer_array_indices(shape),
        hnp.arrays(bool, shape),
        hnp.arrays(bool, shape[:1]),
    ))
    expected, actual = array[key], view[key]
    assert np.shape(expected) == np.shape(actual)
    assert np.array_equal(expected, actual)


def test_only_the_rows_asked_for_are_computed() -> None:
    view, _ = _pair()
    view[3]
    view[[5, 5], [0, 1]]
    view[-2:]
    view.take([1], axis=0)
    np.take(view, [2], axis=0)
    assert [3, 5, 5, 8, 9, 1, 2] == view.asked


@pytest.mark.parametrize("shape", [(10,), (10, 3)])
@pytest.mark.parametrize("indices", [3, [1, 2], [[1, -1], [0, 3]], np.array([], int)], ids=repr)
@pytest.mark.parametrize("axis", [0, -1, None])
def test_take(shape: tuple[int, ...], indices: Any, axis: int | None) -> None:
    view, array = _pair(shape)
    if len(shape) == 2 and axis == -1 and np.max(indices, initial=0) > 2:
        indices = [0, 2]
    _same(array.take(indices, axis=axis), view.take(indices, axis=axis))
    _same(np.take(array, indices, axis=axis), np.take(view, indices, axis=axis))


def test_take_into_an_array() -> None:
    view, array = _pair((10,))
    out = np.zeros(2)
    assert view.take([4, 5], out=out) is out
    assert np.array_equal(array[[4, 5]], out)


def test_shape_and_size() -> None:
    view, array = _pair()
    for name in ("shape", "ndim", "size", "dtype", "itemsize"):
        assert getattr(array, name) == getattr(view, name)
    assert 10 == len(view)
    assert (10, 3) == np.shape(view)
    assert 30 == np.size(view)
    assert [] == view.asked
    assert array.nbytes == view.nbytes
    assert array.strides == view.strides
    assert str(array.flags) == str(view.flags)
    assert [] == view.asked


def test_arithmetic_and_comparison() -> None:
    view, array = _pair()
    _same(2 * array + 1, 2 * view + 1)
    _same(array / array[0], view / view[0])
    _same(-array, -view)
    _same(array > 5, view > 5)
    _same(np.sqrt(array), np.sqrt(view))
    _same(array @ np.ones(3), view @ np.ones(3))
    _same(np.ones((3, 10)) @ array, np.ones((3, 10)) @ view)
    _same(np.add.reduce(array), np.add.reduce(view))


def test_numpy_functions() -> None:
    view, array = _pair()
    _same(np.sum(array), np.sum(view))
    _same(np.concatenate([array, array]), np.concatenate([view, view]))
    _same(np.where(array > 5, array, 0), np.where(view > 5, view, 0))
    _same(np.maximum(array, 3), np.maximum(view, 3))
    _same(np.argsort(array.flat), np.argsort(view.flat))
    assert np.allclose(view, array)
    assert array.tolist() == view.tolist()
    assert array.max() == view.max()
    assert max(array[:, 0]) == max(view[:, 0])


def test_methods_of_an_ndarray() -> None:
    view, array = _pair()
    for call in ("sum", "mean", "min", "max", "argmin", "any", "all", "flatten", "ravel", "copy"):
        _same(getattr(array, call)(), getattr(view, call)())
    _same(array.T, view.T)
    _same(array.reshape(-1), view.reshape(-1))
    _same(array.astype(np.float32), view.astype(np.float32))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = view.nonsense
    with pytest.raises(ValueError, match="numpy.array"):  # nothing would read it
        _ = view.ctypes


def test_conversion() -> None:
    view, array = _pair()
    _same(array, np.asarray(view))
    _same(array.astype(int), np.array(view, int))
    _same(array, np.array(view, copy=False))
    with pytest.raises(ValueError, match="without a copy"):
        view.__array__(int, copy=False)
    assert 4.0 == float(Squares(np.array([2.0]))[0])


def test_iteration_gives_rows() -> None:
    view, array = _pair((5000, 2))
    assert all(np.array_equal(a, b) for a, b in zip(array, view, strict=True))
    view, array = _pair((10,))
    assert list(array) == list(view)
    assert array[3] in view


def test_what_a_slice_returns_writes_through() -> None:
    for part in (lambda a: a[2:4], lambda a: a[3], lambda a: a[:, 0], lambda a: a.T,
                 lambda a: a.ravel()):
        view, array = _pair()
        values, expected = part(view), part(array)
        values[0] = expected[0] = 7
        values *= 2
        expected *= 2
        _same(expected, values)
        _same(array, np.array(view))
        with pytest.raises(ValueError, match="read-only"):
            values[1:][0] = 7
        with pytest.raises(ValueError, match="assign to the array itself"):
            values.flags.writeable = True
    assert "array(" == repr(values)[:6]


def test_an_index_array_gives_a_copy_as_in_numpy() -> None:
    view, array = _pair()
    for values in (view[[1, 2]], view[:, [0, 2]], view[view > 5]):
        values[0] = 7
    _same(array, np.array(view))


def test_parts_are_plain_arrays_once_they_are_copied() -> None:
    view, array = _pair()
    for twin in (copy.copy(view[3]), copy.deepcopy(view[3]), view[3].copy(),
                 pickle.loads(pickle.dumps(view[3]))):
        assert type(twin) is np.ndarray
        twin += 1
        assert (array[3] + 1 == twin).all()
    assert view.held is None


def test_writing_reaches_the_view() -> None:
    view, array = _pair()
    view[3] = 7
    array[3] = 7
    view[[0, 1], [1, 2]] += 1
    array[[0, 1], [1, 2]] += 1
    view *= 2
    array *= 2
    _same(array, np.asarray(view))
    assert np.shares_memory(view.held, np.asarray(view))
    assert array.nbytes == view.nbytes


@pytest.mark.parametrize("start_real", [False, True])
def test_methods_that_write(start_real: bool) -> None:
    view, array = _pair((10,))
    if start_real:
        view.held = array.copy()
    view.put([1, 2], 50.0)
    array.put([1, 2], 50.0)
    np.add.at(view, [3, 3], 1.0)
    np.add.at(array, [3, 3], 1.0)
    np.add(view, 1.0, out=view)
    array += 1.0
    _same(array, np.asarray(view))
    view.sort()
    array.sort()
    _same(array, np.asarray(view))
    np.copyto(view, 3.0)
    view.fill(4.0)
    _same(np.full(10, 4.0), np.asarray(view))


def test_a_view_without_write_refuses() -> None:
    class Constant(ArrayView):
        def _rows(self, ks: np.ndarray) -> np.ndarray:
            return np.ones(len(ks))

    with pytest.raises(ValueError, match="read-only"):
        Constant(None, (3,), float)[0] = 1


@pytest.mark.parametrize("shape", [(10,), (10, 3), (4000,), (4000, 3), (400, 3)])
def test_it_is_printed_as_an_array_from_its_ends(shape: tuple[int, ...]) -> None:
    view, array = _pair(shape)
    assert repr(array) == repr(view)
    assert str(array) == str(view) == f"{view}"
    assert np.array_repr(array) == np.array_repr(view)
    assert array.size <= 1000 or len(set(view.asked)) == 6
    with np.printoptions(threshold=5, edgeitems=2, precision=3):
        assert repr(array) == repr(view)
    assert np.array2string(array, threshold=7) == np.array2string(view, threshold=7)


def test_what_cannot_be_computed_says_why() -> None:
    class Failing(Squares):
        def _rows(self, ks: np.ndarray) -> np.ndarray:
            raise self.error

    for error in (MemoryError("too little"), KeyboardInterrupt(), AttributeError("nothing")):
        view = Failing(np.ones(3))
        view.error = error
        with pytest.raises(RuntimeError if isinstance(error, AttributeError) else type(error)):
            np.asarray(view)
        assert view.held is None


def test_numpy_copies_before_it_shuffles_what_it_has_read() -> None:
    view, array = _pair((10,))
    _same(np.random.RandomState(3).permutation(array), np.random.RandomState(3).permutation(view))
    _same(np.random.default_rng(3).permutation(array), np.random.default_rng(3).permutation(view))
    assert np.may_share_memory(view, view)
    assert np.may_share_memory(np.asarray(view), view)
    assert not np.may_share_memory(np.zeros(3), view)


def _netcdf(values: Any) -> Any:
    with netCDF4.Dataset("unwritten.nc", "w", diskless=True) as file:
        for axis, length in enumerate(values.shape):
            file.createDimension(str(axis), length)
        variable = file.createVariable("v", "f4", [str(axis) for axis in range(values.ndim)])
        variable[:] = values
        return np.array(variable[:])


LIBRARIES = {
    "netCDF4": _netcdf,
    "interp1d": lambda v: interpolate.interp1d(np.arange(len(v)), v, axis=0)(1.5),
    "CubicSpline": lambda v: interpolate.CubicSpline(np.arange(len(v)), v)(1.5),
    "cKDTree": lambda v: spatial.cKDTree(v).query(np.zeros(3))[0],
    "map_coordinates": lambda v: ndimage.map_coordinates(v, [[0.5], [0.5]]),
    "gaussian_filter": lambda v: ndimage.gaussian_filter(v, 1.0),
    "csr_matrix": lambda v: sparse.csr_matrix(v).toarray(),
    "hashlib": lambda v: hashlib.sha1(v).hexdigest(),
    "file": lambda v: io.BytesIO().write(v),
    "struct": lambda v: struct.unpack_from("3d", v),
    "json": lambda v: json.dumps(v.tolist()),
    "sorted": lambda v: sorted(v[:, 0]),
    "sum": lambda v: sum(v),
    "format": lambda v: f"{v} {v[1]} {v[1]!r} {v.T!r}",
    "save": lambda v: np.save(io.BytesIO(), v),
    "permutation": lambda v: np.random.default_rng(1).permutation(v),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_take_it_as_an_array(library: str) -> None:
    view, array = _pair()
    expected, actual = LIBRARIES[library](array), LIBRARIES[library](view)
    assert np.array_equal(expected, actual)
    assert view.held is None


def test_copies_and_pickles() -> None:
    view, array = _pair()
    _same(array, np.asarray(copy.deepcopy(view)))
    _same(array, np.asarray(pickle.loads(pickle.dumps(view))))
