"""The constants of a step as the kernels take them, from a domain's attributes.

Owns which attributes of ANUGA's become which argument; when they are taken is `step`'s.
"""

from __future__ import annotations

from typing import Any

from anuga_lean import _kernels
from anuga_lean.overlay.capabilities import capabilities


def kernel_parameters(domain: Any) -> tuple:
    """Return what `set_parameters` gives the kernels, as the domain has it now."""
    d = domain
    return (d.g, d.epsilon, d.minimum_allowed_height,
            (d.beta_w, d.beta_w_dry, d.beta_uh, d.beta_uh_dry, d.beta_vh, d.beta_vh_dry),
            *_flux_variant(d.low_froude), bool(d.use_sloped_mannings))


def set_parameters(run: _kernels.Run, parameters: tuple) -> None:
    """Let the kernels of `run` have what `kernel_parameters` has returned."""
    g, epsilon, h_min, betas, low_froude, tangential, sloped = parameters
    run.set_parameters(g, epsilon, h_min, betas, low_froude, sloped, tangential)


def _flux_variant(low_froude: Any) -> tuple[int, bool]:
    """Return mode 0, 1 or 2 (any other is none to ANUGA), and whether the tangential bit is set."""
    bit = capabilities().tangential_upwind
    mode = int(low_froude) & ~bit
    return mode if mode in (1, 2) else 0, bool(int(low_froude) & bit)
