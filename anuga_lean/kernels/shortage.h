/* What lets a shortage of memory be told instead of ending the process.
 *
 * Owns spare buffers for code that cannot raise an error when malloc fails, and the question
 * whether threads can be made.  Pure C: _kernels_shortage.pxi hands both to Python. */
#ifndef LEAN_SHORTAGE_H
#define LEAN_SHORTAGE_H

#include <stddef.h>
#include <stdint.h>

/* A spare buffer of at least nbytes, 64-byte aligned, contents as left; NULL: none is free or
 * so large.  Any thread may ask. */
void *lean_take_spare(size_t nbytes);

/* Take back what lean_take_spare gave; returns 0, and does nothing, for any other pointer. */
int lean_give_spare_back(void *buffer);

/* Bytes of the spare buffer that begins at `buffer`; 0 for any other pointer. */
size_t lean_spare_nbytes(const void *buffer);

/* Start count threads that live at the same time, each with a stack of stack_nbytes (0: as the
 * system gives), and end them.  Returns how many could be made. */
int32_t lean_try_threads(int32_t count, size_t stack_nbytes);

/* Have OpenMP make its team of count threads now. */
void lean_make_team(int32_t count);

#endif
