"""Lists what users call between the steps of a run, as functions of an evolved domain.

Owns the list of calls, the model they are made on and the memory of one call.
They run unchanged on stock and on lean domains; what they return is compared
by the tests, what they take is printed by benchmarks/between_steps.py.
"""

from __future__ import annotations

import ctypes
import gc
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import anuga_lean.scenarios as scenarios
from anuga_lean.arrays.census import census
from anuga_lean.measure import probe

# Across the 1000 m x 1000 m of the model.
SECTION = [[120.0, 40.0], [480.0, 930.0], [700.0, 930.0]]
SECOND_SECTION = [[0.0, 333.0], [1000.0, 501.0]]
LOOKUPS = 8  # ANUGA changes its way of searching after the fifth


class Call(NamedTuple):
    """One call.

    Attributes
    ----------
    make : callable
        ``make(domain) -> result``.
    prepare : callable or None
        What must have happened before, on the domain; not measured.
    options : mapping of str to value
        Of the scenario.
    """

    make: Callable[[Any], Any]
    prepare: Callable[[Any], None] | None = None
    options: Mapping[str, Any] = {}


def points(count: int = 200) -> NDArray[np.float64]:
    """Return places in and around the model, m: some on nodes, on edges and outside."""
    xy = np.random.default_rng(7).random((count, 2)) * 1040.0 - 20.0
    xy[::10] = np.round(xy[::10] / 100.0) * 100.0
    xy[1::10, 0] = 500.0
    return xy


def build(anuga: Any, triangles: int, folder: Path, **options: Any) -> Any:
    """Return a dam break, some steps after its start."""
    unique = options.pop("unique_vertices", False)
    scenario = "dam_break"
    domain = scenarios.build(scenario, anuga, triangles=triangles, name="between",
                             datadir=str(folder), **options)
    if unique:
        domain.set_store_vertices_uniquely(True)
    values = scenarios.complete(scenario, {"triangles": triangles})
    yieldstep = 0.2 * scenarios.find(scenario).yieldstep(values)
    for _ in domain.evolve(yieldstep=yieldstep, finaltime=2.0 * yieldstep):
        pass
    return domain


def _quietly_report(domain: Any) -> Any:
    return domain.report_water_volume_statistics(verbose=False, returnStats=True)


def _look_up(domain: Any) -> list[int | str]:
    found: list[int | str] = []
    for x, y in points()[2 : 2 + LOOKUPS]:
        try:
            found.append(int(domain.get_triangle_containing_point([x, y])))
        except Exception as error:  # ANUGA raises nothing narrower
            found.append(str(error))
    return found


def _monitor(domain: Any) -> None:
    domain.set_quantities_to_be_monitored(["stage", "xmomentum"])


def _extrema(domain: Any) -> str:
    domain.update_extrema()
    text: str = domain.quantity_statistics()
    return text


def _record_speeds(domain: Any) -> None:
    np.max(domain.max_speed)
    for _ in domain.evolve(yieldstep=1.0e-3, duration=1.0e-3):
        break  # at its end ANUGA forgets the speeds


def _speeds(domain: Any) -> str:
    text: str = domain.timestepping_statistics(track_speeds=True)
    return text[text.index("------") :]  # the line before it holds wall time and RSS


def _extremes(domain: Any) -> list[Any]:
    stage = domain.get_quantity("stage")
    return [stage.get_maximum_value(), stage.get_maximum_index(), stage.get_maximum_location(),
            stage.get_minimum_value(), stage.get_minimum_location()]


def _interpolate(domain: Any) -> list[NDArray[np.float64]]:
    names = ("stage", "elevation", "xmomentum")
    return [domain.get_quantity(name).get_values(interpolation_points=points())
            for name in names]


def _plot(domain: Any) -> Any:
    from anuga.utilities.animate import Domain_plotter

    plotter = Domain_plotter(domain, plot_dir=None)
    return plotter.triang.triangles.sum(), plotter.xc[:5].tolist()


def _store(domain: Any) -> None:
    domain.store_timestep()


def _store_all(domain: Any) -> None:
    domain.initialise_storage()
    domain.store_timestep()


def _rename(domain: Any) -> None:
    domain.set_name("another")


CALLS: Mapping[str, Call] = {
    "get_water_volume": Call(lambda d: d.get_water_volume()),
    "get_water_volume(indices)": Call(lambda d: d.get_water_volume(indices=list(range(50)))),
    "volumetric_balance_statistics": Call(lambda d: d.volumetric_balance_statistics()),
    "report_water_volume_statistics": Call(_quietly_report),
    "get_integral": Call(lambda d: d.get_quantity("xmomentum").get_integral()),
    "compute_boundary_flows": Call(lambda d: d.compute_boundary_flows()),
    "boundary_statistics": Call(lambda d: d.boundary_statistics()),
    "get_boundary_flux_integral": Call(lambda d: d.get_boundary_flux_integral()),
    "get_flow_through_cross_section": Call(lambda d: [
        d.get_flow_through_cross_section(line) for line in (SECTION, SECOND_SECTION)]),
    "get_energy_through_cross_section": Call(
        lambda d: d.get_energy_through_cross_section(SECTION)),
    "timestepping_statistics(track_speeds)": Call(_speeds, _record_speeds),
    "update_extrema, quantity_statistics": Call(_extrema, _monitor),
    "get_maximum_inundation_*": Call(lambda d: [
        d.get_maximum_inundation_elevation(), d.get_maximum_inundation_location()]),
    "get_wet_elements": Call(lambda d: d.get_wet_elements()),
    "get_maximum_value, _index, _location": Call(_extremes),
    "get_values(interpolation_points)": Call(_interpolate),
    "get_triangle_containing_point": Call(_look_up),
    "get_triangle_near_point": Call(
        lambda d: [d.mesh.get_triangle_near_point(point) for point in points(4)]),
    "get_triangles_inside_polygon": Call(
        lambda d: d.mesh.get_triangles_inside_polygon(SECTION)),
    "load_balance_statistics": Call(lambda d: d.load_balance_statistics()["n_wet_full"]),
    "mesh statistics": Call(lambda d: d.statistics()),
    "Domain_plotter": Call(_plot),
    "store_timestep": Call(_store, None, {"store": True}),
    "store_timestep, unique vertices": Call(
        _store, None, {"store": True, "unique_vertices": True}),
    "initialise_storage": Call(_store_all, _rename, {"store": True}),
    "initialise_storage, unique vertices": Call(
        _store_all, _rename, {"store": True, "unique_vertices": True}),
}


class Taken(NamedTuple):
    """Bytes that one call took on top of what there was, and that it left behind."""

    peak: int
    retained: int
    census: int


def measure(domain: Any, call: Call, trace: bool) -> Taken:
    """Make a call and measure what memory it takes.

    Parameters
    ----------
    trace : bool
        Count what Python and numpy allocate (tracemalloc); else the RSS.  What
        is freed is handed back to the system before and after, so that the
        RSS tells what is held.
    """
    if call.prepare is not None:
        call.prepare(domain)
    held = census(domain).nbytes
    _settle()
    if trace:
        tracemalloc.start()
        call.make(domain)
        peak = tracemalloc.get_traced_memory()[1]
        gc.collect()
        retained = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    else:
        probe.reset_peak_rss()
        start = probe.read_memory().rss
        call.make(domain)
        peak = probe.read_memory().peak_rss - start
        _settle()
        retained = probe.read_memory().rss - start
    return Taken(peak, retained, census(domain).nbytes - held)


def _settle() -> None:
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
