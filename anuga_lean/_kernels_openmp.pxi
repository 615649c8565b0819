# The door to openmp_runtime.c; included by _kernels.pyx, before anything calls a kernel.
#
# Owns that the kernels have an OpenMP runtime, or that the import says why not.

import os

from anuga_lean import _openmp
from anuga_lean._errors import BrokenInstallation

cdef extern from "openmp_runtime.h" nogil:
    const char *lean_bind_openmp(const char *)
    void lean_end_openmp_threads()


def _bind_openmp():
    path = os.fsencode(_openmp.runtime())
    cdef const char *complaint = lean_bind_openmp(path)
    if complaint != NULL:
        raise BrokenInstallation(
            f"the kernels find no OpenMP runtime ({complaint.decode(errors='replace')}): "
            "install libgomp (Debian: apt install libgomp1; Fedora: dnf install libgomp)")


_bind_openmp()


def end_openmp_threads():
    """End the OpenMP threads that wait for work of the calling thread: a fork could not use them.

    The next parallel region makes new ones.
    """
    with nogil:
        lean_end_openmp_threads()
