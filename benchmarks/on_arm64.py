"""Runs the cases of the kernel tests on aarch64 by qemu-user; compares their bits with x86-64's.

``python benchmarks/on_arm64.py [--quick] [--only PATTERN] [--work FOLDER]``.  Owns the system, the
packages and the builds for aarch64, what runs on both processors, and the comparison.  What runs is
that of tests/parity, tests/property, tests/unit and `anuga_lean selfcheck`.  On aarch64 anuga_lean
stands beside an ANUGA from its sdist, built twice: with -ffp-contract=off, which anuga_lean has to
equal, and as compilers build it by themselves, which has to be found different.  The exit code is 1
where either is not so, 2 where a program that it needs is missing; that is said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import upstream_sdist

from anuga_lean.measure.comparison import same_bits
from anuga_lean.measure.environment import cores

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
# The C library of both is then of one release, and numpy has wheels of this Python for aarch64.
SUITE, PYTHON = "bookworm", "3.11"
PROGRAMS = {"aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu", "qemu-aarch64": "qemu-user",
            "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu", "mmdebstrap": "mmdebstrap"}
SYSTEM = (f"libpython{PYTHON}-dev", f"python{PYTHON}-minimal", f"libpython{PYTHON}-stdlib",
          "libc6-dev", "libgomp1", "libstdc++6")
# Of the same version on both; ANUGA asks pymetis only for partitions, which has no such wheel.
PACKAGES = ("numpy", "scipy", "netCDF4", "cftime", "msgspec", "pyproj", "meshpy", "dill", "xarray",
            "matplotlib", "pytest", "hypothesis")
GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17")
# The kernels of ANUGA that a compiler may build with fused products.
STOCK_KERNELS = ("anuga/shallow_water/sw_domain_openmp_ext",
                 "anuga/abstract_2d_finite_volumes/quantity_openmp_ext")
KERNEL_TESTS = ("powers", "maxima", "max_stage", "rates", "viscosity", "operators_everywhere",
                "prescribed", "step", "inlet_levels", "quiet_blocks", "fitting")
ALGORITHMS = ("DE0", "DE1", "DE2", "DE0_7", "DE1_7", "DE_ader2")
MESHES = 12     # of single steps, per algorithm
STATES = 200    # of a self-check
# What a run says of its kernels: the same on both processors, not the same as ANUGA's.
OF_KERNELS = {"lean", "stock_kernel_warnings", "kernels"}


def missing() -> str | None:
    """Return what this machine lacks, in a sentence; None if it lacks nothing."""
    release = Path("/etc/os-release")
    said = release.read_text() if release.exists() else ""
    if (f"VERSION_CODENAME={SUITE}" not in said or platform.machine() != "x86_64"
            or not platform.python_version().startswith(f"{PYTHON}.")):
        return (f"needs Debian's {SUITE} on x86-64 and Python {PYTHON}, as in the "
                f"container python:{PYTHON}-{SUITE}")
    packages = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"needs Debian's {', '.join(packages)}" if packages else None


def call(log: Path, command: Sequence[str | Path], **environment: str) -> None:
    """Run a command, shown first, its output in a log; SystemExit with its end if it fails."""
    upstream_sdist.note([str(each) for each in command], log=log)
    with log.open("w") as output:
        done = subprocess.run([str(each) for each in command], stdout=output,
                              stderr=subprocess.STDOUT, env={**os.environ, **environment})
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}; the end of {log}:\n"
                         + log.read_text(errors="replace")[-3000:])


# -- what runs on aarch64 ----------------------------------------------------------


class Arm64:
    """A system for aarch64 in a folder, with environments whose python is qemu's.

    Parameters
    ----------
    work : Path
        What is there is taken as it is, but for anuga_lean, which is built anew.
    """

    def __init__(self, work: Path) -> None:
        self.work = work
        self.root, self.packages, self.tools = (work / name for name in
                                                ("system", "packages", "tools"))
        work.mkdir(parents=True, exist_ok=True)
        if not self.root.exists():
            partial = work / "system.part"
            shutil.rmtree(partial, ignore_errors=True)
            call(work / "system.log", ["mmdebstrap", "--quiet", "--architectures=arm64",
                                       "--variant=extract", f"--include={','.join(SYSTEM)}", SUITE,
                                       partial])
            partial.replace(self.root)
        if not self.packages.exists():
            self._install()
        if not self.tools.exists():
            call(work / "tools.log", [sys.executable, "-m", "venv", self.tools])
            call(work / "tools.log", [self.tools / "bin/pip", "install", "meson", "ninja",
                                      "Cython>=3", f"numpy=={metadata.version('numpy')}"])
        self.build_python = self.environment("build", [])

    def _install(self) -> None:
        partial = self.work / "packages.part"
        shutil.rmtree(partial, ignore_errors=True)
        platforms = [f"--platform=manylinux_{glibc}_aarch64" for glibc in GLIBC]
        call(self.work / "packages.log", [
            sys.executable, "-m", "pip", "install", "--target", partial, "--implementation=cp",
            f"--python-version={PYTHON}", "--only-binary=:all:", *platforms,
            "--platform=manylinux2014_aarch64",
            *(f"{name}=={metadata.version(name)}" for name in PACKAGES)])
        partial.replace(self.packages)

    def environment(self, name: str, built: Sequence[Path]) -> Path:
        """Make an environment that imports from `built`, too; return its python."""
        folder = self.work / f"environment_{name}"
        site = folder / "lib" / f"python{PYTHON}" / "site-packages"
        site.mkdir(parents=True, exist_ok=True)
        (folder / "bin").mkdir(exist_ok=True)
        interpreter = self.root / "usr/bin" / f"python{PYTHON}"
        (folder / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\n")
        (site / "built.pth").write_text("".join(f"{each}\n" for each in [*built, self.packages]))
        # As sys.executable, so that what starts Python starts this.
        for program, options in (("python", ""), ("numpy-config", " -m numpy._configtool")):
            script = folder / "bin" / program
            script.write_text(f"#!/bin/sh\nexec qemu-aarch64 -0 '{folder / 'bin/python'}' -L "
                              f"'{self.root}' '{interpreter}'{options} \"$@\"\n")
            script.chmod(0o755)
        return folder / "bin/python"

    def build(self, name: str, source: Path, distribution: str, options: Sequence[str],
              targets: Sequence[str] = ()) -> Path:
        """Build a project with meson and install it into a folder; build `targets` alone if given.

        Returns the folder: that of the build if there are targets.
        """
        built, place = self.work / f"build_{name}", self.work / f"built_{name}"
        flags = ["-idirafter", str(self.root / "usr/include"), *options]
        settings = {
            "binaries": {**{kind: f"aarch64-linux-gnu-{program}" for kind, program in
                            (("c", "gcc"), ("cpp", "g++"), ("strip", "strip"))},
                         "python": str(self.build_python),
                         "numpy-config": str(self.build_python.with_name("numpy-config")),
                         "exe_wrapper": ["qemu-aarch64", "-L", str(self.root)]},
            "built-in options": {"c_args": flags, "cpp_args": flags},
            "host_machine": {"system": "linux", "cpu_family": "aarch64", "cpu": "aarch64",
                             "endian": "little"}}
        cross = self.work / f"{name}.ini"
        cross.write_text("".join(
            f"[{section}]\n" + "".join(f"{key} = {value!r}\n" for key, value in values.items())
            for section, values in settings.items()))
        # No mpicc of this machine is found.
        path = f"{self.tools / 'bin'}:/usr/bin:/bin"
        if not built.exists() or source == ROOT:    # whose files are listed at configuration
            call(self.work / f"{name}_setup.log", [
                self.tools / "bin/meson", "setup", built, source, "--cross-file", cross,
                *(["--reconfigure"] if built.exists() else []),
                "-Dbuildtype=release", "-Db_ndebug=if-release", "-Dpython.bytecompile=-1",
                f"--prefix={place}", f"-Dpython.purelibdir={place}",
                f"-Dpython.platlibdir={place}"], PATH=path)
        call(self.work / f"{name}_build.log", [self.tools / "bin/ninja", "-C", built,
                                               *(targets or ["install"])], PATH=path)
        if targets:
            return built
        version = metadata.version(distribution)
        about = place / f"{distribution}-{version}.dist-info"
        about.mkdir(exist_ok=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        return place

    def pythons(self) -> tuple[Path, Path]:
        """Return the python with an ANUGA without fused products, and one with them."""
        lean = self.build("lean", ROOT, "anuga_lean", [])
        sdist = upstream_sdist.fetch(self.work / "sdist", metadata.version("anuga"))
        plain = self.build("anuga", sdist, "anuga", ["-ffp-contract=off"])
        suffix = f".cpython-{PYTHON.replace('.', '')}-aarch64-linux-gnu.so"
        kernels = [f"{name}{suffix}" for name in STOCK_KERNELS]
        fusing = self.build("anuga_fusing", sdist, "anuga", [], kernels)
        fused = self.work / "built_anuga_fused"
        shutil.rmtree(fused, ignore_errors=True)
        shutil.copytree(plain, fused)
        for kernel in kernels:
            shutil.copy(fusing / kernel, fused / kernel)
        return self.environment("plain", [lean, plain]), self.environment("fused", [lean, fused])


# -- what runs on both -------------------------------------------------------------


class Side:
    """A processor with its python."""

    def __init__(self, name: str, python: Path | str, folder: Path, **settings: str) -> None:
        self.name, self.python = name, str(python)
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONPATH": str(TESTS),
                         **settings}

    def run(self, log: str, *arguments: str) -> None:
        """Run python with these arguments, in the folder."""
        call(self.folder / log, [self.python, "-P", *arguments], **self.settings)


def x86_64(folder: Path) -> Side:
    """Return this machine, numpy without its routines for newer processors.

    These give other bits, by numpy's own choice: an order of equal keys in argsort, exp, log.
    """
    code = ("import numpy._core._multiarray_umath as m; "
            "print(*[n for n in m.__cpu_dispatch__ if m.__cpu_features__.get(n)])")
    found = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True,
                           check=True).stdout.strip()
    return Side("x86_64", sys.executable, folder, NPY_DISABLE_CPU_FEATURES=found)


def run_models(side: Side, variant: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the results of cases of tests/parity, {} where one failed; a process for each core."""
    folder = side.folder / variant
    shutil.rmtree(folder, ignore_errors=True)
    parts = [names[first::cores()] for first in range(min(cores(), len(names)))]

    def run(number: int) -> None:
        try:
            side.run(f"{variant}_{number}.log", "-m", "arm64.same_numbers", "parity.runner",
                     variant, str(folder), *parts[number])
        except SystemExit:
            if not any(folder.glob("*.err")):
                raise

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(run, range(len(parts))))
    return {name: load(folder / f"{name}.npz") for name in names}


def run_self_check(side: Side, variant: str, cases: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Return the answers of a worker of `anuga_lean selfcheck` by the names of the cases."""
    folder = side.folder / f"selfcheck_{variant}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "request.json").write_text(json.dumps(
        {"variant": variant, "seed": 20260101, "cases": cases}))
    side.run(f"selfcheck_{variant}.log", "-m", "anuga_lean.selfcheck.worker", str(folder), "2")
    return {case.name: load(folder / f"{number}.npz") for number, case in enumerate(cases)}


def drawn_steps() -> list[dict[str, Any]]:
    """Return requests of tests/property: meshes, and states to take one step from."""
    from hypothesis import HealthCheck, given, settings

    from property.strategies import requests, states

    found: list[dict[str, Any]] = []
    for algorithm in ALGORITHMS:
        @settings(max_examples=MESHES, derandomize=True, database=None, deadline=None,
                  suppress_health_check=list(HealthCheck))
        @given(request=requests(algorithm))
        def draw(request: dict[str, Any]) -> None:
            found.append(request | {"states": states(request)})

        draw()
    return found


def run_steps(side: Side, variant: str, requests: Sequence[dict[str, Any]]
              ) -> dict[str, dict[str, Any]]:
    """Return what follows after each step."""
    from property.worker import read, write

    asked, told = side.folder / "requests", side.folder / f"steps_{variant}"
    with asked.open("wb") as file:
        for request in requests:
            write(file, request)
    upstream_sdist.note([side.python, "-m", "property.worker", variant])
    with asked.open("rb") as stdin, told.open("wb") as stdout, \
            (side.folder / "steps.log").open("w") as log:
        subprocess.run([side.python, "-P", "-m", "property.worker", variant], check=True,
                       stdin=stdin, stdout=stdout, stderr=log, cwd=side.folder,
                       env={**os.environ, **side.settings})
    found = {}
    with told.open("rb") as file:
        for number, request in enumerate(requests):
            answer = read(file)
            if not isinstance(answer, list):
                raise SystemExit(f"{side.name} {variant}: {answer}")
            found |= {f"{request['algorithm']}/{number}/{state}": each
                      for state, each in enumerate(answer)}
    return found


def load(path: Path) -> dict[str, Any]:
    """Return the arrays of a file, {} if there is none."""
    if not path.exists():
        return {}
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def different(expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]],
              ignored: Collection[str] = ()) -> Iterator[str]:
    """Yield a line for each case whose bits differ, or that one has no result of."""
    for case in expected.keys() | found.keys():
        a, b = expected.get(case, {}), found.get(case, {})
        if not a or not b:
            yield f"{case}: no result"
            continue
        names = [name for name in sorted((a.keys() | b.keys()) - {"isa", *ignored})
                 if name not in a or name not in b or not same_bits(a[name], b[name])]
        if names:
            yield f"{case}: {', '.join(names)}"


class Table:
    """Lines of what was compared, printed as they come."""

    def __init__(self) -> None:
        self.failed = False

    def add(self, what: str, expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]],
            ignored: Collection[str] = (), equal: bool = True) -> None:
        """Compare; `equal` says whether every case or not every case has to be."""
        lines = sorted(different(expected, found, ignored))
        values = sum(int(np.size(each)) for case in expected.values() for each in case.values())
        good = bool(expected) and (not lines) is equal
        self.failed |= not good
        print(f"{'as it must be' if good else 'WRONG'}: {what}: {len(expected) - len(lines):,} of "
              f"{len(expected):,} cases equal ({values:,} values)", flush=True)
        for line in lines if equal else lines[:3]:
            print(f"  differs: {line}", flush=True)


def compare(work: Path, only: str | None) -> bool:
    """Build, run and compare all; return whether all is as it must be.

    only : a pattern of the names of models; None for none.
    """
    from anuga_lean.selfcheck.cases import plan
    from parity.cases import CASES

    plain, fused = Arm64(work).pythons()
    here = x86_64(work / "runs")
    there, fusing = Side("aarch64", plain, work / "runs"), Side("fused", fused, work / "runs")
    table = Table()

    steps = drawn_steps()
    found = run_steps(there, "lean", steps)
    table.add("single steps of tests/property, on x86-64", run_steps(here, "lean", steps), found)
    table.add("the same, by ANUGA without fused products", run_steps(there, "stock", steps), found)
    table.add("the same, by ANUGA with them", run_steps(fusing, "stock", steps), found, equal=False)

    cases = plan(STATES)
    found = run_self_check(there, "lean", cases)
    table.add("anuga_lean selfcheck, on x86-64", run_self_check(here, "lean", cases), found)
    table.add("the same, by ANUGA without fused products",
              run_self_check(there, "stock", cases), found, OF_KERNELS)

    names = [name for name in CASES if only is not None and re.search(only, name)]
    if names:
        found = run_models(there, "lean", names)
        table.add("models of tests/parity, on x86-64", run_models(here, "lean", names), found)
        table.add("the same, by ANUGA without fused products", run_models(there, "stock", names),
                  found, OF_KERNELS)
    there.run("unit.log", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m",
              "not nightly and not slow", "--rootdir", str(ROOT),
              "-c", str(ROOT / "pyproject.toml"),
              *(str(TESTS / "unit" / f"test_{name}.py") for name in KERNEL_TESTS))
    print("as it must be: tests/unit:", (there.folder / "unit.log").read_text().splitlines()[-1])
    return not table.failed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line described above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", metavar="PATTERN",
                        help="of the names of models in tests/parity; default: all")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "arm64", metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="without the models of tests/parity")
    args = parser.parse_args(argv)
    reason = missing()
    if reason is not None:
        print(f"skipped: it {reason}")
        return 2
    sys.path.insert(0, str(TESTS))
    began = time.monotonic()
    good = compare(args.work.resolve(), None if args.quick else args.only)
    print(f"{'EQUAL' if good else 'DIFFERENT'}, {time.monotonic() - began:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
