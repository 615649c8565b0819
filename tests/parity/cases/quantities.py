"""Every form of set_quantity in turn on one domain, and what can be read after each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import case
from parity.models import bed, channel, wall

POLYGON = [[12.0, 3.0], [48.0, 3.0], [48.0, 19.0], [12.0, 19.0]]


def points_file() -> str:
    """Scattered heights as a comma-separated file."""
    rng = np.random.default_rng(8)
    x, y = rng.uniform(-2.0, 72.0, 400), rng.uniform(-2.0, 27.0, 400)
    rows = [f"{a:.4f}, {b:.4f}, {c:.5f}" for a, b, c in zip(x, y, bed(x, y), strict=True)]
    Path("points.csv").write_text("x, y, elevation\n" + "\n".join(rows) + "\n")
    return "points.csv"


def raster_file() -> str:
    """The bed as an ESRI grid."""
    x, y = np.arange(-2.0, 74.0, 2.0), np.arange(29.0, -4.0, -2.0)
    head = (
        f"ncols {len(x)}\nnrows {len(y)}\nxllcorner {x[0] - 1.0}\nyllcorner {y[-1] - 1.0}\n"
        "cellsize 2.0\nNODATA_value -9999\n"
    )
    rows = [" ".join(f"{float(bed(a, b)):.4f}" for a in x) for b in y]
    Path("bed.asc").write_text(head + "\n".join(rows) + "\n")
    return "bed.asc"


def forms(anuga: ModuleType, domain: Any) -> dict[str, Callable[[], None]]:
    """The forms by name; each is applied to what the ones before it left."""
    n, nodes = len(domain), domain.number_of_nodes
    rng = np.random.default_rng(5)
    grid = np.linspace(-5.0, 75.0, 30), np.linspace(-5.0, 30.0, 20)
    ramp = grid[0][:, None] * 0.01 + grid[1][None, :] * 0.02
    scattered = rng.uniform(0.0, 25.0, (200, 2)) * [2.8, 1.0]
    geospatial = anuga.Geospatial_data(scattered, {"level": bed(*scattered.T)})

    def put(*arguments: Any, **options: Any) -> Callable[[], None]:
        return lambda: domain.set_quantity("stage", *arguments, **options)

    some = [0, 5, 17, 40]
    return {
        "constant": put(1.25),
        "constant at centroids": put(0.75, location="centroids"),
        "constant at some triangles": put(2.0, indices=some),
        "constant at some centroids": put(2.5, indices=some, location="centroids"),
        "constant at unique vertices": put(0.25, location="unique vertices"),
        "constant at some nodes": put(3.0, location="unique vertices", indices=[3, 8, 21]),
        "function": put(lambda x, y: 0.1 * x - 0.03 * y),
        "function at centroids": put(lambda x, y: 0.1 * x * y, location="centroids"),
        "function at some triangles": put(lambda x, y: x + y, indices=some),
        "vertices": put(rng.random((n, 3)), location="vertices"),
        "centroids": put(rng.random(n), location="centroids"),
        "some vertices": put(rng.random((4, 3)), location="vertices", indices=some),
        "some centroids": put(rng.random(4), location="centroids", indices=some),
        "unique vertices": put(rng.random(nodes), location="unique vertices"),
        "some unique vertices": put([1.0, 2.0], location="unique vertices", indices=[4, 9]),
        "list": put(rng.random(n).tolist(), location="centroids"),
        "quantity": put(domain.quantities["elevation"]),
        "algebra": lambda: domain.quantities["stage"].set_values(
            (domain.quantities["elevation"] + 1.0) * domain.quantities["height"] ** 2 - 0.5
        ),
        "expression": put(expression="elevation + 2 * height - stage"),
        "add constant": lambda: domain.add_quantity("stage", 0.125),
        "add function": lambda: domain.add_quantity("stage", lambda x, y: 0.01 * x),
        "add expression": lambda: domain.add_quantity("stage", expression="elevation * 0.5"),
        "maximum": lambda: domain.quantities["stage"].maximum(domain.quantities["elevation"]),
        "minimum": lambda: domain.quantities["stage"].minimum(domain.quantities["elevation"] + 0.4),
        "polygon": put(4.0, polygon=POLYGON),
        "region": put(5.0, region=anuga.Region(domain, center=[40.0, 10.0], radius=5.0)),
        "polygon function": put(
            anuga.Polygon_function([(POLYGON, 1.5)], default=0.5), location="centroids"
        ),
        "geospatial": put(geospatial_data=geospatial, alpha=0.01),
        "points file": put(filename=points_file(), alpha=0.02),
        "raster file": put(filename=raster_file()),
        "raster file at centroids": put(filename=raster_file(), location="centroids"),
        "raster": put(raster=(*grid, ramp.T)),
        "smoothed": lambda: domain.quantities["stage"].smooth_vertex_values(),
    }


@case(min_steps=10)
def set_quantity_forms(anuga: ModuleType) -> Any:
    """Centroids bit for bit after each form, vertices and edges as they can be read."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    stage = domain.quantities["stage"]
    seen: dict[str, np.ndarray] = {}
    for name, apply in forms(anuga, domain).items():
        apply()
        seen[f"{name}.centroids"] = np.array(stage.centroid_values)
        for location in ("vertices", "edges", "unique vertices"):
            seen[f"{name}.{location}"] = np.array(stage.get_values(location=location))
    domain.set_quantity("stage", lambda x, y: np.maximum(bed(x, y), -0.3 + 0.01 * x))
    yield domain, 0.5, 2.0
    return seen


@case(min_steps=10)
def user_quantities(anuga: ModuleType) -> Any:
    """Quantities a script makes: registered, evolved beside the flow, stored."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    marks = anuga.Quantity(domain, name="marks", register=True)
    marks.set_values(lambda x, y: x * y)
    loose = anuga.Quantity(domain)
    loose.set_values(np.arange(3.0 * len(domain)).reshape(-1, 3))
    domain.set_quantities_to_be_stored({"stage": 2, "elevation": 1, "marks": 2})

    def follow(t: float) -> None:
        marks.centroid_values[:] += domain.quantities["height"].centroid_values

    yield domain, 0.5, 3.0, follow
    marks.interpolate()
    loose.compute_gradients()
    loose.limit()
    loose.extrapolate_second_order()
    total = marks + loose * 2.0 - 1.0
    return {
        "marks": marks.centroid_values,
        "total": total.centroid_values,
        "gradients": np.array(loose.get_gradients()),
        "vertices": np.array(loose.vertex_values),
        "edges": np.array(loose.edge_values),
        "integral": total.get_integral(),
    }
