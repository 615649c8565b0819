"""Exchanges ghost values and time steps between the ranks of a parallel domain.

Owns the persistent requests over the buffers in `full_send_dict` and
`ghost_recv_dict`, and over those of the tracers.  When an exchange is due is
ANUGA's (Parallel_domain); which rank sends what is settled when the domain is made.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Mapping, Sequence
from time import time
from typing import Any

import numpy as np
from anuga.utilities import parallel_abstraction as _pypar
from numpy.typing import NDArray

from anuga_lean.overlay.kernel_calls import Function, asking_first
from anuga_lean.stepping import guarding
from anuga_lean.stepping.domain import LeanDomain

Array = NDArray[np.float64]

_GHOSTS, _TRACERS, _BED = 123, 124, 125    # ANUGA's tags: the other rank may run ANUGA's code


class Messages:
    """Persistent requests of a domain over one buffer per neighbouring rank and direction.

    Parameters
    ----------
    tag : int
    sends, receives : mapping of rank to (m, columns) float64, contiguous
        Sent from and received into, at every `exchange`.

    Notes
    -----
    A persistent request meets any other of its tag (MPI 4.0, section 3.9), so
    that one rank may make its requests anew without the others.
    """

    def __init__(self, tag: int, sends: Mapping[int, Array], receives: Mapping[int, Array]) -> None:
        self.comm = _pypar.comm
        self.buffers = dict(sends), dict(receives)
        self._requests = [
            *(self.comm.Recv_init(buffer, int(rank), tag) for rank, buffer in receives.items()),
            *(self.comm.Send_init(buffer, int(rank), tag) for rank, buffer in sends.items())]
        # MPI holds the requests, not Python: without this they would outlive the domain
        self.release = weakref.finalize(self, _free, self._requests)

    def are_over(self, sends: Mapping[int, Array], receives: Mapping[int, Array]) -> bool:
        """Whether these are the buffers, and the communicator is still ANUGA's."""
        return self.comm is _pypar.comm and all(
            len(now) == len(known) and all([rank in known and known[rank] is buffer
                                            for rank, buffer in now.items()])
            for now, known in zip((sends, receives), self.buffers, strict=True))

    def exchange(self) -> None:
        """Send and receive every buffer."""
        from mpi4py.MPI import Prequest

        Prequest.Startall(self._requests)
        Prequest.Waitall(self._requests)


def _free(requests: list[Any]) -> None:
    """Give the requests back to MPI, unless it has ended."""
    from mpi4py import MPI

    if not MPI.Is_finalized():
        for request in requests:
            request.Free()
    requests.clear()


def _exchange(domain: Any, tag: int, sends: Mapping[int, Array],
              receives: Mapping[int, Array]) -> None:
    """Exchange the buffers of one kind; a script may have put in others since the last time."""
    known = domain._lean_messages
    messages = known.get(tag)
    if messages is None or not messages.are_over(sends, receives):
        if messages is not None:
            messages.release()
        messages = Messages(tag, sends, receives)
        domain._lean_messages = {**known, tag: messages}
    messages.exchange()


def _buffers(messages: Mapping[int, Sequence[Any]]) -> dict[int, Array]:
    """Return the buffer of each message [local triangles, global triangles, buffer]."""
    return {rank: message[2] for rank, message in messages.items()}


def communicate_ghosts_non_blocking(domain: Any, quantities: Sequence[str] | None = None) -> None:
    """Set the centroid values of ghost triangles to those of the ranks that own them.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.LeanDomain
    quantities : sequence of str, optional
        At most as many as the buffers have columns; the conserved ones if left out.

    Notes
    -----
    ANUGA 4.1.0, parallel_generic_communications.py, the function of this name.
    """
    from anuga import myid

    began = time()
    if myid == 0:
        domain.calls_to_update_ghosts += 1
    if quantities is None:
        quantities = domain.conserved_quantities
    sends, receives = domain.full_send_dict, domain.ghost_recv_dict
    for column, name in enumerate(quantities):
        values = domain.quantities[name].centroid_values
        for message in sends.values():
            message[2][:, column] = np.take(values, message[0])
    _exchange(domain, _GHOSTS, _buffers(sends), _buffers(receives))
    for column, name in enumerate(quantities):
        values = domain.quantities[name].centroid_values
        for message in receives.values():
            np.put(values, message[0], message[2][:, column])
    domain.communication_time += time() - began
    communicate_tracer_ghosts(domain)


def communicate_tracer_ghosts(domain: Any) -> None:
    """Set the conserved tracer values of ghost triangles to those of the ranks that own them.

    Notes
    -----
    ANUGA 4.1.0, parallel_generic_communications.py, the function of this name.
    """
    count = getattr(domain, "number_of_tracers", 0)
    if count == 0:
        return
    began = time()
    values = domain.tracer_conserved_values     # (number_of_tracers, n)
    kept = _tracer_buffers(domain, count)
    for rank, message in domain.full_send_dict.items():
        for column in range(count):
            kept["send"][rank][:, column] = np.take(values[column], message[0])
    _exchange(domain, _TRACERS, kept["send"], kept["recv"])
    for rank, message in domain.ghost_recv_dict.items():
        for column in range(count):
            np.put(values[column], message[0], kept["recv"][rank][:, column])
    domain.communication_time += time() - began


def _tracer_buffers(domain: Any, count: int) -> dict[str, Any]:
    """Return the buffers of `count` tracers, in the form and place that ANUGA keeps them."""
    kinds = {"send": domain.full_send_dict, "recv": domain.ghost_recv_dict}
    shapes = {kind: {rank: (len(message[0]), count) for rank, message in messages.items()}
              for kind, messages in kinds.items()}
    kept = getattr(domain, "_tracer_halo_buffers", None)
    if kept is None or any(
            {rank: buffer.shape for rank, buffer in kept[kind].items()} != shapes[kind]
            for kind in kinds):
        kept = {"ns": count, **{
            kind: {rank: np.zeros(shape) for rank, shape in each.items()}
            for kind, each in shapes.items()}}
        domain._tracer_halo_buffers = kept
    return kept


def communicate_flux_timestep(domain: Any, yieldstep: Any, finaltime: Any) -> None:
    """Set `flux_timestep` to the least of all ranks.

    Notes
    -----
    ANUGA 4.1.0, parallel_generic_communications.py, the function of this name.
    """
    from anuga import myid

    if myid == 0:
        domain.calls_to_update_timestep += 1
    if domain.fixed_flux_timestep is not None:
        domain.flux_timestep = domain.fixed_flux_timestep
        if not domain.test_allreduce:
            return
    from mpi4py.MPI import IN_PLACE, MIN

    guard = guarding.current
    both = domain.global_timestep
    domain.local_timestep[0] = both[0] = domain.flux_timestep
    if guard is not None:
        # One message for both: all ranks know at the same step what one of them is asked for.
        both = guard.with_timestep
        both[0], both[1] = domain.flux_timestep, -guard.asked
    began = time()
    _pypar.comm.Allreduce(IN_PLACE, both, op=MIN)
    domain.communication_reduce_time += time() - began
    domain.flux_timestep = domain.global_timestep[0] = both[0]
    if guard is not None and both[1] < 0.0:
        guard.is_told(-both[1])


def communicate_bed_ghosts(domain: Any) -> None:
    """Set the bed at the centroids of ghost triangles to that of the ranks that own them.

    Notes
    -----
    ANUGA 4.2.0, parallel_generic_communications.py, the function of this name.  It sends the
    bed at the edges too, which nothing reads before the next distribute writes it: the
    message keeps its columns, of which a lean rank reads and fills the first, so that lean
    ranks and ranks on ANUGA's kernels understand each other.
    """
    from mpi4py.MPI import Request

    began = time()
    bed = domain.quantities["elevation"]
    values, edges = bed.centroid_values, bed.edge_values
    sends, receives = domain.full_send_dict, domain.ghost_recv_dict
    send = {}
    for rank, message in sends.items():
        send[rank] = np.empty((len(message[0]), 4))
        send[rank][:, 0] = values[message[0]]
        send[rank][:, 1:] = edges[message[0]]
    receive = {rank: np.empty((len(message[0]), 4)) for rank, message in receives.items()}
    requests = [_pypar.comm.Irecv(buffer, int(rank), _BED) for rank, buffer in receive.items()]
    requests += [_pypar.comm.Isend(buffer, int(rank), _BED) for rank, buffer in send.items()]
    Request.Waitall(requests)
    for rank, message in receives.items():
        values[message[0]] = receive[rank][:, 0]
    domain.communication_time += time() - began


# -- in ANUGA's place --------------------------------------------------------------------


def exchanging(function: Function) -> Function:
    """Wrap an exchange: lean domains, and those on stock arrays, use requests made once."""
    own = globals()[function.__name__]

    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = own if isinstance(domain, LeanDomain) else function
        return chosen(domain, *args, **kwargs)
    return ask


def exchanging_bed(function: Function) -> Function:
    """Wrap the exchange of the bed: lean domains need no array of edge values for it."""
    return asking_first(function, communicate_bed_ghosts)
