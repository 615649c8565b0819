"""Runs ANUGA's mesh generator in a process of its own.

Owns when and how that process is started and what is said if it dies.  Triangle
takes some 500 bytes per triangle on its heap, in small pieces that keep the
pages of what is allocated later; with the process they go back to the system.
The mesh is the same to the last bit.  What runs there is `generator_child`.
"""

from __future__ import annotations

import math
import os
import pickle
import re
import select
import signal
import sys
import warnings
from collections.abc import Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anuga
import numpy as np
from anuga.mesh_engine import mesh_engine

from anuga_lean._errors import MemoryWarning, MeshGeneratorError
from anuga_lean._kernels import release_free_memory
from anuga_lean.memory_limits import is_limited, prepare, raise_if_no_memory
from anuga_lean.mesh import origin
from anuga_lean.mesh.generator_child import READY

if TYPE_CHECKING:
    from subprocess import Popen

_stock_generate_mesh = mesh_engine.generate_mesh
_SCRIPT = Path(__file__).with_name("generator_child.py")
# Starting the process takes 0.3 s; below that, the heap is 10 MB.  Where a limit of memory is
# set, every mesh is made apart: Triangle ends the process that it runs in where memory runs out.
_FEWEST_TRIANGLES = 20_000
_MILLISECONDS_BETWEEN_LOOKS = 100


class _Unable(Exception):
    """No process can be started, or it cannot load the generator."""


class _Died(Exception):
    """The process ended without an answer."""


@wraps(_stock_generate_mesh)
def generate_mesh(
    points: Any = None, segments: Any = None, holes: Any = None, regions: Any = None,
    pointatts: Any = None, segatts: Any = None, mode: Any = None, dummy_test: Any = None,
    verbose: Any = False, refinement_func: Any = None,
) -> dict[str, Any]:
    prepare()
    origin.note(origin.REGIONS)
    arguments = (points, segments, holes, regions, pointatts, segatts, mode, dummy_test, verbose)
    # A size field is called for every triangle, and may remember what it was asked.
    if refinement_func is None and os.name == "posix" and mesh_engine.TRILIB != "triangle" \
            and (is_limited()
                 or estimated_triangles(points, regions, mode) >= _FEWEST_TRIANGLES):
        try:
            return _generate_apart(arguments)
        except _Unable as unable:
            warnings.warn(f"the mesh generator runs in this process, where its heap of some 500 "
                          f"bytes per triangle stays, because {unable}.", MemoryWarning,
                          stacklevel=2)
    mesh = _stock_generate_mesh(*arguments, refinement_func=refinement_func)
    if len(mesh["generatedtrianglelist"]) >= _FEWEST_TRIANGLES:
        release_free_memory()
    return mesh


def maximum_areas(regions: Any, mode: Any) -> list[float]:
    """Return the largest areas that triangles may have, m2: everywhere, then by region.

    Parameters
    ----------
    regions : sequence of (x, y, tag) or (x, y, tag, area)
    mode : str
        Switches of Triangle; a number after `a` is an area.
    """
    found = [float(area) for area in re.findall(r"a(\d*\.?\d+(?:[eE][-+]?\d+)?)", mode or "")]
    found += [float(region[3]) for region in regions or () if len(region) > 3]
    return [area for area in found if area > 0.0]


def estimated_triangles(points: Any, regions: Any, mode: Any) -> float:
    """Return how many triangles a mesh may get, if all were of the smallest area."""
    try:
        xy = np.asarray(points, float).reshape(-1, 2)
        areas = maximum_areas(regions, mode)
    except (TypeError, ValueError):
        return 0.0      # ANUGA says what is wrong with it
    if not len(xy):
        return 0.0
    width, height = np.ptp(xy, axis=0)
    return 20.0 * len(xy) + (2.0 * float(width * height) / min(areas) if areas else 0.0)


# -- the process ---------------------------------------------------------------------


def _generate_apart(arguments: tuple) -> dict[str, Any]:
    """Return what ANUGA's generate_mesh returns for these arguments, from a process."""
    print(end="", flush=True)   # before anything that Triangle prints
    process, answer = _start(arguments)
    reading = _Answer(answer, process.pid)
    try:
        reply = reading.reply()
        mesh = _mesh_of(reply, reading)
    except BaseException as error:
        process.kill()      # no error if it has ended
        process.wait()
        if isinstance(error, _Died):
            raise MeshGeneratorError(
                _describe_death(process, reading.peak_rss, arguments)) from None
        raise
    finally:
        os.close(answer)
    process.wait()
    return mesh


def _start(arguments: tuple) -> tuple[Popen, int]:
    """Start the process with its request; return it and where its answer is read from."""
    import subprocess

    try:
        request = pickle.dumps({"path": sys.path, "anuga": list(anuga.__path__),
                                "arguments": arguments})
    except Exception as error:   # such as a vertex attribute of a user's own class
        raise _Unable(f"what it is given cannot be sent to another one: {error}") from None
    answer, end = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SCRIPT), str(end)],
            stdin=subprocess.PIPE, pass_fds=(end,))
    except OSError as error:
        os.close(answer)
        raise_if_no_memory(error)
        raise _Unable(f"{sys.executable} cannot be started: {error.strerror}") from None
    finally:
        os.close(end)
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            pipe.write(request)
    except BrokenPipeError:
        pass    # it has died: the answer will be missing
    return process, answer


class _Answer:
    """The answer of the process, and the most memory it was seen to take meanwhile."""

    def __init__(self, descriptor: int, pid: int) -> None:
        self.descriptor = descriptor
        self.pid = pid
        self.peak_rss = 0
        self.ready = select.poll()
        self.ready.register(descriptor, select.POLLIN)

    def _look(self) -> None:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found:
            self.peak_rss = max(self.peak_rss, 1024 * int(found[1]))

    def fill(self, buffer: memoryview) -> None:
        """Read as many bytes as `buffer` has."""
        while len(buffer):
            while not self.ready.poll(_MILLISECONDS_BETWEEN_LOOKS):
                self._look()
            count = os.readv(self.descriptor, [buffer])
            if count == 0:
                raise _Died
            buffer = buffer[count:]

    def reply(self) -> dict[str, Any]:
        """Read the reply that stands before the arrays."""
        try:
            self.fill(memoryview(bytearray(len(READY))))
        except _Died:
            raise _Unable("one of its own cannot load it") from None
        length = bytearray(8)
        self.fill(memoryview(length))
        raw = bytearray(int.from_bytes(length, "little"))
        self.fill(memoryview(raw))
        return pickle.loads(raw)


def _mesh_of(reply: dict[str, Any], reading: _Answer) -> dict[str, Any]:
    """Return the mesh of a reply; print, warn and raise what ANUGA did in the process."""
    print(reply["printed"], end="")
    for message, category, filename, line in reply["warned"]:
        warnings.warn_explicit(message, category, filename, line)
    if "raised" in reply:
        raise reply["raised"]
    mesh: dict[str, Any] = {}
    for name, value in reply["mesh"]:
        if name in reply["arrays"]:
            dtype, shape = value
            value = np.empty(shape, dtype)
            if value.size:
                reading.fill(value.data.cast("B"))
        mesh[name] = value
    return mesh


def _describe_death(process: Popen, most: int, arguments: tuple) -> str:
    """Say how the process ended, what it took, and what areas were asked of it."""
    code = process.returncode
    if code < 0:
        try:
            how = f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            how = f"was ended by signal {-code}"
    else:
        how = f"ended with status {code} and no mesh"
    points, _, _, regions, _, _, mode = arguments[:7]
    areas = maximum_areas(regions, mode)
    taken = f", having taken {most / 2**30:.2f} GiB" if most else ""
    return (f"the mesh generator (process {process.pid}) {how}{taken}; it was asked for "
            f"{_describe_areas(areas, points)}: make the areas larger or have more memory")


def _describe_areas(areas: Sequence[float], points: Any) -> str:
    width, height = np.ptp(np.asarray(points, float).reshape(-1, 2), axis=0)
    extent = f"an extent of {width:g} m by {height:g} m"
    if not areas:
        return f"triangles of any area over {extent}"
    listed = ", ".join(f"{area:g}" for area in areas[:8]) + (", ..." if len(areas) > 8 else "")
    count = math.ceil(float(width * height) / min(areas))
    return (f"triangles of at most {listed} m2 by region over {extent}, "
            f"up to {count:,} of the smallest")
