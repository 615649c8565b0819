"""anuga_lean compare on a user's script: marks, arguments, call sites, and what differs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from anuga_lean.measure.environment import machine
from anuga_lean.measure.records import read

SCRIPT = """
import sys
import {anuga}
import anuga_lean
import numpy

domain = anuga.rectangular_cross_domain(6, 6)
domain.set_name("lake")
domain.set_flow_algorithm(sys.argv[1] if len(sys.argv) > 1 else "DE0")
domain.set_quantity("stage", lambda x, y: 1.0 + 0.2 * (x < 0.4))
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
diagnostic = numpy.ones(30 << 17)
anuga_lean.mark("set")
{more}
for _ in domain.evolve(yieldstep=0.05, finaltime=0.1):
    pass
for _ in domain.evolve(yieldstep=0.05, finaltime=0.2):
    pass
"""


def compare(folder: Path, *arguments: str, anuga: str = "anuga",
            more: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "model.py").write_text(SCRIPT.format(anuga=anuga, more=more))
    return subprocess.run([sys.executable, "-m", "anuga_lean", "compare", "model.py", "--repeat",
                           "1", *arguments], capture_output=True, text=True, cwd=folder)


@pytest.mark.parametrize("anuga", ["anuga", "anuga_lean as anuga"])
def test_a_script_is_equal_on_both_with_its_marks_and_arguments(
        anuga: str, tmp_path: Path) -> None:
    done = compare(tmp_path, "--json", "found.json", "--", "DE1", anuga=anuga)
    assert 0 == done.returncode, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert ("stock", "lean") == tuple(found[side][0]["runs_on"] for side in ("stock", "lean"))
    assert ["DE1"] == found["request"]["arguments"]
    assert ["import", "set", "set up", "evolve", "set up 2", "evolve 2", "after"] == \
        list(found["lean"][0]["stages"])
    lines = done.stdout.splitlines()
    assert any(line.split()[:1] == ["set"] for line in lines)
    assert "evolve 2: stage: equal" in lines and "SWW file, 19 variables: equal" in lines
    assert (tmp_path / "lake.sww").exists()


def test_the_line_of_the_peak_and_the_report(tmp_path: Path) -> None:
    done = compare(tmp_path, "--allocations", "--at", "set", "-o", "page.html", "--json", "f.json")
    assert 0 == done.returncode, done.stdout + done.stderr
    line = SCRIPT[: SCRIPT.index("diagnostic")].count("\n") + 1
    assert 4 == done.stdout.count(f"model.py:{line} <module>")
    for title in ("stock: peak until set", "lean: alive at set"):
        assert title in done.stdout
    assert sorted(path.name for path in tmp_path.glob("*.html")) == [
        "page-flamegraph-lean.html", "page-flamegraph-stock.html", "page.html"]
    assert f"model.py:{line}" in (tmp_path / "page.html").read_text().replace("<wbr>", "")
    records = read(tmp_path / "f.json").records
    assert ["stock", "lean"] == [record.build for record in records]
    assert 30 == sum(site["nbytes"] >> 20 for site in records[1].sites
                     if f"model.py:{line} " in site["site"])


GOES_ON = """
anuga.Rate_operator(domain, rate=0.5)
domain.set_checkpointing(checkpoint_dir="CHECKPOINTS", checkpoint_step=1)
for _ in domain.evolve(yieldstep=0.02, finaltime=0.04):
    pass
domain = anuga.load_checkpoint_file("lake", checkpoint_dir="CHECKPOINTS")
"""


def test_a_script_goes_on_from_its_own_checkpoint(tmp_path: Path) -> None:
    """Stock pickles the domain: what counts its steps stays out, its operators do not."""
    done = compare(tmp_path, "--json", "found.json", more=GOES_ON)
    assert 0 == done.returncode, done.stdout + done.stderr
    equal = json.loads((tmp_path / "found.json").read_text())["equal"]
    assert {"evolve 3: stage", "evolve 3: timestep", "sww/lake.sww/stage"} <= equal.keys()


def test_a_difference_is_found(tmp_path: Path) -> None:
    more = "if hasattr(domain, 'lean'): domain.set_quantity('stage', 1.1)"
    done = compare(tmp_path, more=more)
    assert 1 == done.returncode
    assert "stage: DIFFERENT" in done.stdout and "evolve 2: stage: DIFFERENT" in done.stdout


@pytest.mark.parametrize("arguments, message", [
    (["nowhere.py"], "there is no script nowhere.py"),
    (["--steps", "3"], "a script decides itself about steps: leave it out"),
    (["--triangles", "3", "-ft", "1"], "a script decides itself about triangles, finaltime"),
    (["--at", "set"], "--at set is a point of --allocations: give that, too"),
    (["-o", "no/folder/page.html"], "no/folder/page.html cannot be written"),
    (["--allocations", "--at", "never"], "there is no stage or mark 'never' in this run; there are "
     "import, set, set up"),
])
def test_bad_input_gets_one_sentence(arguments: list[str], message: str, tmp_path: Path) -> None:
    if arguments == ["nowhere.py"]:
        done = subprocess.run([sys.executable, "-m", "anuga_lean", "compare", *arguments],
                              capture_output=True, text=True, cwd=tmp_path)
    else:
        done = compare(tmp_path, *arguments)
    assert 2 == done.returncode
    assert message in done.stderr.splitlines()[-1], done.stderr


def test_arguments_are_for_scripts_only(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "anuga_lean", "compare", "dam_break", "--", "x"],
                          capture_output=True, text=True, cwd=tmp_path)
    assert 2 == done.returncode and "the scenario dam_break takes no arguments: x" in done.stderr


def test_a_mark_outside_of_a_measurement_does_nothing(tmp_path: Path) -> None:
    code = "import anuga_lean, sys; anuga_lean.mark('here'); print('anuga' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          cwd=tmp_path)
    assert ("False\n", "") == (done.stdout, done.stderr)


@pytest.mark.slow
def test_where_the_time_of_a_script_goes(tmp_path: Path) -> None:
    rain = "anuga.Rate_operator(domain, rate=1.0e-3)"
    cores = machine()["cores"]
    done = compare(tmp_path, "--split", "--json", "found.json", "-o", "page.html", more=rain)
    assert 0 == done.returncode, done.stdout + done.stderr
    found = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line}
    assert float(found["Rate_operator"][0]) > 0.0 and "start" in found and "storing" in found
    several = json.loads((tmp_path / "found.json").read_text())["several"]
    assert (2, 1) == (several["threads"], len(several["lean"])) or cores == 1
    assert (cores > 1) == ("lean: 2 threads are" in done.stdout)
    for record in read(tmp_path / "found.json").records:
        assert record.split["operators/Rate_operator"] > 0.0
        assert record.figures["evolve_seconds"].value == pytest.approx(sum(record.split.values()))
    assert "Where the time of a run goes" in (tmp_path / "page.html").read_text()


def test_a_split_on_more_cores_than_there_are_is_of_one_thread(tmp_path: Path) -> None:
    done = compare(tmp_path, "--split", "--threads", "100000")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "of the 100000 cores that a serial fraction wants: the split is of one" in done.stderr
    assert "time in evolve, s" in done.stdout and "serial" not in done.stdout
