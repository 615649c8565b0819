"""Finds out what the installed ANUGA can do, from its code and not from its version number.

Owns the one record that the rest of the package reads instead of a version.  The
kernels take it as parameters: without prescribed edges and without the bit of
tangential upwinding they compute what ANUGA 4.1 computes.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Capabilities:
    """The differences between the supported releases.

    Attributes
    ----------
    prescribed_limiter : bool
        Boundaries say which values they prescribe, and these bound the reconstruction
        at their edges (`limiter_prescribes`, `boundary_limit_mask`).
    tangential_upwind : int
        The bit of `low_froude` that upwinds the tangential momentum; 0: there is none.
    viscosity_forms : bool
        Kinematic viscosity has a velocity and a momentum form, the latter explicit too.
    mesh_filename : bool
        `create_domain_from_regions` writes the mesh to a file when asked to.
    bed_ghosts : bool
        A bed that changes after `distribute` is sent to the ranks that hold it as ghosts.
    """

    prescribed_limiter: bool
    tangential_upwind: int
    viscosity_forms: bool
    mesh_filename: bool
    bed_ghosts: bool


@functools.cache
def capabilities() -> Capabilities:
    """Return the record of the installed ANUGA; this loads ANUGA's modules."""
    conditions = _module("abstract_2d_finite_volumes.generic_boundary_conditions")
    viscosity = _module("operators.kinematic_viscosity_operator").Kinematic_viscosity_operator
    return Capabilities(
        prescribed_limiter=hasattr(conditions.Boundary, "limiter_prescribes"),
        tangential_upwind=int(getattr(_module("config"), "LOW_FROUDE_TANGENTIAL_UPWIND", 0)),
        viscosity_forms=_takes(_stock(viscosity).__dict__["__init__"], "form"),
        mesh_filename=_takes(_module("extras").create_domain_from_regions, "mesh_filename"),
        bed_ghosts=hasattr(_module("parallel.parallel_generic_communications"),
                           "communicate_bed_ghosts"),
    )


@functools.cache
def pressure_sign() -> float:
    """Return the sign with which a pressure that rises eastwards acts on xmomentum: 1.0 or -1.0.

    ANUGA's own operator is called on one triangle of unit depth.
    """
    stock = _stock(_module("operators.barometric_pressure").Barometric_pressure_operator)
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    domain = SimpleNamespace(
        get_time=lambda: 0.0, get_timestep=lambda: 1.0, number_of_elements=1,
        get_number_of_nodes=lambda: 3, get_nodes=lambda: corners,
        get_vertex_coordinates=lambda: corners, triangles=np.array([[0, 1, 2]]))
    operator = SimpleNamespace(
        domain=domain, use_coordinates=True, pressure=lambda t, x, y: x,
        stage_c=np.ones(1), elev_c=np.zeros(1), xmom_c=np.zeros(1), ymom_c=np.zeros(1))
    stock.__call__(operator)
    return float(np.sign(operator.xmom_c[0]))


def _module(name: str) -> Any:
    return importlib.import_module(f"anuga.{name}")


def _stock(cls: type) -> type:
    """Return ANUGA's own class, of which `cls` may be the lean one."""
    for each in cls.__mro__:
        made_by = each.__dict__.get("__init__")
        if made_by is not None and made_by.__globals__["__name__"].startswith("anuga."):
            return each
    return cls


def _takes(function: Any, name: str) -> bool:
    return name in inspect.signature(function).parameters
