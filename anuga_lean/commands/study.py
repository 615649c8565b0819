"""anuga_lean study: runs many members of a script, bounded by memory, and goes on where it was.

Owns what one types and sees; how members run is in study/.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anuga_lean._errors import CommandError, StudyError
from anuga_lean._escapes import escaped
from anuga_lean.commands._options import add_json_option, check_json_path, printer, write_json

if TYPE_CHECKING:
    from anuga_lean.studies.members import Member
    from anuga_lean.studies.records import Record
    from anuga_lean.studies.running import Run

SUMMARY = "run thousands of members of a script, each with its parameters, bounded by memory"
_EVERY = 10.0       # s between two lines in a log
_SHOWN = 20         # failures that are printed
MIB = 1 << 20

_EXAMPLE = '''\
script = "model.py"             # run as: model.py --rain 10.0 --sea_level 0.5
replicates = 1                  # members of each set of parameters; they differ in their seed
seed = 0
pass_by = "arguments"           # or "environment", or "json": the path of a file
# arguments = ["--seed", "{seed}"]      # in front of those
# anuga = "lean"                # or "stock", or "{NAME}": of a parameter
# ranks = 1
# threads = 1
# memory = "300MiB"             # learned from the first members if left out
# timeout = 3600.0              # s
# keep = ["*.sww"]              # all files if left out
# shared = ["*.log"]            # files that members may write beside the script
# summary = "summary.py:of_member"      # def of_member(folder, parameters): return {"depth": 1.2}
# max_failures = 20

[grid]                          # or table = "sets.csv", function = "sets.py:name", or [sample]
rain = [10.0, 20.0]
sea_level = [0.0, 0.5]

# [sample]
# method = "latin-hypercube"    # sobol, halton, poisson-disk
# count = 100
# [sample.ranges]
# rain = [0.0, 50.0]
'''


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of a study and their options."""
    parser.description = (
        "Runs a script once for each set of parameters and each replicate, each member in a "
        "process and a folder of its own, as many at a time as memory and cores allow.")
    parser.set_defaults(study_entry=None)
    verbs = parser.add_subparsers(dest="study_verb", metavar="VERB")
    for name, says, entry in (
            ("init", "write a study file to begin with", _init),
            ("run", "run the members that are not completed", _run),
            ("resume", "the same as run", _run),
            ("status", "say how many members ended how", _status),
            ("show", "say all that is known of a member", _show),
            ("results", "write the table of all members again", _results)):
        sub = verbs.add_parser(name, help=says, description=says.capitalize() + ".")
        sub.add_argument("study", type=Path, metavar="STUDY.toml")
        if name == "show":
            sub.add_argument("member", metavar="MEMBER", help="as its folder is called")
        if name != "init":
            sub.add_argument("--folder", type=Path, metavar="FOLDER", help=(
                "of the members (default: the study file's name with .study)"))
        if name in ("run", "resume"):
            _add_run_options(sub)
        if name in ("status", "show", "results"):
            add_json_option(sub)
        sub.set_defaults(study_entry=entry)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", default="local", metavar="WHERE", help=(
        "local (default), slurm, or the address of a Dask scheduler: tcp://HOST:PORT"))
    parser.add_argument("--memory", metavar="N", help=(
        "of all members together on this machine, e.g. 48GiB (default: nine tenths of what is "
        "free, in this cgroup too)"))
    parser.add_argument("--cores", type=int, metavar="N", help="default: all there are")
    slurm = parser.add_argument_group("jobs of --on slurm")
    slurm.add_argument("--jobs", type=int, metavar="N", help="at once, at most")
    slurm.add_argument("--job-memory", metavar="N", help="of a job, e.g. 60GiB")
    slurm.add_argument("--job-cores", type=int, default=1, metavar="N", help="of a job (default 1)")
    slurm.add_argument("--job-time", metavar="TIME", help="time limit of a job: 90min, 12h")
    slurm.add_argument("--largest-job", metavar="N", help=(
        "memory of a job for a member that needs more, at most (default: the largest node)"))
    slurm.add_argument("--partition", metavar="NAME")
    slurm.add_argument("--directive", action="append", default=[], metavar="TEXT", help=(
        "a further one of the job files, e.g. --directive=--account=hydro"))


def run(args: argparse.Namespace) -> int:
    """Run a verb of studies."""
    if args.study_entry is None:
        raise CommandError("say what to do: init, run, resume, status, show or results")
    check_json_path(getattr(args, "json", None))
    entry: Callable[[argparse.Namespace], int] = args.study_entry
    return entry(args)


def _init(args: argparse.Namespace) -> int:
    try:
        with open(args.study, "x", encoding="utf-8") as file:
            file.write(_EXAMPLE)
    except FileExistsError:
        raise CommandError(f"{args.study} is there already: name another file") from None
    except OSError as error:
        raise CommandError(f"{args.study} cannot be written: {error.strerror}") from error
    print(f"{escaped(args.study)}: edit it, then type 'anuga_lean study run "
          f"{escaped(args.study)}'")
    return 0


def _folder(args: argparse.Namespace) -> Path:
    found: Path = args.folder or args.study.with_suffix(".study")
    return found


def _run(args: argparse.Namespace) -> int:
    from anuga_lean.studies.definition import read
    from anuga_lean.studies.interface import jobs_of
    from anuga_lean.studies.interface import run as run_study

    jobs = None
    if args.jobs is not None:
        if args.job_memory is None or args.job_time is None:
            raise CommandError("--jobs wants --job-memory and --job-time, too")
        jobs = jobs_of(args.jobs, args.job_memory, args.job_cores, args.job_time,
                       args.largest_job, args.partition, args.directive)
    found = run_study(read(args.study), _folder(args), args.on, args.memory, args.cores, _Teller(),
                      jobs)
    # What writes tables takes 100 MiB: in a process of its own.
    subprocess.run([sys.executable, "-m", "anuga_lean", "study", "results", str(args.study),
                    "--folder", str(_folder(args))], check=True)
    for name, why in list(found.failures.items())[:_SHOWN]:
        print(escaped(f"failed   {name}: {why}"))
    if len(found.failures) > _SHOWN:
        print(f"failed   and {len(found.failures) - _SHOWN} more: anuga_lean study status")
    if found.is_stopped:
        print(f"stopped  {found.failed} members failed: no further one was started "
              "(max_failures of the study file)")
    return 0 if found.completed == found.members else 1


class _Teller:
    """Prints how a study goes on: one line that changes on a terminal, lines in a log."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = -_EVERY
        self._completed_before: int | None = None
        self._is_terminal = sys.stdout.isatty()

    def __call__(self, run: Run) -> None:
        now = time.monotonic()
        done = run.progress.completed + run.progress.failed
        if self._completed_before is None:
            self._completed_before = done
        is_end = not run.packing.waiting and done == run.progress.members
        if now - self._last < (0.5 if self._is_terminal else _EVERY) and not is_end:
            return
        self._last = now
        line = self._line(run, done, now - self._began)
        if self._is_terminal:
            print(f"\r\x1b[K{line}", end="\n" if is_end else "", flush=True)
        else:
            print(line, flush=True)

    def _line(self, run: Run, done: int, seconds: float) -> str:
        workers = run.packing.workers.values()
        running = sum(len(each.running) for each in workers)
        held = sum(each.nbytes - each.free_nbytes for each in workers)
        there = sum(each.nbytes for each in workers)
        made = done - (self._completed_before or 0)
        left = f", {_time((run.progress.members - done) * seconds / made)} left" if made else ""
        return (f"{run.progress.completed:,} of {run.progress.members:,} completed, "
                f"{run.progress.failed:,} failed, {running} running, "
                f"{len(run.packing.waiting):,} waiting, {run.progress.retried:,} tried again; "
                f"{held / MIB:,.0f} of {there / MIB:,.0f} MiB reserved on {len(workers)} "
                f"worker{'s' if len(workers) != 1 else ''}; {_time(seconds)}{left}")


def _time(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else (
        f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s")


def _known(args: argparse.Namespace) -> tuple[Path, list[tuple[Member, Record | None]]]:
    """Return a study's folder and its members with their records."""
    from anuga_lean.studies.definition import read
    from anuga_lean.studies.members import DESCRIPTION, Folder, members_of
    from anuga_lean.studies.parameter_sets import sets_of
    from anuga_lean.studies.records import read_record

    study, folder = read(args.study), Folder(_folder(args))
    if not (folder.path / DESCRIPTION).exists():
        raise StudyError(f"{folder.path} is no folder of a study: 'anuga_lean study run "
                         f"{args.study}' makes it.")
    sets = sets_of(study)
    folder.claim(study, sets)
    return folder.path, [(member, read_record(folder.member(member.name)))
                         for member in members_of(study, sets)]


def _status(args: argparse.Namespace) -> int:
    from anuga_lean.studies.records import End, is_running

    path, pairs = _known(args)
    counts: Counter[str] = Counter()
    why = []
    for member, record in pairs:
        last = record.tries[-1] if record is not None and record.tries else None
        if is_running(path / "members" / member.name):
            counts["running"] += 1
        elif last is None:
            counts["not run"] += 1
        else:
            counts[last.end.value] += 1
            if last.end not in (End.COMPLETED, End.STOPPED):
                why.append((member.name, last.says))
    write_json(args.json, {"folder": str(path), "members": len(pairs), "counts": counts,
                           "failures": dict(why)})
    say = printer(args.json)
    say(escaped(f"{path}: {len(pairs):,} members: ")
        + ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
    for name, says in why[:_SHOWN]:
        say(escaped(f"{name}  {says}"))
    if len(why) > _SHOWN:
        say(f"and {len(why) - _SHOWN} more; --json FILE has all")
    return 0 if counts["completed"] == len(pairs) else 1


def _show(args: argparse.Namespace) -> int:
    import msgspec

    path, pairs = _known(args)
    found = next(((member, record) for member, record in pairs if member.name == args.member),
                 None)
    if found is None:
        raise StudyError(f"the study has no member {args.member}: its members are "
                         f"{pairs[0][0].name} to {pairs[-1][0].name}.")
    member, record = found
    known = {"folder": str(path / "members" / member.name), **msgspec.to_builtins(member),
             "record": msgspec.to_builtins(record)}
    say = printer(args.json)
    for line in _shown(known):
        say(escaped(line))
    write_json(args.json, known)
    return 0


def _shown(known: dict[str, Any]) -> Iterator[str]:
    yield f"member      {known['name']}: set {known['parameter_set']}, replicate " \
          f"{known['replicate']}, seed {known['seed']}"
    yield f"folder      {known['folder']}"
    for name, value in known["parameters"].items():
        yield f"parameter   {name} = {value}"
    record = known["record"] or {"tries": [], "summary": None}
    for each in record["tries"]:
        peak = "unknown" if each["peak"] is None else f"{each['peak'] / MIB:,.1f} MiB"
        yield (f"try         {each['end']} after {each['seconds']:g} s on {each['where']}: given "
               f"{each['nbytes'] / MIB:,.0f} MiB, peak {peak}"
               + (f"; {each['says']}" if each["says"] else ""))
    for name, value in (record["summary"] or {}).items():
        yield f"result      {name} = {value}"


def _results(args: argparse.Namespace) -> int:
    from anuga_lean.studies.summaries import write_tables

    path, pairs = _known(args)
    say = printer(args.json)
    written = write_tables(path, pairs)
    for each in written:
        say(escaped(f"written  {each}"))
    write_json(args.json, {"folder": str(path), "members": len(pairs),
                           "written": [str(each) for each in written]})
    return 0
