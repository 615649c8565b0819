"""Sets up a lean domain's flags of full triangles and its exchange with other ranks.

Owns the flags of full triangles and the buffers of the exchange, as ANUGA's
Generic_Domain._init_parallel sets them.  That method counts the full nodes in
72 bytes per triangle of index arrays; here they follow when `node_full_flag`
is read (`domain_attributes`).  The exchange itself is ANUGA's.
"""

from __future__ import annotations

from typing import Any

import anuga.utilities.log as log
import numpy as np
from anuga.config import MULTIPROCESSOR_OPENMP


def set_up(
    domain: Any,
    full_send_dict: dict | None,
    ghost_recv_dict: dict | None,
    processor: int,
    numproc: int,
    ghost_layer_width: int,
    verbose: bool,
) -> None:
    """Set what ANUGA's method of the same arguments sets on `domain`.

    Notes
    -----
    ANUGA 4.1.0, generic_domain.py, _init_parallel.  `node_full_flag` is set there too.
    """
    domain.parallel = False
    domain.number_of_global_triangles = domain.number_of_triangles
    domain.number_of_global_nodes = domain.number_of_nodes
    domain.full_send_dict = {} if full_send_dict is None else full_send_dict
    domain.ghost_recv_dict = {} if ghost_recv_dict is None else ghost_recv_dict
    domain.set_multiprocessor_mode(MULTIPROCESSOR_OPENMP)
    domain.processor = processor
    domain.numproc = numproc
    domain.ghost_layer_width = ghost_layer_width
    domain.communication_time = 0.0
    domain.communication_reduce_time = 0.0
    domain.communication_broadcast_time = 0.0
    if verbose:
        log.info("Domain: Set up communication buffers ")
    domain.nsys = len(domain.conserved_quantities)
    for messages in (domain.full_send_dict, domain.ghost_recv_dict):
        for message in messages.values():
            message.append(np.zeros((message[0].shape[0], domain.nsys), float))
    if verbose:
        log.info("Domain: Set up triangle/node full flags ")
    domain.number_of_elements = len(domain)
    domain.number_of_full_triangles = _flag_full_triangles(domain)
    domain.number_of_full_nodes = domain.number_of_nodes


def _flag_full_triangles(domain: Any) -> int:
    """Set `tri_full_flag` and return how many triangles are full."""
    flags = np.ones(len(domain), np.uint8)
    for message in domain.ghost_recv_dict.values():
        flags[message[0]] = 0
    domain.tri_full_flag = flags
    return int(np.count_nonzero(flags))
