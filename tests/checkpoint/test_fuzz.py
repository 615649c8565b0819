"""Forged and mutated files: they are refused, run nothing and take no memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError
from anuga_lean.checkpoint import encoder, reading
from anuga_lean.checkpoint.reading import StateFile
from checkpoint.damage import file_of, members_of
from checkpoint.forge import HEADERS, KINDS, signed_pair
from checkpoint.models import made, write_sets
from sessions.compared import TESTS

FORGERIES = 10_000
Graph = list[dict[str, Any]]


@pytest.mark.slow
def test_forgeries(tmp_path: Path) -> None:
    """10,000 mutated files: CheckpointError or a domain, no crash, nothing run, little memory."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        each for each in (str(TESTS), environment.get("PYTHONPATH")) if each)
    done = subprocess.run(
        [sys.executable, str(TESTS / "checkpoint" / "reader.py"), "0", str(FORGERIES)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1200)
    assert 0 == done.returncode, done.stdout + done.stderr
    batches = [json.loads(line) for line in done.stdout.splitlines()]
    assert [] == [each for batch in batches for each in batch["wrong"]]
    counts: Counter[str] = Counter()
    for batch in batches:
        counts.update(batch["counts"])
    assert FORGERIES == sum(counts.values())
    # every kind gets past the footer and is refused behind it; of raw changes none gets past it
    assert {f"{kind} refused" for kind in KINDS} | {
        f"{kind} domain" for kind in KINDS if kind != "raw"} == set(counts)


# -- forgeries made by hand --------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one set of a mesh of 16 triangles."""
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "_SMALL", 64)
        write_sets(folder, count=1, columns=2, rows=2)
    return folder


@pytest.fixture
def forge(small: Path, tmp_path: Path) -> Callable[[Callable[[Graph, dict], None]], Path]:
    """Writes the set with another graph or header; its path."""
    folder = Path(shutil.copytree(small, tmp_path / "forged"))
    [state] = [path for path in folder.glob("*.npz") if "_mesh_" not in path.name]

    whole = members_of(state.read_bytes())

    def write(change: Callable[[Graph, dict], None]) -> Path:
        members = dict(whole)
        graph, header = (json.loads(members[name]) for name in ("graph.json", "header.json"))
        change(graph, header)
        members["graph.json"], members["header.json"] = (
            json.dumps(each).encode() for each in (graph, header))
        state.write_bytes(file_of(members))
        return state

    return write


def refused(path: Path) -> str:
    """What is said when a file is not restored."""
    with pytest.raises(CheckpointError) as caught:
        with StateFile(path) as file:
            file.restore(trusted=False)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", [
    "os.system", "subprocess.Popen", "builtins.exec", "anuga.warnings.warn", "anuga.os.system",
    "anuga.Domain.os", "anuga.Domain.__init__.__globals__", "anuga.load_checkpoint_file",
    "anuga.file.sww.SWW_file", "anuga.acquire_sww_lock", "anuga.SWW_file.store_timestep",
    "anuga.store_parameters", "anuga.SWWTimeOrderError", "anuga_lean.overlay.install.install",
    "lean.install", "lean.Blocks", "lean.Mesh.__init__", "lean.mesh.Mesh", "numpy.load",
    "numpy.ctypeslib.load_library", "numpy.f2py", "Domain", "anuga", "anuga.", ".", "", None, 5,
    ["ref", 0], {}, "anuga.fit_interpolate.run_long_benchmark.any",
])
@pytest.mark.parametrize("kind", ["function", "class", "new", "inner"])
def test_names_of_others(forge: Callable, kind: str, name: Any) -> None:
    """Functions and classes that are not a model's are neither imported nor given."""
    def change(graph: Graph, header: dict) -> None:
        if kind == "new":
            graph.append({"new": ["class", name], "attributes": {}})
        elif kind == "inner":
            graph[0]["attributes"]["reduction"] = [kind, f"{name}.<locals>.<lambda>", None]
        else:
            graph[0]["attributes"]["reduction"] = [kind, name]

    before = set(sys.modules)
    assert "holds no domain" in refused(forge(change))
    assert not {each for each in set(sys.modules) - before if each.startswith("anuga.")}


@pytest.mark.parametrize("name", ["full_flags", "mark_resumed", "evolve", "__setstate__"])
def test_methods_are_not_replaced(forge: Callable, name: str) -> None:
    """An attribute that would be called in place of a method is refused, in any instance."""
    def change(graph: Graph, header: dict) -> None:
        graph[0]["attributes"][name] = ["method", ["ref", 0], "get_CFL"]

    assert f"{name!r} in place of a method" in refused(forge(change))


def test_a_step_of_another_kind(forge: Callable) -> None:
    """What the domain calls while it is restored are its own parts."""
    def change(graph: Graph, header: dict) -> None:
        graph[0]["attributes"]["lean"] = ["ref", len(graph)]
        graph.append({"new": ["class", "lean.Quantity"], "attributes": {
            "forget_parameters": ["method", ["ref", 0], "get_CFL"]}})

    assert "no step of a lean domain" in refused(forge(change))


@pytest.mark.parametrize("owner, name", [
    ("SWW_file", "store_connectivity"), ("SWW_file", "store_timestep"),
    ("Domain", "store_timestep"), ("Domain", "__init__"), ("Domain", "__setstate__")])
def test_methods_that_write(forge: Callable, owner: str, name: str) -> None:
    """Methods of the writer of files, and special ones, are not bound."""
    def change(graph: Graph, header: dict) -> None:
        place = 0
        if owner == "SWW_file":
            place = len(graph)
            graph.append({"new": ["class", "anuga.SWW_file"],
                          "attributes": {"filename": "forged.sww"}})
        graph[0]["attributes"]["reduction"] = ["method", ["ref", place], name]

    assert f"{name} is no method" in refused(forge(change))


@pytest.mark.parametrize("filename", [
    "/etc/passwd", "../other.sww", "/tmp/other.sww", "./below/other.sww", "other.nc", None])
def test_sww_elsewhere(forge: Callable, filename: str | None) -> None:
    """A run goes on with an SWW file of its own folder only."""
    def change(graph: Graph, header: dict) -> None:
        graph[0]["attributes"]["writer"] = ["ref", len(graph)]
        graph.append({"new": ["class", "anuga.SWW_file"], "attributes": {"filename": filename}})

    assert "an SWW file" in refused(forge(change))


def test_properties_are_not_set(forge: Callable) -> None:
    """A state of slots sets slots, and does not go through ANUGA's properties."""
    def change(graph: Graph, header: dict) -> None:
        place = next(i for i, each in enumerate(graph)
                     if each.get("new") == ["class", "lean.Quantity"])
        attributes = graph[place].pop("attributes")
        graph[place]["state"] = ["tuple", None, ["ref", len(graph)]]
        graph.append({"dict": [[key, each] for key, each in attributes.items()]
                      + [["centroid_values", 5], ["vertex_values", 5]]})

    path = forge(change)
    if hasattr(anuga.Quantity, "__setstate__"):     # ANUGA 4.2's, which takes no such state
        with StateFile(path) as file, pytest.raises(CheckpointError, match="no domain that can"):
            file.restore(trusted=False)
        return
    with StateFile(path) as file:       # they are in its __dict__, which nothing reads
        domain, _ = file.restore(trusted=False)
    assert np.ndarray is type(domain.quantities["stage"].centroid_values)


def test_arrays_are_not_multiplied(forge: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file does not fill the memory by naming an array again and again."""
    def twice(graph: Graph, header: dict) -> None:
        graph += [{"array": 0}] * 100_000

    def by_another_number(graph: Graph, header: dict) -> None:
        count = len(header["places"])
        header["places"] += [header["places"][0]] * 5000
        graph += [{"array": count + i} for i in range(5000)]

    assert "twice" in refused(forge(twice))
    monkeypatch.setattr(reading, "_ROOM", 100_000)
    monkeypatch.setattr(reading, "_ROOM_PER_BYTE", 0)
    assert "where there is room for" in refused(forge(by_another_number))


def test_deep_values(forge: Callable) -> None:
    """Values inside of values end with an error, not with the stack of the process."""
    def deep(graph: Graph, header: dict) -> None:
        inner: list[Any] = []
        graph[0]["attributes"]["reduction"] = inner
        for _ in range(900):
            inner += ["tuple", []]
            inner = inner[1]

    assert "RecursionError" in refused(forge(deep))


def test_headers_of_arrays(small: Path, tmp_path: Path) -> None:
    """Only the header that numpy writes for numbers is read, and its literal never evaluated."""
    folder = Path(shutil.copytree(small, tmp_path / "arrays"))
    [state] = [path for path in folder.glob("*.npz") if "_mesh_" not in path.name]
    [mesh] = folder.glob("*_mesh_*")
    files = state.read_bytes(), mesh.read_bytes()
    for which in range(2):
        members = members_of(files[which])
        name = next(each for each in members if each.endswith(".npy"))
        data = members[name]
        start = 10 + int.from_bytes(data[8:10], "little")
        for text in HEADERS:
            head = text.encode().ljust(117) + b"\n"
            members[name] = b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head + data[start:]
            new = signed_pair(files, bool(which), file_of(members))
            state.write_bytes(new[0])
            mesh.write_bytes(new[1])
            refused(state)


@pytest.mark.parametrize("member, dtype, spoil", [
    ("mesh/compact/triangles", "<i4", lambda a: a + 1000),
    ("mesh/compact/triangles", "<i4", lambda a: -a - 1),
    ("mesh/compact/nodes", "<f8", lambda a: a * np.nan),
])
def test_meshes_that_are_none(small: Path, tmp_path: Path, member: str, dtype: str,
                              spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    """Triangles out of range, and nodes that are nowhere."""
    folder = Path(shutil.copytree(small, tmp_path / "mesh"))
    [state] = [path for path in folder.glob("*.npz") if "_mesh_" not in path.name]
    [mesh] = folder.glob("*_mesh_*")
    files = state.read_bytes(), mesh.read_bytes()
    members = members_of(files[1])
    assert f"{member}.npy" in members
    data = members[f"{member}.npy"]
    start = 10 + int.from_bytes(data[8:10], "little")
    values = np.frombuffer(data[start:], dtype)
    members[f"{member}.npy"] = data[:start] + spoil(values).astype(dtype).tobytes()
    new = signed_pair(files, True, file_of(members))
    state.write_bytes(new[0])
    mesh.write_bytes(new[1])
    refused(state)


def test_header_fields(forge: Callable) -> None:
    """A header with other kinds of values is refused before it is used."""
    wrong: dict[str, list[Any]] = {
        "time": [None, "1", float("nan"), [], 1], "number": [None, "1", 0, -1, 1.0, True, 10**15],
        "written": [None, float("inf"), "x"],
        "ranks": [None, 1.5, "1"], "rank": [None, True], "set": [None, 5, []],
        "arrays": [None, [], {"a": 5}], "places": [None, {}, [[]], [["a", 5]], ["ab"]],
        "code": [None, {}, [["a"]], [[1, 2]]],
        "mesh_file": [None, 5, "../x_mesh_0123456789abcdef.npz", "a/b_mesh_0123456789abcdef.npz",
                      "\0_mesh_0123456789abcdef.npz"],
        "mesh_sha256": [None, 5, ""], "mesh": [None, 5], "kind": [None, "mesh", 5],
    }
    for name, values in wrong.items():
        for value in values:
            def change(graph: Graph, header: dict, name: str = name, value: Any = value) -> None:
                header[name] = value

            refused(forge(change))


def test_untrusted_code_is_listed(tmp_path: Path) -> None:
    """With trusted=False nothing of the code section is loaded, and each piece is named."""
    ran = tmp_path / "ran"

    class Bomb:
        """Runs when it is unpickled."""

        def __reduce__(self) -> tuple:
            return os.system, (f"touch {ran}",)

    domain = made(2, 2)
    domain.bomb = Bomb()
    domain.set_checkpointing(checkpoint_dir=str(tmp_path / "sets"), checkpoint_step=1)
    next(iter(domain.evolve(yieldstep=0.02, finaltime=1.0)))
    with pytest.warns(anuga.CheckpointWarning, match="domain.bomb"):
        twin = anuga.load_checkpoint_file("broken_run", str(tmp_path / "sets"), trusted=False)
    assert not ran.exists()
    with pytest.raises(CheckpointError, match="domain.bomb"):
        twin.bomb.anything()
    anuga.load_checkpoint_file("broken_run", str(tmp_path / "sets"))
    assert ran.exists()     # as stock does: the test would notice
