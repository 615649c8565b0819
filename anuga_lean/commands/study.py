"""anuga_lean study: runs many members of a script, bounded by memory, and goes on where it was.

Owns what one types and sees; how members run is in study/.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anuga_lean._errors import CommandError, StudyError
from anuga_lean._escapes import escaped
from anuga_lean.commands._live import Teller
from anuga_lean.commands._options import add_json_option, check_json_path, printer, write_json

if TYPE_CHECKING:
    from anuga_lean.studies.members import Member
    from anuga_lean.studies.records import Record

SUMMARY = "run thousands of members of a script, each with its parameters, bounded by memory"
_SHOWN = 20         # failures that are printed
MIB = 1 << 20

_EXAMPLE = '''\
script = "model.py"             # run as: model.py --rain 10.0 --sea_level 0.5; or a scenario
replicates = 1                  # members of each set of parameters; they differ in their seed
seed = 0
pass_by = "arguments"           # or "environment", or "json": the path of a file
# arguments = ["--seed", "{seed}"]      # in front of those
# anuga = "lean"                # or "stock", or "{NAME}": of a parameter
# ranks = 1
# threads = 1
# memory = "300MiB"             # learned from the first members if left out
# triangles = "2 * {nx} * {ny}" # of a member's mesh: its memory follows, before any has run
# timeout = 3600.0              # s
# keep = ["*.sww"]              # all files if left out
# shared = ["*.log"]            # files that members may write beside the script
# summary = "summary.py:of_member"      # def of_member(folder, parameters): return {"depth": 1.2}
# units = {rain = "mm/h", depth = "m"}  # of parameters and results, for results.nc
# max_failures = 20

[grid]                          # or table = "sets.csv", function = "sets.py:name", or [sample]
rain = [10.0, 20.0]
sea_level = [0.0, 0.5]

# [places]                      # of parameters in a scenario (case.toml, scenario.json)
# rain = "rainfall.0.multiplier"

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
            ("results", "write the table of all members again", _results),
            ("report", "show a study, finished or not, as one HTML page", _report)):
        sub = verbs.add_parser(name, help=says, description=says.capitalize() + ".")
        reads = name in ("status", "show", "results", "report")
        sub.add_argument("study", type=Path, metavar="STUDY.toml" + "|FOLDER" * reads)
        if name == "show":
            sub.add_argument("member", metavar="MEMBER", help="as its folder is called")
        if name != "init":
            sub.add_argument("--folder", type=Path, metavar="FOLDER", help=(
                "of the members (default: the study file's name with .study)"))
        if name in ("run", "resume"):
            _add_run_options(sub)
        if name == "report":
            sub.add_argument("-o", "--output", type=Path, metavar="FILE", help=(
                "the page to write (default: report.html in the study's folder)"))
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
        raise CommandError("say what to do: init, run, resume, status, show, "
                           "results or report")
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
    found = run_study(read(args.study), _folder(args), args.on, args.memory, args.cores,
                      Teller(_folder(args).name), jobs)
    # What writes tables takes 100 MiB: in a process of its own.
    written = subprocess.run([sys.executable, "-m", "anuga_lean", "study", "results",
                              str(args.study), "--folder", str(_folder(args))])
    for name, why in list(found.failures.items())[:_SHOWN]:
        print(escaped(f"failed   {name}: {why}"))
    if len(found.failures) > _SHOWN:
        print(f"failed   and {len(found.failures) - _SHOWN} more: anuga_lean study status")
    if found.is_stopped:
        print(f"stopped  {found.failed} members failed: no further one was started "
              "(max_failures of the study file)")
    if written.returncode:      # it has said why
        return written.returncode
    return 0 if found.completed == found.members else 1


def _known(args: argparse.Namespace) -> tuple[Path, list[tuple[Member, Record | None]]]:
    """Return a study's folder and its members with their records.

    The folder alone is enough: a study whose file or script was edited since is shown, too.
    """
    from anuga_lean.studies.members import Folder
    from anuga_lean.studies.records import read_record

    folder = Folder(args.study if args.study.is_dir() else _folder(args))
    return folder.path, [(member, read_record(folder.member(member.name)))
                         for member in folder.described().members()]


def _status(args: argparse.Namespace) -> int:
    from anuga_lean.studies.findings import by_cause
    from anuga_lean.studies.records import is_running

    path, pairs = _known(args)
    counts: Counter[str] = Counter()
    ended = []
    for member, record in pairs:
        if is_running(path / "members" / member.name):
            counts["running"] += 1
        elif record is None or not record.tries:
            counts["not run"] += 1
        else:
            counts[record.end.value] += 1
            ended.append((member.name, record))
    groups = by_cause(ended)
    write_json(args.json, {
        "folder": str(path), "members": len(pairs), "counts": counts,
        "ends": [{"class": found.cause, "says": found.says, "members": names}
                 for found, names in groups],
        "failures": {name: record.tries[-1].says for name, record in ended
                     if record.end.value not in ("completed", "stopped")}})
    say = printer(args.json)
    say(escaped(f"{path}: {len(pairs):,} members: ")
        + ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
    by_name = dict(ended)
    for found, names in groups:
        say(escaped(f"{len(names):,} {found.cause}: {found.says} ({found.sure})"))
        for name in names[:_SHOWN // 4]:
            say(escaped(f"  {name}  {by_name[name].tries[-1].says}"))
        if len(names) > _SHOWN // 4:
            say(f"  and {len(names) - _SHOWN // 4:,} more; --json FILE has all")
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
        if each["again"]:
            yield f"then        {each['again']}"
        peak = "unknown" if each["peak"] is None else f"{each['peak'] / MIB:,.1f} MiB"
        yield (f"try         {each['end']} after {each['seconds']:g} s on {each['where']}: given "
               f"{each['nbytes'] / MIB:,.0f} MiB, peak {peak}"
               + (f"; {each['says']}" if each["says"] else ""))
        if each["finding"]:
            yield f"doctor      {each['finding']['says']} ({each['finding']['cause']}, " \
                  f"{each['finding']['sure']})"
            yield from (f"because     {line}" for line in each["finding"]["because"])
    if record["tries"] and record["tries"][-1]["end"] != "completed":
        yield f"next        {_following(known['name'], record)}"
    for name, value in (record["summary"] or {}).items():
        yield f"result      {name} = {value}"


def _following(name: str, record: dict[str, Any]) -> str:
    import msgspec

    from anuga_lean.studies import ends
    from anuga_lean.studies.records import Record

    found = ends.after(msgspec.convert(record, type=Record).tries)
    if found.again:
        return "'anuga_lean study run' tries it again" + (
            " with more memory" if found.more_memory else "")
    return (f"not tried again in that run: {found.why}; 'anuga_lean study run' tries it once more, "
            f"and 'anuga_lean doctor' with its folder says what else is known")


def _results(args: argparse.Namespace) -> int:
    from anuga_lean.studies.members import Folder
    from anuga_lean.studies.summaries import write_tables

    path, pairs = _known(args)
    say = printer(args.json)
    written = write_tables(path, pairs, Folder(path).described().units)
    for each in written:
        say(escaped(f"written  {each}"))
    write_json(args.json, {"folder": str(path), "members": len(pairs),
                           "written": [str(each) for each in written]})
    return 0


def _report(args: argparse.Namespace) -> int:
    from anuga_lean.commands.report import check_output, write_page
    from anuga_lean.measure.page.render import render, templates
    from anuga_lean.overview import known
    from anuga_lean.overview.picture import page_of

    folder = args.study if args.study.is_dir() else _folder(args)
    output = args.output or folder / "report.html"
    check_output(output, [])
    templates()
    found = known.read(folder)
    write_page(output, render(page_of(found)))
    print(escaped(f"{output}: {len(found.completed()):,} of {len(found.pairs):,} members "
                  "completed"))
    return 0
