/* Spare buffers, and threads that are tried. See shortage.h. */
#include "shortage.h"

#include <pthread.h>

/* A buffer of an iterator of numpy's holds 8,192 numbers of up to 16 bytes, and an iterator has
 * one for each of a few operands.  Pages that were never written take no memory. */
enum { COUNT = 16, NBYTES = (8192 + 64) * 16 };

static _Alignas(64) unsigned char spare[COUNT][NBYTES];
static uint32_t taken; /* bit s: spare[s] is in use */

void *lean_take_spare(size_t nbytes)
{
    if (nbytes > NBYTES)
        return NULL;
    for (int s = 0; s < COUNT; s++) {
        uint32_t bit = (uint32_t)1 << s;
        if (!(__atomic_fetch_or(&taken, bit, __ATOMIC_ACQUIRE) & bit))
            return spare[s];
    }
    return NULL;
}

size_t lean_spare_nbytes(const void *buffer)
{
    uintptr_t place = (uintptr_t)buffer - (uintptr_t)spare;
    return place < sizeof spare ? NBYTES : 0;
}

int lean_give_spare_back(void *buffer)
{
    if (!lean_spare_nbytes(buffer))
        return 0;
    uintptr_t s = ((uintptr_t)buffer - (uintptr_t)spare) / NBYTES;
    __atomic_fetch_and(&taken, ~((uint32_t)1 << s), __ATOMIC_RELEASE);
    return 1;
}

/* Threads that wait until all are there. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t told;
    int may_end;
} gate;

static void *wait_at(void *argument)
{
    gate *g = argument;
    pthread_mutex_lock(&g->lock);
    while (!g->may_end)
        pthread_cond_wait(&g->told, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

int32_t lean_try_threads(int32_t count, size_t stack_nbytes)
{
    enum { MOST = 1024 }; /* as many are tried; more would be made in any case */
    pthread_t thread[MOST];
    gate g = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    pthread_attr_t attributes;
    int32_t wanted = count < MOST ? count : MOST, made = 0;
    if (pthread_attr_init(&attributes) != 0)
        return 0;
    if (stack_nbytes > 0)
        pthread_attr_setstacksize(&attributes, stack_nbytes); /* refused: libgomp's would be, too */
    while (made < wanted && pthread_create(&thread[made], &attributes, wait_at, &g) == 0)
        made++;
    pthread_mutex_lock(&g.lock);
    g.may_end = 1;
    pthread_cond_broadcast(&g.told);
    pthread_mutex_unlock(&g.lock);
    for (int32_t i = 0; i < made; i++)
        pthread_join(thread[i], NULL);
    pthread_attr_destroy(&attributes);
    return made < wanted ? made : count;
}

void lean_make_team(int32_t count)
{
    #pragma omp parallel num_threads(count)
    {
    }
}
