"""What only dill can store: functions and classes of a user's, and their instances.

Owns the pickle of a code section, in which objects of the graph around it stand
as places in its table.  What counts as code is `encoder`'s.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import Any

import dill


class _Pickler(dill.Pickler):  # type: ignore[misc]  # dill carries no types
    def __init__(self, file: io.BytesIO, place_of: Callable[[Any], int | None]) -> None:
        super().__init__(file, protocol=4)
        self._main = sys.modules["__main__"]    # dill's is that of its import
        self.persistent_id = place_of


class _Unpickler(dill.Unpickler):  # type: ignore[misc]
    def __init__(self, file: io.BytesIO, made: Sequence[Any]) -> None:
        super().__init__(file)
        self._main = sys.modules["__main__"]
        self._made = made

    def persistent_load(self, place: int) -> Any:
        return self._made[place]


def pickled(value: Any, place_of: Callable[[Any], int | None]) -> bytes:
    """Return the pickle of a value; `place_of` gives the place of an object, or None."""
    file = io.BytesIO()
    _Pickler(file, place_of).dump(value)
    return file.getvalue()


def unpickled(data: bytes, made: Sequence[Any]) -> Any:
    """Return the value of a pickle; runs whatever it contains.  `made` has the objects by place."""
    return _Unpickler(io.BytesIO(data), made).load()
