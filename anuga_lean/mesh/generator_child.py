"""Runs the mesh generator in a child process: a script, started by `generator`.

Reads a request from its standard input, calls ANUGA's generate_mesh, and writes
what that returns or raises to the pipe whose number is its argument.  It loads
neither this package nor the rest of ANUGA, which would take 120 MiB and start MPI.
"""

from __future__ import annotations

import io
import pickle
import signal
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any, BinaryIO

# What is written once the generator is loaded; an end before that is no fault of the mesh.
READY = b"\1"
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Make the system end this process when the one that started it ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)    # the parent reports the interrupt
    try:
        import ctypes
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (ImportError, OSError, AttributeError, TypeError):
        pass    # not on Linux


def _load_engine(folders: list[str]) -> Any:
    """Import ANUGA's mesh engine from a package whose own __init__ is not run."""
    package = types.ModuleType("anuga")
    package.__path__ = folders
    sys.modules["anuga"] = package
    from anuga.mesh_engine import mesh_engine
    mesh_engine._get_triangulator()
    return mesh_engine


def _pickled(reply: dict[str, Any]) -> bytes:
    try:
        raw = pickle.dumps(reply)
        pickle.loads(raw)
        return raw
    except Exception:   # an exception whose class cannot be made again from its arguments
        error = reply["raised"]
        return pickle.dumps(reply | {"raised": RuntimeError(f"{type(error).__name__}: {error}")})


def _generate(engine: Any, arguments: tuple) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (what to reply, the mesh); the parent repeats warnings and print-outs."""
    printed = io.StringIO()
    reply: dict[str, Any] = {}
    mesh: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as warned, redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            mesh = engine.generate_mesh(*arguments)
        except Exception as error:
            reply["raised"] = error
    reply["printed"] = printed.getvalue()
    reply["warned"] = [(each.message, each.category, each.filename, each.lineno)
                       for each in warned]
    return reply, mesh


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _write(answer: BinaryIO, reply: dict[str, Any], mesh: dict[str, Any]) -> None:
    """Write the reply, then the arrays of the mesh one after the other."""
    reply["mesh"] = [
        (name, (value.dtype.str, value.shape)) if _is_array(value) else (name, value)
        for name, value in mesh.items()]
    reply["arrays"] = [name for name, value in mesh.items() if _is_array(value)]
    raw = _pickled(reply)
    answer.write(len(raw).to_bytes(8, "little") + raw)
    for part in _bytes_of(mesh, reply["arrays"]):
        answer.write(part)
    answer.flush()


def _bytes_of(mesh: dict[str, Any], names: list[str]) -> Iterator[memoryview]:
    for name in names:
        if mesh[name].size:
            yield memoryview(mesh[name]).cast("B")


def main() -> None:
    """Answer one request."""
    _die_with_parent()
    request = pickle.load(sys.stdin.buffer)
    sys.path[:] = request["path"]
    with open(int(sys.argv[1]), "wb") as answer:
        engine = _load_engine(request["anuga"])
        answer.write(READY)
        answer.flush()
        _write(answer, *_generate(engine, request["arguments"]))


if __name__ == "__main__":
    main()
