"""A script that goes wrong on rank 1 in the way that its argument says: `faulty.py HOW`."""

import resource
import sys
import time

import anuga_lean as anuga

how = sys.argv[1]


def limit(nbytes: int) -> None:
    """Leave so many bytes of memory."""
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) << 10 for line in status if line[:7] == "VmData:")
    resource.setrlimit(resource.RLIMIT_DATA, (used + nbytes, resource.RLIM_INFINITY))


side = 8
if how == "memory, of a part":
    side = 200
    anuga.barrier()
    if anuga.myid == 1:
        limit(1 << 19)
domain = anuga.rectangular_cross_domain(side, side) if anuga.myid == 0 else None
domain = anuga.distribute(domain)
domain.set_store(False)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))


def leave() -> None:
    """Leave from within a function, through what runs at its end."""
    with open(__file__):
        try:
            sys.exit(9)
        finally:
            time.sleep(0.0)


def go_wrong() -> None:
    """Do what was asked for."""
    if how == "error":
        raise ValueError("rank 1 is unwell")
    if how == "memory":
        limit(0)
        held = [domain.quantities["stage"]]
        while True:
            held.append(held[0] + 1.0)
    if how == "exit":
        leave()
    if how == "quit":
        exit("rank 1 has no input file")  # noqa: PLR1722
    if how == "SystemExit":
        raise SystemExit(4)
    if how == "caught":
        try:
            leave()
        except SystemExit:
            print("rank 1 goes on")
        try:
            raise ValueError("shown and got over")
        except ValueError as error:
            sys.last_value = error


def shown_elsewhere(*error) -> None:
    """An excepthook of the script's own."""
    print("own hook", error[1])


if how == "error":
    sys.excepthook = shown_elsewhere
for t in domain.evolve(yieldstep=1.0, finaltime=3.0):
    if anuga.myid == 1 and t == 1.0:
        go_wrong()
print(f"rank {anuga.myid} is done", flush=True)
if how != "caught":
    anuga.finalize()
