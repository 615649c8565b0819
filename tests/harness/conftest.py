"""Processes whose memory is known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ALLOCATOR = Path(__file__).with_name("allocator.py")


class Process:
    """A process that runs allocator.py; its commands are methods here."""

    def __init__(self, folder: Path, descriptors: tuple[int, ...]) -> None:
        # In a folder without sources, so that the installed package is found.  Large blocks are
        # mapped by themselves, also once one was freed: what is free in the heap counts for none.
        self._popen = subprocess.Popen(
            [sys.executable, str(ALLOCATOR)], cwd=folder, text=True, pass_fds=descriptors,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"})
        for _ in range(2):
            self.read()  # buffers and code of the readings themselves

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def command(*arguments: Any) -> Any:
            self._popen.stdin.write(json.dumps([name, *arguments]) + "\n")
            self._popen.stdin.flush()
            return json.loads(self._popen.stdout.readline())

        return command

    def growth(self, name: str, *arguments: Any) -> dict[str, int]:
        """What a command adds to every figure that is known."""
        before = self.read()
        getattr(self, name)(*arguments)
        after = self.read()
        return {key: after[key] - before[key] for key in after if before[key] is not None}

    def end(self) -> None:
        self._popen.stdin.close()
        self._popen.wait(timeout=60)
        self._popen.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start a process that has inherited the given file descriptors."""
    started: list[Process] = []

    def begin(*descriptors: int) -> Process:
        started.append(Process(tmp_path, descriptors))
        if started[-1].read()["pss"] is None:
            pytest.skip("this kernel does not show smaps_rollup")
        return started[-1]

    yield begin
    for process in started:
        process.end()


@pytest.fixture
def process(start: Callable[..., Process]) -> Process:
    return start()
