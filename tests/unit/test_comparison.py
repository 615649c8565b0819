"""When two results count as the same."""

from __future__ import annotations

import numpy as np
import pytest

from anuga_lean.measure.comparison import same_bits


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)], False),
        ([0.0, 1.0], [-0.0, 1.0], False),
        ([np.nan, -0.0], [-np.nan, -0.0], True),
        ([np.nan], [0.0], False),
        ([1.0], [[1.0]], False),
        ([1.0], [1], False),
        ([1, 2], [1, 2], True),
        (3.0, 3.0, True),
        (["a"], ["a"], True),
    ],
)
def test_same_bits(first: object, second: object, same: bool) -> None:
    assert same == same_bits(np.array(first), np.array(second))
