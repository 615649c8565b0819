"""What a script may do after loading besides going on with the same evolve."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = '''
import hashlib, os, sys, warnings
import numpy as np
from netCDF4 import Dataset
import anuga_lean as anuga

def built(name, step):
    domain = anuga.rectangular_cross_domain(14, 5, len1=70.0, len2=25.0)
    domain.set_name(name)
    domain.set_flow_algorithm("DE1")
    domain.set_quantity("elevation", lambda x, y: -0.02 * x + 0.25 * np.sin(x / 6.0))
    domain.set_quantity("stage", lambda x, y: np.where(x < 30.0, 0.8, -0.2))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
    domain.set_quantities_to_be_monitored(["stage-elevation", "xmomentum*ymomentum"])
    if step:
        domain.set_checkpointing(checkpoint_dir="SETS", checkpoint_step=step, keep=9)
    return domain

def evolved(domain, finaltime, **options):
    """A line for each yield, which tells any change."""
    lines = []
    for t in domain.evolve(finaltime=finaltime, **{"yieldstep": 0.1} | options):
        seen = hashlib.sha256(repr(domain.quantities_to_be_monitored).encode())
        for quantity in domain.quantities.values():
            seen.update(np.array(quantity.centroid_values).tobytes())
        lines.append(f"{t!r} {domain.get_boundary_flux_integral()!r} {seen.hexdigest()[:16]}")
    return lines

def load(*arguments):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        domain = anuga.load_checkpoint_file(*arguments)
        lines = evolved(domain, 0.9)
    return domain, lines, [str(each.message) for each in said]

def times(name):
    with Dataset(name) as file:
        return np.array(file["time"][:])

if sys.argv[1] == "write":
    whole = built("whole", 0)
    evolved(whole, 0.7)
    # 0.1 added up seven times is not 0.7, at which the first evolve ends
    print(*evolved(whole, 1.2), sep="\\n")
    evolved(built("ended", 7), 0.7)
    evolved(built("lost", 3), 0.7)
    evolved(built("changed", 2), 0.7)
else:
    print(*evolved(anuga.load_checkpoint_file("ended", "SETS"), 1.2), sep="\\n")
    assert np.allclose(np.arange(13) / 10, times("ended.sww"))

    os.remove("lost.sww")
    domain, lines, said = load("lost", "SETS")
    assert 3 == len(lines) and np.allclose([0.6, 0.7, 0.8, 0.9], times("lost.sww"))
    assert 1 == len(said) and "lost.sww" in said[0] and "a new file begins at t=0.6 s" in said[0]

    domain = anuga.load_checkpoint_file("changed", "SETS", 0.4)
    assert ["0.65", "0.9", "1.15", "1.4"] == [
        line.split()[0] for line in evolved(domain, 1.4, yieldstep=0.25)]
    assert np.allclose([0.0, 0.1, 0.2, 0.3, 0.4, 0.65, 0.9, 1.15, 1.4], times("changed.sww"))

    # the same set twice in one process, evolved in turn
    one, two = (anuga.load_checkpoint_file("ended", "SETS", 0.0) for _ in range(2))
    for domain in (one, two):
        domain.set_store(False)
        domain.set_checkpointing(False)
    pairs = zip(one.evolve(yieldstep=0.1, finaltime=0.5), two.evolve(yieldstep=0.1, finaltime=0.5))
    for s, t in pairs:
        assert s == t
        for name, quantity in one.quantities.items():
            other = two.quantities[name]
            assert np.array_equal(quantity.centroid_values, other.centroid_values)
            assert quantity.centroid_values is not other.centroid_values
'''


def ran(folder: Path, what: str) -> list[str]:
    """The lines that the script prints."""
    (folder / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py", what], cwd=folder, capture_output=True,
                          text=True, timeout=120)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_evolves_that_begin_after_loading(tmp_path: Path) -> None:
    """Another evolve, a file that is gone, another yieldstep, one set loaded twice."""
    expected = ran(tmp_path, "write")
    assert 5 == len(expected)
    assert expected == ran(tmp_path, "resume")
