"""Verify patches for ANUGA: apply, build, test, compare bit for bit, measure against stock.

`python patches/verify.py [NAME...]` from a checkout, which needs Python with venv and
pip, git, patch and a C++ compiler, and nothing of anuga_lean installed;
`anuga_lean patches verify` is the same.  Exits with 1 if a patch is refused.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The package need not be installed: what measures is then taken from this checkout.
sys.path[:0] = [str(path) for path in (HERE, HERE.parent / "benchmarks")
                if str(path) not in sys.path]
if importlib.util.find_spec("anuga_lean") is None:
    sys.path.insert(0, str(HERE.parent))

import upstream_sdist as sdist  # noqa: E402
from verifying import builds  # noqa: E402
from verifying.series import SERIES, Patch, PatchError, read_series, select  # noqa: E402
from verifying.tree import Failure, Tree, check_programs  # noqa: E402

from anuga_lean._errors import LeanError  # noqa: E402
from anuga_lean.commands._progress import ProgressLine  # noqa: E402

PROGRAM = "ANUGA_LEAN_PATCHES_PROGRAM"  # environment: what the user typed, for messages
SETTLED = "ANUGA_LEAN_PATCHES_SETTLED"  # environment: this is the interpreter to stay in
PARTS = ("tests", "bits", "memory", "checkpoint", "distribute", "fit", "time")


def prepare_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog=os.environ.get(PROGRAM, "python patches/verify.py"), allow_abbrev=False,
        description="Verifies patches for a release of ANUGA, each on it (with the "
        "earlier ones that it needs) and all in order: applies, builds, runs ANUGA's own tests, "
        "compares results bit for bit and measures memory and time against the release.  Exits "
        "with 1 if one is refused, and says why.")
    known = releases()
    parser.add_argument("--release", choices=known, default=known[-1],
                        help="whose patches are verified (default: %(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="number, topic or file of a patch, or 'series' for all in order; "
                        "default: each and the series")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true",
                     help="apply, build, bits and memory on small meshes: a minute a patch")
    how.add_argument("--full", action="store_true",
                     help="all of ANUGA's fast suite and its quick parallel tests, all parts")
    parser.add_argument("--only", action="append", metavar="PART", choices=PARTS,
                        help=f"besides apply and build, one of {', '.join(PARTS)}; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the patches and exit")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="store all figures there, for anuga_lean report and readme.py")
    parser.add_argument("--summary", type=Path, metavar="FILE",
                        help="append the table in Markdown, for a job's summary")
    parser.add_argument("--patches", type=Path, metavar="FOLDER",
                        help="with the file 'series' (default: that of the release)")
    parser.add_argument("--cache", type=Path, metavar="FOLDER",
                        default=Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
                        / "anuga_lean", help="for sdist, environment and builds (%(default)s)")
    parser.add_argument("--work", type=Path, metavar="FOLDER",
                        help="keep logs and patched interpreters there; default: a temporary one")
    parser.add_argument("--installed", action="store_true",
                        help="on a copy of the ANUGA installed beside this Python, nothing is "
                        "built: for patches of Python files only")
    return parser


def releases() -> list[str]:
    """The known releases that have a folder of patches here, the newest one last."""
    return [name for name in sdist.RELEASES if (HERE / name / SERIES).is_file()]


def listing(patches: Sequence[Patch]) -> str:
    """Every patch, what it needs and what it is about."""
    lines = []
    for patch in patches:
        needs = f" (needs {', '.join(patch.needs)})" if patch.needs else ""
        lines.append(f"{patch.name}: {patch.subject}{needs}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify and print; the exit code."""
    parser = prepare_parser()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    args = parser.parse_args(arguments)
    for name in ("patches", "cache", "work", "json", "summary"):
        if getattr(args, name) is not None:
            setattr(args, name, getattr(args, name).resolve())
    try:
        patches = read_series(args.patches or HERE / args.release)
        names = select(patches, args.names)
        if args.list:
            print(listing(patches))
            return 0
        for path in filter(None, (args.json, args.summary)):
            if path.is_dir() or not path.parent.is_dir():
                raise PatchError(f"{path} cannot be written: give a file in a folder that exists")
        check_programs()
        sdist.show = lambda *words, **options: None  # every command of a suite, else
        with ProgressLine() as progress:
            if not args.installed:
                settle(args, progress, arguments)
            return run(args, patches, names, progress)
    except (PatchError, Failure, LeanError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:  # pip without a network, venv without pip
        print(f"{parser.prog}: {shlex.join(error.cmd)} failed with status {error.returncode}",
              file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130


def place_of(cache: Path, release: str, installed: bool) -> Path:
    """Where everything of this release and this Python is kept."""
    kind = "installed" if installed else "built"
    return cache / f"patches-{release}-cp{sys.version_info[0]}{sys.version_info[1]}-{kind}"


def settle(args: argparse.Namespace, progress: builds.Progress, arguments: Sequence[str]) -> None:
    """Go on in the environment that ANUGA is built in: nothing else needs to be installed."""
    if os.environ.get(SETTLED) == sys.executable:
        return
    progress("fetch ANUGA's source")
    wanted = builds.requirements(sdist.fetch(args.cache, args.release) / "PKG-INFO")
    place = builds.environment_of(args.cache, wanted)
    with builds.locked(place, progress):
        python = builds.make_environment(place / "environment", wanted, progress)
    command = [str(python), str(Path(__file__).resolve()), *arguments]
    os.execve(python, command, os.environ | {SETTLED: str(python)})


@contextlib.contextmanager
def workshop(args: argparse.Namespace, place: Path, progress: builds.Progress
             ) -> Iterator[tuple[Tree, builds.Builder]]:
    """The tree and what builds from it; nobody else may have them at the same time."""
    with builds.locked(place, progress):
        if args.installed:
            python = Path(sys.executable)
            tree = Tree.of(builds.installed_source(place / "tree", python))
            yield tree, builds.Copies(tree, python)
        else:
            source = sdist.fetch(args.cache, args.release)
            tree = Tree.of(builds.source_copy(place / "tree", source))
            yield tree, builds.Wheels(tree, place / "build", Path(sys.executable))


def run(args: argparse.Namespace, patches: Sequence[Patch], names: Sequence[str],
        progress: ProgressLine) -> int:
    """Verify patches one after the other; 1 if one is refused."""
    # They need numpy, which the environment has.
    from verifying import markdown, verdicts
    from verifying.verifier import FULL, PLAN, QUICK, Verifier

    plan = QUICK if args.quick else FULL if args.full else PLAN
    if args.only:
        plan = replace(plan, parts=tuple(args.only))
    how = [f"--{name}" for name in ("quick", "full", "installed") if getattr(args, name)]
    command = " ".join(["python patches/verify.py", *how])
    about = {"release": args.release, "sha256": sdist.RELEASES[args.release],
             "command": command}
    place = place_of(args.cache, args.release, args.installed)
    found: list[verdicts.Verdict] = []
    stored: dict = {}
    with tempfile.TemporaryDirectory(prefix="patches_") as temporary, \
            workshop(args, place, progress) as (tree, builder):
        verifier = Verifier(patches, tree, builder, place, args.work or Path(temporary), plan,
                            progress)
        # Patches of Python files first: going back to stock's compiled code takes a minute.
        for name in sorted(names, key=verifier.compiles):
            verdict = verifier.verify(name)
            progress(f"{name}: {'REFUSED' if verdict.wrong else 'good'}")
            found = sorted([*found, verdict], key=lambda each: names.index(each.name))
            stored = verdicts.stored(found, list(verifier.records.values()), about, command)
            if args.json is not None:  # at once: an interrupted run leaves what it has
                args.json.write_text(json.dumps(stored, indent=1) + "\n")
        tree.reset()
    progress.close()
    print(verdicts.text(found))
    if args.summary is not None:
        with open(args.summary, "a") as summary:
            print(markdown.table(*verdicts.parse(stored, args.summary)), file=summary)
    for each in found:
        for reason in each.wrong:
            print(f"REFUSED: {each.name}: {reason}", file=sys.stderr)
    return 1 if any(each.wrong for each in found) else 0


if __name__ == "__main__":
    # Whoever ends this process ends the builds and tests that it has started, too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
