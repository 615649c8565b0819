"""Runs a small model and prints what each stage had taken by its end: what `small_run` starts.

It imports little itself: what it imports counts.
"""

from __future__ import annotations

import json
import os
import resource
import sys

# The sides of the mesh of 900 triangles.
CELLS = 15


class Stages:
    """What a process has taken by the end of each stage.  It imports nothing before numpy."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float]] = {}

    def note(self, stage: str) -> None:
        memory = {}
        for file, names in (("smaps_rollup", ("Rss", "Pss", "Private_Clean", "Private_Dirty")),
                            ("status", ("VmHWM", "RssAnon"))):
            with open(f"/proc/self/{file}") as lines:
                for line in lines:
                    name, _, rest = line.partition(":")
                    if name in names:
                        memory[name] = int(rest.split()[0]) * 1024
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.found[stage] = {
            "peak_rss": max(memory["VmHWM"], memory["Rss"]), "rss": memory["Rss"],
            "pss": memory["Pss"], "uss": memory["Private_Clean"] + memory["Private_Dirty"],
            "anonymous": memory["RssAnon"], "seconds": used.ru_utime + used.ru_stime,
            "modules": len(sys.modules)}


def child(variant: str) -> None:
    """Run a small model, and print a line of JSON."""
    stages = Stages()
    stages.note("python")
    import numpy  # noqa: F401

    stages.note("numpy")
    if variant == "lean":
        import anuga_lean as anuga
    else:
        import anuga
    anuga.Domain  # noqa: B018  the first name of ANUGA's brings the lean classes in
    stages.note("anuga")
    domain = anuga.rectangular_cross_domain(CELLS, CELLS)
    domain.set_name("small")
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: -x / 10)
    domain.set_quantity("stage", 0.2)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    stages.note("domain")
    for _ in domain.evolve(yieldstep=0.05, finaltime=0.05):
        pass
    stages.note("evolve")
    domain.set_store(True)
    domain.initialise_storage()
    for _ in domain.evolve(yieldstep=0.05, finaltime=0.1):
        pass
    assert os.path.exists("small.sww")
    stages.note("frame")
    print("\n" + json.dumps(stages.found))


if __name__ == "__main__":
    child(sys.argv[1])
