/* Runs kernels that need no Python on numbers from a fixed seed; prints a hash for each.
 *
 * Owns the inputs and the hashes.  test_kernels.py compiles it for this machine and for aarch64
 * and compares what the two print.  Kernels that walk over a mesh need the arena that _kernels.pyx
 * sets up, and are not run here.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "geometry.h"
#include "isa.h"
#include "seven_thirds.h"

enum { N = 20000, EACH = 64 };

static uint64_t state = 20261130;

/* Between 0 and 1, by a generator that is the same everywhere (splitmix64). */
static double drawn(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static void draw(double *x, double low, double high)
{
    for (int k = 0; k < N; k++)
        x[k] = drawn() < 0.02 ? (k % 2 ? 0.0 : -0.0) : low + (high - low) * drawn();
}

/* FNV-1a of all bytes, signs of zero included. */
static void print(const char *name, const double *x, int n)
{
    uint64_t hash = 0xcbf29ce484222325u;
    const unsigned char *byte = (const unsigned char *)x;
    for (size_t i = 0; i < (size_t)n * sizeof *x; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    printf("%s %016llx\n", name, (unsigned long long)hash);
}

static double stage[N], bed[N], height[N], uh[N], vh[N], area[N], rate[N], a[N], b[N], c[N], d[N];

static void maxima(void)
{
    draw(a, -1.0, 1.0), draw(b, 0.0, 1.0), draw(c, 0.0, 1.0), draw(d, 0.0, 1.0);
    lean_maxima m = {.n_threads = 1, .n = N, .stage = stage, .elevation = bed, .xmomentum = uh,
                     .ymomentum = vh, .least_depth = 1.0e-3, .own_hypot = 1, .max_stage = a,
                     .max_depth = b, .max_speed = c, .max_momentum = d};
    LEAN_FOR(raise_maxima)(&m);
    print("max_stage", a, N), print("max_depth", b, N);
    print("max_speed", c, N), print("max_momentum", d, N);
    LEAN_FOR(raise_to)(a, stage, N, 1);
    print("raise_to", a, N);
    LEAN_FOR(hypots)(uh, vh, N, 1, a);
    print("hypots", a, N);
}

static void rates(void)
{
    for (int limited = 0; limited < 2; limited++) {
        lean_rate r = {.n_threads = 1, .n = N, .m = N, .n_full = N, .area = area, .rate = rate,
                       .scale = 0.37, .elevation = bed, .stage = stage, .height = height,
                       .xmomentum = uh, .ymomentum = vh};
        LEAN_FOR(changes_of_rate)(&r, limited, a);
        print("changes_of_rate", a, N);
        LEAN_FOR(apply_rate)(&r, limited);
        print("stage_of_rate", stage, N), print("height_of_rate", height, N);
        print("xmomentum_of_rate", uh, N), print("ymomentum_of_rate", vh, N);
    }
}

/* Here aarch64 has fused products of its own, where x86-64's baseline calls pow. */
static void powers(void)
{
    for (int k = 0; k < N; k++)
        a[k] = ldexp(0.5 + 0.5 * drawn(), k % 60 - 40), b[k] = k % 5 != 0;
    for (int k = 0; k + EACH <= N; k += EACH)
        lean_powers(EACH, a + k, b + k, c + k);
    for (int k = 0; k < N; k++)
        c[k] = b[k] != 0.0 && k < N / EACH * EACH ? c[k] : 0.0;
    print("powers", c, N);
    for (int k = 0; k < N; k++)
        c[k] = b[k] != 0.0 && k < N / EACH * EACH ? pow(a[k], 7.0 / 3.0) : 0.0;
    print("powers_by_pow", c, N);
}

static void geometry(void)
{
    for (int k = 0; k + 6 <= N; k++) {
        const double *x = uh + k;
        if (x[0] == 0.0 && x[1] == 0.0)
            continue;   /* no edge: 0/0, whose sign processors choose */
        lean_edge edge = lean_edge_of(x[0], x[1]);
        a[k] = lean_area(x[0], x[1], x[2], x[3], x[4], x[5]);
        b[k] = lean_radius(x[0], x[1], x[2], x[3], x[4], x[5]);
        c[k] = x[2], d[k] = x[3];
        lean_reflect(edge, c + k, d + k);
    }
    print("area", a, N), print("radius", b, N), print("reflected", c, N), print("along", d, N);
}

int main(void)
{
    draw(bed, -5.0, 5.0), draw(uh, -3.0, 3.0), draw(vh, -3.0, 3.0);
    draw(area, 0.5, 2.0), draw(rate, -0.5, 0.5), draw(height, 0.0, 2.0);
    for (int k = 0; k < N; k++)
        stage[k] = bed[k] + height[k];
    geometry(), maxima(), powers(), rates();
    a[0] = lean_serial_sum(stage, N);
    print("serial_sum", a, 1);
    return 0;
}
