"""Measures the fit of a points file: ``fit.py run FOLDER``; prints one line of JSON last."""

from __future__ import annotations

import json
import sys
from pathlib import Path

del sys.path[0]

from anuga_lean.measure import probe  # noqa: E402
from anuga_lean.measure.child import import_anuga  # noqa: E402

SIDE = 1000.0  # m


def main(_: str, folder: str) -> None:
    """Fit the bed of a square to points strewn over it."""
    import numpy as np

    place = Path(folder)
    request = json.loads((place / "request.json").read_text())
    anuga = import_anuga("stock")
    n = max(1, round((request["triangles"] / 4.0) ** 0.5))
    domain = anuga.rectangular_cross_domain(n, n, len1=SIDE, len2=SIDE)
    x, y = np.random.default_rng(7).uniform(0.0, SIDE, (2, request["points"]))
    z = np.sin(x / 60.0) * np.cos(y / 50.0) - x / 100.0
    points = place / "points.csv"
    np.savetxt(points, np.column_stack([x, y, z]), "%.6f", ",", header="x,y,elevation",
               comments="")
    before = probe.read_memory().rss
    probe.reset_peak_rss()
    domain.set_quantity("elevation", filename=str(points), verbose=False)
    after = probe.read_memory()
    np.savez(place / "arrays.npz", elevation=domain.quantities["elevation"].centroid_values)
    print("\n" + json.dumps({"triangles": int(domain.number_of_triangles),
                             "peak": after.peak_rss - before, "kept": after.rss - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
