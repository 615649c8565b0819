/* Which kernels run on this CPU. */
#include <string.h>

#include "run.h"

/* The functions of isa.h as one instruction set's build names them, and their table. */
#define DECLARE(isa)                                                                         \
    double lean_sweep_##isa(const lean_run *, int, double, lean_update_result *);            \
    void lean_update_##isa(const lean_run *, int, double, uint8_t *, lean_update_result *);  \
    int lean_distribute_##isa(lean_run *, int);                                              \
    void lean_mark_isolated_##isa(const lean_run *);                                         \
    int lean_check_rate_##isa(const lean_rate *, int);                                       \
    lean_rate_part lean_survey_rate_##isa(const lean_rate *, int, lean_rate_part *);         \
    void lean_changes_of_rate_##isa(const lean_rate *, int, double *);                       \
    void lean_apply_rate_##isa(const lean_rate *, int);                                      \
    int lean_raise_maxima_##isa(const lean_maxima *);                                        \
    int lean_raise_to_##isa(double *, const double *, int64_t, int32_t);                     \
    void lean_hypots_##isa(const double *, const double *, int64_t, int, double *);          \
    static const lean_operators operators_##isa = {                                          \
        .check_rate = lean_check_rate_##isa,                                                 \
        .survey_rate = lean_survey_rate_##isa,                                               \
        .changes_of_rate = lean_changes_of_rate_##isa,                                       \
        .apply_rate = lean_apply_rate_##isa,                                                 \
        .raise_maxima = lean_raise_maxima_##isa,                                             \
        .raise_to = lean_raise_to_##isa,                                                     \
        .hypots = lean_hypots_##isa,                                                         \
    };                                                                                       \
    extern const lean_everywhere lean_everywhere_##isa;                                      \
    void lean_edge_range_##isa(const lean_run *, int64_t, int64_t, int, double *);           \
    void lean_scour_##isa(const lean_run *, const lean_scour *);                             \
    void lean_frame_at_nodes_##isa(const lean_frame *, int);                                 \
    void lean_frame_at_vertices_##isa(const lean_run *, const lean_frame *);                 \
    static const lean_kernels kernels_##isa = {                                              \
        .name = #isa,                                                                        \
        .sweep = lean_sweep_##isa,                                                           \
        .update = lean_update_##isa,                                                         \
        .distribute = lean_distribute_##isa,                                                 \
        .mark_isolated = lean_mark_isolated_##isa,                                           \
        .operators = &operators_##isa,                                                       \
        .everywhere = &lean_everywhere_##isa,                                                \
        .edge_range = lean_edge_range_##isa,                                                 \
        .scour = lean_scour_##isa,                                                           \
        .frame_at_nodes = lean_frame_at_nodes_##isa,                                         \
        .frame_at_vertices = lean_frame_at_vertices_##isa,                                   \
    };

DECLARE(baseline)
#ifdef LEAN_X86
DECLARE(v3)
DECLARE(v4)
#endif

const lean_kernels *lean_select_kernels(const char *isa)
{
#ifdef LEAN_X86
    __builtin_cpu_init();
    int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    if (isa == NULL)
        return v4 ? &kernels_v4 : v3 ? &kernels_v3 : &kernels_baseline;
    if (strcmp(isa, "v4") == 0)
        return v4 ? &kernels_v4 : NULL;
    if (strcmp(isa, "v3") == 0)
        return v3 ? &kernels_v3 : NULL;
#endif
    if (isa == NULL || strcmp(isa, "baseline") == 0)
        return &kernels_baseline;
    return NULL;
}

const lean_operators *lean_select_operators(const char *isa)
{
    const lean_kernels *kernels = lean_select_kernels(isa);
    return kernels == NULL ? NULL : kernels->operators;
}
