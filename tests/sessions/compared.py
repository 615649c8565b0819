"""Runs one script on stock and on lean and gives what each prints as its result.

The script finds `anuga`, `variant`, `surface.models.built` as `built` and
`tell(value)`, which prints a value for the comparison; `digest(domain)` is a text
that tells any change of its state.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

PROLOGUE = '''
import hashlib, importlib, sys, warnings
variant = sys.argv[1]
import numpy as np
anuga = importlib.import_module("anuga" if variant == "stock" else "anuga_lean")
anuga.Domain
warnings.simplefilter("ignore")
from surface.models import built

def tell(*values):
    print("RESULT", *values, flush=True)

def digest(domain):
    state = hashlib.sha256()
    for name in ("stage", "xmomentum", "ymomentum", "height", "elevation", "friction"):
        state.update(np.array(domain.quantities[name].centroid_values).tobytes())
    state.update(np.array(domain.quantities["stage"].edge_values).tobytes())
    numbers = (domain.get_time(), domain.get_boundary_flux_integral(),
               domain.get_fractional_step_volume_integral())
    return f"{state.hexdigest()[:16]} {numbers}"

def evolved(domain, duration, yieldstep=0.5):
    for t in domain.evolve(yieldstep=yieldstep, duration=duration):
        pass
    return domain

def is_lean(domain):
    return variant == "stock" or domain.lean is not None
'''


def told(variant: str, folder: Path, script: str, before: tuple[str, ...] = (),
         **environment: str) -> list[str]:
    """What the script tells under a variant; `before` starts the process, e.g. nice."""
    place = folder / variant
    place.mkdir()
    path = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    values = dict(os.environ) | environment
    values["PYTHONPATH"] = os.pathsep.join(each for each in path if each)
    (place / "script.py").write_text(PROLOGUE + script)
    done = subprocess.run([*before, sys.executable, "script.py", variant], cwd=place, env=values,
                          capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, f"{variant}: {done.stdout}{done.stderr}"
    return [line[7:] for line in done.stdout.splitlines() if line.startswith("RESULT ")]


def both(folder: Path, script: str, **environment: str) -> tuple[list[str], list[str]]:
    """What the script tells on stock and on lean."""
    with ThreadPoolExecutor(2) as pool:
        stock, lean = pool.map(lambda variant: told(variant, folder, script, **environment),
                               ("stock", "lean"))
    assert stock, "the script tells nothing"
    return stock, lean
