"""Makes the stored checkpoints of a release: `python -m checkpoint.make_older`, in `tests`.

Of the ANUGA that is installed, by lean and by ANUGA's own classes: `data/anuga_VERSION.tar.xz`
with FOLDER/lean and FOLDER/stock.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

from checkpoint.older_models import MODELS, WRITTEN_AT, YIELDSTEP, built

DATA = Path(__file__).with_name("data")


def write(variant: str, folder: Path) -> None:
    """Write a set of each model at t=1 s."""
    if variant == "lean":
        import anuga_lean as anuga
    else:
        import anuga
    for model in MODELS:
        domain = built(anuga, model)
        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)
        for t in domain.evolve(yieldstep=YIELDSTEP, finaltime=WRITTEN_AT + YIELDSTEP):
            if t == WRITTEN_AT:
                break
    for path in folder.iterdir():
        if path.stem.endswith(("_0.0", "_0.5")):
            path.unlink()


def main() -> None:
    """Write both variants in processes of their own and pack what they leave."""
    version = metadata.version("anuga")
    with tempfile.TemporaryDirectory() as place:
        for variant in ("stock", "lean"):
            (Path(place) / variant).mkdir()
            subprocess.run([sys.executable, "-m", __spec__.name, variant,
                            str(Path(place) / variant)], check=True)
        DATA.mkdir(exist_ok=True)
        with tarfile.open(DATA / f"anuga_{version}.tar.xz", "w:xz") as archive:
            for variant in ("lean", "stock"):
                archive.add(Path(place) / variant, variant)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        write(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
