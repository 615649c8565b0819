/* Passes the calls of OpenMP on. See openmp_runtime.h. */
#include "openmp_runtime.h"

#include <stddef.h>

#ifdef LEAN_OPENMP_LINKED

const char *lean_bind_openmp(const char *path) { return (void)path, NULL; }
void lean_end_openmp_threads(void) {}

#else

#include <dlfcn.h>
#include <stdbool.h>

/* Return type, name, parameters, arguments: all that gcc calls for the pragmas of the kernels.
 * A pragma that needs another one makes a module that cannot be imported: add a line. */
#define CALLS(RETURNS, DOES)                                                                       \
    DOES(GOMP_parallel, (void (*f)(void *), void *d, unsigned n, unsigned g), (f, d, n, g))        \
    DOES(GOMP_critical_name_start, (void **name), (name))                                          \
    DOES(GOMP_critical_name_end, (void **name), (name))                                            \
    DOES(GOMP_atomic_start, (void), ())                                                            \
    DOES(GOMP_atomic_end, (void), ())                                                              \
    DOES(GOMP_loop_end, (void), ())                                                                \
    DOES(GOMP_loop_end_nowait, (void), ())                                                         \
    DOES(GOMP_barrier, (void), ())                                                                 \
    RETURNS(bool, GOMP_loop_nonmonotonic_dynamic_start,                                            \
            (long a, long b, long by, long chunk, long *from, long *to),                           \
            (a, b, by, chunk, from, to))                                                           \
    RETURNS(bool, GOMP_loop_nonmonotonic_dynamic_next, (long *from, long *to), (from, to))         \
    RETURNS(int, omp_get_num_threads, (void), ())                                                  \
    RETURNS(int, omp_get_thread_num, (void), ())

#define RETURNING(type, name, parameters, arguments)                                               \
    static type(*p_##name) parameters;                                                             \
    type name parameters;                                                                          \
    type name parameters { return p_##name arguments; }
#define DOING(name, parameters, arguments)                                                         \
    static void(*p_##name) parameters;                                                             \
    void name parameters;                                                                          \
    void name parameters { p_##name arguments; }
CALLS(RETURNING, DOING)

static int (*pause_all)(int); /* OpenMP 5.0 */

const char *lean_bind_openmp(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return dlerror();
/* POSIX allows the cast of dlsym's result through an object pointer. */
#define FIND_RETURNING(type, name, parameters, arguments) FIND_DOING(name, parameters, arguments)
#define FIND_DOING(name, parameters, arguments)                                                    \
    if ((*(void **)&p_##name = dlsym(library, #name)) == NULL)                                     \
        return dlerror();
    CALLS(FIND_RETURNING, FIND_DOING)
    *(void **)&pause_all = dlsym(library, "omp_pause_resource_all");
    return NULL;
}

void lean_end_openmp_threads(void)
{
    enum { SOFT = 1 };
    if (pause_all != NULL)
        pause_all(SOFT);
}

#endif
