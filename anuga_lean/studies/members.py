"""Names the members of a study and what each is given: parameters, seed, folder, command line.

Owns the layout of a study's folder.  How a member ended is in `records`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from anuga_lean._errors import StudyError
from anuga_lean.studies import runner
from anuga_lean.studies.definition import Study, Value

DESCRIPTION = "study.json"
MEMBERS = "members"
JOBS = "jobs"           # what jobs of Slurm print
SETS = "sets.json"      # the parameters of all sets
PROGRESS = "progress.jsonl"


class Member(msgspec.Struct, frozen=True):
    """A run of the script with a set of parameters.

    Attributes
    ----------
    name : str
        ``SET-REPLICATE``, both from 0 on, with as many digits as all need.
    number : int
        Of all members of the study, from 0 on.
    parameter_set : int
    replicate : int
    seed : int
        0 to 2**32 - 1.
    parameters : dict
        Without replicate and seed.
    """

    name: str
    number: int
    parameter_set: int
    replicate: int
    seed: int
    parameters: dict[str, Value]

    @property
    def values(self) -> dict[str, Value]:
        """Return all that the script may ask for by name."""
        return {**self.parameters, "replicate": self.replicate, "seed": self.seed}


def members_of(study: Study, sets: Sequence[dict[str, Value]]) -> Iterator[Member]:
    """Yield the members of a study, set by set."""
    return _members(sets, study.definition.replicates, study.definition.seed)


def _members(sets: Sequence[dict[str, Value]], replicates: int, seed: int) -> Iterator[Member]:
    wide, deep = len(str(len(sets) - 1)), len(str(replicates - 1))
    for place, parameters in enumerate(sets):
        for replicate in range(replicates):
            yield Member(f"{place:0{wide}}-{replicate:0{deep}}", place * replicates + replicate,
                         place, replicate, seed_of(seed, place, replicate), parameters)


def seed_of(study_seed: int, place: int, replicate: int) -> int:
    """Return the seed of a member, the same in every run of the study."""
    return int(np.random.SeedSequence([study_seed, place, replicate]).generate_state(1)[0])


def command_line(study: Study, member: Member, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the arguments of a member's script and the variables of its environment.

    Raises
    ------
    StudyError
        An argument has a name in braces that is no parameter.
    """
    said = study.definition
    try:
        arguments = [each.format_map(member.values) for each in said.arguments]
    except (KeyError, ValueError, IndexError, AttributeError, MemoryError) as error:
        raise StudyError(f"the study {study.name} has arguments = {said.arguments}, of which one "
                         f"cannot be filled in ({error}): the names are "
                         f"{', '.join(member.values)}.") from error
    environment = {**said.environment, "ANUGA_LEAN_MEMBER": member.name,
                   "OMP_NUM_THREADS": str(said.threads)}
    if runner.is_scenario(study.script):
        placed = {said.places.get(name, name): value for name, value in member.parameters.items()}
        return [str(study.script), json.dumps(placed), *arguments], environment
    if said.pass_by == "arguments":
        for name, value in member.parameters.items():
            arguments += [f"--{name}", text_of(value)]
    elif said.pass_by == "environment":
        environment |= {name: text_of(value) for name, value in member.values.items()}
    else:
        arguments.append(str(folder / "parameters.json"))
    return arguments, environment


def text_of(value: Value) -> str:
    """Return a value as a script reads it: 0.1 as 0.1, true as true."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


class _Sets(msgspec.Struct):
    names: list[str]
    rows: list[list[Value]]


class Description(msgspec.Struct):
    """What the folder of a study says of it: the members, without the study file.

    Attributes
    ----------
    name, script : str
    replicates, seed, ranks, threads : int
    anuga : str
        ``lean``, ``stock``, or a parameter in braces.
    units : dict
        Of parameters and results.
    parameters : list of dict
        Of each set.
    """

    name: str
    script: str
    replicates: int
    seed: int
    anuga: str
    ranks: int
    threads: int
    units: dict[str, str] = {}
    parameters: list[dict[str, Value]] = []

    def members(self) -> Iterator[Member]:
        """Yield the members, set by set."""
        return _members(self.parameters, self.replicates, self.seed)

    def runs_on(self, member: Member) -> str:
        """Return ``lean`` or ``stock``."""
        text = self.anuga
        return str(member.values.get(text[1:-1], "")) if text[:1] == "{" else text


class Folder:
    """The folder of a study.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def member(self, name: str) -> Path:
        """Return the folder of a member."""
        return self.path / MEMBERS / name

    def described(self) -> Description:
        """Return what the folder says of its study.

        Raises
        ------
        StudyError
            It is of none.
        """
        try:
            found = msgspec.json.decode((self.path / DESCRIPTION).read_bytes(), type=Description)
            sets = msgspec.json.decode((self.path / SETS).read_bytes(), type=_Sets)
            if not sets.rows or any(len(row) != len(sets.names) for row in sets.rows):
                raise ValueError(f"{SETS} has rows of another length than its names")
        except FileNotFoundError as error:
            raise StudyError(f"{self.path} is no folder of a study ({error.filename} is not "
                             "there): 'anuga_lean study run STUDY.toml' makes one, called "
                             "STUDY.study.") from error
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise StudyError(f"the folder {self.path} describes no study: {error}.") from error
        found.parameters = [dict(zip(sets.names, row, strict=True)) for row in sets.rows]
        return found

    def claim(self, study: Study, sets: Sequence[dict[str, Value]]) -> None:
        """Make the folder this study's, or find that it is.

        Raises
        ------
        StudyError
            It is another study's, holds other files, or cannot be written.
        """
        digest = digest_of(study, sets)
        path = self.path / DESCRIPTION
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
            other = there["digest"]
        except FileNotFoundError:
            other = None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StudyError(f"{path} describes no study: {error}; name another folder with "
                             "--folder.") from error
        if other is not None:
            if other != digest and self._has_begun():
                raise StudyError(
                    f"the folder {self.path} is of another study, or this one has been edited "
                    f"since (script, parameters or seed, {there.get('members')} members then): "
                    "name another folder with --folder.")
            if other == digest:
                return
        try:
            # what another process, which claims it now, may have made already
            ours = (DESCRIPTION, MEMBERS, JOBS, SETS, PROGRESS)
            if self.path.is_dir() and any(each.name not in ours and not each.name.endswith(".part")
                                          for each in self.path.iterdir()):
                raise StudyError(f"the folder {self.path} holds files and no study: name another "
                                 "one with --folder.")
            (self.path / MEMBERS).mkdir(parents=True, exist_ok=True)
            said = study.definition
            names = list(sets[0])
            write_whole(self.path / SETS, json.dumps(
                {"names": names, "rows": [[each[name] for name in names] for each in sets]}))
            write_whole(path, json.dumps({
                "digest": digest, "name": study.name, "script": str(study.script),
                "sets": len(sets), "replicates": said.replicates,
                "members": len(sets) * said.replicates, "seed": said.seed, "anuga": said.anuga,
                "ranks": said.ranks, "threads": said.threads, "units": said.units}, indent=1))
        except OSError as error:
            raise StudyError(f"the folder {self.path} cannot be written: {error.strerror}."
                             ) from error

    def _has_begun(self) -> bool:
        """Whether there is a member; until then a study may be mended."""
        return any(each.is_dir() for each in (self.path / MEMBERS).glob("*"))


def digest_of(study: Study, sets: Sequence[dict[str, Value]]) -> str:
    """Return what is the same as long as members give the same results."""
    said = study.definition
    text = json.dumps([list(sets), said.replicates, said.seed, said.pass_by, said.arguments,
                       said.environment, said.anuga, said.ranks, said.summary,
                       *([said.places] if said.places else [])], sort_keys=True)
    script = study.script.read_bytes()
    return hashlib.sha256(text.encode() + b"\0" + script).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write a file such that a reader finds all of it or none, also after a crash."""
    import os

    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
