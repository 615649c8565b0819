"""Fetches ANUGA's source distributions and starts programs of them on stock or on lean.

Owns the releases that are known, the cache folder, the environment of every process
and the list of the commands that were run.  What is run is upstream_suites' and
upstream_cases'.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from anuga_lean.measure.measurement import MPI_ENVIRONMENT

# SHA-256 of the archive on PyPI, by release, the newest one last.
RELEASES: Mapping[str, str] = {
    "4.1.0": "870aa27a996aca17f1519e60fe6ed9e029f3cd718ab4cb6b69a6a15c0d7435ff",
    "4.2.0": "1ac32027dfddb6f38f08186050c360fd6c61a923342c4758dbdfc00d34405453",
}
NEWEST = list(RELEASES)[-1]
VARIANTS = ("stock", "lean")
CHILDREN = Path(__file__).resolve().parent / "upstream_children"

commands: list[str] = []  # every command that was run, as typed into a shell
show = print  # what a command is shown with before it runs


def add_release_option(parser: argparse.ArgumentParser) -> None:
    """Add --release to what runs the sdist of the ANUGA that is installed: see `release_of`."""
    parser.add_argument("--release", choices=RELEASES,
                        help="of ANUGA, whose sdist is meant; default: the one that is installed")


def release_of(args: argparse.Namespace) -> str:
    """Return the release that was asked for, or that is installed.

    Raises
    ------
    SystemExit
        None was asked for and the installed one is not known.
    """
    release = args.release or metadata.version("anuga")
    if release not in RELEASES:
        raise SystemExit(f"ANUGA {release} is installed, whose sdist is not known; say with "
                         f"--release which one is meant: {', '.join(RELEASES)}")
    return release


def is_fetched(cache: Path, release: str) -> bool:
    """Whether `fetch` finds a release in the cache."""
    return (cache / f"anuga-{release}" / "conftest.py").exists()


def fetch(cache: Path, release: str = NEWEST) -> Path:
    """Download an sdist with pip, check its SHA-256 and unpack it, all once; return its folder.

    An archive with another content is deleted, so that the next call downloads it anew.
    """
    tree = cache / f"anuga-{release}"
    if is_fetched(cache, release):
        return tree
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"anuga-{release}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--no-binary", "anuga", "--no-deps",
                   f"anuga=={release}", "-d", str(cache)]
        note(command)
        subprocess.run(command, check=True)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != RELEASES[release]:
        archive.unlink()
        raise SystemExit(f"{archive} had the SHA-256 {found}, that of ANUGA {release} is "
                         f"{RELEASES[release]}: deleted it, run again to download it once more")
    unfinished = cache / "unpacked"
    with tarfile.open(archive) as tar:
        # Python knows filters since 3.11.4
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(unfinished, **safe)  # type: ignore[arg-type]
    (unfinished / tree.name).replace(tree)
    shutil.rmtree(unfinished)
    return tree


def note(command: list[str], folder: Path | None = None, log: Path | None = None) -> None:
    """Print a command and keep it for the result file."""
    line = shlex.join(command)
    if folder is not None:
        line = f"cd {shlex.quote(str(folder))} && {line}"
    if log is not None:
        line += f" > {shlex.quote(str(log))} 2>&1"
    commands.append(line)
    show(f"$ {line}", flush=True)


def environment(folder: Path, cache: Path, interpreter: str = sys.executable) -> dict[str, str]:
    """Return the environment of every process: one thread, a fixed hash seed, a home of its own.

    Programs are looked for beside the interpreter first.
    """
    found = dict(os.environ)
    for name in ("ANUGA_LEAN", "ANUGA_LEAN_ISA", "ANUGA_DEFAULT_COMPUTE_MODE"):
        found.pop(name, None)
    home = folder / "home"  # ANUGA caches what it fits there
    home.mkdir(parents=True, exist_ok=True)
    (cache / "matplotlib").mkdir(parents=True, exist_ok=True)
    path = [str(Path(interpreter).parent), *filter(None, [found.get("PATH")])]
    modules = [str(CHILDREN), *filter(None, [found.get("PYTHONPATH")])]
    return found | MPI_ENVIRONMENT | {
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(cache / "matplotlib"),  # its font cache takes seconds
        "HOME": str(home),
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join(modules),
    }


def python(variant: str, *arguments: str) -> list[str]:
    """Return the command that runs a script, or a module after -m, on a variant."""
    if variant == "stock":
        return [sys.executable, *arguments]
    return [sys.executable, "-m", "anuga_lean", "run", *arguments]


def run(command: list[str], folder: Path, log: Path, variables: dict[str, str],
        timeout: float | None = None) -> int:
    """Run a command in a folder, its output in a log; return its status.

    After `timeout` seconds it is killed, with all that it started.
    """
    note(command, folder, log)
    with open(log, "a") as stream:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL,
                                   stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{shlex.join(command[:6])} ... had not ended after {timeout:.0f} s: see "
                         f"{log}") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
