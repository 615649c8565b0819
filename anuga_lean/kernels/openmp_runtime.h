/* The OpenMP runtime of the kernels: the one that ANUGA's own modules use.
 *
 * gcc turns `#pragma omp` into calls of GOMP_*.  Here they are functions of this module that pass
 * on to a libgomp that is chosen at run time: ANUGA's wheel carries a copy under a name of its own,
 * and a second copy in the process would have threads of its own.  _openmp.py chooses; meson builds
 * this for gcc on Linux unless told -Dopenmp=linked; otherwise both functions do nothing. */
#ifndef LEAN_OPENMP_RUNTIME_H
#define LEAN_OPENMP_RUNTIME_H

/* Opens the library and looks up what the kernels call.  IN path: as dlopen takes it.  Returns NULL,
 * or what dlopen or dlsym complained of; then the kernels must not be called. */
const char *lean_bind_openmp(const char *path);

/* Ends the threads that the calling thread's parallel regions have left waiting, so that a fork has
 * none to wait for in vain; the next region makes new ones.  Nothing where libgomp is older than
 * gcc 9's, or before lean_bind_openmp. */
void lean_end_openmp_threads(void);

#endif
