# Checks every array before C sees it; included first by _kernels.pyx.
#
# Owns the checks of class, dtype, length, layout and access, of indices, and of offsets
# that part a list among blocks.  They run where an array is bound or handed over, at most
# one pass over it; nothing here is asked again in a time step.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t

from types import MappingProxyType

import numpy as np

from anuga_lean._errors import ArrayError, BlockTooLarge, MeshError, NotBound

# Reading an array through its attributes takes half a microsecond, which shows where an operator
# touches a few triangles.
cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyArrayObject:
        pass
    int NPY_DOUBLE, NPY_INT64
    int PyArray_TYPE(PyArrayObject *)
    int PyArray_NDIM(PyArrayObject *)
    Py_ssize_t *PyArray_DIMS(PyArrayObject *)
    void *PyArray_DATA(PyArrayObject *)
    bint PyArray_ISCARRAY(PyArrayObject *)
    bint PyArray_ISCARRAY_RO(PyArrayObject *)

cdef object _ndarray = np.ndarray, _float64 = np.float64, _int64 = np.int64

ctypedef fused index_t:
    int32_t
    int64_t
    uint16_t


cdef size_t _address(object array, object dtype, int64_t size, str name,
                     bint written=True) except? 0:
    """Return where the elements of `array` stand, after a check that they are as C expects."""
    cdef PyArrayObject *row = <PyArrayObject *> array
    if type(array) is _ndarray and PyArray_NDIM(row) == 1 and PyArray_DIMS(row)[0] == size \
            and PyArray_TYPE(row) == (NPY_DOUBLE if dtype is _float64 else
                                      NPY_INT64 if dtype is _int64 else -1) \
            and (PyArray_ISCARRAY(row) if written else PyArray_ISCARRAY_RO(row)):
        return <size_t> PyArray_DATA(row)
    if not isinstance(array, np.ndarray):
        raise ArrayError(f"{name} must be a numpy array of {np.dtype(dtype)} with {size} "
                         f"elements, not a {type(array).__name__}")
    flags = array.flags
    if array.dtype != dtype or array.size != size or not flags.c_contiguous \
            or not flags.aligned or written and not flags.writeable:
        wanted = "C-contiguous, aligned and writeable" if written else "C-contiguous and aligned"
        raise ArrayError(
            f"{name} must be {wanted} {np.dtype(dtype)} with {size} elements, not "
            f"{array.dtype} with {array.size}"
            f"{'' if flags.c_contiguous else ', not contiguous'}"
            f"{'' if flags.aligned else ', not aligned'}"
            f"{'' if flags.writeable or not written else ', read-only'}")
    return array.__array_interface__["data"][0]


cdef size_t _read(object array, object dtype, int64_t size, str name) except? 0:
    """Return the same for an array that C only reads, which may be read-only."""
    return _address(array, dtype, size, name, False)


def are_same(tuple now not None, tuple before not None):
    """Return whether two tuples hold the same objects, in the same order."""
    cdef Py_ssize_t j
    if len(now) != len(before):
        return False
    for j in range(len(now)):
        if now[j] is not before[j]:
            return False
    return True


def are_whole(tuple arrays not None, int64_t n):
    """Return whether all are arrays of n numbers that kernels can write, float64 and contiguous."""
    for array in arrays:
        if type(array) is not _ndarray or PyArray_NDIM(<PyArrayObject *> array) != 1 \
                or PyArray_DIMS(<PyArrayObject *> array)[0] != n \
                or PyArray_TYPE(<PyArrayObject *> array) != NPY_DOUBLE \
                or not PyArray_ISCARRAY(<PyArrayObject *> array):
            return False
    return True


cdef int64_t _length(object array, str name) except -1:
    """Return the number of rows of what must be a numpy array of one dimension or more."""
    if not isinstance(array, np.ndarray) or array.ndim < 1:
        raise ArrayError(f"{name} must be a numpy array, not a {type(array).__name__}"
                         f"{' without dimension' if isinstance(array, np.ndarray) else ''}")
    return array.shape[0]


cdef int _check_range(const index_t *p, int64_t n, int64_t least, int64_t end,
                      str name) except -1:
    """Raise ArrayError unless all n are from `least` to below `end`."""
    cdef index_t low, high
    cdef int64_t j
    if n == 0:
        return 0
    low = high = p[0]
    with nogil:
        for j in range(n):
            low = p[j] if p[j] < low else low
            high = p[j] if p[j] > high else high
    if low < least or <int64_t> high >= end:
        raise ArrayError(f"{name} must be from {least} to below {end}, not {low} to {high}")
    return 0


cdef int _check_offsets(const int64_t *offset, int64_t parts, int64_t n, str name) except -1:
    """Raise ArrayError unless the `parts` + 1 offsets ascend from 0 to n."""
    cdef int64_t b
    cdef bint ascends = offset[0] == 0 and offset[parts] == n
    for b in range(parts):
        ascends &= offset[b] <= offset[b + 1]
    if not ascends:
        raise ArrayError(f"{name} must ascend from 0 to {n} in {parts + 1} steps")
    return 0


cdef int32_t _count(int64_t value, int64_t least, int64_t most, str name) except? -1:
    """`value` as int32, after checking that it is from `least` to `most`."""
    if not least <= value <= most:
        raise ArrayError(f"{name} must be from {least} to {most}, not {value}")
    return <int32_t> value


cdef int _check_aligned(const void *p, size_t size, str name) except -1:
    """Raise ArrayError if a buffer, which may begin anywhere, is not aligned."""
    if <size_t> p % size:
        raise ArrayError(f"{name} must be aligned to {size} bytes")
    return 0


cdef int _check_columns(Py_ssize_t columns, int wanted, str name) except -1:
    if columns != wanted:
        raise ArrayError(f"{name} must have {wanted} columns, not {columns}")
    return 0


cdef int _check_rows(const int64_t[::1] rows, int64_t limit) except -1:
    """Raise IndexError in numpy's words unless all rows exist."""
    cdef Py_ssize_t r
    if rows.shape[0] > 0:
        _check_aligned(&rows[0], sizeof(int64_t), "rows")
    for r in range(rows.shape[0]):
        if rows[r] < 0 or rows[r] >= limit:
            raise IndexError(
                f"index {rows[r]} is out of bounds for axis 0 with size {limit}")
    return 0
