"""Reads input files in children that may die: python server.py stock|lean, in a folder.

Gets lines of JSON [kind, path], answers each by a line: how the child ended, the error with
what it derives from, or digests of what was read, and the memory that it took at most.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 20
ROOM = 1 << 30      # bytes of address space that one file may take
UNDER_SANITIZER = "libasan" in os.environ.get("LD_PRELOAD", "")

Read = Callable[[Any, str], Iterator[Any]]


# -- how each kind is read -----------------------------------------------------------


def read_mesh(anuga: Any, path: str) -> Iterator[Any]:
    yield from told(anuga.Domain(path), anuga)
    basic = anuga.basic_mesh_from_mesh_file(path)
    yield from (basic.nodes, basic.triangles, sorted(basic.boundary.items()), basic.triangle_tags,
                basic.vertex_attributes, basic.vertex_attribute_titles)


def read_pickle(anuga: Any, path: str) -> Iterator[Any]:
    from anuga.parallel.sequential_distribute import sequential_distribute_load_pickle_file

    domain = sequential_distribute_load_pickle_file(path, np=2)
    yield from part(domain)
    yield from told(domain, anuga)


def read_partition(anuga: Any, path: str) -> Iterator[Any]:
    from anuga.parallel.sequential_distribute import sequential_mesh_load

    shutil.copy(path, "part_mesh_P1_0.nc")
    domain = sequential_mesh_load("part", ".")
    yield from part(domain)
    yield from told(domain, anuga)


def part(domain: Any) -> Iterator[Any]:
    for name in ("full_send_dict", "ghost_recv_dict"):
        for rank, message in sorted(getattr(domain, name).items()):
            yield from (int(rank), message[0], message[1])
    yield from (domain.number_of_full_triangles, domain.tri_full_flag, domain.tri_l2g)


def read_points(anuga: Any, path: str) -> Iterator[Any]:
    domain = small(anuga)
    domain.set_quantity("elevation", filename=path, alpha=0.01)
    yield from values_of(domain, "elevation")


def read_raster(anuga: Any, path: str) -> Iterator[Any]:
    for location in ("centroids", "vertices"):
        domain = small(anuga)
        domain.set_quantity("elevation", filename=path, location=location)
        yield from values_of(domain, "elevation")


def read_tif(anuga: Any, path: str) -> Iterator[Any]:
    for location in ("centroids", "vertices"):
        domain = small(anuga)
        domain.set_georeference(anuga.Geo_reference(zone=56))
        domain.set_quantity("elevation", filename=path, location=location)
        yield from values_of(domain, "elevation")


def read_riverwall(anuga: Any, path: str) -> Iterator[Any]:
    domain = small(anuga)
    with open(path) as file:
        first = file.readline()
    parameters = {}
    if ":" in first:
        parameters = {"wall": {key.strip(): float(value) for key, value in (
            each.split(":") for each in first.split(","))}}
    # what ANUGA's function does, which release 4.1 has only beside fiona
    walls = {"wall": np.genfromtxt(
        path, delimiter=",", skip_header=any(each.isalpha() for each in first)).tolist()}
    domain.riverwallData.create_riverwalls(walls, parameters, verbose=False)
    yield domain.riverwallData.riverwall_elevation
    yield from told(domain, anuga)


def read_polygon(anuga: Any, path: str) -> Iterator[Any]:
    try:
        polygon = anuga.read_polygon(path)
    except ValueError:
        polygon = np.genfromtxt(path, delimiter=",", skip_header=1).tolist()
    yield polygon
    domain = small(anuga)
    domain.set_quantity("friction", 0.05, polygon=polygon)
    yield from values_of(domain, "friction")
    yield anuga.Region(domain, polygon=polygon).indices
    yield domain.get_intersecting_segments(np.asarray(polygon)[:2].tolist()).__len__()


def read_series(anuga: Any, path: str) -> Iterator[Any]:
    domain = small(anuga)
    function = anuga.file_function(path, domain, quantities=["stage", "xmomentum", "ymomentum"])
    yield [function(t) for t in (0.0, 7.5, 100.0)]
    boundary = anuga.Time_boundary(domain, function)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), boundary))
    yield from step(domain)


def read_ranks(anuga: Any, path: str) -> Iterator[Any]:
    from anuga.utilities.sww_merge import sww_merge_parallel

    rank = int(Path(path).stem[-1]) if Path(path).stem[-1] in "01" else 0
    folder = Path("ranks")
    for each in range(2):
        source = path if each == rank else os.path.join(os.environ["FUZZ_SEEDS"], "ranks",
                                                        f"rank{each}.sww")
        shutil.copy(source, folder / f"run_P2_{each}.sww")
    sww_merge_parallel(str(folder / "run"), 2)
    import netCDF4

    with netCDF4.Dataset(folder / "run.sww") as file:
        for name in sorted(file.variables):
            yield name
            yield np.asarray(file.variables[name][...])


def read_scenario(anuga: Any, path: str) -> Iterator[Any]:
    from anuga.scenario.parse_input_data_toml import ProjectDataTOML

    found = ProjectDataTOML(path)
    yield sorted((name, str(value)) for name, value in vars(found).items()
                 if isinstance(value, (str, int, float, list)))


def read_figures(anuga: Any, path: str) -> Iterator[Any]:
    from anuga_lean.measure import gate
    from anuga_lean.measure.page import page_of, render
    from anuga_lean.measure.records import read
    from anuga_lean.measure.report import figures_table

    night = read(path)
    seed = read(os.path.join(os.environ["FUZZ_SEEDS"], "figures", "night.json"))
    yield figures_table(night.records)
    yield len(render(page_of([seed, night], [])))
    yield [str(each) for each in gate.compare_nights(night, seed, False)]


READERS: dict[str, Read] = {
    "tsh": read_mesh, "msh": read_mesh, "pickle": read_pickle, "partition": read_partition,
    "points": read_points, "raster": read_raster, "tif": read_tif, "riverwall": read_riverwall,
    "polygon": read_polygon, "series": read_series, "ranks": read_ranks,
    "scenario": read_scenario, "figures": read_figures}


# -- what is told of it ----------------------------------------------------------------


def small(anuga: Any) -> Any:
    domain = anuga.rectangular_cross_domain(4, 4, len1=100.0, len2=100.0)
    domain.set_quantity("elevation", lambda x, y: -x / 50.0)
    domain.set_quantity("stage", lambda x, y: 0.5 * (x < 50.0))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    return domain


def values_of(domain: Any, *names: str) -> Iterator[Any]:
    for name in names:
        yield np.asarray(domain.quantities[name].centroid_values)
        yield np.asarray(domain.quantities[name].vertex_values)


def told(domain: Any, anuga: Any) -> Iterator[Any]:
    yield from (domain.nodes, domain.triangles, sorted(domain.boundary.items()),
                {tag: list(ks) for tag, ks in domain.mesh.tagged_elements.items()},
                domain.geo_reference.get_origin(), domain.areas, domain.normals, domain.radii,
                domain.neighbours, domain.get_extent())
    yield from values_of(domain, "stage", "elevation", "friction")
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({tag: None if tag == "ghost" else wall
                         for tag in domain.get_boundary_tags()})
    yield from step(domain)


def step(domain: Any) -> Iterator[Any]:
    """One step, without its writer and its messages to other ranks."""
    domain.set_store(False)
    domain.full_send_dict, domain.ghost_recv_dict = {}, {}
    domain.set_fixed_flux_timestep(1e-6)
    for _ in domain.evolve(yieldstep=1e-6, finaltime=1e-6):
        pass
    yield from values_of(domain, "stage", "xmomentum")


def digest(value: Any) -> str:
    """A short text that differs where values or their shapes do."""
    if isinstance(value, np.ndarray) or hasattr(value, "__array__") and np.ndim(value):
        array = np.asarray(value)
        kind = {"i": np.int64, "u": np.int64, "b": np.int64, "f": np.float64}.get(array.dtype.kind)
        data = array.tobytes() if kind is None else array.astype(kind).tobytes()
        return f"{array.shape} {hashlib.sha256(data).hexdigest()[:12]}"
    return hashlib.sha256(repr(value).encode("utf-8", "replace")).hexdigest()[:12]


# -- children ------------------------------------------------------------------------


def memory(name: str) -> int:
    """Bytes that the kernel counts under a name."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def outcome(anuga: Any, kind: str, path: str) -> dict[str, Any]:
    """What becomes of one file, in this process."""
    if not UNDER_SANITIZER:
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, resource.RLIM_INFINITY))
    Path("/proc/self/clear_refs").write_text("5")   # the peak begins anew
    before = memory("VmRSS")
    found: dict[str, Any] = {}
    try:
        found["value"] = [digest(each) for each in READERS[kind](anuga, path)]
    except Exception as error:
        found["error"] = [each.__name__ for each in type(error).__mro__]
        found["said"] = str(error)[:300]
        found["where"] = "".join(traceback.format_tb(error.__traceback__)[-2:])[-500:]
    found["peak"] = memory("VmHWM") - before
    return found


def in_child(anuga: Any, kind: str, path: str) -> dict[str, Any]:
    """What becomes of one file, in a process of its own."""
    read, write = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(read)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        status = 1
        try:
            with open(write, "w") as answer:
                json.dump(outcome(anuga, kind, path), answer)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with open(read) as answer:
        said = answer.read()
    status = os.waitpid(child, 0)[1]
    seconds = {"seconds": time.monotonic() - began}
    if os.WIFSIGNALED(status):
        return {"signal": signal.Signals(os.WTERMSIG(status)).name, **seconds}
    if status:
        return {"signal": f"status {status}", **seconds}
    return json.loads(said) | seconds


def main(variant: str) -> None:
    """Answer lines until there is none."""
    answers = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    if not os.environ.get("FUZZ_VERBOSE"):
        os.dup2(quiet, 2)
    warnings.simplefilter("ignore")
    anuga = importlib.import_module("anuga" if variant == "stock" else "anuga_lean")
    assert anuga.Domain     # lean: the classes come in
    Path("ranks").mkdir(exist_ok=True)
    seeds = Path(os.environ["FUZZ_SEEDS"])
    wrong = []
    for kind in READERS:    # imports what a good file needs
        for path in sorted((seeds / kind).iterdir()):
            if path.suffix != ".prj" and (variant != "stock" or kind != "figures"):
                said = outcome_of_seed(anuga, kind, path)
                wrong += [f"{path}: {said}"] if said else []
    print(json.dumps(wrong), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(in_child(anuga, *json.loads(line))), file=answers, flush=True)


def outcome_of_seed(anuga: Any, kind: str, path: Path) -> str:
    """Why a good file cannot be read; the empty text if it can."""
    try:
        list(READERS[kind](anuga, str(path)))
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    main(sys.argv[1])
