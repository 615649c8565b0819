"""What users put in place of Domain's methods: in a subclass, on an instance, on the class.

A method that looks at the domain in the middle of a step has to see what it
sees on stock; one that writes there has to have stock's effect.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import case
from parity.models import fill, tide, wall

ALGORITHMS = ("DE0", "DE1")
STATE = ("stage", "xmomentum", "ymomentum", "height")


def made(anuga: ModuleType, kind: type, algorithm: str) -> Any:
    """The channel as a domain of the user's class, walls and one open end."""
    points, triangles, boundary = anuga.rectangular_cross(14, 5, len1=70.0, len2=25.0)
    domain = kind(points, triangles, boundary)
    domain.set_name("case")
    domain.set_flow_algorithm(algorithm)
    fill(domain)
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
    return domain


def seen(domain: Any) -> list[float]:
    """A few numbers that tell any change of what a script can see in a step."""
    quantities = domain.quantities
    values = [np.asarray(quantities[name].centroid_values) for name in STATE]
    values += [np.asarray(quantities[name].edge_values) for name in STATE]
    values += [np.asarray(quantities[name].boundary_values) for name in STATE[:3]]
    return [float(np.sum(each * np.arange(each.size).reshape(each.shape))) for each in values]


def looking(method: str, before: bool, after: bool) -> Callable[[ModuleType, list], type]:
    """A class that notes what it sees in one method around the call of ANUGA's."""

    def kind(anuga: ModuleType, notes: list) -> type:
        def override(self: Any, *args: Any, **kwargs: Any) -> Any:
            if before:
                notes.append(seen(self))
            result = getattr(super(User, self), method)(*args, **kwargs)
            if after:
                notes.append(seen(self))
            return result

        User = type("User", (anuga.Domain,), {method: override})
        return User

    return kind


def _case(
    label: str,
    kind: Callable[[ModuleType, list], type],
    algorithms: tuple[str, ...] = ALGORITHMS,
    prepare: Callable[[ModuleType, Any], object] | None = None,
    **options: Any,
) -> None:
    """The same class under every algorithm; what it noted is a result."""

    def register(algorithm: str) -> None:
        @case(name=f"override_{label}_{algorithm}", **options)
        def build(anuga: ModuleType) -> Any:
            notes: list = []
            domain = made(anuga, kind(anuga, notes), algorithm)
            if prepare is not None:
                prepare(anuga, domain)
            yield domain, 1.0, 9.0
            return {"notes": np.array(notes)} if notes else {}

    for algorithm in algorithms:
        register(algorithm)


def closed(anuga: ModuleType, domain: Any) -> None:
    """Walls all around, so that no boundary has the state of a step written."""
    wall(anuga, domain)


def dyed(anuga: ModuleType, domain: Any) -> None:
    """Walls all around and a tracer."""
    wall(anuga, domain)
    domain.add_tracer("dye", initial_value=0.1)


def held_stage(anuga: ModuleType, domain: Any) -> None:
    """A boundary that asks the domain edge by edge."""
    wall(anuga, domain, right=anuga.Transmissive_momentum_set_stage_boundary(domain, tide))


for _method, _prepare in (
    ("apply_protection_against_isolated_degenerate_timesteps", closed),
    ("update_tracer_boundary_values", dyed),
    ("get_conserved_quantities", held_stage),
):
    _case(f"looks_in_{_method}", looking(_method, True, True), prepare=_prepare,
          stock_kernels=f"the {_method} that")
for _method in ("update_conserved_quantities", "distribute_to_vertices_and_edges"):
    _case(f"looks_in_{_method}", looking(_method, True, True), stock_kernels=f"the {_method} that")
for _method in ("update_boundary", "compute_fluxes", "compute_forcing_terms", "update_timestep"):
    _case(f"looks_in_{_method}", looking(_method, True, True))
    _case(f"looks_in_{_method}_beside_a_tracer", looking(_method, True, True), prepare=dyed)
    _case(f"looks_in_{_method}_beside_a_held_stage", looking(_method, True, True),
          prepare=held_stage)
    _case(f"looks_in_{_method}_of_other_schemes", looking(_method, True, True),
          ("DE2", "DE_ader2"))


# -- methods that change something -------------------------------------------------


def slowed(anuga: ModuleType, notes: list) -> type:
    """Half of ANUGA's time step."""

    class User(anuga.Domain):
        def update_timestep(self, yieldstep: float, finaltime: float) -> None:
            self.flux_timestep = 0.5 * self.flux_timestep
            super().update_timestep(yieldstep, finaltime)

    return User


def frictionless(anuga: ModuleType, notes: list) -> type:
    """No forcing terms at all, though the list is full."""

    class User(anuga.Domain):
        def compute_forcing_terms(self) -> None:
            notes.append([self.timestep])

    return User


def clamped(anuga: ModuleType, notes: list) -> type:
    """Momentum cut after the extrapolation: edges keep what they had."""

    class User(anuga.Domain):
        def distribute_to_vertices_and_edges(self, *args: Any, **kwargs: Any) -> None:
            super().distribute_to_vertices_and_edges(*args, **kwargs)
            momentum = self.quantities["xmomentum"].centroid_values
            np.clip(momentum, -0.05, 0.05, out=momentum)

    return User


def clamped_later(anuga: ModuleType, notes: list) -> type:
    """Momentum cut between fluxes and update."""

    class User(anuga.Domain):
        def compute_forcing_terms(self) -> None:
            super().compute_forcing_terms()
            momentum = self.quantities["ymomentum"].centroid_values
            np.clip(momentum, -0.02, 0.02, out=momentum)

    return User


def first_order(anuga: ModuleType, notes: list) -> type:
    """No extrapolation of ANUGA's: constant values in each triangle."""

    class User(anuga.Domain):
        def distribute_to_vertices_and_edges(self, *args: Any, **kwargs: Any) -> None:
            self.protect_against_infinitesimal_and_negative_heights()
            stage, bed = self.quantities["stage"], self.quantities["elevation"]
            height = self.quantities["height"]
            height.centroid_values[:] = stage.centroid_values - bed.centroid_values
            for name in ("stage", "xmomentum", "ymomentum", "height", "elevation"):
                self.quantities[name].extrapolate_first_order()

    return User


def leaking(anuga: ModuleType, notes: list) -> type:
    """Walls whose boundary values the user corrects."""

    class User(anuga.Domain):
        def update_boundary(self) -> None:
            super().update_boundary()
            values = self.quantities["xmomentum"].boundary_values
            values[self.tag_boundary_cells["left"]] = 0.1

    return User


def own_walls(anuga: ModuleType, notes: list) -> type:
    """The user's own way through the boundary map, with ANUGA's walls in it."""

    class User(anuga.Domain):
        def update_boundary(self) -> None:
            for tag, edges in self.tag_boundary_cells.items():
                self.boundary_map[tag].evaluate_segment(self, edges)

    return User


def lifted(anuga: ModuleType, notes: list) -> type:
    """Stages raised right after each update."""

    class User(anuga.Domain):
        def update_conserved_quantities(self) -> None:
            super().update_conserved_quantities()
            self.quantities["stage"].centroid_values[40:60] += 1.0e-3

    return User


def own_update(anuga: ModuleType, notes: list) -> type:
    """The update by Quantity's own method."""

    class User(anuga.Domain):
        def update_conserved_quantities(self) -> None:
            for name in self.conserved_quantities:
                self.quantities[name].update(self.timestep)

    return User


def own_fluxes(anuga: ModuleType, notes: list) -> type:
    """No fluxes of ANUGA's: water that only rains and rubs."""

    class User(anuga.Domain):
        def compute_fluxes(self) -> None:
            self.quantities["stage"].explicit_update[:] = 1.0e-3
            self.quantities["xmomentum"].explicit_update[:] = 1.0e-2
            self.flux_timestep = 0.1

    return User


def own_euler(anuga: ModuleType, notes: list) -> type:
    """A step written out by the user, with a second look at the boundary."""

    class User(anuga.Domain):
        def evolve_one_euler_step(self, yieldstep: float, finaltime: float) -> None:
            self.distribute_to_vertices_and_edges()
            self.update_boundary()
            notes.append(seen(self))
            self.update_boundary()
            self.compute_fluxes()
            self.compute_forcing_terms()
            self.update_timestep(yieldstep, finaltime)
            self.update_conserved_quantities()

    return User


def own_rk2(anuga: ModuleType, notes: list) -> type:
    """Two stages with other weights than ANUGA's."""

    class User(anuga.Domain):
        def evolve_one_rk2_step(self, yieldstep: float, finaltime: float) -> None:
            self.backup_conserved_quantities()
            self.distribute_to_vertices_and_edges()
            self.update_boundary()
            self.compute_fluxes()
            self.compute_forcing_terms()
            self.update_timestep(yieldstep, finaltime)
            self.update_conserved_quantities()
            self.distribute_to_vertices_and_edges()
            self.update_boundary()
            self.compute_fluxes()
            self.compute_forcing_terms()
            self.update_conserved_quantities()
            self.saxpy_conserved_quantities(0.25, 0.75)

    return User


def own_ader2(anuga: ModuleType, notes: list) -> type:
    """No predictor, and momentum cut between boundary and fluxes."""

    class User(anuga.Domain):
        def evolve_one_ader2_step(self, yieldstep: float, finaltime: float) -> None:
            self.distribute_to_vertices_and_edges(distribute_to_vertices=False)
            self.update_boundary()
            notes.append(seen(self))
            momentum = self.quantities["xmomentum"].centroid_values
            np.clip(momentum, -0.05, 0.05, out=momentum)
            self.compute_fluxes()
            self.compute_forcing_terms()
            self.update_timestep(yieldstep, finaltime)
            self.update_conserved_quantities()

    return User


def periodic(anuga: ModuleType, notes: list) -> type:
    """Some triangles copied from others where ranks would exchange."""

    class User(anuga.Domain):
        def update_ghosts(self, quantities: Any = None) -> None:
            for name in self.conserved_quantities:
                values = self.quantities[name].centroid_values
                values[0:3] = 0.5 * (values[0:3] + values[40:43])

    return User


def raining(anuga: ModuleType, notes: list) -> type:
    """A fractional step of the user's own."""

    class User(anuga.Domain):
        def apply_fractional_steps(self) -> None:
            super().apply_fractional_steps()
            self.quantities["stage"].centroid_values[:] += 1.0e-3 * self.timestep

    return User


def chatting(anuga: ModuleType, notes: list) -> type:
    """Own evolve and set_quantity."""

    class User(anuga.Domain):
        def evolve(self, *args: Any, **kwargs: Any) -> Any:
            for t in super().evolve(*args, **kwargs):
                notes.append([t])
                yield t

        def set_quantity(self, name: str, *args: Any, **kwargs: Any) -> None:
            super().set_quantity(name, *args, **kwargs)
            notes.append([float(len(name))])

    return User


def writing(method: str, before: float, after: float) -> Callable[[ModuleType, list], type]:
    """A class that raises stages around the call of ANUGA's method, by so many metres."""

    def kind(anuga: ModuleType, notes: list) -> type:
        def override(self: Any, *args: Any, **kwargs: Any) -> Any:
            stage = self.quantities["stage"].centroid_values
            if before:
                stage[40:60] += before
            result = getattr(super(User, self), method)(*args, **kwargs)
            if after:
                stage[40:60] += after
            notes.append([float(np.sum(stage)), self.timestep, self.flux_timestep])
            return result

        User = type("User", (anuga.Domain,), {method: override})
        return User

    return kind


def deaf(method: str) -> Callable[[ModuleType, list], type]:
    """A class whose method does nothing on every third call."""

    def kind(anuga: ModuleType, notes: list) -> type:
        def override(self: Any, *args: Any, **kwargs: Any) -> None:
            notes.append([float(np.sum(self.quantities["stage"].centroid_values))])
            if len(notes) % 3:
                getattr(super(User, self), method)(*args, **kwargs)

        User = type("User", (anuga.Domain,), {method: override})
        return User

    return kind


_WHOLE = {"DE0": "evolve_one_euler_step", "DE1": "evolve_one_rk2_step",
          "DE2": "evolve_one_rk3_step", "DE_ader2": "evolve_one_ader2_step"}

for _kind in (clamped, first_order, lifted, own_update):
    _case(_kind.__name__, _kind, stock_kernels="instead of ANUGA's")
_case("own_fluxes", own_fluxes, stock_kernels="writing to the update arrays of stage")
_case("own_euler", own_euler, ("DE0",), stock_kernels="instead of ANUGA's")
_case("own_rk2", own_rk2, ("DE1",), stock_kernels="instead of ANUGA's")
for _kind in (slowed, frictionless, clamped_later, leaking, own_walls):
    _case(_kind.__name__, _kind)
for _algorithm, _method in _WHOLE.items():
    _case(f"writes_around_{_method}", writing(_method, 1.0e-4, 2.0e-4), (_algorithm,))
    for _other in ("compute_forcing_terms", "update_timestep"):
        _case(f"writes_around_{_other}", writing(_other, 1.0e-4, 2.0e-4), (_algorithm,))
    _case("writes_after_compute_fluxes", writing("compute_fluxes", 0.0, 1.0e-4), (_algorithm,))
    for _label, _other, _before, _after in (
        ("before_compute_fluxes", "compute_fluxes", 1.0e-4, 0.0),
        ("before_update_boundary", "update_boundary", 1.0e-4, 0.0),
        ("after_update_boundary", "update_boundary", 0.0, 1.0e-4),
    ):
        _case(f"writes_{_label}", writing(_other, _before, _after), (_algorithm,),
              stock_kernels=f"the {_other} that")
    for _other in ("compute_forcing_terms", "update_timestep", "update_boundary"):
        _case(f"is_deaf_in_{_other}", deaf(_other), (_algorithm,))
_case("is_deaf_in_compute_fluxes", deaf("compute_fluxes"), ("DE0", "DE_ader2"),
      stock_kernels="the compute_fluxes that")
_case("own_ader2", own_ader2, ("DE_ader2",), closed, stock_kernels="instead of ANUGA's")
for _kind in (periodic, raining, chatting):
    _case(_kind.__name__, _kind)


# -- methods replaced from outside -----------------------------------------------------


def _patched_case(label: str, patch: Callable[[ModuleType, Any, list], None]) -> None:
    def register(algorithm: str) -> None:
        @case(name=f"patched_{label}_{algorithm}")
        def build(anuga: ModuleType) -> Any:
            notes: list = []
            domain = made(anuga, anuga.Domain, algorithm)
            yield domain, 1.0, 3.0
            patch(anuga, domain, notes)
            yield domain, 1.0, 9.0
            return {"notes": np.array(notes)}

    for algorithm in ALGORITHMS:
        register(algorithm)


def on_instance(anuga: ModuleType, domain: Any, notes: list) -> None:
    """A function on one domain, in between two evolves."""
    compute_fluxes = domain.compute_fluxes

    def spy() -> None:
        notes.append(seen(domain))
        compute_fluxes()

    domain.compute_fluxes = spy


def on_class(anuga: ModuleType, domain: Any, notes: list) -> None:
    """The method of the class itself, as a notebook would do it."""

    def nothing(self: Any) -> None:
        notes.append(seen(self))

    anuga.Domain.compute_forcing_terms = nothing


def wrapped(anuga: ModuleType, domain: Any, notes: list) -> None:
    """A decorator that makes the user's function look like ANUGA's."""
    update_boundary = anuga.Domain.update_boundary

    @functools.wraps(update_boundary)
    def timed(self: Any) -> None:
        notes.append(seen(self))
        update_boundary(self)

    anuga.Domain.update_boundary = timed


def partial(anuga: ModuleType, domain: Any, notes: list) -> None:
    """A callable that is no function."""
    update_timestep = domain.update_timestep

    def slow(factor: float, yieldstep: float, finaltime: float) -> None:
        notes.append(seen(domain))
        domain.flux_timestep *= factor
        update_timestep(yieldstep, finaltime)

    domain.update_timestep = functools.partial(slow, 0.5)


for _patch in (on_instance, on_class, wrapped, partial):
    _patched_case(_patch.__name__, _patch)
