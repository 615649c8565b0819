"""Makes the stored checkpoints of a release: `python -m checkpoint.make_older`, in `tests`.

Of the ANUGA that is installed, by lean and by ANUGA's own classes: `data/anuga_VERSION.tar.xz`
with FOLDER/lean and FOLDER/stock.  `data/format_1_VERSION.tar.xz` is what `write` left of the
models FORMAT_1 at commit d482b59, the last one that wrote format 1.
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

from checkpoint.older_models import MODELS, PARTED, WRITTEN_AT, YIELDSTEP, built

DATA = Path(__file__).with_name("data")


def write(variant: str, folder: Path, models: list[str]) -> None:
    """Write a set of each of some models at t=1 s."""
    if variant == "lean":
        import anuga_lean as anuga
    else:
        import anuga
    for model in models:
        domain = built(anuga, model)
        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)
        for t in domain.evolve(yieldstep=YIELDSTEP, finaltime=WRITTEN_AT + YIELDSTEP):
            if t == WRITTEN_AT:
                break
    anuga.barrier()
    if anuga.myid == 0:
        for path in folder.iterdir():
            if path.stem.endswith(("_0.0", "_0.5")):
                path.unlink()
    anuga.finalize()


def main() -> None:
    """Write both variants in processes of their own and pack what they leave."""
    from mpirun import on_ranks  # which imports anuga_lean: not where stock writes

    version = metadata.version("anuga")
    with tempfile.TemporaryDirectory() as place:
        for variant in ("stock", "lean"):
            folder = Path(place) / variant
            folder.mkdir()
            for count, models in ((1, MODELS), (2, [PARTED])):
                done = on_ranks(count, folder, "-m", __spec__.name, variant, str(folder),
                                ",".join(models))
                if done.returncode:
                    raise SystemExit(done.stdout + done.stderr)
        DATA.mkdir(exist_ok=True)
        with tarfile.open(DATA / f"anuga_{version}.tar.xz", "w:xz") as archive:
            for variant in ("lean", "stock"):
                archive.add(Path(place) / variant, variant)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        write(sys.argv[1], Path(sys.argv[2]), sys.argv[3].split(","))
    else:
        main()
