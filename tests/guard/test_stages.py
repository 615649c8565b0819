"""Memory by stage in the record of a guarded run, on one rank and on several."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.guard import stages
from mpirun import needs_mpi, on_ranks

MODEL = """
import anuga, sys
import numpy as np
domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain(100, 100)
    waste = np.ones(12_000_000)         # 96 MB, given back to the system
    del waste
    domain.set_quantity("stage", lambda x, y: 0.1 * x)
domain = anuga.distribute(domain, parameters={"partition_scheme": "hilbert"})
domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), anuga.Reflective_boundary(domain)))
anuga.Rate_operator(domain, rate=1e-4)
domain.set_name("model")
held = []
for t in domain.evolve(yieldstep=0.001, finaltime=0.003):
    if t > 0.0:
        held.append(np.ones(1_000_000))         # 8 MB at each of three yields
"""
SERIAL = ["imports", "domain", "quantities", "first yield", "evolve"]


def record_of(folder: Path, ranks: int, *options: str) -> list[dict[str, Any]]:
    (folder / "model.py").write_text(MODEL)
    done = on_ranks(ranks, folder, "-m", "anuga_lean", "run", "--guard", "--record", "r.jsonl",
                    *options, "model.py")
    assert 0 == done.returncode, done.stderr
    return [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]


def stages_of(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["stage"]: each for each in events if each["event"] == "stage"}


def test_stages_of_one_process(tmp_path: Path) -> None:
    events = record_of(tmp_path, 1)
    found = stages_of(events)
    assert SERIAL == list(found)
    seconds = [each["seconds"] for each in found.values()]
    assert sorted(seconds) == seconds and seconds[0] > 0.05
    ranks = {name: each["ranks"][0] for name, each in found.items()}
    for name, memory in ranks.items():
        assert ["rank", "rss", "peak", "pss", "uss"] == list(memory), name
        assert memory["uss"] <= memory["pss"] <= memory["rss"] <= memory["peak"] + 2**20, name
    assert 90e6 < ranks["quantities"]["peak"] - ranks["domain"]["rss"] < 120e6      # `waste`
    assert 20e6 < ranks["evolve"]["rss"] - ranks["first yield"]["rss"] < 40e6
    # The peak of a stage is its own: nothing of the one before is in it.
    assert ranks["first yield"]["peak"] < ranks["quantities"]["peak"] - 40e6


def test_begin_says_what_the_model_is(tmp_path: Path) -> None:
    begin, again = (record_of(tmp_path, 1)[0] for _ in range(2))
    assert [(40000, 400)] == [(each["triangles"], each["boundary_edges"])
                              for each in begin["ranks"]]
    assert "" == begin["partition_scheme"]
    assert {"fractional-step operators (rain, inlets, culverts, set_stage, ...)": 1,
            "SWW output, smooth or unique vertices": 1} == begin["features"]
    assert (64, begin["mesh"]) == (len(again["mesh"]), again["mesh"])


@needs_mpi
def test_stages_of_ranks(tmp_path: Path) -> None:
    events = record_of(tmp_path, 2)
    found = stages_of(events)
    assert ["imports", "domain", "distribute", *SERIAL[2:]] == list(found)
    assert "hilbert" == events[0]["partition_scheme"]
    for each in found.values():
        assert [0, 1] == [rank["rank"] for rank in each["ranks"]]
    # Only rank 0 has made a domain.
    assert ["rank"] == list(found["domain"]["ranks"][1])
    for name in ("imports", "distribute", *SERIAL[2:]):
        assert all(rank["peak"] > 20e6 for rank in found[name]["ranks"]), name


def test_without_clear_refs_there_are_no_peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = stages.StageMemory()
    memory.end("imports", 1.0)
    assert "peak" in memory.ended["imports"]
    monkeypatch.setattr(stages, "_RESET", ("/proc/self/no_such_file", "5"))
    memory = stages.StageMemory()
    memory.end("imports", 1.0)
    assert not memory.has_peaks and "peak" not in memory.ended["imports"]


def test_the_first_stage_ends_before_a_generated_mesh(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import anuga\n"
        "box = [[0, 0], [1, 0], [1, 1], [0, 1]]\n"
        "domain = anuga.create_domain_from_regions(\n"
        "    box, {'all': [0, 1, 2, 3]}, maximum_triangle_area=1.5e-5)\n"
        "domain.set_boundary({'all': anuga.Reflective_boundary(domain)})\n"
        "for t in domain.evolve(yieldstep=1e-4, finaltime=1e-4):\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "anuga_lean", "run", "--guard", "--record", "r.jsonl", "script.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert 0 == done.returncode, done.stderr
    found = stages_of([json.loads(line)
                       for line in (tmp_path / "r.jsonl").read_text().splitlines()])
    ranks = {name: each["ranks"][0] for name, each in found.items()}
    # 100,000 triangles: their mesh took more than what was there before.
    assert ranks["domain"]["peak"] - ranks["imports"]["rss"] > 5e6
