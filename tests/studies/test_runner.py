"""Scenarios as members: a TOML file of anuga_toml_run, a folder of run_anuga."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from anuga_lean._errors import StudyError
from anuga_lean.studies import runner
from studies.test_runs import COMMAND, environment, results, run

# What is in place of run_anuga here: reads its folder's scenario.json as that does.
CLI = """
import json, os, sys
folder = sys.argv[2]
assert "run" == sys.argv[1]
with open(os.path.join(folder, "scenario.json")) as file:
    scenario = json.load(file)
os.chdir(folder)
import anuga
domain = anuga.rectangular_cross_domain(scenario["n"], 4)
domain.set_name("run")
domain.set_quantity("stage", scenario["stage"]["value"] + float(open("inputs/base.txt").read()))
domain.set_boundary({tag: anuga.Reflective_boundary(domain)
                     for tag in domain.get_boundary_tags()})
for t in domain.evolve(yieldstep=0.1, finaltime=0.1):
    pass
os.makedirs("outputs_1")
with open("outputs_1/stage.txt", "w") as file:
    file.write(str(float(domain.quantities["stage"].centroid_values.max())))
"""
SUMMARY = """
def of_member(folder, parameters):
    return {"stage": float((folder / "scenario/outputs_1/stage.txt").read_text())}
"""


def package(folder: Path) -> Path:
    """A folder of run_anuga's, in which a run has left its outputs."""
    (folder / "case" / "inputs").mkdir(parents=True)
    (folder / "case" / "inputs" / "base.txt").write_text("1.0")
    (folder / "case" / "outputs_1").mkdir()
    (folder / "case" / "CHECKPOINTS").mkdir()
    path = folder / "case" / "scenario.json"
    path.write_text(json.dumps({"n": 2, "stage": {"value": 0.0}, "list": [1]}))
    return path


@pytest.mark.slow
def test_folders_of_run_anuga(tmp_path: Path) -> None:
    package(tmp_path)
    (tmp_path / "there" / "run_anuga").mkdir(parents=True)
    (tmp_path / "there" / "run_anuga" / "__init__.py").write_text("")
    (tmp_path / "there" / "run_anuga" / "cli.py").write_text(CLI)
    (tmp_path / "summary.py").write_text(SUMMARY)
    path = tmp_path / "s.toml"
    path.write_text('script = "case/scenario.json"\nsummary = "summary.py:of_member"\n'
                    'anuga = "{on}"\n[places]\nstage = "stage.value"\non = "on"\n'
                    '[grid]\nstage = [1.5, 2.5]\nn = [3]\non = ["lean", "stock"]\n')
    scenario = tmp_path / "case" / "scenario.json"
    scenario.write_text(scenario.read_text().replace("}, ", '}, "on": "", ', 1))
    before = scenario.read_text()
    done = subprocess.run(
        [*COMMAND, "run", str(path)], capture_output=True, text=True, timeout=120,
        env=environment(path) | {"PYTHONPATH": str(tmp_path / "there")})
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert ["2.5", "2.5", "3.5", "3.5"] == [row["result_stage"] for row in results(path)]
    # 4 triangles of each of 3 times 4 rectangles
    assert {"48"} == {row["triangles"] for row in results(path)}
    assert before == scenario.read_text()
    member = path.with_suffix(".study") / "members" / "0-0"
    assert json.loads((member / "scenario" / "scenario.json").read_text())["stage"] == {
        "value": 1.5}
    # the guard's record is the member's, wherever the runner has changed to
    assert "completed" in (member / "run.jsonl").read_text()


def test_without_run_anuga(tmp_path: Path) -> None:
    if importlib.util.find_spec("run_anuga") is not None:
        pytest.skip("run_anuga is installed here")
    package(tmp_path)
    path = tmp_path / "s.toml"
    path.write_text('script = "case/scenario.json"\nanuga = "stock"\n[grid]\nn = [3]\n')
    assert "run_anuga is not installed here" in run(path).stdout


# Four sides of a square of 100 m, as run_anuga's boundary.geojson has them.
CORNERS = [[250000.0, 6250000.0], [250100.0, 6250000.0], [250100.0, 6250100.0],
           [250000.0, 6250100.0]]
REAL = """
import hashlib
from netCDF4 import Dataset
def of_member(folder, parameters):
    (path,) = folder.glob("scenario/outputs_*/*.sww")
    with Dataset(path) as file:
        return {"bits": hashlib.sha256(file["stage"][:].tobytes()).hexdigest(),
                "last": file["time"][-1], "frames": len(file["time"]),
                "pictures": len(list(path.parent.glob("*.tif")))}
"""


def collection(features: list[dict[str, object]]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features, "crs": {
        "type": "name", "properties": {"name": "EPSG:28356"}}})


def real_package(folder: Path) -> None:
    """A folder that the real run_anuga runs: a slope under rain, in EPSG:28356."""
    import numpy as np
    import rasterio

    (folder / "inputs").mkdir(parents=True)
    (folder / "inputs" / "boundary.geojson").write_text(collection([
        {"type": "Feature", "id": f"side{k}",
         "properties": {"boundary": "Reflective", "location": "External"},
         "geometry": {"type": "LineString", "coordinates": [CORNERS[k], CORNERS[(k + 1) % 4]]}}
        for k in range(4)]))
    (folder / "inputs" / "rain.geojson").write_text(collection([
        {"type": "Feature", "id": "rain", "properties": {"type": "Rainfall", "data": "500.0"},
         "geometry": {"type": "Polygon", "coordinates": [[*CORNERS, CORNERS[0]]]}}]))
    with rasterio.open(folder / "inputs" / "dem.tif", "w", driver="GTiff", width=30, height=30,
                       count=1, dtype="float32", crs="EPSG:28356", nodata=-9999.0,
                       transform=rasterio.transform.from_origin(249990.0, 6250110.0, 4.0,
                                                                4.0)) as file:
        file.write(np.add.outer(np.arange(30.0), np.arange(30.0)).astype("float32") / 5.0, 1)
    (folder / "scenario.json").write_text(json.dumps({
        "format_version": "1.0", "id": 1, "run_id": 1, "project": 1, "epsg": "EPSG:28356",
        "name": "slope", "description": "", "control_server": None, "elevation": "dem.tif",
        "boundary": "boundary.geojson", "rainfall": "rain.geojson", "friction": None,
        "inflow": None, "structure": None, "mesh_region": None, "resolution": 20.0,
        "model_start": "2024-01-01T00:00:00Z", "duration": 60}))


@pytest.mark.slow
@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None
        for name in ("run_anuga", "osgeo", "dill", "pandas")),
    reason="the real run_anuga is not on PyPI: pip install pandas dill psutil pydantic, pip "
           "install --no-deps git+https://github.com/Hydrata/run_anuga, and osgeo (python3-gdal)")
def test_folders_of_the_real_run_anuga(tmp_path: Path) -> None:
    real_package(tmp_path / "case")
    (tmp_path / "summary.py").write_text(REAL)
    path = tmp_path / "s.toml"
    path.write_text('script = "case/scenario.json"\nsummary = "summary.py:of_member"\n'
                    'anuga = "{on}"\n[places]\non = "description"\n'
                    '[grid]\nduration = [60, 120]\non = ["lean", "stock"]\n')
    before = sorted(tmp_path.glob("case/**/*"))
    done = run(path)
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert ["2", "2", "3", "3"] == [row["frames"] for row in results(path)]
    assert all(int(row["pictures"]) > 3 * int(row["frames"]) for row in results(path))
    assert ["60.0", "60.0", "120.0", "120.0"] == [row["last"] for row in results(path)]
    lean, stock, longer, longer_stock = (row["bits"] for row in results(path))
    assert lean == stock != longer == longer_stock
    assert 1 == len({row["triangles"] for row in results(path)})
    assert before == sorted(tmp_path.glob("case/**/*"))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("fiona") is None,
                    reason="anuga_toml_run needs fiona, which is not installed")
def test_anuga_toml_run(tmp_path: Path) -> None:
    given = pytest.importorskip("anuga.scenario.tests.test_run_toml_end_to_end")
    (tmp_path / "case").mkdir()
    for name, text in (("a.toml", given._DAM_BREAK_TOML), ("dam.csv", given._DAM_CSV),
                       ("bounding_polygon.csv", given._BOUNDING_POLYGON_CSV)):
        (tmp_path / "case" / name).write_text(text)
    (tmp_path / "summary.py").write_text(
        "from netCDF4 import Dataset\ndef of_member(folder, parameters):\n"
        "    (path,) = folder.glob('scenario/OUTPUT/*/*.sww')\n"
        "    with Dataset(path) as file:\n        return {'stage': file['stage'][0].max()}\n")
    path = tmp_path / "s.toml"
    path.write_text('script = "case/a.toml"\nsummary = "summary.py:of_member"\n[places]\n'
                    'depth = "initial_conditions.stage.0.value"\nuntil = "project.finaltime"\n'
                    '[grid]\ndepth = [2.0, 4.0]\nuntil = [2.0]\n')
    assert 0 == run(path).returncode
    assert ["2.0", "4.0"] == [row["stage"] for row in results(path)]
    assert ["a.toml", "bounding_polygon.csv", "dam.csv"] == sorted(
        each.name for each in (tmp_path / "case").iterdir())


def test_a_copy_has_what_is_input(tmp_path: Path) -> None:
    path = package(tmp_path)
    (tmp_path / "case" / "inputs" / "dem.tif").write_bytes(bytes(2 << 20))
    made = runner.prepare(path, {"n": 7, "stage.value": True}, tmp_path / "copy")
    assert {"n": 7, "stage": {"value": True}, "list": [1]} == json.loads(made.read_text())
    assert ["inputs", "scenario.json"] == sorted(each.name for each in made.parent.iterdir())
    assert (made.parent / "inputs" / "dem.tif").is_symlink()
    assert not (made.parent / "inputs" / "base.txt").is_symlink()
    assert made == runner.prepare(path, {"n": 7}, tmp_path / "copy")        # a second try


def test_values_of_toml_keep_their_kind(tmp_path: Path) -> None:
    text = 'when = 2026-11-30T08:00:00Z\n[project]\nfinaltime = 3.0\nname = "a"\n[[p.s]]\nv = 1\n'
    (tmp_path / "case").mkdir()
    path = tmp_path / "case" / "a.toml"
    path.write_text(text)
    made = runner.prepare(path, {"p.s.0.v": 2.5}, tmp_path / "copy")
    assert {**msgspec.toml.decode(text), "p": {"s": [{"v": 2.5}]}} == msgspec.toml.decode(
        made.read_text())


@pytest.mark.parametrize(("text", "says"), [
    ("[grid]\nm = [1]\n", "has no m: beside 'm' there is n, stage, list"),
    ("[grid]\nstage = [1]\n", "has no single value at stage, but a table"),
    ('[places]\na = "list.3"\n[grid]\na = [1]\n', "has no list.3: beside '3' there is 0 to 0"),
    ('[places]\na = "n.b"\n[grid]\na = [1]\n', "beside 'b' there is nothing"),
])
def test_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    package(tmp_path)
    path = tmp_path / "s.toml"
    path.write_text(f'script = "case/scenario.json"\n{text}')
    done = run(path)
    assert 2 == done.returncode and says in done.stderr
    assert 1 == len(done.stderr.splitlines()) and not path.with_suffix(".study").exists()


def test_a_damaged_scenario(tmp_path: Path) -> None:
    for name, text in (("scenario.json", "{"), ("a.toml", "= 3"), ("scenario.json", "[1]")):
        (tmp_path / name).write_text(text)
        with pytest.raises(StudyError, match=r"cannot be read|holds no table"):
            runner.check(tmp_path / name, {}, [{"n": 1}])


def test_places_are_of_scenarios(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("")
    path = tmp_path / "s.toml"
    path.write_text('script = "model.py"\n[places]\na = "b"\n[grid]\na = [1]\n')
    assert "is no scenario" in run(path).stderr
