# What everywhere.c and whole_blocks.c offer; their door is _kernels_everywhere.pxi.  Included before `Run`.

cdef extern from "everywhere.h" nogil:
    ctypedef struct lean_wind:
        const double *speed
        const double *angle
        const double *cosine
        const double *sine
        int speed_step
        double factor, dt, limit
        void *cos
        void *sin
        void *of_cos
        void *of_sin

    ctypedef struct lean_everywhere:
        void (*fill)(double *, const int64_t *, int64_t, const double *, int,
                     int32_t) noexcept nogil
        int (*fill_above)(double *, const double *, const int64_t *, int64_t, const double *, int,
                          int32_t) noexcept nogil
        void (*add)(double *, int64_t, double, int32_t) noexcept nogil
        void (*move_bed)(double *, double *, const int64_t *, int64_t, const double *, int,
                         int32_t) noexcept nogil
        double (*erode)(double *, double *, const double *, const double *, const int64_t *,
                        int64_t, double, double, double, int32_t) noexcept nogil
        void (*centroids)(const lean_mesh *, const int64_t *, int64_t, double *, double *,
                          int32_t) noexcept nogil
        int (*blow)(const lean_wind *, int64_t, double *, double *, int32_t) noexcept nogil
        void (*press)(const lean_mesh *, const double *, double, double, const double *,
                      const double *, double *, double *, int32_t) noexcept nogil

    bint lean_ascend(const int64_t *, int64_t, int64_t)
    bint lean_differ(const int64_t *, int64_t, int64_t, uint8_t *)
    int64_t lean_places_for(int64_t)
    bint lean_differ_few(const int64_t *, int64_t, int64_t, int64_t *, int64_t)


cdef extern from "zeros.h":
    int LEAN_ZEROS_BY_SIGN

cdef extern from "whole_blocks.h" nogil:
    ctypedef struct lean_scour:
        double threshold, shear_factor, dt, base
        const uint8_t *chosen
        const double *xmomentum
        const double *ymomentum
        double *elevation
        double *stage
