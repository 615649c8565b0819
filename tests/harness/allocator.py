"""A process that allocates known amounts on command and says what the probe reads of it.

Run as a script: one JSON list a line on standard input, ``["mapping", "a", 1048576]``
for example, one JSON value a line back.  Names stand for what is held.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import sys
import tracemalloc
from typing import Any

from anuga_lean.measure import probe
from anuga_lean.measure.child import Stages

PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.memset.restype = None

held: dict[str, Any] = {}
stages: list[Stages] = []
children: list[tuple[int, int]] = []


def read() -> dict[str, int]:
    memory = probe.read_memory()
    traced = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None
    return {**memory._asdict(), "shared": memory.shared, "allocated": traced}


def reset_peak() -> bool:
    return probe.reset_peak_rss()


def mapping(name: str, nbytes: int) -> None:
    """Reserve private memory; nothing of it is resident before it is touched."""
    held[name] = _whole_pages(mmap.mmap(-1, nbytes, flags=PRIVATE))


def shared(name: str, descriptor: int, nbytes: int) -> None:
    """Map a file or memory that others may have mapped too."""
    held[name] = mmap.mmap(descriptor, nbytes, flags=mmap.MAP_SHARED)


def file(name: str, path: str) -> None:
    """Map a file, read only."""
    with open(path, "rb") as opened:
        held[name] = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def read_file(path: str) -> int:
    """Read a file piece by piece: it is in the page cache, in no process."""
    count = 0
    piece = bytearray(65536)
    with open(path, "rb", buffering=0) as opened:
        while found := opened.readinto(piece):
            count += found
    return count


def touch(name: str, nbytes: int | None = None) -> None:
    """Write one byte to each page, of the first `nbytes` or of all."""
    block = held[name]
    for place in range(0, nbytes or len(block), mmap.PAGESIZE):
        block[place] = 1


def look(name: str) -> int:
    """Read one byte of each page."""
    block = held[name]
    return sum(block[place] for place in range(0, len(block), mmap.PAGESIZE))


def drop(name: str) -> None:
    """Give back whatever is held under the name."""
    block = held.pop(name)
    if isinstance(block, mmap.mmap):
        block.close()


def malloc(name: str, nbytes: int, count: int = 1) -> None:
    """Allocate `count` blocks with malloc and write all of them."""
    held[name] = [libc.malloc(nbytes) for _ in range(count)]
    for address in held[name]:
        libc.memset(address, 1, nbytes)


def free(name: str, keep: int = 0) -> None:
    """Free the blocks, but for the last `keep` ones."""
    for address in held[name][: len(held[name]) - keep]:
        libc.free(address)


def trim() -> bool:
    """Make malloc give free memory back; return False if this libc cannot."""
    if not hasattr(libc, "malloc_trim"):
        return False
    libc.malloc_trim(0)
    return True


def python(name: str, nbytes: int) -> None:
    """A bytearray of zeros, which Python writes."""
    held[name] = bytearray(nbytes)


def array(name: str, nbytes: int) -> None:
    """A numpy array of zeros: Python has it, the kernel not yet."""
    import numpy as np

    held[name] = np.zeros(nbytes, np.uint8)


def trace() -> None:
    tracemalloc.start()


def begin_stages() -> None:
    stages.append(Stages(trace=tracemalloc.is_tracing()))


def end_stage(name: str) -> dict[str, Any]:
    stages[0].end(name)
    return stages[0].result[name]


def fork(name: str | None = None) -> None:
    """Start a child that touches what is named, and wait until it has."""
    ready, told = os.pipe()
    ending, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end)
        if name is not None:
            touch(name)
        os.write(told, b".")
        os.read(ending, 1)  # until the parent closes its end
        os._exit(0)
    os.close(told)
    os.close(ending)
    os.read(ready, 1)
    os.close(ready)
    children.append((pid, end))


def reap() -> None:
    """End the child."""
    pid, end = children.pop()
    os.close(end)
    os.waitpid(pid, 0)


def _whole_pages(block: mmap.mmap) -> mmap.mmap:
    """Keep huge pages out, which make memory resident that was never touched."""
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        try:
            block.madvise(mmap.MADV_NOHUGEPAGE)
        except OSError:
            pass  # a kernel without them
    return block


COMMANDS = {
    function.__name__: function
    for function in (read, reset_peak, mapping, shared, file, read_file, touch, look, drop,
                     malloc, free, trim, python, array, trace, begin_stages, end_stage, fork,
                     reap)
}


def main() -> None:
    # Counters that are kept by processor lag by one processor's share at most.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)


if __name__ == "__main__":
    main()
