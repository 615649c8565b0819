"""Folders of studies for the tests of their page: usual, unfinished, large, hostile, bare."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec

from anuga_lean.studies.members import Folder, Value
from anuga_lean.studies.records import End, Finding, Record, Try
from report.nights import HOSTILE

MIB = 1 << 20
BEGAN = 1_770_000_000.0


def folder(path: Path, sets: list[dict[str, Value]], replicates: int, of: Any, *,
           name: str = "rain", samples: int = 50) -> Path:
    """Write a study whose members have the records that a function gives, or None."""
    (path / "members").mkdir(parents=True)
    names = list(sets[0])
    (path / "sets.json").write_text(json.dumps(
        {"names": names, "rows": [[each[key] for key in names] for each in sets]}))
    (path / "study.json").write_text(json.dumps({
        "digest": "", "name": name, "script": "/home/a/model.py", "sets": len(sets),
        "replicates": replicates, "members": len(sets) * replicates, "seed": 0, "anuga": "lean",
        "ranks": 1, "threads": 1}))
    for member in Folder(path).described().members():
        record = of(member)
        if record is not None:
            (path / "members" / member.name).mkdir()
            (path / "members" / member.name / "record.json").write_bytes(
                msgspec.json.encode(record))
    with open(path / "progress.jsonl", "w") as file:
        for k in range(samples):
            file.write(json.dumps({
                "at": BEGAN + 5.0 * k, "workers": 1, "limit": 1024 * MIB, "reserved": 900 * MIB,
                "used": (300 + 5 * k) * MIB, "completed": k, "failed": 0, "running": 8,
                "waiting": 50 - k}) + "\n")
        file.write('{"at": 3')      # as a kill leaves it
    return path


def tried(end: End, number: int, draw: random.Random, nbytes: int = 100 * MIB,
          cause: str = "", says: str = "", **more: Any) -> Try:
    finding = Finding(cause, "sure", says, ["stderr.txt:3: it said so"]) if cause else None
    seconds = draw.uniform(1.0, 2.0)
    return Try(end, 0, nbytes, int(nbytes * draw.uniform(0.5, 1.0)), seconds, seconds,
               BEGAN + number / 8.0, "cn1", says, 1000, finding=finding, **more)


def usual(path: Path, sets: int = 12, replicates: int = 5, unfinished: bool = False) -> Path:
    """Two parameters that are numbers and one that is a text; some fail, some need more."""
    draw = random.Random(1)
    parameters: list[dict[str, Value]] = [
        {"rain": 10.0 * (1 + k // 3), "sea level": [0.0, 0.5, 1.25][k % 3],
         "pattern": ["front", "middle", "a pattern with a rather long name"][k % 3],
         "constant": 1} for k in range(sets)]

    def of(member: Any) -> Record | None:
        number = member.number
        if unfinished and number > sets * replicates // 2:
            return None
        if number % 29 == 3:
            return Record(member.name, [tried(
                End.FAILED, number, draw, cause="failed",
                says="it ended with an error of its own")])
        tries = [tried(End.COMPLETED, number, draw, (200 - number // 9 % 90) * MIB)]
        if number % 20 == 7:
            tries.insert(0, tried(End.MEMORY, number, draw, cause="oom-cgroup",
                                  says="the kernel killed it"))
        rain = member.parameters["rain"]
        return Record(member.name, tries, {
            "depth": rain * draw.uniform(0.9, 1.1), "volume": 1e7 * rain * draw.random(),
            "is_wet": True, "stage": [1.0, 2.0], "tide": draw.uniform(-2.0, 2.0)})

    return folder(path, parameters, replicates, of)


def sampled(path: Path) -> Path:
    """A parameter that has another value in each set."""
    draw = random.Random(2)
    return folder(path, [{"n": draw.uniform(0.01, 0.05), "area": 10.0**draw.uniform(0, 5)}
                         for _ in range(80)], 1, lambda member: Record(
        member.name, [tried(End.COMPLETED, member.number, draw)],
        {"depth": 100.0 * member.parameters["n"]}), samples=0)


def hostile(path: Path) -> Path:
    """Texts that must not reach the page as markup, and numbers that no study has."""
    draw = random.Random(3)
    values = [1e-300, -1e290, 5.0, 1e12]

    def of(member: Any) -> Record:
        place = member.parameter_set
        if place == 3:
            return Record(member.name, [tried(End.FAILED, 0, draw, cause=HOSTILE, says=HOSTILE)])
        each = tried(End.COMPLETED, place, draw, nbytes=1 << 50 if place else 0)
        each.began = [BEGAN, -1e18, 1e18][place]
        return Record(member.name, [each], {HOSTILE: values[place], "same": 1.0, "text": HOSTILE})

    return folder(path, [{"x" * 60: HOSTILE + str(k), "y": values[k]} for k in range(4)], 1, of,
                  name=HOSTILE)


def bare(path: Path) -> Path:
    """A study of which nothing has begun."""
    return folder(path, [{"a": 1}, {"a": 2}], 1, lambda member: None, samples=0)
