"""Nothing that numpy writes into an array-like is lost without a word."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from unit import writing_table as table
from unit.writing_table import FORGETS_OUT, FUNCTIONS, METHODS, READS, SAME, SHARES, UFUNCS, WAYS, Row

from anuga_lean.arrays.view import ArrayView

START = np.array([[1.0, -2.0, 3.0], [2.0, 5.0, -7.0], [0.5, 4.0, 2.0], [9.0, 8.0, 6.0]])
ROWS = {f"{kind}: {name}": row for kind, rows in (
    ("function", FUNCTIONS), ("ufunc", UFUNCS), ("method", METHODS), ("way", WAYS))
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


def _written(target: Any, row: Row) -> tuple[bytes, Exception | None, bool]:
    """What is in the array after a write, what was raised, whether the array was returned."""
    raised, result = None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = row.write(target)
        except (AttributeError, BufferError, TypeError, ValueError) as error:
            raised = error
    return np.array(target).tobytes(), raised, result is target


@pytest.mark.parametrize("name", ROWS)
def test_what_is_written_arrives_or_is_refused(name: str) -> None:
    row = ROWS[name]
    expected, raised, returned = _written(_start(row), row)
    recipe = Recipe(_start(row))
    actual, refused, same = _written(recipe, row)
    if row.spoils:
        assert _start(row).tobytes() == actual
    elif row.raises:
        assert refused is not None and str(refused)
        assert _start(row).tobytes() == actual
    else:
        assert type(raised) is type(refused), refused
        assert expected == actual
        assert returned == same
        assert raised or _start(row).tobytes() != expected or name.split(": ")[1] in FORGETS_OUT, "writes nothing"


def test_every_function_that_may_write_is_in_the_table() -> None:
    known = {name.split("(")[0] for name in FUNCTIONS} | SAME.keys() | READS | SHARES
    missing = sorted(set(table.writing_functions()) - known)
    assert not missing, (
        f"numpy {np.__version__} has functions that may write into an array: give each a row in "
        f"FUNCTIONS of writing_table.py, or list it under READS or SHARES: {missing}")


def test_every_method_that_may_write_is_in_the_table() -> None:
    found = {name for name in dir(np.ndarray) if not name.startswith("_")
             and callable(getattr(np.ndarray, name)) and table.may_write(getattr(np.ndarray, name))}
    with_out = {name for name in found if hasattr(np, name)}
    assert found - with_out - METHODS.keys() - table.READING_METHODS == set()
    assert {name for name in dir(np.ndarray) if name.startswith("__i") and name not in (
        "__init__", "__init_subclass__", "__iter__", "__int__", "__index__", "__invert__")} \
        <= METHODS.keys()


def test_every_ufunc_is_in_the_table() -> None:
    found = {name for name, each in vars(np).items() if isinstance(each, np.ufunc)}
    assert found - UFUNCS.keys() <= {"vecdot", "matvec", "vecmat", "isnat", "bitwise_count"}
