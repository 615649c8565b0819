/* Keeps the cycles of every block and writes them, as the process ends, into the file that the
 * environment variable ANUGA_LEAN_PHASES names: a line with the names of the phases, then a record
 * for every block of a sweep or an update, its number of triangles and the cycles of each phase,
 * uint32 all.
 *
 * Only in a build with -Dphases=true: there alone the kernels have memory of their own.
 */
#include "phases.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_RECORDS = 1 << 20 };    /* 64 MiB; those after it are not kept */

typedef struct {
    uint32_t n, cycles[LEAN_N_PHASES];
} record;

static record records[MOST_RECORDS];
static uint32_t n_records;

void lean_note_phases(const lean_watch *watch, int n)
{
    uint32_t at;
#pragma omp atomic capture
    at = n_records++;
    if (at >= MOST_RECORDS) {
#pragma omp atomic write
        n_records = MOST_RECORDS;
        return;
    }
    records[at].n = (uint32_t)n;
    for (int p = 0; p < LEAN_N_PHASES; p++)
        records[at].cycles[p] = watch->cycles[p];
}

#define NAME_OF_PHASE(name) " " #name

/* Write the file, or say on standard error that it cannot be written. */
static __attribute__((destructor)) void write_records(void)
{
    const char *path = getenv("ANUGA_LEAN_PHASES");
    if (path == NULL || n_records == 0)
        return;
    FILE *file = fopen(path, "wb");
    int written = file && fputs("triangles" LEAN_PHASES_OF_STEP(NAME_OF_PHASE) "\n", file) >= 0 &&
                  fwrite(records, sizeof *records, n_records, file) == n_records;
    if (file && fclose(file) != 0)
        written = 0;
    if (!written)
        fprintf(stderr, "the cycles of %u blocks cannot be written to %s\n", n_records, path);
}
