"""A checkpoint of a domain whose steps are observed, loaded with and without trust."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = '''
import sys, warnings
import numpy as np
import anuga_lean as anuga

seen = []

def watch(domain, t, timestep):
    seen.append(f"{t!r} {timestep!r} {domain.get_water_volume()!r}")

if sys.argv[1] == "write":
    domain = anuga.rectangular_cross_domain(6, 6)
    domain.set_name("observed")
    domain.set_quantity("stage", lambda x, y: 1.0 + x)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    domain.add_step_observer(watch)
    domain.set_checkpointing(checkpoint_step=1, checkpoint_dir="SETS", keep=100)
    for t in domain.evolve(yieldstep=0.5, finaltime=1.0):
        if t == 0.5:
            seen.clear()
else:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        domain = anuga.load_checkpoint_file("observed", "SETS", 0.5,
                                            trusted=sys.argv[1] == "trusted")
    print(len(said), *[each.message for each in said if "observers" in str(each.message)])
    if sys.argv[1] == "untrusted":
        try:
            list(domain.evolve(yieldstep=0.5, finaltime=1.0))
        except anuga.CheckpointError as error:
            print(error)
        domain = anuga.load_checkpoint_file("observed", "SETS", 0.5, trusted=False)
        domain.add_step_observer(watch)
    for t in domain.evolve(yieldstep=0.5, finaltime=1.0):
        pass
print(*seen, sep="\\n")
'''


def ran(folder: Path, how: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], cwd=folder, text=True,
                          capture_output=True)
    assert 0 == done.returncode, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("trust", ["trusted", "untrusted"])
def test_steps_are_observed_on(trust: str, tmp_path: Path) -> None:
    expected = ran(tmp_path, "write")
    assert len(expected) > 3
    said, *actual = ran(tmp_path, trust)
    if trust == "untrusted":
        assert "domain._step_observers[0] (function __main__.watch)" in said
        error, *actual = actual
        assert error.startswith("domain._step_observers[0]")
        assert error.endswith("set it again before going on.")
    else:
        assert "0" == said
    assert expected == actual
