# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The one door between Python and the C kernels.

Owns the checks of dtype, shape and contiguity, and nothing else: no
arithmetic, no memory.  `MeshHandle` (from _kernels_mesh.pxi) shows the blocks
to C, `Run` the arrays of a time step.  The kernels are in kernels/.
"""

include "_kernels_mesh.pxi"
include "_kernels_quantity.pxi"
include "_kernels_fit.pxi"

from libc.stdint cimport uint8_t, uint64_t


cdef extern from "run.h" nogil:
    int LEAN_TRACER_EDGES

    ctypedef struct lean_parameters:
        double g, epsilon, h_min
        double beta_w, beta_w_dry, beta_uh, beta_uh_dry, beta_vh, beta_vh_dry
        int32_t low_froude, tangential, manning, sloped

    ctypedef struct lean_walls:
        const int64_t *offset
        const uint16_t *triangle
        const int32_t *place
        const double *elevation
        const int64_t *row
        const double *properties
        int32_t columns

    ctypedef struct lean_prescribed:
        const int64_t *offset
        const uint16_t *triangle
        const int32_t *place
        const uint8_t *bits
        const double *stage
        const double *xmomentum
        const double *ymomentum

    ctypedef struct lean_prescribed_values:
        int64_t n
        const int32_t *edge
        const int32_t *block
        double *value

    ctypedef struct lean_tracers:
        int32_t count
        double beta
        const double *conserved
        double *concentration
        double *explicit_update
        const double *boundary
        double *boundary_flux
        double *edges

    ctypedef struct lean_stems:
        const double *density
        const double *diameter
        const double *height
        double drag, bed_chezy

    ctypedef struct lean_run:
        const lean_mesh *mesh
        lean_parameters p
        int32_t n_threads
        double *stage
        double *xmomentum
        double *ymomentum
        double *height
        const double *elevation
        const double *friction
        double *stage_work
        double *xmomentum_work
        double *ymomentum_work
        double *friction_rate
        double *max_speed
        double *stage_semi
        double *xmomentum_semi
        double *ymomentum_semi
        double predictor_dt
        lean_walls walls
        lean_prescribed prescribed
        lean_tracers tracers
        uint8_t *isolated
        const uint8_t *full
        int64_t n_undo, undo_capacity
        int32_t *undo_index
        double *undo_value
        uint64_t *undo_bits
        const uint8_t *reflective
        double *stage_boundary
        double *xmomentum_boundary
        double *ymomentum_boundary
        double *elevation_boundary
        double *height_boundary
        const int64_t *counted_offset
        const uint16_t *counted_slot
        const int32_t *counted_index
        double *edge_flux
        uint8_t *block_active
        double *block_timestep
        double *scratch
        size_t scratch_stride

    ctypedef struct lean_update_result:
        int64_t n_negative
        double negative_volume

    ctypedef struct lean_kernels:
        const char *name
        double (*sweep)(const lean_run *, int, double, lean_update_result *) noexcept nogil
        void (*update)(const lean_run *, int, double, uint8_t *, lean_update_result *) noexcept nogil
        double (*distribute)(lean_run *, int) noexcept nogil
        void (*mark_isolated)(const lean_run *) noexcept nogil

    size_t lean_scratch_doubles(const lean_mesh *, int)
    int lean_sort_undo(lean_run *)
    void lean_clear_undo(lean_run *)
    const lean_kernels *lean_select_kernels(const char *)
    void lean_edge_rows(const lean_run *, const int64_t *, int64_t, int, double *)
    void lean_reflective_rows(const lean_run *, const int64_t *, const int64_t *,
                              const int64_t *, int64_t)
    void lean_finish_second_stage(const lean_run *)
    void lean_take_prescribed(const lean_run *, const lean_prescribed_values *, uint8_t *)
    void lean_spread_activity(const lean_mesh *, int, const uint8_t *, const uint8_t *,
                              uint8_t *, uint8_t *)
    void lean_take_fingerprints(const lean_run *, const uint8_t *, uint64_t *, uint8_t *)
    void lean_check_fingerprints(const lean_run *, uint8_t *, const uint64_t *, uint8_t *)
    void lean_mark_undone(const lean_run *, uint8_t *)
    void lean_add_friction(const lean_run *, double *, double *)
    void lean_add_vegetation(const lean_run *, const lean_stems *, double *, double *)
    void lean_tracer_concentrations(const lean_run *)
    void lean_update_tracers(const lean_run *, double, double *)
    double lean_grouped_sum(const double *, const int64_t *, int64_t)
    double lean_serial_sum(const double *, int64_t)
    void lean_average(double *, const double *, int64_t, double, double, double, int32_t)


FLUXES, SECOND_STAGE, SPEEDS = 0, 1, 2
REPLACE, EXCHANGE, AS_IT_STANDS = 0, 1, 2

_EDGE_QUANTITIES = {"stage": 0, "xmomentum": 1, "ymomentum": 2, "height": 3, "elevation": 4}


def available_isas():
    """Return the names of the instruction sets this build and this CPU can run."""
    return tuple(
        name for name in ("baseline", "v3", "v4")
        if lean_select_kernels(name.encode()) != NULL)


cdef class Run:
    """The arrays of one run and the kernels that step it.

    Parameters
    ----------
    mesh : MeshHandle
    isa : str or None
        Instruction set, or None for the best this CPU has.

    Raises
    ------
    ValueError
        If `isa` is not one of `available_isas()`, or an array does not fit.
    """

    cdef lean_run r
    cdef const lean_kernels *kernels
    cdef MeshHandle mesh
    cdef dict arrays
    cdef uint8_t *changed
    cdef uint8_t *always
    cdef uint8_t *near
    cdef uint64_t *print
    cdef uint8_t *known
    cdef bint extra
    cdef lean_prescribed_values prescribed

    def __init__(self, MeshHandle mesh not None, isa=None):
        cdef bytes name
        self.mesh = mesh
        self.r.mesh = &mesh.c
        self.r.n_threads = 0
        self.arrays = {}
        if isa is None:
            self.kernels = lean_select_kernels(NULL)
        else:
            name = isa.encode()
            self.kernels = lean_select_kernels(name)
            if self.kernels == NULL:
                raise ValueError(
                    f"instruction set {isa!r} is not one this machine runs: "
                    f"set ANUGA_LEAN_ISA to one of {', '.join(available_isas())}.")

    @property
    def isa(self):
        """Name of the instruction set in use."""
        return self.kernels.name.decode()

    def bound(self, name):
        """The array bound as `name`, or None."""
        return self.arrays.get(name)

    def held(self):
        """The arrays the run reads and writes, by name."""
        return dict(self.arrays)

    cdef size_t _bind(self, str name, object array, object dtype, Py_ssize_t size) except? 0:
        if array is None:
            self.arrays.pop(name, None)
            return 0
        cdef size_t address = _address(array, dtype, size, name)
        self.arrays[name] = array
        return address

    def bind_state(self, stage, xmomentum, ymomentum, height, elevation, friction):
        """Use these centroid arrays, (n,) float64 each; written in place."""
        cdef Py_ssize_t n = self.mesh.c.n
        self.r.stage = <double *> self._bind("stage", stage, np.float64, n)
        self.r.xmomentum = <double *> self._bind("xmomentum", xmomentum, np.float64, n)
        self.r.ymomentum = <double *> self._bind("ymomentum", ymomentum, np.float64, n)
        self.r.height = <double *> self._bind("height", height, np.float64, n)
        self.r.elevation = <const double *> self._bind("elevation", elevation, np.float64, n)
        self.r.friction = <const double *> self._bind("friction", friction, np.float64, n)

    def bind_work(self, stage_work, xmomentum_work, ymomentum_work):
        """Use these for fluxes and the RK2 backup, (n,) float64 each."""
        cdef Py_ssize_t n = self.mesh.c.n
        self.r.stage_work = <double *> self._bind("stage_work", stage_work, np.float64, n)
        self.r.xmomentum_work = <double *> self._bind(
            "xmomentum_work", xmomentum_work, np.float64, n)
        self.r.ymomentum_work = <double *> self._bind(
            "ymomentum_work", ymomentum_work, np.float64, n)

    def bind_flags(self, isolated, full, block_active, block_timestep):
        """Use these: isolated (n,) uint8; full (n,) uint8 or None; per block uint8, float64."""
        cdef Py_ssize_t n = self.mesh.c.n, b = self.mesh.c.n_blocks
        self.r.isolated = <uint8_t *> self._bind("isolated", isolated, np.uint8, n)
        self.r.full = <const uint8_t *> self._bind("full", full, np.uint8, n)
        self.r.block_active = <uint8_t *> self._bind("block_active", block_active, np.uint8, b)
        self.r.block_timestep = <double *> self._bind(
            "block_timestep", block_timestep, np.float64, b)

    def bind_quiet(self, changed, always, near, fingerprint, known):
        """Use these for the bookkeeping of quiet blocks, per block: uint8, one uint64."""
        cdef Py_ssize_t b = self.mesh.c.n_blocks
        self.changed = <uint8_t *> self._bind("changed", changed, np.uint8, b)
        self.always = <uint8_t *> self._bind("always", always, np.uint8, b)
        self.near = <uint8_t *> self._bind("near", near, np.uint8, b)
        self.print = <uint64_t *> self._bind("fingerprint", fingerprint, np.uint64, b)
        self.known = <uint8_t *> self._bind("known", known, np.uint8, b)

    def find_active(self):
        """Set block_active: what the update, or anybody since, has changed."""
        cdef bint wide = self.ordered
        if self.r.n_undo:
            lean_mark_undone(&self.r, self.changed)
        with nogil:
            lean_check_fingerprints(&self.r, self.changed, self.print, self.known)
            lean_spread_activity(&self.mesh.c, wide, self.changed, self.always, self.near,
                                 self.r.block_active)

    def take_fingerprints(self):
        """Remember the state of the blocks that did not change."""
        with nogil:
            lean_take_fingerprints(&self.r, self.changed, self.print, self.known)

    def bind_boundary(self, reflective, stage, xmomentum, ymomentum, elevation, height):
        """Use these: reflective (n_boundary,) uint8, boundary values (n_boundary,) float64."""
        cdef Py_ssize_t n = self.mesh.c.n_boundary
        self.r.reflective = <const uint8_t *> self._bind("reflective", reflective, np.uint8, n)
        self.r.stage_boundary = <double *> self._bind("stage_boundary", stage, np.float64, n)
        self.r.xmomentum_boundary = <double *> self._bind(
            "xmomentum_boundary", xmomentum, np.float64, n)
        self.r.ymomentum_boundary = <double *> self._bind(
            "ymomentum_boundary", ymomentum, np.float64, n)
        self.r.elevation_boundary = <double *> self._bind(
            "elevation_boundary", elevation, np.float64, n)
        self.r.height_boundary = <double *> self._bind("height_boundary", height, np.float64, n)

    def bind_counted(self, edge_flux, offset=None, slot=None, index=None):
        """Edges whose mass flux is summed: the boundary edges, or those given per block."""
        cdef Py_ssize_t n = self.mesh.c.n_boundary if offset is None else len(index)
        self.r.edge_flux = <double *> self._bind("edge_flux", edge_flux, np.float64, n)
        self.r.counted_offset = <const int64_t *> self._bind(
            "counted_offset", offset, np.int64, self.mesh.c.n_blocks + 1)
        self.r.counted_slot = <const uint16_t *> self._bind("counted_slot", slot, np.uint16, n)
        self.r.counted_index = <const int32_t *> self._bind("counted_index", index, np.int32, n)

    def bind_optional(self, friction_rate, max_speed):
        """Record these per triangle, (n,) float64, or None."""
        cdef Py_ssize_t n = self.mesh.c.n
        self.r.friction_rate = <double *> self._bind(
            "friction_rate", friction_rate, np.float64, n)
        self.r.max_speed = <double *> self._bind("max_speed", max_speed, np.float64, n)

    def bind_undo(self, index, value, bits):
        """Room for the record of what distribute changes; keeps what it holds."""
        cdef Py_ssize_t capacity = len(index)
        self.r.undo_index = <int32_t *> self._bind("undo_index", index, np.int32, capacity)
        self.r.undo_value = <double *> self._bind("undo_value", value, np.float64, 3 * capacity)
        self.r.undo_bits = <uint64_t *> self._bind(
            "undo_bits", bits, np.uint64, (self.mesh.c.n + 63) // 64)
        self.r.undo_capacity = capacity

    def bind_walls(self, offset, triangle, place, elevation, row, properties):
        """Riverwalls, or six times None.

        Parameters
        ----------
        offset : (n_blocks + 1,) int64, into `triangle`
        triangle : (m,) uint16, local index of each triangle at a wall
        place : (m, 3) int32, place of each of its edges in `elevation`, or -1
        elevation : (walls,) float64, crests, m; read at every sweep
        row : (walls,) int64, line of each in `properties`
        properties : (lines, columns) float64
        """
        cdef lean_walls *w = &self.r.walls
        cdef Py_ssize_t m = 0 if triangle is None else len(triangle)
        cdef Py_ssize_t walls = 0 if row is None else len(row)
        if place is not None:
            self.mesh._check_rows(np.ascontiguousarray(place.ravel() + 1, np.int64), walls + 1)
            self.mesh._check_rows(row, len(properties))
            w.columns = properties.shape[1]
        w.offset = <const int64_t *> self._bind(
            "wall_offset", offset, np.int64, self.mesh.c.n_blocks + 1)
        w.triangle = <const uint16_t *> self._bind("wall_triangle", triangle, np.uint16, m)
        w.place = <const int32_t *> self._bind("wall_place", place, np.int32, 3 * m)
        w.elevation = <const double *> self._bind("wall_elevation", elevation, np.float64, walls)
        w.row = <const int64_t *> self._bind("wall_row", row, np.int64, walls)
        w.properties = <const double *> self._bind(
            "wall_properties", properties, np.float64,
            0 if properties is None else properties.size)

    def bind_prescribed(self, offset, triangle, place, bits, edge, block, value):
        """Edges at which boundaries prescribe values, or seven times None.

        Parameters
        ----------
        offset : (n_blocks + 1,) int64, into `triangle`
        triangle : (k,) uint16, local index of own and ring triangles, ascending in a block
        place : (k, 3) int32, place of each of its edges in what follows, or -1
        bits : (m,) uint8, 1 stage, 2 momentum
        edge : (m,) int32, in the boundary enumeration
        block : (m,) int32, of the edge's triangle
        value : (3, m) float64, stage and momenta of the last distribute; see `take_prescribed`
        """
        cdef lean_prescribed *p = &self.r.prescribed
        cdef Py_ssize_t k = 0 if triangle is None else len(triangle)
        cdef Py_ssize_t m = 0 if edge is None else len(edge)
        if edge is not None:
            self.mesh._check_rows(np.ascontiguousarray(place.ravel() + 1, np.int64), m + 1)
            self.mesh._check_rows(edge.astype(np.int64), self.mesh.c.n_boundary)
            self.mesh._check_rows(block.astype(np.int64), self.mesh.c.n_blocks)
            if offset[0] != 0 or offset[-1] != k or (np.diff(offset) < 0).any():
                raise ValueError("offset does not part the triangles with prescribed edges")
            self.mesh._check_local(offset, triangle)
        p.offset = <const int64_t *> self._bind(
            "prescribed_offset", offset, np.int64, self.mesh.c.n_blocks + 1)
        p.triangle = <const uint16_t *> self._bind("prescribed_triangle", triangle, np.uint16, k)
        p.place = <const int32_t *> self._bind("prescribed_place", place, np.int32, 3 * k)
        p.bits = <const uint8_t *> self._bind("prescribed_bits", bits, np.uint8, m)
        self.prescribed.n = m
        self.prescribed.edge = <const int32_t *> self._bind(
            "prescribed_edge", edge, np.int32, m)
        self.prescribed.block = <const int32_t *> self._bind(
            "prescribed_block", block, np.int32, m)
        self.prescribed.value = <double *> self._bind(
            "prescribed_value", value, np.float64, 3 * m)
        p.stage = self.prescribed.value
        p.xmomentum = self.prescribed.value + m
        p.ymomentum = self.prescribed.value + 2 * m

    def take_prescribed(self):
        """Take the prescribed values from the boundary arrays; wakes the blocks they change."""
        if self.prescribed.n and self.changed != NULL and self.r.stage_boundary != NULL:
            lean_take_prescribed(&self.r, &self.prescribed, self.changed)

    def bind_tracers(self, int count, double beta, conserved, concentration, explicit_update,
                     boundary, boundary_flux):
        """Carry `count` tracers: (count, n) float64, the last two (count, n_boundary)."""
        cdef lean_tracers *t = &self.r.tracers
        cdef Py_ssize_t n = count * self.mesh.c.n, b = count * self.mesh.c.n_boundary
        t.conserved = <const double *> self._bind("tracer_conserved", conserved, np.float64, n)
        t.concentration = <double *> self._bind(
            "tracer_concentration", concentration, np.float64, n)
        t.explicit_update = <double *> self._bind(
            "tracer_explicit_update", explicit_update, np.float64, n)
        t.boundary = <const double *> self._bind("tracer_boundary", boundary, np.float64, b)
        t.boundary_flux = <double *> self._bind(
            "tracer_boundary_flux", boundary_flux, np.float64, b)
        t.beta = beta
        t.count = count

    def tracer_concentrations(self):
        """Write every tracer's concentration from its conserved values and the depths."""
        with nogil:
            lean_tracer_concentrations(&self.r)

    def update_tracers(self, double dt, double[:, ::1] conserved not None):
        """conserved[:] += dt * explicit update, (count, n) float64, in place."""
        if conserved.shape[0] != self.r.tracers.count or conserved.shape[1] != self.mesh.c.n:
            raise ValueError("conserved does not fit the tracers that are bound")
        with nogil:
            lean_update_tracers(&self.r, dt, &conserved[0, 0])

    def tracer_edges(self):
        """Concentrations at edges: (count, 3 n) float64."""
        cdef lean_update_result result
        values = np.zeros((self.r.tracers.count, 3 * self.mesh.c.n))
        cdef double[:, ::1] out = values
        self.r.tracers.edges = &out[0, 0]
        with nogil:
            self.kernels.sweep(&self.r, LEAN_TRACER_EDGES, 0.0, &result)
        self.r.tracers.edges = NULL
        return values

    def set_predictor(self, double dt):
        """Advance the edge values by `dt` s in the next sweep; 0: do not."""
        self.r.predictor_dt = dt

    def bind_semi_implicit(self, stage, xmomentum, ymomentum):
        """Semi-implicit rates for an AS_IT_STANDS update, (n,) float64 each or None."""
        cdef Py_ssize_t n = self.mesh.c.n
        self.r.stage_semi = <double *> self._bind("stage_semi", stage, np.float64, n)
        self.r.xmomentum_semi = <double *> self._bind(
            "xmomentum_semi", xmomentum, np.float64, n)
        self.r.ymomentum_semi = <double *> self._bind(
            "ymomentum_semi", ymomentum, np.float64, n)

    def set_parameters(self, double g, double epsilon, double h_min, betas, int low_froude,
                       bint sloped=False, bint tangential=False):
        """Set the constants of a step; `betas` as (w, w_dry, uh, uh_dry, vh, vh_dry)."""
        if not 0 <= low_froude <= 2:
            raise ValueError(f"low_froude is 0, 1 or 2, not {low_froude}")
        self.r.p.g = g
        self.r.p.epsilon = epsilon
        self.r.p.h_min = h_min
        (self.r.p.beta_w, self.r.p.beta_w_dry, self.r.p.beta_uh, self.r.p.beta_uh_dry,
         self.r.p.beta_vh, self.r.p.beta_vh_dry) = betas
        self.r.p.low_froude = low_froude
        self.r.p.tangential = tangential
        self.r.p.manning = 0
        self.r.p.sloped = sloped

    @property
    def ordered(self):
        """Whether ANUGA's loop order shows in the reconstruction (a dry limiter above 0)."""
        cdef lean_parameters *p = &self.r.p
        return p.beta_w_dry > 0.0 or p.beta_uh_dry > 0.0 or p.beta_vh_dry > 0.0

    def set_threads(self, int n):
        """Use `n` threads, one arena each, with room for a predictor and tracers if needed."""
        cdef bint extra = self.r.tracers.count > 0 or self.r.predictor_dt != 0.0 or self.extra
        if n == self.r.n_threads and extra == self.extra:
            return
        self.extra = extra
        cdef size_t stride = (lean_scratch_doubles(&self.mesh.c, extra) + 7) & ~<size_t> 7
        scratch = np.empty(n * stride + 8)
        address = scratch.__array_interface__["data"][0]
        self.arrays["scratch"] = scratch
        self.r.scratch = <double *> <size_t> ((address + 63) & ~63)
        self.r.scratch_stride = stride
        self.r.n_threads = n

    def sweep(self, int mode, double dt=0.0):
        """Fluxes of every active block.

        Returns
        -------
        (float, int, float)
            Smallest radius over wave speed in s (1e100 at rest), and for
            SECOND_STAGE the number and volume (m3) of depths lifted.
        """
        cdef lean_update_result result
        cdef double smallest
        result.n_negative = 0
        result.negative_volume = 0.0
        with nogil:
            smallest = self.kernels.sweep(&self.r, mode, dt, &result)
        return smallest, result.n_negative, result.negative_volume

    def update(self, int mode, double dt, bint manning, bint marking=False):
        """Friction and update of the centroid values; `marking`: note changed blocks.

        Returns the number and volume (m3) of depths lifted.
        """
        cdef lean_update_result result
        cdef uint8_t *flags = self.changed if marking else NULL
        self.r.p.manning = manning
        with nogil:
            self.kernels.update(&self.r, mode, dt, flags, &result)
        return result.n_negative, result.negative_volume

    def set_manning(self, bint manning):
        """Whether friction acts in a SECOND_STAGE sweep."""
        self.r.p.manning = manning

    def finish_second_stage(self):
        """Move the averaged state to the centroid arrays and refresh height."""
        with nogil:
            lean_finish_second_stage(&self.r)

    def distribute(self, bint recording):
        """Write the effective state back; returns the mass error (m3), -1 if the record is full."""
        cdef double error
        with nogil:
            error = self.kernels.distribute(&self.r, recording)
        return error

    def mark_isolated(self):
        """Find the triangles all of whose neighbours are dry."""
        with nogil:
            self.kernels.mark_isolated(&self.r)

    @property
    def n_undo(self):
        """Number of triangles in the undo record."""
        return self.r.n_undo

    def clear_undo(self):
        """Forget the undo record."""
        if self.r.n_undo:
            lean_clear_undo(&self.r)

    def sort_undo(self):
        """Make the undo record searchable."""
        if lean_sort_undo(&self.r) != 0:
            raise MemoryError("not enough memory to sort the record of changed triangles")

    def edge_rows(self, str quantity, const int64_t[::1] rows not None):
        """Edge values of the given triangles: (m, 3) float64."""
        cdef int64_t m = rows.shape[0]
        cdef int q = _EDGE_QUANTITIES[quantity]
        self.mesh._check_rows(rows, self.mesh.c.n)
        values = np.empty((m, 3))
        cdef double[:, ::1] out = values
        if m > 0:
            with nogil:
                lean_edge_rows(&self.r, &rows[0], m, q, &out[0, 0])
        return values

    def all_edge_rows(self, const int64_t[::1] rows not None):
        """Edge values of stage, xmomentum, ymomentum, height, elevation: (5, m, 3) float64."""
        cdef int64_t m = rows.shape[0]
        self.mesh._check_rows(rows, self.mesh.c.n)
        values = np.empty((5, m, 3))
        cdef double[:, :, ::1] out = values
        if m > 0:
            with nogil:
                lean_edge_rows(&self.r, &rows[0], m, -1, &out[0, 0, 0])
        return values

    def reflect(self, const int64_t[::1] ids not None, const int64_t[::1] vol not None,
                const int64_t[::1] edge not None):
        """Boundary values of reflective walls at edges `ids` of the enumeration."""
        cdef int64_t n = ids.shape[0]
        if vol.shape[0] != n or edge.shape[0] != n:
            raise ValueError("ids, vol and edge must have the same length")
        if n == 0:
            return
        self.mesh._check_rows(ids, self.mesh.c.n_boundary)
        self.mesh._check_rows(vol, self.mesh.c.n)
        self.mesh._check_rows(edge, 3)
        with nogil:
            lean_reflective_rows(&self.r, &ids[0], &vol[0], &edge[0], n)

    def add_friction(self, double[::1] xmomentum not None, double[::1] ymomentum not None):
        """Add what Manning friction does to the momenta per second, (n,) m2/s2, in place."""
        self._check_pair(xmomentum, ymomentum)
        with nogil:
            lean_add_friction(&self.r, &xmomentum[0], &ymomentum[0])

    def add_vegetation(self, density, diameter, height, double drag, double bed_chezy,
                       double[::1] xmomentum not None, double[::1] ymomentum not None):
        """Add what stems do to the momenta per second, (n,) m2/s2, in place.

        density (1/m2), diameter (m) and height (m) of the stems: (n,) float64.
        """
        cdef lean_stems stems
        cdef Py_ssize_t n = self.mesh.c.n
        self._check_pair(xmomentum, ymomentum)
        stems.density = <const double *> _address(density, np.float64, n, "density")
        stems.diameter = <const double *> _address(diameter, np.float64, n, "diameter")
        stems.height = <const double *> _address(height, np.float64, n, "height")
        stems.drag = drag
        stems.bed_chezy = bed_chezy
        with nogil:
            lean_add_vegetation(&self.r, &stems, &xmomentum[0], &ymomentum[0])

    cdef int _check_pair(self, double[::1] x, double[::1] y) except -1:
        if x.shape[0] != self.mesh.c.n or y.shape[0] != self.mesh.c.n:
            raise ValueError(f"xmomentum and ymomentum must have {self.mesh.c.n} elements")
        return 0

    def boundary_flux_sum(self):
        """Mass flux over the counted edges in m3/s, summed in their order."""
        cdef int64_t n = len(self.arrays["edge_flux"])
        return lean_serial_sum(self.r.edge_flux, n)

    def tracer_boundary_flux_sum(self, const int64_t[::1] triangle not None):
        """Mass flux of each tracer over the boundary, (count,) float64.

        `triangle` (n_boundary,): that of each edge, in the order of the enumeration.
        """
        cdef int64_t n = triangle.shape[0]
        cdef int s
        if n != self.mesh.c.n_boundary:
            raise ValueError("triangle must have one element per boundary edge")
        sums = np.zeros(self.r.tracers.count)
        for s in range(self.r.tracers.count if n else 0):
            sums[s] = lean_grouped_sum(self.r.tracers.boundary_flux + s * n, &triangle[0], n)
        return sums

    def average(self, double[::1] x not None, const double[::1] y not None,
                double a, double b, double c_inverse):
        """x[:] = (a*x + b*y)*c_inverse, in place."""
        cdef int64_t n = x.shape[0]
        if y.shape[0] != n:
            raise ValueError("x and y must have the same length")
        if n > 0:
            with nogil:
                lean_average(&x[0], &y[0], n, a, b, c_inverse, self.r.n_threads)


include "_kernels_viscosity.pxi"
