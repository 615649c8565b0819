"""Measures rank 0 as it distributes a domain: ``mpiexec -n 4 distribute.py run FOLDER``.

Rank 0 prints one line of JSON last.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

del sys.path[0]

import anuga_lean.scenarios as scenarios  # noqa: E402
from anuga_lean.measure import probe  # noqa: E402
from anuga_lean.measure.child import import_anuga  # noqa: E402


def main(_: str, folder: str) -> None:
    """Build on rank 0, distribute, and read memory once all garbage is collected."""
    request = json.loads((Path(folder) / "request.json").read_text())
    anuga = import_anuga("stock")
    probe.reset_peak_rss()
    domain = scenarios.build("parallel", anuga, datadir=folder, **request)
    gc.collect()
    memory = probe.read_memory()
    anuga.barrier()
    if anuga.myid == 0:
        print("\n" + json.dumps({"triangles": int(domain.number_of_global_triangles),
                                 "rss": memory.rss, "peak_rss": memory.peak_rss}))
    anuga.finalize()


if __name__ == "__main__":
    main(*sys.argv[1:])
