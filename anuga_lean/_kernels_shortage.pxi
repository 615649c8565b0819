# The door to shortage.c, and Python's allocator; included by _kernels.pyx.
#
# Owns what happens where C code runs out of memory and cannot say so.

from libc.string cimport memcpy, memset

cdef extern from "shortage.h" nogil:
    void *lean_take_spare(size_t)
    int lean_give_spare_back(void *)
    size_t lean_spare_nbytes(const void *)
    int32_t lean_try_threads(int32_t, size_t)
    void lean_make_team(int32_t)


cdef extern from "Python.h" nogil:
    ctypedef struct PyMemAllocatorEx:
        void *ctx
        void *(*malloc)(void *, size_t) noexcept nogil
        void *(*calloc)(void *, size_t, size_t) noexcept nogil
        void *(*realloc)(void *, void *, size_t) noexcept nogil
        void (*free)(void *, void *) noexcept nogil

    ctypedef enum PyMemAllocatorDomain:
        PYMEM_DOMAIN_RAW

    void PyMem_GetAllocator(PyMemAllocatorDomain, PyMemAllocatorEx *)
    void PyMem_SetAllocator(PyMemAllocatorDomain, PyMemAllocatorEx *)
    int PyGILState_Check()


cdef PyMemAllocatorEx _below       # the allocator that the guarded one asks
cdef bint _guarded = False


cdef void *_raw_malloc(void *ctx, size_t nbytes) noexcept nogil:
    cdef void *found = _below.malloc(_below.ctx, nbytes)
    if found == NULL and not PyGILState_Check():
        found = lean_take_spare(nbytes)
    return found


cdef void *_raw_calloc(void *ctx, size_t count, size_t each) noexcept nogil:
    cdef void *found = _below.calloc(_below.ctx, count, each)
    if found == NULL and not PyGILState_Check() and (each == 0 or count <= <size_t> -1 // each):
        found = lean_take_spare(count * each)
        if found != NULL:
            memset(found, 0, count * each)
    return found


cdef void *_raw_realloc(void *ctx, void *old, size_t nbytes) noexcept nogil:
    cdef size_t held = lean_spare_nbytes(old)
    cdef void *found
    if held == 0:
        return _below.realloc(_below.ctx, old, nbytes)
    if nbytes <= held:
        return old
    found = _below.malloc(_below.ctx, nbytes)
    if found != NULL:
        memcpy(found, old, held)
        lean_give_spare_back(old)
    return found


cdef void _raw_free(void *ctx, void *old) noexcept nogil:
    if not lean_give_spare_back(old):
        _below.free(_below.ctx, old)


def guard_raw_allocations():
    """Give spare buffers to code that allocates without holding the interpreter's lock.

    numpy 2 buffers the operands of a function in its inner loop; where malloc has none for it,
    it raises MemoryError without that lock, which ends the process by a signal.  With a spare
    buffer the loop goes on, and the next allocation tells.  Further calls do nothing.
    """
    global _guarded
    cdef PyMemAllocatorEx own
    if _guarded:
        return
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &_below)
    own.ctx = _below.ctx    # a thread may read the old and the new in turns
    own.malloc, own.calloc = _raw_malloc, _raw_calloc
    own.realloc, own.free = _raw_realloc, _raw_free
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &own)
    _guarded = True


def make_threads(int64_t n, int64_t stack_nbytes):
    """Have OpenMP make its `n` threads, if it can: libgomp ends the process if it cannot.

    Raises
    ------
    MemoryError
        There is no room for them; `nbytes` is that of the stacks of those missing.
    """
    cdef int32_t wanted = _count(n, 1, _MOST_THREADS, "the number of threads"), made
    if stack_nbytes < 0:
        raise ArrayError(f"the bytes of a stack must be 0 or more, not {stack_nbytes}")
    with nogil:
        made = lean_try_threads(wanted - 1, <size_t> stack_nbytes) + 1
    if made < wanted:
        error = MemoryError(f"{made} of {wanted} OpenMP threads can be made")
        error.nbytes = (wanted - made) * stack_nbytes
        raise error
    with nogil:
        lean_make_team(wanted)
