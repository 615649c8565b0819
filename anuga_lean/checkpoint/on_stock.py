"""Replaces load_checkpoint_file where ANUGA runs as it is: ANUGA's own, with a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load_checkpoint_file(domain_name: str = "domain", checkpoint_dir: str = ".",
                         *args: Any, **kwargs: Any) -> Any:
    """Return what ANUGA's own function returns.

    Raises
    ------
    UnsupportedVersion
        It finds nothing, and lean checkpoints of that name are there.
    """
    from anuga.shallow_water.checkpoint import load_checkpoint_file as load

    try:
        return load(domain_name, checkpoint_dir, *args, **kwargs)
    except Exception as error:      # a plain Exception is what ANUGA raises
        from anuga_lean.checkpoint.names import files_of
        from anuga_lean.overlay.install import require_lean

        folder = Path(checkpoint_dir)
        if folder.is_dir() and any(not each.is_stock for each in files_of(folder, domain_name)):
            try:
                require_lean()
            except ImportError as lean_needed:
                raise lean_needed from error
        raise
