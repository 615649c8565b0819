"""Takes the constants of a step from the domain once, as ANUGA's C struct takes them.

Owns which attributes of ANUGA's become which argument of the kernels, and the values that
steps are taken with now.  When they are taken is `step`'s; how many flux calls make a step
is counted in `runge_kutta`.
"""

from __future__ import annotations

from typing import Any

from anuga_lean import _kernels
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.stepping.runge_kutta import Substeps

# What ANUGA's C struct takes from the domain when it is built, and keeps.
_TAKEN = ("g", "epsilon", "H0", "minimum_allowed_height", "maximum_allowed_speed",
          "beta_w", "beta_w_dry", "beta_uh", "beta_uh_dry", "beta_vh", "beta_vh_dry",
          "low_froude", "timestep_fluxcalls", "extrapolate_velocity_second_order",
          "optimise_dry_cells", "evolve_max_timestep", "evolve_min_timestep")


class Parameters:
    """Keeps the constants of a domain as they were when its kernels took them.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    substeps : Substeps
        Takes `timestep_fluxcalls` along with them.

    Attributes
    ----------
    values : dict of str to float, int or bool, or None
        By ANUGA's names and in its units (m, m/s, m/s2, s); None until kernels take them.
    of_kernels : tuple
        What `set_parameters` gives the kernels of them; empty as long as `values` is None.
    """

    def __init__(self, domain: Any, substeps: Substeps) -> None:
        self._domain = domain
        self._substeps = substeps
        self.values: dict[str, Any] | None = None
        self.of_kernels: tuple = ()

    def take(self) -> None:
        """Take the present values from the domain."""
        self.values = {name: getattr(self._domain, name) for name in _TAKEN}
        self.of_kernels = _kernel_parameters(self._domain)
        self._substeps.per_step = self._domain.timestep_fluxcalls

    def forget(self) -> None:
        """Drop all, as before the first kernel."""
        self.values = None
        self.of_kernels = ()

    def value(self, name: str) -> Any:
        """Return the value of a parameter that steps are taken with now."""
        taken = self.values
        return getattr(self._domain, name) if taken is None else taken[name]

    def stored(self) -> dict[str, Any]:
        """Return what a checkpoint holds of them."""
        return {"parameters": self.values, "kernel_parameters": self.of_kernels}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `stored` has returned; what is absent is taken from the domain later."""
        self.values = state.get("parameters")
        self.of_kernels = state.get("kernel_parameters", ())


def set_parameters(run: _kernels.Run, of_kernels: tuple) -> None:
    """Give the kernels of `run` the parameters that `Parameters.of_kernels` holds."""
    g, epsilon, h_min, betas, low_froude, tangential, sloped = of_kernels
    run.set_parameters(g, epsilon, h_min, betas, low_froude, sloped, tangential)


def _kernel_parameters(domain: Any) -> tuple:
    d = domain
    return (d.g, d.epsilon, d.minimum_allowed_height,
            (d.beta_w, d.beta_w_dry, d.beta_uh, d.beta_uh_dry, d.beta_vh, d.beta_vh_dry),
            *_flux_variant(d.low_froude), bool(d.use_sloped_mannings))


def _flux_variant(low_froude: Any) -> tuple[int, bool]:
    """Return mode 0, 1 or 2 (any other is none to ANUGA), and whether the tangential bit is set."""
    bit = capabilities().tangential_upwind
    mode = int(low_froude) & ~bit
    return mode if mode in (1, 2) else 0, bool(int(low_froude) & bit)
