# Lends the memory of a numpy array to who asks an array-like for a buffer.
#
# Owns the buffer protocol, which a Python class has from Python 3.12 on only. Which array it
# is, computed or real, the array-like says (arrays/view.py).

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
cimport cython


@cython.auto_pickle(False)      # pickles of array-likes name them by names of ours
cdef class LendsBuffer:
    """The base of what shows the memory of an array as its own."""

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        array = self._memory((flags & PyBUF_WRITABLE) != 0)
        cdef Py_buffer lent
        if not isinstance(array, np.ndarray):   # whose shape and strides live as long as it does
            raise ArrayError(f"the memory of a {type(self).__name__} must be that of a numpy "
                             f"array, not of a {type(array).__name__}")
        PyObject_GetBuffer(array, &lent, flags)
        buffer.buf = lent.buf
        buffer.len = lent.len
        buffer.itemsize = lent.itemsize
        buffer.readonly = lent.readonly
        buffer.ndim = lent.ndim
        buffer.format = lent.format
        buffer.shape = lent.shape
        buffer.strides = lent.strides
        buffer.suboffsets = lent.suboffsets
        buffer.internal = lent.internal
        buffer.obj = array
        PyBuffer_Release(&lent)
