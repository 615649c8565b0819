"""One rank that does with its domain what scripts do: `halo.py WHAT`, under mpiexec.

Every part ends with an assertion on what ANUGA's own exchange gives.
"""

import copy
import gc
import pickle
import sys
import tracemalloc
import weakref

import numpy as np

import anuga_lean as anuga
from anuga_lean.measure import probe
from anuga_lean.mpi import halo

NAMES = ("stage", "xmomentum", "ymomentum")


def built(width: int = 2):
    """A model with water of many depths, evolved for a moment."""
    domain = anuga.rectangular_cross_domain(20, 16) if anuga.myid == 0 else None
    if anuga.myid == 0:
        domain.set_quantity("elevation", lambda x, y: -1.0 - x)
        domain.set_quantity("stage", lambda x, y: 0.1 * np.sin(9.0 * x * y))
    domain = anuga.distribute(domain, parameters={"ghost_layer_width": width})
    domain.set_store(False)
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"),
                                      anuga.Reflective_boundary(domain)))
    for _ in domain.evolve(yieldstep=0.01, duration=0.02):
        pass
    return domain


def number(domain) -> None:
    """Put numbers into the quantities that tell the triangle, and none into its ghosts."""
    full = np.asarray(domain.tri_full_flag) == 1
    for place, name in enumerate(NAMES):
        values = domain.quantities[name].centroid_values
        values[:] = np.where(full, domain.tri_l2g + 0.25 * place, -7.0)


def are_exchanged(domain, names=NAMES) -> bool:
    """Whether the ghosts have the numbers of their triangles, those of `names` alone."""
    full = np.asarray(domain.tri_full_flag) == 1
    return all(np.array_equal(
        domain.quantities[name].centroid_values,
        np.where(full | (name in names), domain.tri_l2g + 0.25 * place, -7.0))
        for place, name in enumerate(NAMES))


def requests() -> int:
    """How many requests are kept, of all domains."""
    return sum(len(each._requests) for each in gc.get_objects() if type(each) is halo.Messages)


def exchanged_by_hand(domain) -> None:
    """Quantities by name, in part, and of a user's own."""
    number(domain)
    domain.update_ghosts()
    assert are_exchanged(domain)
    number(domain)
    domain.update_ghosts(["stage", "ymomentum"])
    assert not are_exchanged(domain)
    assert are_exchanged(domain, ("stage", "ymomentum"))
    try:
        domain.update_ghosts(["stage"] * 4)
    except IndexError:
        pass
    else:
        raise AssertionError("more quantities than the buffers have columns")
    anuga.barrier()


def bed_ghosts(domain) -> None:
    """The bed of ghosts becomes that of their owners, in no more memory than the messages."""
    from anuga_lean.arrays.census import census

    bed = domain.quantities["elevation"].centroid_values
    kept = bed.copy()
    full = np.asarray(domain.tri_full_flag) == 1
    bed[:] = np.where(full, domain.tri_l2g, -7.0)
    held = census(domain).nbytes
    rows = sum(len(message[0]) for messages in (domain.full_send_dict, domain.ghost_recv_dict)
               for message in messages.values())
    tracemalloc.start()
    halo.communicate_bed_ghosts(domain)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(bed, domain.tri_l2g)
    assert domain.lean is not None
    assert held == census(domain).nbytes
    print(f"rank {anuga.myid} took {peak} bytes for {rows} rows", flush=True)
    assert peak < 200 * rows + 20_000
    bed[:] = kept


def other_buffers(domain) -> None:
    """A script puts in buffers of its own, on one rank only."""
    before = requests()
    if anuga.myid == 0:
        for messages in (domain.full_send_dict, domain.ghost_recv_dict):
            for message in messages.values():
                message[2] = message[2].copy()
    number(domain)
    domain.update_ghosts()
    assert are_exchanged(domain)
    assert before == requests()
    buffers = [message[2] for message in domain.full_send_dict.values()]
    index = next(iter(domain.full_send_dict.values()))[0]
    assert np.array_equal(buffers[0][:, 1], domain.tri_l2g[index] + 0.25)


def copies(domain) -> None:
    """Copies and pickles have no requests until they exchange, and then their own."""
    before = requests()
    state = domain.__getstate__()
    assert not any("_messages" in name for name in state)
    domain.update_ghosts()
    twins = [copy.deepcopy(domain), pickle.loads(pickle.dumps(domain))]
    assert before == requests()
    for twin in twins:
        number(twin)
        number(domain)
        twin.update_ghosts()
        assert are_exchanged(twin)
        assert not are_exchanged(domain)
    assert 3 * before == requests()
    freed = [weakref.ref(each) for each in gc.get_objects() if type(each) is halo.Messages]
    del twin, twins, state
    gc.collect()
    assert 2 == sum(each() is None for each in freed)
    assert before == requests()


def to_itself() -> None:
    """A rank whose ghosts are its own triangles, as in a periodic channel."""
    points, triangles, boundary = anuga.rectangular_cross(3, 2)
    own = np.array([0, 5, 9]), np.array([20, 21, 23])
    domain = anuga.parallel.parallel_shallow_water.Parallel_domain(
        points, triangles, boundary,
        full_send_dict={anuga.myid: [own[0], own[0]]},
        ghost_recv_dict={anuga.myid: [own[1], own[1]]})
    domain.quantities["stage"].centroid_values[:] = np.arange(24.0)
    for _ in range(3):
        domain.update_ghosts()
    expected = np.arange(24.0)
    expected[own[1]] = own[0]
    assert np.array_equal(expected, domain.quantities["stage"].centroid_values)


def of_a_subclass_and_patched(domain) -> None:
    """Methods of a user's are called as before, and so is what they replace in ANUGA's module."""
    module = anuga.parallel.parallel_generic_communications
    calls = []

    class Counting(type(domain)):
        def update_ghosts(self, quantities=None):
            calls.append("method")
            super().update_ghosts(quantities)

    domain.__class__ = Counting
    number(domain)
    domain.update_ghosts()
    assert are_exchanged(domain) and ["method"] == calls
    kept = module.communicate_ghosts_non_blocking
    module.communicate_ghosts_non_blocking = lambda domain, quantities: calls.append("function")
    number(domain)
    domain.update_ghosts()
    assert not are_exchanged(domain) and ["method", "method", "function"] == calls
    module.communicate_ghosts_non_blocking = kept
    domain.__class__ = Counting.__mro__[1]
    # the ways that ANUGA has besides, on the same buffers
    for name in ("communicate_ghosts_blocking", "communicate_ghosts_asynchronous"):
        number(domain)
        getattr(module, name)(domain)
        assert are_exchanged(domain), name


def reordered() -> None:
    """Requests of a domain on ANUGA's kernels, and tracers added in between."""
    domain = built(width=4)
    domain.add_tracer("salt", initial_value=1.0)
    domain.update_ghosts()
    domain.add_tracer("dye", initial_value=2.0)
    rows = domain.tracer_conserved_values
    full = np.asarray(domain.tri_full_flag) == 1
    rows[:] = np.where(full, domain.tri_l2g + np.array([[0.0], [0.5]]), -7.0)
    domain.update_ghosts()
    assert np.array_equal(domain.tri_l2g + np.array([[0.0], [0.5]]), rows)
    assert {"ns", "send", "recv"} == set(domain._tracer_halo_buffers)
    assert 2 == domain._tracer_halo_buffers["ns"]
    domain.use_stock_kernels("a test")
    number(domain)
    domain.update_ghosts()
    assert are_exchanged(domain)


def long_run(domain) -> None:
    """2,000 exchanges and time steps take no more memory than the first ones."""
    for count in (200, 2000):
        anuga.barrier()
        before = probe.read_memory().pss
        for _ in range(count):
            domain.flux_timestep = 1.0 + anuga.myid
            domain.update_ghosts()
            anuga.parallel.parallel_generic_communications.communicate_flux_timestep(
                domain, 1.0, 1.0)
            assert 1.0 == domain.flux_timestep
    anuga.barrier()
    print(f"rank {anuga.myid} grew by {probe.read_memory().pss - before} bytes", flush=True)


def main() -> None:
    """All of it, then the end, with requests that are still there."""
    domain = built()
    neighbours = len(domain.full_send_dict) + len(domain.ghost_recv_dict)
    assert neighbours == requests() > 0
    exchanged_by_hand(domain)
    bed_ghosts(domain)
    other_buffers(domain)
    copies(domain)
    of_a_subclass_and_patched(domain)
    to_itself()
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", anuga.StockKernelWarning)
        reordered()
    long_run(domain)
    if "finalize" in sys.argv:
        anuga.finalize()
        del domain
        gc.collect()
        assert 0 == requests()
    print(f"rank {anuga.myid} is done", flush=True)


main()
