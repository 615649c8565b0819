"""trusted=False: what a set may evaluate, write, delete and count, by its kind and relatives."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError
from anuga_lean._errors import ModelError
from anuga_lean.checkpoint.confinement import is_arithmetic
from checkpoint.damage import file_of, members_of
from checkpoint.models import made

NAME, STEP = "kept", 0.02
Graph = list[dict[str, Any]]
Change = Callable[[Graph, dict[str, Any]], None]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a folder in which a run with a log and a frame has been stopped."""
    folder = tmp_path_factory.mktemp("whole")
    before = os.getcwd()
    os.chdir(folder)
    try:
        domain = made(2, 2, NAME)
        domain.set_store(True)
        domain.set_quantities_to_be_monitored(["stage-elevation"])
        anuga.Inlet_operator(domain, [[12.0, 4.0], [12.0, 15.0]], Q=0.1, label="inlet",
                             logging=True)
        domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1, keep=1)
        for t in domain.evolve(yieldstep=STEP, finaltime=1.0):
            if t > 0.0:
                break
    finally:
        os.chdir(before)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".lock"}


@pytest.fixture
def place(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in a folder of its own, the current one, beside a precious file."""
    for name, data in files.items():
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.chdir(tmp_path / "run")
    (tmp_path / "precious").write_text("mine")
    return tmp_path


def state() -> Path:
    [path] = [each for each in Path("sets").glob("*.npz") if "_mesh_" not in each.name]
    return path


def changed(change: Change) -> None:
    """Change the graph or the header of the set and make its digest right again."""
    members = members_of(state().read_bytes())
    graph, header = (json.loads(members[name]) for name in ("graph.json", "header.json"))
    change(graph, header)
    state().write_bytes(file_of(members | {"graph.json": json.dumps(graph).encode(),
                                           "header.json": json.dumps(header).encode()}))


def of_domain(**attributes: Any) -> None:
    changed(lambda graph, header: graph[0]["attributes"].update(attributes))


def of_class(name: str, **attributes: Any) -> None:
    def change(graph: Graph, header: dict[str, Any]) -> None:
        for entry in graph:
            if entry.get("new") == ["class", name]:
                entry["attributes"].update(attributes)
    changed(change)


def load(**options: Any) -> Any:
    return anuga.load_checkpoint_file(NAME, "sets", **{"trusted": False} | options)


def evolved(domain: Any, steps: int = 3) -> None:
    for _ in zip(range(steps), domain.evolve(yieldstep=STEP, duration=4 * STEP), strict=False):
        pass


def refused(*words: str, **options: Any) -> None:
    """Whether loading says these words."""
    with pytest.raises(CheckpointError) as caught:
        load(**options)
    for word in words:
        assert word in str(caught.value)


def test_a_set_as_it_is_goes_on(place: Path) -> None:
    """Nothing is said, the log and the SWW file of the run go on in their folder."""
    [log] = Path().glob("*.log")
    before = len(log.read_text()), Path(f"{NAME}.sww").stat().st_size
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evolved(load())
    assert before[0] < len(log.read_text())
    assert before[1] < Path(f"{NAME}.sww").stat().st_size


# -- what is evaluated -------------------------------------------------------------


def monitoring(text: str) -> Change:
    def change(graph: Graph, header: dict[str, Any]) -> None:
        [[_, info]] = graph[graph[0]["attributes"]["quantities_to_be_monitored"][1]]["dict"]
        graph[0]["attributes"]["quantities_to_be_monitored"] = ["ref", len(graph)]
        graph.append({"dict": [["stage-elevation", info], [text, info]]})
    return change


@pytest.mark.parametrize("text", [
    '__import__("pathlib").Path("../ran").touch()', "open('../ran', 'w')*0+stage",
    "(lambda: stage)()", "stage.__class__", "[stage for _ in range(10**9)]", "9**9**9**9*stage",
    "stage**9999", "stage if stage else stage", "stage[0]", "expression", "dictionary", "re",
    '"stage"*9', "stage or stage", "stage < elevation", "f'{stage}'", "", "stage:=1",
    "(" * 500 + "stage" + ")" * 500, "stage+" * 400 + "stage"])
def test_expressions(place: Path, text: str) -> None:
    """Whatever is more than arithmetic of quantities is left out and listed, the rest goes on."""
    changed(monitoring(text))
    with pytest.warns(anuga.CheckpointWarning, match="quantities_to_be_monitored"):
        domain = load()
    evolved(domain)
    assert ["stage-elevation"] == list(domain.quantities_to_be_monitored)
    assert not (place / "ran").exists()


@pytest.mark.parametrize("text", [
    "stage-elevation", "stage - elevation", "(xmomentum**2 + ymomentum**2)**0.5", "-stage",
    "stage*2.5e-3/height", "0.5*(stage+elevation)", "friction**-1"])
def test_arithmetic_is_monitored(place: Path, text: str) -> None:
    changed(monitoring(text))
    domain = load()
    assert text in domain.quantities_to_be_monitored
    assert is_arithmetic(text, domain.quantities)


@pytest.mark.parametrize("name", ['x"]+open("../ran","w")#', "a\\", "1", "", "x\ny", 5])
def test_names_of_quantities(place: Path, name: Any) -> None:
    """ANUGA puts them between quotes into what it evaluates."""
    def change(graph: Graph, header: dict[str, Any]) -> None:
        items = graph[graph[0]["attributes"]["quantities"][1]]["dict"]
        items.append([name, items[0][1]])
    changed(change)
    refused("a quantity is called")


# -- what is written ---------------------------------------------------------------


ELSEWHERE = ("../precious", "{}/precious", "../precious.log", "../precious.sww", "/dev/null",
             "~/.bashrc", ".bashrc", "a\0b.log", "sets/../../x.log", "linked/x.log", "to.log", "",
             5, ["tuple"])


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("key", ["log_filename", "filename"])
def test_files_elsewhere(place: Path, path: Any, key: str) -> None:
    """By names, through links, above, and of other kinds: refused, nothing is written."""
    Path("linked").symlink_to("..")
    Path("to.log").symlink_to("../precious")
    path = path.format(place) if isinstance(path, str) else path
    for cls in ("anuga.SWW_file",) if key == "filename" else (
            "anuga.Inlet_operator", "anuga.Parallel_Inlet_operator", "anuga.Rate_operator"):
        of_class(cls, **{key: path, "logging": True, "label": "\nevil"})
    refused("pass trusted=True" if key == "log_filename" else "")
    assert "mine" == (place / "precious").read_text()


@pytest.mark.parametrize("key, value, word", [
    ("datadir", "..", "no folder in"), ("datadir", "/dev", "no folder in"),
    ("datadir", "linked", "no folder in"), ("datadir", "a\0b", "no folder in"),
    ("simulation_name", "../x", "without a folder"), ("simulation_name", "other", "called 'other'"),
    ("simulation_name", "", "called ''"), ("max_size", -1, "no size"),
    ("max_size", "x", "no size")])
def test_folders_and_names(place: Path, key: str, value: str, word: str) -> None:
    Path("linked").symlink_to("..")
    of_domain(**{key: value})
    if key == "datadir":
        of_class("anuga.SWW_file", filename=f"{value}/{NAME}.sww")
    refused(word)


@pytest.mark.parametrize("key, value", [
    ("_lock", "../precious.sww.lock"), ("_lock", "../precious"), ("mode", "x"),
    ("precision", "S1000000000"), ("precision", "O"), ("recursion", 10**9), ("recursion", -1)])
def test_writers(place: Path, key: str, value: Any) -> None:
    """What a writer removes, how it opens a file, and what of memory and disk it takes."""
    of_class("anuga.SWW_file", **{key: value})
    refused(f"SWW_file.{key}")


def test_the_users_datadir(place: Path) -> None:
    """Given by the user it counts, also where the set says another, and for its logs."""
    of_domain(datadir="/scratch/run")
    of_class("anuga.SWW_file", filename=f"/scratch/run/{NAME}.sww", _lock=None)
    refused("/scratch/run")
    (place / "out").mkdir()
    with pytest.warns(anuga.CheckpointWarning, match="a new file begins"):
        evolved(load(datadir=str(place / "out")))
    assert (place / "out" / f"{NAME}.sww").exists()


def test_sets_go_where_they_were_loaded_from(place: Path) -> None:
    """Not where the file says: it may be a copy, or mean harm."""
    of_domain(checkpoint_dir="/proc")
    domain = load()
    assert "sets" == domain.checkpoint_dir
    evolved(domain)
    assert state().name != f"{NAME}_{STEP}.npz"


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("mesh_file", [
    "{}/precious", "../../precious", "../other.sww", "other_mesh_0123456789abcdef.npz", "", None,
    f"{NAME}_mesh_0123456789abcdef.npz/../../precious"])
def test_what_an_older_set_calls_its_mesh(place: Path, mesh_file: Any, trusted: bool) -> None:
    """It is dropped with the set only if it is the mesh of this run in this folder."""
    members = members_of(state().read_bytes())
    header = json.loads(members["header.json"])
    header |= {"time": 0.01, "written": header["written"] - 100, "mesh_file":
               mesh_file.format(place) if isinstance(mesh_file, str) else mesh_file}
    older = Path("sets") / f"{NAME}_0.01.npz"
    older.write_bytes(file_of(members | {"header.json": json.dumps(header).encode()}))
    others = [Path("other.sww"), Path("sets/other_mesh_0123456789abcdef.npz"), place / "precious"]
    for path in others:
        path.write_text("mine")
    evolved(load(trusted=trusted))
    assert not older.exists()
    assert ["mine"] * 3 == [path.read_text() for path in others]


# -- what is called ----------------------------------------------------------------


@pytest.mark.parametrize("value", [
    ["method", ["ref", 0], "set_datadir"], ["method", ["ref", 0], "set_name"],
    ["method", ["ref", 0], "create_quantity_from_expression"], ["class", "anuga.SWW_file"],
    ["method", ["ref", 0], "set_checkpointing"], ["class", "anuga.File_boundary"],
    ["class", "anuga.Read_sww"], ["method", ["ref", 0], "dump_triangulation"]])
def test_calls_that_do_more_than_answer(place: Path, value: Any) -> None:
    """Methods that set, write or evaluate, and classes, whose instances may open files."""
    of_domain(reduction=value)
    refused("holds no domain")


# -- what is counted ---------------------------------------------------------------

NAN, INF = ["float", "nan"], ["float", "inf"]


@pytest.mark.parametrize("trusted", [True, False])
def test_numbers_of_a_domain(place: Path, trusted: bool) -> None:
    """Whatever would hang, fill the memory or reach C: one sentence, with the number."""
    whole = state().read_bytes()
    for key, values in {
            "CFL": [NAN, 0.0, -1.0, "x", None, INF], "g": [NAN, -9.8], "_g": [NAN, -1.0],
            "starttime": [NAN, INF, 1e300], "relative_time": [NAN, -1e300, "0"],
            "timestep": [NAN, -1.0], "_timestep": [NAN], "_flux_timestep": [NAN, -1.0],
            "evolve_max_timestep": [NAN, 0.0, -1.0, None], "evolve_min_timestep": [NAN, -1.0],
            "fixed_flux_timestep": [NAN, 0.0, -1.0], "omp_num_threads": [0, -5, 10**9, 2**40, "x"],
            "number_of_tracers": [5, 10**12, -1, "x"], "low_froude": [77, -1, 0.5, NAN],
            "flow_algorithm": ["x", None, 5], "timestepping_method": ["x", 2, None],
            "multiprocessor_mode": [77, 0, "x"], "max_smallsteps": [0, -1, NAN],
            "checkpoint_step": [-1, "x", NAN], "yieldstep_counter": [2**70, -1, 0.5],
            "output_frequency": [0, -1], "timestep_fluxcalls": [0, 10**9, -1, 4],
            "number_of_elements": [1, 10**9], "number_of_nodes": [10**9, 0],
            "number_of_full_triangles": [-1, 10**9], "number_of_riverwall_edges": [-1, 10**9],
            "relative_yieldtime": [NAN], "finaltime": [NAN], "minimum_allowed_height": [NAN, -1.0],
            "_order_": [0, 7], "numproc": [0, -1], "ghost_layer_width": [-1, 10**12],
            "sediment_repose_max_sweeps": [10**12], "checkpoint_keep": [0, -3]}.items():
        for value in values:
            of_domain(**{key: value})
            shown = "tracers" if key == "number_of_tracers" else key
            refused(shown, trusted=trusted)
            state().write_bytes(whole)


def test_numbers_of_a_step(place: Path) -> None:
    whole = state().read_bytes()
    for key, values in {"_fluxcalls": [0, -3, 10**9, "x"], "_fluxcalls_seen": [0, 10**9],
                        "_calls": [-1, 2**70], "parameters": [None, 5],
                        "kernel_parameters": [["tuple"], ["tuple", 1], 5, ["tuple", *[NAN] * 7]],
                        "recording_speeds": [5]}.items():
        for value in values:
            of_class("lean.Step", **{key: value})
            refused("holds no domain")
            state().write_bytes(whole)


def test_ranks_that_are_not_there(place: Path) -> None:
    """A message to another rank than those of the set would be waited for without end."""
    whole = state().read_bytes()
    for key, value in (("master_proc", 1), ("procs", ["tuple", 0, 7]), ("myid", 3)):
        of_domain(**{key: value})
        refused("no rank of 1")
        state().write_bytes(whole)
    of_domain(parallel=True, numproc=4)
    refused("rank 0 of 4")


# -- what a script sets ------------------------------------------------------------

nan, inf = math.nan, math.inf


@pytest.mark.parametrize("attributes, arguments", [
    ({"CFL": nan}, {}), ({"CFL": 0.0}, {}), ({"CFL": -1.0}, {}), ({"evolve_max_timestep": nan}, {}),
    ({"evolve_max_timestep": 0.0}, {}), ({"fixed_flux_timestep": nan}, {}),
    ({"fixed_flux_timestep": 0.0}, {}), ({"starttime": nan}, {}), ({"starttime": inf}, {}),
    ({"evolve_starttime": nan}, {}), ({"evolve_min_timestep": 0.0,
                                       "evolve_max_timestep": 1e-320}, {}),
    ({}, {"yieldstep": nan}), ({}, {"yieldstep": 0}), ({}, {"yieldstep": -1.0}),
    ({}, {"finaltime": nan}), ({}, {"finaltime": None, "duration": nan})])
@pytest.mark.parametrize("is_stock", [False, True])
def test_scripts_do_not_hang(attributes: dict, arguments: dict, is_stock: bool) -> None:
    """Most of these ANUGA evolves without end; a sentence says what to set."""
    domain = made(2, 2)
    if is_stock:
        with pytest.warns(anuga.StockKernelWarning):
            domain.use_stock_kernels("a test")
    for name, value in attributes.items():
        setattr(domain, name, value)
    with pytest.raises(ModelError):
        for _ in zip(range(9), domain.evolve(**{"yieldstep": 0.1, "finaltime": 0.2} | arguments),
                     strict=False):
            pass


@pytest.mark.parametrize("attributes, arguments, expected", [
    ({}, {}, [0.0, 0.1, 0.2]), ({"evolve_max_timestep": inf}, {}, [0.0, 0.1, 0.2]),
    ({"fixed_flux_timestep": 0.05}, {}, [0.0, 0.1, 0.2]), ({"CFL": 2}, {}, [0.0, 0.1, 0.2]),
    ({"relative_time": nan}, {}, [0.0, 0.1, 0.2]), ({}, {"yieldstep": None}, [0.0, 0.2]),
    ({"starttime": 1e9}, {"finaltime": None, "duration": 0.2}, [1e9, 1e9 + 0.1, 1e9 + 0.2]),
    ({}, {"finaltime": inf}, [0.0, 0.1, 0.2]),
    ({"evolve_min_timestep": 0.0}, {}, [0.0, 0.1, 0.2])])
def test_legal_values_of_scripts(attributes: dict, arguments: dict, expected: list) -> None:
    """None of them is refused."""
    domain = made(2, 2)
    for name, value in attributes.items():
        setattr(domain, name, value)
    assert pytest.approx(expected, abs=1e-9) == [t for t, _ in zip(
        domain.evolve(**{"yieldstep": 0.1, "finaltime": 0.2} | arguments), range(3),
        strict=False)]


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """A hang is a failure."""
    import signal

    def ring(*args: Any) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
