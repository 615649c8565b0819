"""Writes and recognises stubs: files under ANUGA's own name that are a set when unpickled.

`dill.load(open("towradgi_1800.0.pickle", "rb"))` and `pickle.load` return the lean domain of the
set beside it.  A stub holds one call of the package and no code.  It is recognised by its first
bytes and never unpickled to find out; what the call does is `loading`'s.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TEXT = b"points to a checkpoint of anuga_lean\n"
# Protocol 2, a text, and POP, which drops it.
_FIRST = b"\x80\x02X" + len(_TEXT).to_bytes(4, "little") + _TEXT + b"0"


def is_stub(path: Path) -> bool:
    """Whether a file is a stub; a file that cannot be read is none."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_FIRST)) == _FIRST
    except OSError:
        return False


class _Call:
    """Becomes a call of a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: str) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def write_stub(path: Path, partial: Path, function: Callable[..., Any], *arguments: str) -> None:
    """Write a stub, whole or not at all.

    Parameters
    ----------
    path : Path
        ANUGA's name of the set.
    partial : Path
        Where it is written until it is whole, in the same folder.
    function : callable
        Returns the domain; pickled by its name.
    *arguments : str

    Raises
    ------
    OSError
        It could not be written; `path` is as it was.
    """
    data = pickle.dumps(_Call(function, *arguments), 2)
    try:
        partial.unlink(missing_ok=True)
        with open(partial, "xb") as file:
            file.write(_FIRST + data[2:])
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
