"""Collects the evidence about a job, a file, a record or a folder.

Owns which sources are asked for what is named, Slurm's commands and the kernel's log among them;
each that is not there, or does not answer, is one line.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from anuga_lean._errors import CommandError
from anuga_lean.doctor.counters import read_folder, read_own
from anuga_lean.doctor.evidence import Facts
from anuga_lean.doctor.members import RECORD, last_try, read_member
from anuga_lean.doctor.reading import Text, files_of, numbered, read
from anuga_lean.doctor.records import began, is_record, job_of, read_record
from anuga_lean.doctor.slurm import read_tables
from anuga_lean.doctor.texts import read_text
from anuga_lean.guard.options import RECORDS

_PATIENCE = 20.0        # s for an answer of Slurm's
_MOST = 8 << 20         # characters of an answer that are looked at
_JOB = re.compile(r"\d{1,12}(?:[_+]\d{1,9})?(?:\.\w{1,12})?")
_ARRAY = re.compile(r"(\d{1,12})_\[(\d{1,9})[-,%:\d]{0,200}\]")     # as squeue shows what waits
_COLUMNS = ("JobIDRaw,JobID,JobName,State,ExitCode,DerivedExitCode,ReqMem,AllocCPUS,NTasks,NNodes,"
            "MaxRSS,MaxRSSNode,MaxRSSTask,AveRSS,Elapsed")


def collect(target: str, root: Path = Path("/")) -> Facts:
    """Return all that is found about a target.

    Parameters
    ----------
    target : str
        Path of a log, a record or a folder; or the number of a Slurm job.
    root : Path
        Folder under which ``proc`` and ``sys`` lie; another one than ``/`` in tests.

    Raises
    ------
    CommandError
        If there is no such file, and it is no number.
    """
    if not target:
        raise CommandError("the name is empty: give a log, a record, a folder or the number of a "
                           "job")
    facts = Facts()
    path = Path(target)
    try:
        there = path.exists()
    except (OSError, ValueError) as error:      # too long, or a NUL in it
        raise CommandError(f"{target} cannot be read: {error}") from error
    if there and path.is_dir():
        _folder(path, facts, root)
    elif there and path.name == RECORD and last_try(path.parent) is not None:
        _folder(path.parent, facts, root)
    elif there:
        text = read(path)
        _text(text, facts, root)
        if facts.outcome == "killed":
            read_own(facts, root)
            _kernel(facts)
    elif _JOB.fullmatch(target):
        _job(target, facts)
    elif array := _ARRAY.fullmatch(target):
        raise CommandError(f"{target} are several tasks of an array: give one of them, such as "
                           f"{array[1]}_{array[2]}")
    else:
        raise CommandError(f"there is no file {target}, and it is no number of a job")
    return facts


def _text(text: Text, facts: Facts, root: Path) -> None:
    if is_record(text):
        read_record(text, facts, root)
    else:
        read_text(text, facts)
        read_tables(text, facts)


def _folder(folder: Path, facts: Facts, root: Path) -> None:
    """Read a folder: the newest record, then what was written since that run began."""
    if (folder / "proc").is_dir() and (folder / "sys").is_dir():
        read_own(facts, folder)     # a system's files, copied
        return
    member = last_try(folder)
    if member is not None:
        read_member(folder, member, facts, root)
        return
    read_folder(folder, facts)
    paths, left_out = files_of(folder)
    facts.missing += left_out
    texts = []
    for path in paths:
        try:
            texts.append((path, read(path)))
        except CommandError as error:
            facts.missing.append(str(error))
    records = [each for each in texts if is_record(each[1])]
    since = 0.0
    if records:
        newest = max(records, key=lambda each: began(each[1]))
        since = began(newest[1])
        read_record(newest[1], facts, root)
        if len(records) > 1:
            facts.missing.append(f"{len(records) - 1} records of earlier runs were left out: "
                                 "name one to have it read")
    older = 0
    for path, text in texts:
        if is_record(text):
            continue
        if path.stat().st_mtime < since - 60.0:
            older += 1
            continue
        _text(text, facts, root)
    if older:
        facts.missing.append(f"{older} files that are older than the run's record were left out")
    if facts.outcome == "killed":
        read_own(facts, root)


def _job(job: str, facts: Facts) -> None:
    """Ask Slurm about a job, and read the files that it wrote to."""
    base = job.partition(".")[0]
    facts.scheduler = "slurm"
    accounts = _answer(["sacct", "--duplicates", "-P", "-j", base, "-o", _COLUMNS], facts)
    shown = _answer(["scontrol", "show", "job", base], facts)
    for each in (accounts, shown):
        if each is not None:
            read_tables(each, facts)
    said = "\n".join(line for _, line in (shown.lines if shown else []))
    for folder in re.findall(r"^ +WorkDir=(/.*)$", said, re.MULTILINE):
        _record_of(base, Path(folder), facts)
    found = re.findall(r"^ +Std(?:Out|Err)=(/.*)$", said, re.MULTILINE)
    paths = dict.fromkeys([*map(Path, found), Path(f"slurm-{base}.out")])
    read_any = False
    for path in paths:
        if path.is_file():
            read_any = True
            read_text(read(path), facts)
    if not read_any:
        facts.missing.append(f"what job {base} printed is not here: give that file too")
    _kernel(facts, f"/job_{base}/")


def _record_of(job: str, folder: Path, facts: Facts) -> None:
    """Read the record of the job's last try, if it is where a guarded run keeps it."""
    try:
        paths = files_of(folder / RECORDS)[0]
    except CommandError:
        return      # it was not guarded, or has its record elsewhere
    texts = [text for text in map(read, paths) if is_record(text) and job_of(text) == job]
    if texts:
        read_record(max(texts, key=began), facts)


def _answer(command: list[str], facts: Facts) -> Text | None:
    """Return what a command says; None, and a line in `missing`, if it does not."""
    name = " ".join(command[:3])
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        facts.missing.append(f"{command[0]} is not on this machine: it was not asked")
        return None
    except subprocess.TimeoutExpired:
        facts.missing.append(f"{name} gave no answer in {_PATIENCE:g} s")
        return None
    except OSError as error:
        facts.missing.append(f"{name} did not start: {error}")
        return None
    if done.returncode != 0:
        said = done.stderr[:400].decode("utf-8", "replace").strip()
        facts.missing.append(f"{name} failed with {done.returncode}: "
                             f"{said.splitlines()[0] if said else 'it said nothing'}")
        return None
    answer = done.stdout.decode("utf-8", "replace")[-_MOST:]
    return Text(name, list(numbered(answer)), False)


def _kernel(facts: Facts, job: str = "") -> None:
    """Read the lines of this machine's kernel that are of this run: by pid, or by cgroup."""
    quiet = Facts()
    log = _answer(["dmesg"], quiet)
    if log is None:
        facts.missing.append("the kernel's log cannot be read here (dmesg): ask for it where a "
                             "kill has to be proved")
        return
    # A line names the cgroup, and so the job; the next one only the process.
    killed = {int(found[1]) for _, line in log.lines
              if job and job in line and (found := re.search(r"\bpid=(\d{1,9}),", line))}
    own = facts.pids | killed
    pids = {f"pid={pid}," for pid in own} | {f"process {pid} " for pid in own}
    lines = [(number, line) for number, line in log.lines
             if (job and job in line) or any(each in line + "," for each in pids)]
    read_text(Text(log.name, lines, False), facts)

