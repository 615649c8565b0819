"""anuga_lean compare --stages and --np: where memory goes, stage by stage and rank by rank."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mpirun import needs_mpi


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "anuga_lean", "compare", *arguments],
                          capture_output=True, text=True, cwd=folder)


STAGES = ["import", "mesh", "domain", "quantities", "boundary", "build", "store", "first step",
          "evolve"]


def test_stages_of_stock_and_lean(tmp_path: Path) -> None:
    done = compare(tmp_path, "merimbula", "--refine", "0", "--steps", "5", "--repeat", "1",
                   "--stages", "--json", "found.json")
    assert 0 == done.returncode, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    for side in ("stock", "lean"):
        stages = found[side][0]["stages"]
        assert STAGES == list(stages)
        assert all(stage["peak_rss"] >= stage["rss"] >= stage["uss"] > 0
                   for stage in stages.values())
    shown = [line.strip() for line in done.stdout.splitlines()]
    assert all(any(line.startswith(name + "  ") for line in shown) for name in STAGES)


@needs_mpi
def test_every_rank_is_compared(tmp_path: Path) -> None:
    done = compare(tmp_path, "parallel", "--triangles", "900", "--steps", "5", "--repeat", "1",
                   "--np", "2", "--json", "found.json")
    assert 0 == done.returncode, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    for name in ("stage", "xmomentum", "timestep"):
        assert all(found["equal"][f"rank {rank}: {name}"] for rank in (0, 1))
    assert any(name.startswith("rank 1: sww/") for name in found["equal"])
    assert "build the model on 2 ranks\n" in done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Equal")]
    assert line.startswith("Equal, bit for bit: 4 quantities, 5 time steps, ")
    assert line.endswith(" on both ranks") and "900 triangles" in done.stdout
    ranks = found["lean"][0]["ranks"]
    assert ["lean", "lean"] == [rank["runs_on"] for rank in ranks]
    assert 900 == sum(rank["number_of_full_triangles"] for rank in ranks)
    assert "distribute" not in ranks[0]["stages"]
    total = sum(rank["stages"]["evolve"]["pss"] for rank in ranks)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  all  ")
               and "-" in line]
    assert line.split()[6] == f"{total / 2**20:.1f}"


@needs_mpi
def test_stages_of_ranks(tmp_path: Path) -> None:
    done = compare(tmp_path, "parallel", "--triangles", "900", "--steps", "2", "--repeat", "1",
                   "--np", "2", "--stages", "--no-store", "--json", "found.json")
    assert 0 == done.returncode, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    expected = ["import", "distribute", "boundary", "build", "start", "first step", "evolve"]
    assert all(expected == list(rank["stages"]) for rank in found["stock"][0]["ranks"])


FINALIZED = """
import anuga
domain = anuga.rectangular_cross_domain(15, 15) if anuga.myid == 0 else None
domain = anuga.distribute(domain)
domain.set_store(False)
domain.set_quantity("stage", lambda x, y: x)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
for _ in domain.evolve(yieldstep=0.01, finaltime=0.02):
    pass
anuga.finalize()
"""


@needs_mpi
def test_a_script_may_end_mpi(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(FINALIZED)
    done = compare(tmp_path, "model.py", "--np", "2", "--repeat", "1", "--json", "found.json")
    assert 0 == done.returncode, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["equal"]["rank 1: stage"]
    assert all("after" in rank["stages"] for rank in found["lean"][0]["ranks"])


SERIAL = """
import sys
import anuga
domain = anuga.rectangular_cross_domain(5, 5)
domain.set_store(False)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
for _ in domain.evolve(yieldstep=0.01, finaltime=0.02):
    if anuga.myid == 1 and "fail" in sys.argv:
        raise KeyError("on this rank alone")
"""


@needs_mpi
def test_a_script_that_does_not_distribute_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(SERIAL)
    done = compare(tmp_path, "model.py", "--np", "2", "--repeat", "1")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ("model.py does not distribute its domain: each of 2 ranks computes the whole model of "
            "100 triangles.") in done.stdout.splitlines()
    assert "evolve the whole model, as the script does not distribute it, on " in done.stderr


@needs_mpi
def test_a_rank_that_fails_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(SERIAL)
    done = subprocess.run([sys.executable, "-m", "anuga_lean", "compare", "model.py", "--np", "2",
                           "--repeat", "1", "--", "fail"], capture_output=True, text=True,
                          cwd=tmp_path, timeout=100)
    assert 2 == done.returncode and "KeyError: 'on this rank alone'" in done.stderr


@pytest.mark.parametrize("arguments, message", [
    (["dam_break", "--np", "2"], "each of 2 ranks would run all of the scenario dam_break: take "
     "parallel, or a script that distributes"),
    (["parallel", "--np", "0"], "numprocs=0 is not above zero"),
    (["parallel", "--np", "2", "--allocations"], "--allocations is of one process"),
])
def test_bad_input_gets_one_sentence(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = compare(tmp_path, *arguments)
    assert 2 == done.returncode and message in done.stderr and 1 == done.stderr.count("\n")
