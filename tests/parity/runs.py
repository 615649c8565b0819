"""Starts the parity runs the selected tests need, a few processes at a time.

A setting is (variant, number of threads, instruction set).  All cases of a
setting run in one process that forks per case; the results of a case are read
once and kept for the session.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

TESTS = Path(__file__).resolve().parent.parent
# Cases per process: loading ANUGA takes as long as several cases.
CHUNK = 48


class Setting(NamedTuple):
    """One way to run a case; no isa means what the machine does best."""

    variant: str
    threads: int = 1
    isa: str | None = None

    def environment(self) -> dict[str, str]:
        """The variables a run of this setting sees."""
        environment = dict(os.environ)
        environment.pop("ANUGA_LEAN_ISA", None)
        environment["OMP_NUM_THREADS"] = str(self.threads)
        # Other tests use the cores, too: a thread that waits must not take one of them.
        environment["OMP_WAIT_POLICY"] = "passive"
        path = [str(TESTS), *environment.get("PYTHONPATH", "").split(os.pathsep)]
        environment["PYTHONPATH"] = os.pathsep.join(each for each in path if each)
        if self.isa:
            environment["ANUGA_LEAN_ISA"] = self.isa
        return environment


class Runs:
    """Results by case and setting, computed in the background."""

    def __init__(self, folder: Path, wanted: Iterable[tuple[str, Setting]]) -> None:
        self.folder = folder
        self.pool = ThreadPoolExecutor(max_workers=2)
        self.futures: dict[tuple[str, Setting], Future[None]] = {}
        self.found: dict[tuple[str, Setting], dict[str, np.ndarray]] = {}
        by_setting: dict[Setting, list[str]] = {}
        for name, setting in dict.fromkeys(wanted):
            by_setting.setdefault(setting, []).append(name)
        # Stock first: every other setting is compared with it.
        for setting in sorted(by_setting, key=lambda each: (each.variant != "stock", each.threads)):
            names = by_setting[setting]
            for first in range(0, len(names), CHUNK):
                self.start(setting, names[first : first + CHUNK])

    def start(self, setting: Setting, names: list[str]) -> None:
        """Queue one process for some cases of a setting."""
        future = self.pool.submit(self.run, setting, names)
        self.futures |= {(name, setting): future for name in names}

    def place(self, setting: Setting) -> Path:
        """Where the results of a setting lie."""
        return self.folder / f"{setting.variant}_{setting.threads}_{setting.isa or 'best'}"

    def run(self, setting: Setting, names: list[str]) -> None:
        """Run the cases to their end, unless another session in this folder does, or has."""
        place = self.place(setting)
        place.mkdir(parents=True, exist_ok=True)
        done = place / f"{names[0]}.done"
        with open(place / f"{names[0]}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                self.run_here(setting, names)
                done.touch()

    def run_here(self, setting: Setting, names: list[str]) -> None:
        """Run the cases to their end; what went wrong is read from the files they leave."""
        place = self.place(setting)
        command = [sys.executable, "-m", "parity.runner", setting.variant, str(place), *names]
        done = subprocess.run(
            command, cwd=place, env=setting.environment(), capture_output=True, text=True
        )
        for name in names:
            if not any((place / f"{name}{suffix}").exists() for suffix in (".npz", ".err")):
                (place / f"{name}.err").write_text(done.stdout + done.stderr)

    def result(self, name: str, setting: Setting) -> dict[str, np.ndarray]:
        """What a case computed under a setting; AssertionError with its traceback if it failed."""
        if (name, setting) not in self.found:
            self.futures[name, setting].result()
            path = self.place(setting) / f"{name}.npz"
            error = path.with_suffix(".err")
            assert not error.exists(), f"{name} under {setting} failed:\n{error.read_text()}"
            with np.load(path) as arrays:
                self.found[name, setting] = {key: arrays[key] for key in arrays.files}
        return self.found[name, setting]

    def close(self) -> None:
        """Start nothing more and wait for what runs."""
        self.pool.shutdown(wait=True, cancel_futures=True)
