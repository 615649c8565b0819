"""`anuga_lean plan`: figures, scripts, what is refused, and the commands of its page."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.commands.plan import parsed_size
from anuga_lean.plan.prediction import predict
from anuga_lean.plan.question import Question
from anuga_lean.plan.table import built_in
from mpirun import needs_mpi, on_ranks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how_much_memory.md"
MIB = 2**20
MODEL = """
import sys
import anuga
import numpy as np
cells = int(sys.argv[1]) if len(sys.argv) > 1 else 20
domain = anuga.rectangular_cross_domain(cells, cells)
domain.set_quantity("stage", lambda x, y: 0.1 * x, location="centroids")
domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), anuga.Reflective_boundary(domain)))
anuga.Rate_operator(domain, rate=1e-4)
domain.set_flow_algorithm("DE1")
held = np.ones(40 * 2**17)      # 40 MiB
for t in domain.evolve(yieldstep=1e-3, finaltime=3e-3):
    open("evolved", "w").close()
"""


def plan(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "anuga_lean", "plan", *words], cwd=folder,
                          capture_output=True, text=True, timeout=300)


def figures(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = plan(folder, "--json", "f.json", *words)
    assert code == done.returncode, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((folder / "f.json").read_text())
    return found


def test_figures(tmp_path: Path) -> None:
    done = plan(tmp_path, "--triangles", "8e6", "--ranks", "4", "--limit", "64GB",
                "--features", "rain,tracers=2")
    assert 0 == done.returncode, done.stderr
    for said in ("8,000,000 triangles, mesh regions, DE0, frames stored, rain, 2 tracers, 4 ranks "
                 "(metis) on 1 node", "distribute", "first yield", "others, each: peak",
                 "stock ANUGA", "of --limit", ": fits", "#SBATCH --ntasks=4", "#SBATCH --mem=",
                 "there are no records"):
        assert said in done.stdout
    assert "change" not in done.stdout
    lines = dict(re.findall(r"--(\w+)=(\d+)", done.stdout))
    assert 0 == int(lines["mem"]) % 64


def test_what_does_not_fit(tmp_path: Path) -> None:
    found = figures(tmp_path, "--triangles", "8e6", "--limit", "600MiB", code=1)
    assert [False] == [each["fits"] for each in found["limits"]]
    assert found["changes"] and found["stock"]["node"] > found["node"] > 600 * MIB


def test_what_fits(tmp_path: Path) -> None:
    found = figures(tmp_path, "--fits", "64GB")
    assert 100e6 < found["lean"] and 5.0 < found["lean"] / found["stock"] < 12.0
    again = figures(tmp_path, "--triangles", str(found["lean"]), "--limit", "64GB")
    assert 64e9 - 64 * MIB < again["ask_for"] <= 64e9
    assert 0 == figures(tmp_path, "--fits", "20MiB", code=1)["lean"]


def test_takes_less_than_two_seconds(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert 0 == plan(tmp_path, "--triangles", "8e6", "--ranks", "4", "--limit", "1TB").returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2.0


@pytest.mark.parametrize(("words", "said"), [
    (["--triangles", "abc"], "give a number of triangles, such as 2000000 or 2e6"),
    (["--triangles", "0"], "0 triangles are no mesh: give a number from 1 up"),
    (["--triangles", "3", "--ranks", "4"], "4 ranks cannot share 3 triangles: give fewer ranks"),
    (["--triangles", "9", "--ranks", "0"], "'0' is no whole number from 1 up"),
    (["--triangles", "9", "--features", "snow"], "there is no feature 'snow'"),
    (["--triangles", "9", "--scheme", "rcb"], "there is no partition scheme 'rcb'"),
    (["--triangles", "9", "--limit", "many"], "--limit many: give a memory size"),
    (["--triangles", "9", "--fits", "3GB"], "give one of"), ([], "give one of"),
    (["--fits", "0GB"], "--fits 0GB: give a memory size of 1 MiB or more"),
    (["--region", "1:inf"], "--region 1:inf: give the area"),
    (["--triangles", "9", "--records", "no/such"], "--records no/such: there is no such folder"),
    (["--region", "1:0"], "--region 1:0: give the area"), (["none.py"], "there is no script"),
    (["--algorithm", "DE1", "model.py"], "--algorithm is not for a script"),
    (["silent.py"], "silent.py ended without an evolve"),
    (["failing.py"], "failed with exit code 1 before its first evolve: ValueError: no rain"),
])
def test_what_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "silent.py").write_text("import anuga\n")
    (tmp_path / "failing.py").write_text("import anuga\nraise ValueError('no rain')\n")
    done = plan(tmp_path, *words)
    assert (2, "") == (done.returncode, done.stdout)
    assert said in done.stderr and 1 == len(done.stderr.splitlines())


def test_sizes() -> None:
    assert [64 * 10**9, 48 * 2**30, 1_500_000 * 1000, 2**20] == [
        parsed_size("--limit", text) for text in ("64GB", "48 GiB", "1.5g", "1048576")]


# -- scripts -----------------------------------------------------------------------------


def test_script(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    found = figures(tmp_path, "model.py", "100")
    question = Question(**found["question"])
    assert Question(40_000, 1, 1, "DE1", True, "rectangular", {"rain": 1}) == question
    assert ["model.py"] == sorted(each.name for each in tmp_path.glob("*.py"))
    assert not (tmp_path / "evolved").exists() and not list(tmp_path.glob("*.sww"))
    # What the script holds besides is seen, and goes on to the end.
    table = predict(question).first
    for stage in ("quantities", "evolve"):
        more = found["stages"]["first"][stage]["rss"] - table[stage].rss
        assert 35 * MIB < more < 60 * MIB, stage
    # The run itself, without a guard.
    script = tmp_path / "model.py"
    script.write_text(MODEL + "print(open('/proc/self/status').read())\n")
    done = subprocess.run([sys.executable, "-m", "anuga_lean", "run", "model.py", "100"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=300)
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert found["largest"] == pytest.approx(int(peak) * 1024, rel=0.1)


def test_records_of_guarded_runs_are_learnt_from(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    words = ("--triangles", "40000", "--mesh", "rectangular", "--algorithm", "DE1", "--features",
             "rain")
    before = figures(tmp_path, *words)
    for cells in ("60", "120"):
        done = subprocess.run([sys.executable, "-m", "anuga_lean", "run", "--guard", "model.py",
                               cells], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert 0 == done.returncode, done.stderr
    found = figures(tmp_path, *words)
    assert (0, 2) == (before["records"], found["records"]) and found["residual"] < 0.05
    assert 30 * MIB < found["largest"] - before["largest"] < 55 * MIB       # what it holds
    assert "stands on 2 records" in plan(tmp_path, *words).stdout


@pytest.mark.parametrize("lines", [
    ['{"event":"begin","x":' + "[" * 100000],
    ['{"event":"begin","ranks":{"a":1},"limits":5}', '{"event":"end","outcome":{"a":1}}'],
    [1, {"event": "stage", "stage": [7], "ranks": [None, {"rss": "a", "peak": 1e300}]}],
    [{"event": "begin", "ranks": [{"triangles": 9}], "features": {}, "made": [], "operators": 5},
     {"event": "end", "outcome": "completed"}],
])
def test_records_of_others_are_passed_over(tmp_path: Path, lines: list[Any]) -> None:
    """Of other programs, torn, or of a run where memory could not be read."""
    folder = tmp_path / "records"
    folder.mkdir()
    whole = {"event": "begin", "ranks": [{"triangles": 9}], "features": {}, "made": ["regions"],
             "algorithm": "DE0", "store": True}
    for name, more in (("a", lines), ("b", [whole, {"event": "end", "outcome": "completed"}])):
        (folder / f"{name}.jsonl").write_text("".join(
            (each if isinstance(each, str) else json.dumps(each)) + "\n" for each in more))
    done = plan(tmp_path, "--triangles", "1000", "--records", "records")
    assert 0 == done.returncode, done.stderr
    assert "there are no records of such runs here" in done.stdout


def test_script_for_ranks(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    found = figures(tmp_path, "--ranks", "3", "--scheme", "hilbert", "model.py", "100")
    assert 3 == found["question"]["ranks"]
    assert {"imports", "domain", "distribute", "quantities", "first yield", "evolve"} == set(
        found["stages"]["first"])
    held = found["stages"]["first"]["evolve"]["rss"] - found["stages"]["others"]["evolve"]["rss"]
    assert held > 30 * MIB


def test_a_mesh_that_cannot_fit_is_not_generated(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_text(
        "import anuga\n"
        "box = [[0, 0], [1, 0], [1, 1], [0, 1]]\n"
        "domain = anuga.create_domain_from_regions(\n"
        "    box, {'all': [0, 1, 2, 3]}, maximum_triangle_area=1e-6,\n"
        "    interior_regions=[([[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]], 2e-7)])\n"
        "open('made', 'w').close()\n")
    done = plan(tmp_path, "--limit", "150MB", "big.py")
    assert 1 == done.returncode, done.stderr
    triangles = int(re.findall(r"([\d,]+) triangles take", done.stdout)[0].replace(",", ""))
    assert (0.92 / 1e-6 + 0.08 / 2e-7) / 0.65 == pytest.approx(triangles, rel=0.01)
    assert "big.py was ended before its first evolve" in done.stdout
    assert not (tmp_path / "made").exists()


def test_a_domain_that_cannot_fit_ends_the_script(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        MODEL.replace('domain.set_q', 'import time; time.sleep(60); domain.set_q', 1))
    found = figures(tmp_path, "--limit", "110MB", "model.py", "600", code=1)
    assert 1_440_000 == found["triangles"] and "triangles take" in found["ended"]


# -- the page ------------------------------------------------------------------------------


def commands() -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("command", commands())
def test_commands_of_the_page(tmp_path: Path, command: str) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    name, verb, *words = shlex.split(command)
    assert ("anuga_lean", "plan") == (name, verb)
    done = plan(tmp_path, *words)
    assert done.returncode in (0, 1) and "" == done.stderr
    assert "This stands on" in done.stdout


def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("benchmark_plan", ROOT / "benchmarks" / "plan.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_what_is_predicted() -> None:
    shown = PAGE.read_text().partition("<!-- sizes: benchmarks/plan.py -->\n")[2]
    shown = shown.partition("\n<!-- end of sizes -->")[0]
    assert benchmark().sizes_lines(built_in()) == shown.splitlines()


@pytest.mark.memory
@pytest.mark.parametrize("model", [
    {"triangles": 60_000, "algorithm": "DE1"},
    {"triangles": 150_000, "mesh": "regions", "features": ["fit", "rain", "maxima"]}], ids=str)
def test_small_models_take_what_is_predicted(model: dict[str, Any]) -> None:
    assert benchmark().check(None, [model]) < 0.1


def test_without_proc_limits_are_said_to_be_missing(tmp_path: Path) -> None:
    """As on macOS: figures are there, limits are not."""
    code = ("import sys; from anuga_lean.guard import limits; init = limits.Limits.__init__\n"
            "def elsewhere(self, environment, pids=(), root='/'):\n"
            "    init(self, {}, pids, 'nowhere')\n"
            "limits.Limits.__init__ = elsewhere\n"
            "from anuga_lean.__main__ import main\n"
            "sys.exit(main(['plan', '--triangles', '8e6']))")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                          text=True, env=os.environ, timeout=60)
    assert 0 == done.returncode, done.stderr
    assert "/proc/meminfo cannot be read" in done.stdout and "give --limit" in done.stdout
    assert "#SBATCH --mem=" in done.stdout


@needs_mpi
@pytest.mark.memory
def test_ranks_of_a_node_take_what_is_predicted(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text((ROOT / "benchmarks" / "plan_model.py").read_text())
    model = {"triangles": 60_000, "features": ["centroids"]}
    done = on_ranks(3, tmp_path, "-m", "anuga_lean", "run", "--guard", "--record", "r.jsonl",
                    "r.py", json.dumps(model), ".")
    assert 0 == done.returncode, done.stderr
    events = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    said = predict(Question(events[0]["whole_mesh"], 3, mesh="rectangular",
                            features={"centroids": 1}))
    for event in events:
        if event["event"] == "stage" and event["stage"] in said.others:
            stage = event["stage"]
            node = said.first[stage].rss + 2 * (said.others[stage].rss - said.shared[stage])
            # Not their PSS: a test beside this one has the same libraries, and a share of them.
            first, *others = event["ranks"]
            found = first["rss"] + sum(rank["uss"] for rank in others)
            assert found == pytest.approx(node, rel=0.1), stage
