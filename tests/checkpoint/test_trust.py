"""trusted=False: all is restored but code, of which ANUGA's own objects need none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROLOGUE = '''
import hashlib, json, warnings, zipfile
from pathlib import Path
import numpy as np
import anuga_lean as anuga
from anuga_lean import CheckpointError
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

OUTLINE = [[0.0, 0.0], [50.0, 0.0], [50.0, 25.0], [0.0, 25.0]]
BANK = [[25.0, 0.0], [25.0, 25.0]]

def basin(name):
    domain = anuga.create_domain_from_regions(
        OUTLINE, {"bottom": [0], "right": [1], "top": [2], "left": [3]},
        maximum_triangle_area=4.0, breaklines=[BANK], verbose=False)
    domain.set_name(name)
    domain.set_flow_algorithm("DE1")
    domain.set_quantity("elevation", lambda x, y: -0.01 * x)
    domain.set_quantity("friction", lambda x, y: 0.03 + 0.0001 * y)
    domain.set_quantity("stage", lambda x, y: np.where(x < 25.0, 1.0, 0.3))
    return domain

def evolved(domain, finaltime):
    """What every yield shows, as one text."""
    seen = hashlib.sha256()
    for t in domain.evolve(yieldstep=0.5, finaltime=finaltime):
        if t > 2.0:
            numbers = (t, domain.get_boundary_flux_integral(), domain.timestep,
                       domain.get_fractional_step_volume_integral())
            seen.update(repr(numbers).encode())
            for quantity in domain.quantities.values():
                seen.update(np.array(quantity.centroid_values).tobytes())
    return seen.hexdigest()

def header(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("header.json")), archive.namelist()

def loaded(name):
    """The domain at t=2 without its code, and what was said."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        domain = anuga.load_checkpoint_file(name, "SETS", 2.0, trusted=False)
    return domain, [f"{each.category.__name__}: {each.message}" for each in said]
'''

OWN = '''
def built():
    domain = basin("own")
    domain.set_boundary({"left": anuga.Dirichlet_boundary([1.2, 0.1, 0.0]),
                         "right": anuga.Transmissive_boundary(domain),
                         "bottom": anuga.Reflective_boundary(domain),
                         "top": anuga.Transmissive_stage_zero_momentum_boundary(domain)})
    anuga.Rate_operator(domain, rate=1.0e-3, factor=0.5)
    anuga.Rate_operator(domain, rate=-1.0e-4, polygon=[[5, 5], [20, 5], [20, 20]],
                        default_rate=0.0)
    anuga.Inlet_operator(domain, [[10.0, 3.0], [10.0, 12.0]], Q=2.0)
    anuga.Inlet_operator(domain, anuga.Region(domain, center=[40.0, 10.0], radius=6.0), Q=-0.2)
    ends = {"apron": 0.5, "enquiry_gap": 4.0, "verbose": False, "losses": 1.5}
    anuga.Boyd_box_operator(domain, width=3.0, height=1.0,
                            end_points=[[18.0, 12.0], [32.0, 12.0]], **ends)
    anuga.Boyd_pipe_operator(domain, diameter=1.0, end_points=[[18.0, 18.0], [32.0, 18.0]], **ends)
    anuga.Weir_orifice_trapezoid_operator(domain, width=3.0, height=1.0, z1=1.0, z2=1.0,
                                          end_points=[[18.0, 6.0], [32.0, 6.0]], **ends)
    anuga.Set_stage_operator(domain, stage=0.5, center=[45.0, 20.0], radius=6.0)
    anuga.Set_elevation_operator(domain, elevation=-0.6, center=[45.0, 5.0], radius=6.0)
    anuga.Wind_stress_operator(domain, speed=5.0, phi=30.0)
    anuga.Bed_shear_erosion_operator(domain, base=-3.0, shear_factor=10.0)
    domain.riverwallData.create_riverwalls(
        {"bank": [[x, y, 0.8] for x, y in BANK]}, {"bank": {"Cd_through": 0.3}}, verbose=False)
    domain.set_collect_max_quantities()
    domain.set_quantities_to_be_monitored(["stage", "stage-elevation"])
    domain.set_use_kinematic_viscosity(True)
    domain.add_tracer("dye", initial_value=1.0)
    domain.set_tracer_boundary("dye", "left", 2.0)
    domain.set_vegetation_drag(density=2.0, diameter=0.02, height=0.3)
    return domain

import sys
if sys.argv[1] == "write":
    domain = built()
    domain.set_checkpointing(checkpoint_step=1, checkpoint_dir="SETS", keep=100)
    print(evolved(domain, 3.0))
else:
    domain, said = loaded("own")
    print(evolved(domain, 3.0))
    assert [] == said, said
    for path in Path("SETS").glob("own_[0-9]*.npz"):
        found, members = header(path)
        assert ([], False) == (found["code"], "code.dill" in members), found["code"]
'''


def ran(folder: Path, script: str, *arguments: str) -> list[str]:
    """The lines that a script prints in a process of its own."""
    (folder / "script.py").write_text(PROLOGUE + script)
    done = subprocess.run([sys.executable, "script.py", *arguments], cwd=folder,
                          capture_output=True, text=True, timeout=200)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_own_objects_need_no_code(tmp_path: Path) -> None:
    """Rain, inlets, structures, walls, tracers and more from data alone, to the same bits."""
    assert ran(tmp_path, OWN, "write")[-1:] == ran(tmp_path, OWN, "resume")[-1:]


USERS = '''
class Sponge(Boundary):
    def __init__(self, domain):
        super().__init__()
        self.domain = domain

    def evaluate(self, vol_id, edge_id):
        return 0.9 * self.domain.get_conserved_quantities(vol_id, edge=edge_id)

class Leak(anuga.Operator):
    def __call__(self):
        self.stage_c[:] -= 0.001 * self.get_timestep() * (self.stage_c - self.elev_c)

def tide(t):
    return [1.0 + 0.1 * np.sin(t), 0.0, 0.0]

def rain(t):
    return 1.0e-3 * t

def inflow(t):
    return 1.0 + t

def drag(domain):
    domain.quantities["xmomentum"].explicit_update[:] *= 0.999

class Own(anuga.Domain):
    steps = 0

    def apply_fractional_steps(self):
        super().apply_fractional_steps()
        self.steps += 1

def built():
    domain = basin("users")
    domain.__class__ = Own
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({"left": anuga.Time_boundary(domain, tide), "right": Sponge(domain),
                         "bottom": wall, "top": wall})
    anuga.Rate_operator(domain, rate=rain)
    anuga.Inlet_operator(domain, [[10.0, 3.0], [10.0, 12.0]], Q=inflow)
    Leak(domain)
    domain.forcing_terms.append(drag)
    domain.set_collect_max_quantities()
    return domain

def tried(action):
    try:
        action()
    except Exception as error:
        print(type(error).__name__, "|", error)

import sys
if sys.argv[1] == "write":
    domain = built()
    domain.set_checkpointing(checkpoint_step=1, checkpoint_dir="SETS", keep=100)
    print(evolved(domain, 3.0), domain.steps)
else:
    domain, said = loaded("users")
    print(*said, sep="\\n")
    operators = domain.fractional_step_operators
    tried(lambda: list(domain.evolve(yieldstep=0.5, finaltime=3.0)))
    for operator in operators[1:4]:
        tried(operator)
    tried(lambda: domain.boundary_map["right"].evaluate(0, 0))
    tried(lambda: domain.boundary_map["left"].evaluate(0, 0))
    tried(lambda: domain.forcing_terms[1](domain))

    domain, said = loaded("users")
    operators = domain.fractional_step_operators
    domain.boundary_map["left"].function = tide
    domain.set_boundary({"right": Sponge(domain)})
    operators[1].rate = rain
    operators[2].Q = inflow
    Leak(domain)
    operators[3] = operators.pop()
    domain.forcing_terms[1] = drag
    domain.__class__ = Own
    print(evolved(domain, 3.0), domain.steps)
'''


def test_users_own_is_named_and_set_again(tmp_path: Path) -> None:
    """One warning lists what is missing, each piece says so when used; set again, all goes on."""
    expected = ran(tmp_path, USERS, "write")[-1]
    warning, *errors, actual = ran(tmp_path, USERS, "resume")
    assert warning.startswith("CheckpointWarning: ")
    for path, kind in (("type(domain)", "class __main__.Own"),
                       ("domain.boundary_map['right']", "a __main__.Sponge"),
                       ("domain.boundary_map['left'].function", "function __main__.tide"),
                       ("domain.fractional_step_operators[1].rate", "function __main__.rain"),
                       ("domain.fractional_step_operators[2].Q", "function __main__.inflow"),
                       ("domain.fractional_step_operators[3]", "a __main__.Leak"),
                       ("domain.forcing_terms[1]", "function __main__.drag")):
        assert f"{path} ({kind})" in warning
    assert 8 == warning.count("(")
    assert 7 == len(errors)
    for error in errors:
        assert error.startswith("CheckpointError | domain.")
        assert error.endswith("set it again before going on.")
    assert expected == actual
