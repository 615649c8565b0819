"""Measures memory of a rank that waits for another, under settings of MPI and of malloc.

The first part is MPI alone: rank 0 sends messages that rank 1 receives only after a while, again
and again, and notes by how much it has grown; ANUGA itself has a few messages for each neighbour
open.  The second part evolves a model under settings of malloc that are often advised.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import MPI_ENVIRONMENT
from anuga_lean.measure.report import table
from anuga_lean.overlay.mpi_settings import NAMES, VALUE, VARIABLE

CHILD = Path(__file__).with_name("mpi_memory_child.py")
# What is set by hand; the last row leaves it to `import anuga_lean`.
OF_MPI: dict[str, dict[str, str]] = {
    "nothing": {},
    f"{NAMES[0]}={VALUE}": {VARIABLE: VALUE},
    f"{NAMES[0]}=4096": {VARIABLE: "4096"},
    f"{NAMES[0]}=128": {VARIABLE: "128"},
    "pml_ob1_free_list_max=256": {"OMPI_MCA_pml_ob1_free_list_max": "256"},
    "btl_sm_eager_limit=32768": {"OMPI_MCA_btl_sm_eager_limit": "32768"},
}
IMPORTED = "nothing, but import anuga_lean"
OF_MALLOC: dict[str, dict[str, str]] = {
    "nothing": {},
    "PYTHONMALLOC=malloc": {"PYTHONMALLOC": "malloc"},
    "MALLOC_ARENA_MAX=2": {"MALLOC_ARENA_MAX": "2"},
    "MMAP and TRIM_THRESHOLD_=65536": {"MALLOC_MMAP_THRESHOLD_": "65536",
                                       "MALLOC_TRIM_THRESHOLD_": "65536"},
}


def child(arguments: list[str], variables: Mapping[str, str], ranks: int = 1,
          patience: float = 600.0) -> dict | None:
    """Run the other file, on some ranks, and return what it prints; None if it does not end."""
    plain = {name: value for name, value in os.environ.items()
             if not name.startswith(("MALLOC_", "PYTHONMALLOC")) and "free_list_max" not in name}
    launcher = ["mpiexec", "-n", str(ranks)] if ranks > 1 else []
    with subprocess.Popen([*launcher, sys.executable, str(CHILD), *arguments],
                          env=plain | MPI_ENVIRONMENT | dict(variables), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as started:
        try:
            out, err = started.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.communicate()
            return None
    if started.returncode != 0:
        raise SystemExit(err[-2000:])
    found: dict = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=1000, help="open at once (%(default)s)")
    parser.add_argument("--kib", type=int, default=64, help="of each (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wait", type=float, default=0.5, metavar="S",
                        help="before rank 1 receives, s (%(default)s)")
    parser.add_argument("--triangles", type=int, default=250_000,
                        help="of the model under settings of malloc; 0: none (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    sizes = list(map(str, (args.messages, args.kib, args.rounds, args.wait)))
    patience = 20.0 + args.rounds * (args.wait + args.messages * args.kib / 1e5)
    sent = {name: child(["send", *sizes], variables, 2, patience)
            for name, variables in OF_MPI.items()}
    sent[IMPORTED] = child(["import", *sizes], {}, 2, patience)
    library = next(found["library"] for found in sent.values() if found is not None)
    print(f"{library}: growth of a rank with {args.messages:,} messages of {args.kib} KiB open for "
          f"{args.wait:g} s, MiB\n")
    print(table([["", *(f"round {k + 1}" for k in range(args.rounds))],
                 *([name, *(["it hangs"] if found is None else
                            [f"{each:,.1f}" for each in found["grown"]])]
                   for name, found in sent.items())]))
    held = {name: child(["evolve", str(args.triangles)], variables)
            for name, variables in OF_MALLOC.items()} if args.triangles else {}
    if held:
        print(f"\na dam break of {args.triangles:,} triangles on lean, MiB\n")
        print(table([["", "RSS at the end", "peak"],
                     *([name, f"{each['rss']:,.1f}", f"{each['peak']:,.1f}"]
                       for name, each in held.items() if each is not None)]))
    if args.json is not None:
        args.json.write_text(json.dumps({
            "date": date.today().isoformat(), "machine": machine(), "messages": args.messages,
            "kib": args.kib, "wait": args.wait, "mpi": sent, "malloc": held}, indent=1) + "\n")


if __name__ == "__main__":
    main()
