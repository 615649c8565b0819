"""Writes or loads checkpoints of ANUGA's own domains: ``checkpoint.py write|load FOLDER``.

A checkpoint falls on every second yield, so that what one adds to the peak is the
difference between yields of one run, whatever writes it.  Prints one line of JSON last.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

del sys.path[0]  # this folder: its modules are for this script alone

import anuga_lean.scenarios as scenarios  # noqa: E402
from anuga_lean.measure import probe  # noqa: E402
from anuga_lean.measure.child import COMPARED, import_anuga  # noqa: E402

YIELDS = 7
YIELDSTEP = 1.0e-4  # s
NAME = "checkpointed"


def write(anuga: Any, folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Evolve with a checkpoint at every second yield."""
    place = folder / "CHECKPOINTS"
    domain = scenarios.build("dam_break", anuga, name=NAME, datadir=str(folder), **request)
    domain.set_checkpointing(checkpoint_dir=str(place), checkpoint_step=2)
    peaks, nbytes = [], []
    for _ in domain.evolve(yieldstep=YIELDSTEP, finaltime=(YIELDS - 1) * YIELDSTEP):
        peaks.append(probe.read_memory().peak_rss)
        nbytes.append(sum(path.stat().st_size for path in place.iterdir()))
        probe.reset_peak_rss()
    grown = [after - before for before, after in zip(nbytes, nbytes[1:], strict=False)]
    if any(grown[0::2]) or not all(grown[1::2]):
        raise SystemExit(f"checkpoints were not written at every second yield: {nbytes}")
    n = int(domain.number_of_triangles)
    extra = statistics.median(peaks[2::2]) - statistics.median(peaks[3::2])
    return {"triangles": n, "checkpoint": grown[-1] / n, "checkpoint_peak": extra / n}


def load(anuga: Any, folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Load the last one and continue; return the arrays at the end."""
    import numpy as np

    before = probe.read_memory().rss
    probe.reset_peak_rss()
    domain = anuga.load_checkpoint_file(NAME, str(folder / "CHECKPOINTS"))
    peak = probe.read_memory().peak_rss - before
    domain.set_checkpointing(checkpoint=False)
    for _ in domain.evolve(yieldstep=YIELDSTEP, finaltime=2 * YIELDS * YIELDSTEP):
        pass
    arrays = {name: domain.quantities[name].centroid_values for name in COMPARED}
    np.savez(folder / "arrays.npz", time=domain.get_time(), timestep=domain.timestep, **arrays)
    return {"peak_load": peak / int(domain.number_of_triangles)}


def main(part: str, folder: str) -> None:
    """Run one of the two processes."""
    place = Path(folder)
    request = json.loads((place / "request.json").read_text())
    found = (write if part == "write" else load)(import_anuga("stock"), place, request)
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
