"""Coordinates for a user's function: which it reads, and what stands for the others."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from anuga.operators.set_quantity_operator import Set_quantity_operator

import anuga_lean as anuga
from anuga_lean.fractional_steps.coordinates import centroid_columns, reads


class Field:
    """Functions that are methods."""

    def of_y(self, x: Any, y: Any) -> Any:
        return 2.0 * y

    @staticmethod
    def of_x(x: Any, y: Any, t: Any) -> Any:
        return 2.0 * x + t

    def __call__(self, x: Any, y: Any) -> Any:
        return 0.0


def shared(x: Any, y: Any) -> Any:
    def inner() -> Any:
        return 2.0 * y

    return inner()


def comprehended(x: Any, y: Any) -> Any:
    return sum([each * 2.0 for each in x])


def overwritten(x: Any, y: Any) -> Any:
    y = 3.0
    return 2.0 * y


def deleted(x: Any, y: Any) -> Any:
    del x
    return 0.0


def packed(*xy: Any) -> Any:
    return xy[0]


def asked_for(x: Any, y: Any) -> Any:
    return locals()["y"]


def written(x: Any, y: Any) -> Any:
    x[:] = 0.0
    return 0.0


READS: dict[str, tuple[Callable[..., Any], tuple[bool, bool]]] = {
    "both": (lambda x, y: x + y, (True, True)),
    "x": (lambda x, y: 2.0 * x, (True, False)),
    "y": (lambda east, north: 2.0 * north, (False, True)),
    "neither": (lambda x, y: 0.0, (False, False)),
    "x and time": (lambda x, y, t: x * t, (True, False)),
    "y, x by name only": (lambda x, y, x_=0.0: y + x_, (False, True)),
    "two at once": (lambda x, y, t: (t, y), (False, True)),
    "a method": (Field().of_y, (False, True)),
    "a method without its object": (Field.of_x, (True, False)),
    "an inner function": (shared, (False, True)),
    "a comprehension": (comprehended, (True, False)),
    "one overwritten": (overwritten, (False, True)),
    "one deleted": (deleted, (True, False)),
    "one written into": (written, (True, False)),
    "packed arguments": (packed, (True, True)),
    "one asked for by name": (asked_for, (True, True)),
    "an object": (Field(), (True, True)),
    "a partial": (functools.partial(lambda t, x, y: 0.0, 1.0), (True, True)),
    "numpy's": (np.hypot, (True, True)),
    "too few arguments": (lambda x: 0.0, (True, True)),
}


@pytest.mark.parametrize("name", READS)
def test_a_functions_code_tells_what_it_reads(name: str) -> None:
    function, expected = READS[name]
    assert expected == reads(function)


def test_arguments_may_come_behind_another() -> None:
    """As those of a wind."""
    assert (False, True) == reads(lambda t, x, y: t + y, 1)
    assert (True, True) == reads(lambda x, y: 0.0, 1)


@pytest.fixture(scope="module")
def domain() -> Any:
    """A few triangles."""
    return anuga.rectangular_cross_domain(5, 4, len1=50.0, len2=40.0)


@pytest.mark.parametrize("at", [None, np.array([7, 3, 60])])
def test_what_is_not_read_is_there_for_who_looks(domain: Any, at: Any) -> None:
    view = domain.centroid_coordinates
    expected = np.asarray(view)[slice(None) if at is None else at]
    for read in ((True, False), (False, True), (False, False)):
        for column, right in zip(centroid_columns(domain, view, at, read), expected.T,
                                 strict=True):
            assert len(right) == len(column)
            assert right[-1] == column[-1]
            assert right.sum() == np.sum(column)
            np.testing.assert_array_equal(right, np.asarray(column))
            np.testing.assert_array_equal(2.0 * right, 2.0 * column)
            np.testing.assert_array_equal(right[1:3], column[1:3])


def test_a_frame_shows_what_its_function_does_not_read(domain: Any) -> None:
    def look() -> None:
        seen.append(np.array(sys._getframe(1).f_locals["y"]))

    def friction(x: Any, y: Any) -> Any:
        look()
        return 0.01 * x

    seen: list[np.ndarray] = []
    operator = Set_quantity_operator(domain, "friction", friction)
    seen.clear()
    operator()
    domain.fractional_step_operators.clear()
    x, y = np.asarray(domain.centroid_coordinates).T
    np.testing.assert_array_equal(y, seen[0])
    np.testing.assert_array_equal(0.01 * x, domain.quantities["friction"].centroid_values)
