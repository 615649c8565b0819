"""Verifies patches for ANUGA: apply, build, test, compare bit for bit, measure against stock.

`python patches/verify.py [NAME...]` from a checkout, which needs Python with venv and
pip, git, patch and a C++ compiler, and nothing of anuga_lean installed;
`anuga_lean patches verify` is the same.  In place of names of our patches it takes patch
files or a git checkout of a user's.  Exits with 1 if a patch is refused.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

HERE = Path(__file__).resolve().parent
# The package need not be installed: what measures is then taken from this checkout.
sys.path[:0] = [str(path) for path in (HERE, HERE.parent / "benchmarks")
                if str(path) not in sys.path]
if importlib.util.find_spec("anuga_lean") is None:
    sys.path.insert(0, str(HERE.parent))

import upstream_sdist as sdist  # noqa: E402
from verifying import builds, submissions  # noqa: E402
from verifying.checkouts import Checkout, identity, requirements_of  # noqa: E402
from verifying.series import SERIES, Patch, PatchError, read_series, select  # noqa: E402
from verifying.submissions import Submission  # noqa: E402
from verifying.tree import Failure, Tree, check_programs  # noqa: E402

from anuga_lean._errors import LeanError  # noqa: E402
from anuga_lean._escapes import escaped  # noqa: E402
from anuga_lean.commands._progress import ProgressLine  # noqa: E402

PROGRAM = "ANUGA_LEAN_PATCHES_PROGRAM"  # environment: what the user typed, for messages
SETTLED = "ANUGA_LEAN_PATCHES_SETTLED"  # environment: this is the interpreter to stay in
STDOUT = Path("-")  # of --json
PARTS = ("tests", "bits", "memory", "checkpoint", "distribute", "fit", "time")


@dataclass(frozen=True)
class Base:
    """What patches are put on: a release, or a commit of a user's checkout.

    Attributes
    ----------
    key : str
        Names its folder in the cache: ``4.2.0``, or the begin of a hash.
    label : str
        For sentences.
    release : str or None
    checkout : Checkout or None
        Has `commit`, if it is no release.
    commit, version : str
    """

    key: str
    label: str
    release: str | None
    checkout: Checkout | None = None
    commit: str = ""
    version: str = ""


def of_release(release: str) -> Base:
    """Return a release as a base."""
    return Base(release, f"ANUGA {release}", release)


def prepare_parser() -> argparse.ArgumentParser:
    """Add the options."""
    known = releases()
    parser = argparse.ArgumentParser(
        prog=os.environ.get(PROGRAM, "python patches/verify.py"), allow_abbrev=False,
        description="Verifies patches for a release of ANUGA, each on it (with the "
        "earlier ones that it needs) and all in order: applies, builds, runs ANUGA's own tests, "
        "compares results bit for bit and measures memory and time against the release.  Files "
        "that are none of ours, or a git checkout of ANUGA, get a verdict of their own.  Exits "
        "with 1 if one is refused, and says why.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="number, topic or file of a patch, or 'series' for all in order; "
                        "default: each and the series.  Or patch files of your own (git "
                        "format-patch, git diff, diff -u), put on the release one after the "
                        "other, or the folder of a git checkout of ANUGA")
    parser.add_argument("--release", choices=known,
                        help=f"of ANUGA (default: {known[-1]}; of a checkout, what its change was "
                        "made on)")
    parser.add_argument("--commit", metavar="REV",
                        help="of a checkout, the commit to verify; default: what is checked out")
    parser.add_argument("--against", metavar="REV",
                        help="of a checkout, what the change was made on; default: where it leaves "
                        "the main branch")
    parser.add_argument("--expect-different-bits", metavar="WHY",
                        help="do not refuse other results, for a reason in a few words")
    parser.add_argument("--allow-growth", type=float, default=1.0, metavar="BYTES",
                        help="per triangle that memory may grow by (%(default)g)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true",
                     help="apply, build, bits and memory on small meshes: a minute a patch")
    how.add_argument("--full", action="store_true",
                     help="all of ANUGA's fast suite and its quick parallel tests, all parts")
    parser.add_argument("--only", action="append", metavar="PART", choices=PARTS,
                        help=f"besides apply and build, one of {', '.join(PARTS)}; may be repeated")
    parser.add_argument("--list", action="store_true",
                        help="list the patches, or what a patch file changes, run nothing and exit")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="store all figures there, for anuga_lean report and readme.py; - is "
                        "the output, text goes to stderr then")
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
    """Return the known releases that have a folder of patches here, the newest one last."""
    return [name for name in sdist.RELEASES if (HERE / name / SERIES).is_file()]


def listing(patches: Sequence[Patch]) -> str:
    """Return every patch, what it needs and what it is about."""
    lines = []
    for patch in patches:
        needs = f" (needs {', '.join(patch.needs)})" if patch.needs else ""
        lines.append(f"{patch.name}: {patch.subject}{needs}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify and print; return the exit code."""
    parser = prepare_parser()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    args = parser.parse_args(arguments)
    for name in ("patches", "cache", "work", "json", "summary"):
        if getattr(args, name) not in (None, STDOUT):
            setattr(args, name, getattr(args, name).resolve())
    sdist.show = lambda *words, **options: None  # every command of a suite, else
    try:
        if args.installed:
            args.release = release_installed(args.release)
        folder = args.patches or HERE / (args.release or releases()[-1])
        paths = submissions.given(args.names, folder)
        check_options(args, paths)
        with ProgressLine() as progress, tempfile.TemporaryDirectory(prefix="patches_") as place:
            if paths:
                return judge(args, paths, Path(place), progress, arguments)
            args.release = args.release or releases()[-1]
            patches = read_series(folder)
            names = select(patches, args.names)
            if args.list:
                print(listing(patches))
                return 0
            check_programs()
            base = of_release(args.release)
            if not args.installed:
                settle(args, base, progress, arguments, Path(place))
            return run(args, base, patches, names, Path(place), progress)
    except (PatchError, Failure, LeanError) as error:
        print(escaped(f"{parser.prog}: {error}", lines=True), file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:  # pip without a network, venv without pip
        print(f"{parser.prog}: {shlex.join(map(str, error.cmd))} failed with status "
              f"{error.returncode}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130


def release_installed(asked: str | None) -> str:
    """Return the release that --installed copies; PatchError if it is not the one asked for."""
    try:
        found = metadata.version("anuga")
    except metadata.PackageNotFoundError:
        raise PatchError(f"{sys.executable} has no ANUGA beside it: leave out --installed to "
                         "build one") from None
    if found not in ([asked] if asked else sdist.RELEASES):
        raise PatchError(f"{sys.executable} has ANUGA {found} beside it, --installed is for "
                         f"{asked or ' or '.join(sdist.RELEASES)}")
    return found


def check_options(args: argparse.Namespace, paths: Sequence[Path]) -> None:
    """Raise PatchError if options do not go together."""
    for path in filter(None, (args.json, args.summary)):
        if path == args.json == STDOUT:
            continue
        if path.is_dir() or not path.parent.is_dir():
            raise PatchError(f"{path} cannot be written: give a file in a folder that exists")
    of_checkout = bool(paths) and paths[0].is_dir()
    for name in ("commit", "against"):
        if getattr(args, name) is not None and not of_checkout:
            raise PatchError(f"--{name} is for a git checkout: give its folder")
    if args.against and args.release:
        raise PatchError("--against and --release both say what the change is compared with: give "
                         "one of them")
    if of_checkout and args.installed:
        raise PatchError("--installed is for patch files: a checkout is built")
    if args.expect_different_bits is not None and not args.expect_different_bits.strip():
        raise PatchError("--expect-different-bits needs a word of why")


def place_of(cache: Path, key: str, installed: bool) -> Path:
    """Return the folder in which everything of a base and this Python is kept."""
    kind = "installed" if installed else "built"
    return cache / f"patches-{key}-cp{sys.version_info[0]}{sys.version_info[1]}-{kind}"


def source_of(args: argparse.Namespace, base: Base) -> Path:
    """Return the tree of a base, to put patches on; the caller has the lock of its folder."""
    place = place_of(args.cache, base.key, args.installed)
    if args.installed:
        return builds.installed_source(place / "tree", Path(sys.executable))
    if base.checkout is not None:
        folder = base.checkout.export(base.commit, place / "tree")
        wanted = requirements_of(folder / "pyproject.toml")
        (place / "PKG-INFO").write_text("\n".join(wanted) + "\n")
        return folder
    assert base.release is not None
    return builds.source_copy(place / "tree", sdist.fetch(args.cache, base.release))


def settle(args: argparse.Namespace, base: Base, progress: builds.Progress,
           arguments: Sequence[str], temporary: Path) -> None:
    """Continue in the environment that ANUGA is built in: nothing else needs to be installed."""
    if os.environ.get(SETTLED) == sys.executable:
        return
    if base.checkout is None:
        assert base.release is not None
        progress("fetch ANUGA's source")
        asked = sdist.fetch(args.cache, base.release) / "PKG-INFO"
    else:
        asked = place_of(args.cache, base.key, False) / "PKG-INFO"
    wanted = builds.requirements(asked)
    place = builds.environment_of(args.cache, wanted)
    with builds.locked(place, progress):
        python = builds.make_environment(place / "environment", wanted, progress)
    shutil.rmtree(temporary)  # what takes over makes one of its own
    command = [str(python), str(Path(__file__).resolve()), *arguments]
    os.execve(python, command, os.environ | {SETTLED: str(python)})


@contextlib.contextmanager
def workshop(args: argparse.Namespace, base: Base, progress: builds.Progress
             ) -> Iterator[tuple[Tree, builds.Builder]]:
    """Lock and yield the tree and what builds from it: no other process has them meanwhile."""
    place = place_of(args.cache, base.key, args.installed)
    with builds.locked(place, progress):
        tree = Tree.of(source_of(args, base))
        python = Path(sys.executable)
        yield tree, builds.Copies(tree, python) if args.installed else builds.Wheels(
            tree, place / "build", python, base.version)


@contextlib.contextmanager
def trial(args: argparse.Namespace, base: Base, progress: builds.Progress) -> Iterator[Tree]:
    """Lock and yield a tree of a base to see whether a patch fits; never wait for a build."""
    if base.release is None or args.installed:
        with workshop(args, base, progress) as (tree, _):
            yield tree
        return
    place = args.cache / f"patches-{base.release}-tried"
    with builds.locked(place, progress):
        source = sdist.fetch(args.cache, base.release)
        yield Tree.of(builds.source_copy(place / "tree", source))


def judge(args: argparse.Namespace, paths: Sequence[Path], place: Path, progress: ProgressLine,
          arguments: Sequence[str]) -> int:
    """Judge a user's patch; return the exit code.  None of it runs before it is known to fit."""
    check_programs()
    submission, base = received(args, paths, place, progress)
    reason = None
    with trial(args, base, progress) as tree:
        try:
            changes = submissions.put(submission, tree, lambda patch: others(
                args, base, patch, progress))
            if args.list:
                print("\n".join(escaped(f"+{each.added} -{each.removed}  {each.path}")
                                for each in changes))
                return 0
        except Failure as failure:
            reason = str(failure)
        finally:
            tree.reset()
    if reason is None:
        if os.environ.get(SETTLED) != sys.executable:
            progress.close()
            print(f"verify {submissions.WARNING.format(escaped(submission.name))}",
                  file=sys.stderr, flush=True)
    elif args.json is None and args.summary is None:
        progress.close()
        print(escaped(f"REFUSED: {submission.name}: {reason}", lines=True), file=sys.stderr)
        return 1
    if not args.installed:
        settle(args, base, progress, arguments, place)
    return run_submission(args, base, submission, reason, place, progress)


def received(args: argparse.Namespace, paths: Sequence[Path], place: Path,
             progress: builds.Progress) -> tuple[Submission, Base]:
    """Return what was given, and what it is a change of."""
    if not paths[0].is_dir():
        base = of_release(args.release or releases()[-1])
        return submissions.of_files(paths, base.label), base
    checkout = Checkout(paths[0], place)
    trees = {}
    for release in sdist.RELEASES:
        if sdist.is_fetched(args.cache, release):
            with trial(args, of_release(release), progress) as tree:
                trees[release] = identity(tree)
    found = checkout.range(args.commit, args.against, args.release, trees)
    base = Base(found.base[:12], f"commit {found.base[:12]}", None, checkout, found.base,
                found.version)
    name = f"{submissions.plain_name(found.folder.name)}-{found.commit[:9]}"
    submission = Submission(name, {"commit": found.commit, "against": found.base},
                            [(f"{found.commit[:12]}", found.diff)], found.subject, base.label)
    if found.release is None:
        return submission, base
    known = of_release(found.release)
    with trial(args, known, progress) as tree:
        try:  # its source has not all files of the repository
            submissions.put(submission, tree, lambda patch: {})
        except Failure as reason:
            progress(f"{base.label} builds the same as {known.label}, but is built apart: {reason}")
            return submission, base
        finally:
            tree.reset()
    submission.base = known.label
    return submission, known


def others(args: argparse.Namespace, base: Base, patch: Patch, progress: builds.Progress
           ) -> dict[str, bool | None]:
    """Return by other release whether a patch fits it; None where no source is at hand."""
    found: dict[str, bool | None] = {}
    for release in sdist.RELEASES:
        if release == base.release or base.release is None or args.installed:
            continue
        found[release] = None
        if sdist.is_fetched(args.cache, release):
            with trial(args, of_release(release), progress) as tree:
                found[release] = tree.takes(patch)
    return found


def plan_of(args: argparse.Namespace) -> Any:
    """Return how much is done."""
    # It needs numpy, which the environment has.
    from verifying.verifier import FULL, PLAN, QUICK

    plan = QUICK if args.quick else FULL if args.full else PLAN
    if args.only:
        plan = replace(plan, parts=tuple(args.only))
    expected = (args.expect_different_bits or "").strip()
    return replace(plan, growth=args.allow_growth, expected=expected)


def command_of(args: argparse.Namespace, *words: str) -> str:
    """Return the command that measures this again."""
    how = [f"--{name}" for name in ("quick", "full", "installed") if getattr(args, name)]
    return " ".join(["python patches/verify.py", *how, *words])


def text_stream(args: argparse.Namespace) -> TextIO:
    """Return where the text goes: the output, unless that has the figures."""
    return sys.stderr if args.json == STDOUT else sys.stdout


def store(path: Path | None, stored: dict[str, Any]) -> None:
    """Write figures to a file, or to the output, if they were asked for."""
    text = json.dumps(stored, indent=1)
    if path == STDOUT:
        print(text)
    elif path is not None:
        path.write_text(text + "\n")


def run_submission(args: argparse.Namespace, base: Base, submission: Submission,
                   reason: str | None, place: Path, progress: ProgressLine) -> int:
    """Verify a user's patch, unless there is a reason against it; return 1 if it is refused."""
    from verifying import report, verdicts
    from verifying.verifier import Verifier, rule

    plan = plan_of(args)
    command = command_of(args, *args.names)
    about = {"release": base.key, "base": base.label, "command": command,
             "sha256": sdist.RELEASES.get(base.key), "submission": submission.origin}
    records = []
    if reason is None:
        with workshop(args, base, progress) as (tree, builder):
            submission.read(tree)
            patch = submission.patch(place / "diffs")
            verifier = Verifier([patch], tree, builder,
                                place_of(args.cache, base.key, args.installed),
                                args.work or place / "work", plan, progress)
            verdict = verifier.verify(patch.name)
            records = list(verifier.records.values())
            tree.reset()
    else:
        verdict = verdicts.Verdict(submission.name, submission.subject, wrong=[reason])
    progress.close()
    sentence = rule(plan, base.label)
    print(escaped(report.text(about, verdict, sentence), lines=True), file=text_stream(args))
    store(args.json, verdicts.stored([verdict], records, {**about, "rule": sentence}, command))
    if args.summary is not None:
        with open(args.summary, "a") as summary:
            print(escaped(report.markdown(about, verdict, sentence), lines=True), file=summary)
    for each in verdict.wrong:
        print(escaped(f"REFUSED: {verdict.name}: {each}", lines=True), file=sys.stderr)
    return 1 if verdict.wrong else 0


def run(args: argparse.Namespace, base: Base, patches: Sequence[Patch], names: Sequence[str],
        place: Path, progress: ProgressLine) -> int:
    """Verify patches one after the other; return 1 if one is refused."""
    from verifying import markdown, verdicts
    from verifying.verifier import Verifier, rule

    plan = plan_of(args)
    command = command_of(args)
    about = {"release": base.key, "sha256": sdist.RELEASES[base.key], "command": command}
    found: list[verdicts.Verdict] = []
    stored: dict = {}
    with workshop(args, base, progress) as (tree, builder):
        verifier = Verifier(patches, tree, builder, place_of(args.cache, base.key, args.installed),
                            args.work or place / "work", plan, progress)
        # Patches of Python files first: going back to stock's compiled code takes a minute.
        for name in sorted(names, key=verifier.compiles):
            verdict = verifier.verify(name)
            progress(f"{name}: {'REFUSED' if verdict.wrong else 'good'}")
            found = sorted([*found, verdict], key=lambda each: names.index(each.name))
            stored = verdicts.stored(found, list(verifier.records.values()), about, command)
            if args.json != STDOUT:  # at once: an interrupted run leaves what it has
                store(args.json, stored)
        tree.reset()
    progress.close()
    print(f"{verdicts.text(found)}\nrule: {rule(plan, base.label)}", file=text_stream(args))
    if args.json == STDOUT:
        store(STDOUT, stored)
    if args.summary is not None:
        with open(args.summary, "a") as summary:
            print(markdown.table(*verdicts.parse(stored, args.summary)), file=summary)
    for each in found:
        for reason in each.wrong:
            print(escaped(f"REFUSED: {each.name}: {reason}", lines=True), file=sys.stderr)
    return 1 if any(each.wrong for each in found) else 0


if __name__ == "__main__":
    # A signal that ends this process ends the builds and tests that it has started, too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
