/* Counts cycles by phase of a block, in a build that is asked to (meson -Dphases=true); in every
 * other one LEAN_START, LEAN_LAP and LEAN_NOTE are nothing.
 *
 * Owns the list of phases and the clock; phases.c keeps what is counted, benchmarks/phases.py
 * builds, runs and prints it.
 */
#ifndef LEAN_PHASES_H
#define LEAN_PHASES_H

/* In the order of a sweep; `update` is that of update.c, all others are of sweep.c. */
#define LEAN_PHASES_OF_STEP(X)                                                               \
    X(geometry) X(state) X(neighbours) X(reconstruct) X(ears) X(advance) X(boundary)         \
    X(fluxes) X(walls) X(tracers) X(finish) X(slope) X(store) X(second_stage) X(update)

#ifdef LEAN_COUNT_PHASES

#include <stdint.h>
#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define LEAN_PHASE_NUMBER(name) LEAN_PHASE_##name,
enum { LEAN_PHASES_OF_STEP(LEAN_PHASE_NUMBER) LEAN_N_PHASES };

/* Cycles of the time stamp counter; on ARM, ticks of its own; elsewhere ns. */
static inline uint64_t lean_clock(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t now;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now));
    return now;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* What one block took. */
typedef struct {
    uint64_t last;
    uint32_t cycles[LEAN_N_PHASES];
} lean_watch;

/* Keep what a block of n triangles took.  By many threads at once. */
void lean_note_phases(const lean_watch *watch, int n);

#define LEAN_START(watch) lean_watch watch = {.last = lean_clock()}
#define LEAN_LAP(watch, name)                                                                \
    do {                                                                                     \
        uint64_t now_ = lean_clock();                                                        \
        (watch).cycles[LEAN_PHASE_##name] += (uint32_t)(now_ - (watch).last);                \
        (watch).last = now_;                                                                 \
    } while (0)
#define LEAN_NOTE(watch, n) lean_note_phases(&(watch), n)

#else

#define LEAN_START(watch) _Static_assert(1, "")
#define LEAN_LAP(watch, name) ((void)0)
#define LEAN_NOTE(watch, n) ((void)0)

#endif
#endif
