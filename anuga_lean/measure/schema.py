"""Checks what claims to be a file of figures against its schema, and writes that as JSON Schema.

Owns the kinds and ranges of everything in such a file, in the words of msgspec; what the fields
mean is said in records.py, whose `Record` has the same ones.  ``python -m
anuga_lean.measure.schema FILE`` writes figures.schema.json again after a change.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta, Struct, field

from anuga_lean._errors import RecordError

SCHEMA = "anuga_lean.figures/1"
PUBLISHED = Path(__file__).with_name("figures.schema.json")

# Finite, and no integer that a float cannot hold.
Float = Annotated[float, Meta(ge=-1.7e308, le=1.7e308)]
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Number = Whole | Float


class Figure(Struct, forbid_unknown_fields=True):
    """One number, its unit and what must not become worse."""

    value: Number
    unit: str
    spread: Number | None = None
    gate: str | None = None


class OfRank(TypedDict, total=False):
    """Memory of a rank, bytes."""

    rank: Whole | str
    number_of_triangles: Number | None
    rss: Number | None
    pss: Number | None
    uss: Number | None
    peak_rss: Number | None


class Site(TypedDict, total=False):
    """A line of code, the bytes allocated on its behalf, and their share of all."""

    site: str
    nbytes: Number | None
    share: Number | None


class Record(Struct, forbid_unknown_fields=True):
    """The figures of one scenario on one build: extra_info of a benchmark."""

    schema: Literal["anuga_lean.figures/1"]
    suite: str
    scenario: str
    build: str
    figures: dict[str, Figure]
    version: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    triangles: list[Number] = field(default_factory=list)
    flow_algorithm: str = "DE0"
    threads: Whole = 1
    numprocs: Whole = 1
    repeats: Whole = 1
    isa: str | None = None
    command: str = ""
    groups: dict[str, Number] = field(default_factory=dict)
    arrays: dict[str, Number] = field(default_factory=dict)
    stages: dict[str, dict[str, Number | None]] = field(default_factory=dict)
    ranks: list[OfRank] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    split: dict[str, Number] = field(default_factory=dict)
    functions: dict[str, Number] = field(default_factory=dict)
    toolchain: dict[str, str | None] = field(default_factory=dict)
    error: str | None = None


class Benchmark(Struct):
    """An entry of pytest-benchmark's, of which only ours is read."""

    extra_info: Record
    name: str | None = None


class Machine(TypedDict, total=False):
    """What a figure may depend on: see environment.py."""

    processor: str | None
    architecture: str | None
    avx2: bool | None
    avx512: bool | None
    cores: Whole | None
    system: str | None
    page_size: Whole | None
    memory_total: Whole | None
    transparent_hugepages: str | None
    allocator: str | None
    limits: dict[str, Whole | None] | None
    versions: dict[str, str | None] | None
    fixed_addresses: bool | None


class MachineInfo(Struct):
    """Pytest-benchmark's, of which only ours is read."""

    anuga_lean: Machine | None = None


class CommitInfo(Struct):
    """Pytest-benchmark's."""

    id: str | None = None
    dirty: bool | None = None


class Head(Struct):
    """All of a file but its benchmarks."""

    datetime: str = ""
    machine_info: MachineInfo | None = None
    commit_info: CommitInfo | None = None


class File(Head):
    """A file of figures."""

    benchmarks: list[Benchmark] = field(default_factory=list)


def checked(found: Any, path: str | Path) -> File:
    """Return what a file of figures holds, from its JSON; `path` is what errors call it.

    Raises
    ------
    RecordError
        Of another schema or damaged: one sentence that says where.
    """
    if not isinstance(found, dict) or not isinstance(found.get("benchmarks"), list):
        raise RecordError(f"{path} holds no figures: it has no list of benchmarks, as "
                          "pytest benchmarks --benchmark-json and anuga_lean compare --json write")
    head = _converted(found, Head, str(path))
    return File(head.datetime, head.machine_info or MachineInfo(),
                head.commit_info or CommitInfo(),
                [_benchmark(entry, path) for entry in found["benchmarks"]])


def _benchmark(entry: Any, path: str | Path) -> Benchmark:
    extra = (entry.get("extra_info") or {}) if isinstance(entry, dict) else None
    if not isinstance(extra, dict):
        raise RecordError(f"{path} is damaged: a benchmark has no mapping extra_info")
    if extra.get("schema") != SCHEMA:
        raise RecordError(f"{path}: {entry.get('name')} has the schema {extra.get('schema')!r}, "
                          f"this version of anuga_lean reads {SCHEMA!r}: measure again, or read "
                          "it with the version that wrote it")
    benchmark: Benchmark = _converted(entry, Benchmark, f"{path}: {entry.get('name')}")
    return benchmark


def _converted(found: Any, kind: Any, place: str) -> Any:
    try:
        return msgspec.convert(found, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise RecordError(f"{place} is damaged: {error}") from error


def as_json() -> str:
    """Return the JSON Schema of a file of figures."""
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema",
             "title": "Figures of anuga_lean", **msgspec.json.schema(File)}
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(as_json())
