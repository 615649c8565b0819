# cython: language_level=3, wraparound=False, cdivision=True
"""Opens the one door between Python and the C kernels.

Owns what must be true of an array, an index and a length before C sees them
(_kernels_checks.pxi), and nothing else: no arithmetic, no memory.  `MeshHandle`
(_kernels_mesh.pxi) shows the blocks to C, `Run` the arrays of a time step.
Nothing that is passed in can crash the process: a call that lacks arrays raises
`NotBound`, an array that does not fit `ArrayError`.  The kernels are in kernels/.
Longer than 500 lines: Cython keeps a class in one file, and a run has many arrays.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.string cimport memset

include "_kernels_openmp.pxi"
include "_kernels_checks.pxi"
include "_kernels_buffer.pxi"
include "_kernels_topology.pxi"
include "_kernels_mesh.pxi"
include "_kernels_quantity.pxi"
include "_kernels_fit.pxi"
include "_kernels_levels.pxi"
include "_kernels_shortage.pxi"
include "_kernels_rates.pxi"
include "_kernels_everywhere_c.pxi"


cdef extern from "frames.h" nogil:
    ctypedef struct lean_spread:
        double low, high
        int32_t nan, zeros

    ctypedef struct lean_column:
        int32_t kind
        const double *value
        void *out
        lean_spread spread

    ctypedef struct lean_frame:
        int64_t first, count
        int32_t wide, leaves_out
        double least
        int32_t n_column
        lean_column *column
        const double *stage
        const double *elevation
        int64_t n_entry, entry
        const int32_t *order
        const int32_t *n_around


cdef extern from "prescribed.h" nogil:
    int LEAN_STAGE_PRESCRIBED, LEAN_MOMENTUM_PRESCRIBED


cdef extern from "run.h" nogil:
    int LEAN_FLUXES, LEAN_SECOND_STAGE, LEAN_SPEEDS, LEAN_TRACER_EDGES
    int LEAN_REPLACE, LEAN_EXCHANGE, LEAN_AS_IT_STANDS
    int LEAN_EVERY_QUANTITY, LEAN_STAGE, LEAN_XMOMENTUM, LEAN_YMOMENTUM, LEAN_HEIGHT
    int LEAN_ELEVATION, LEAN_LEAST_WALL_COLUMNS

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
        int (*poll)(void *) noexcept nogil
        void *asked
        int32_t poll_every

    ctypedef struct lean_update_result:
        int64_t n_negative
        double negative_volume

    ctypedef struct lean_kernels:
        const char *name
        double (*sweep)(const lean_run *, int, double, lean_update_result *) noexcept nogil
        void (*update)(const lean_run *, int, double, uint8_t *, lean_update_result *) noexcept nogil
        int (*distribute)(lean_run *, int) noexcept nogil
        void (*mark_isolated)(const lean_run *) noexcept nogil
        const lean_everywhere *everywhere
        void (*edge_range)(const lean_run *, int64_t, int64_t, int, double *) noexcept nogil
        void (*scour)(const lean_run *, const lean_scour *) noexcept nogil
        void (*frame_at_nodes)(const lean_frame *, int) noexcept nogil
        void (*frame_at_vertices)(const lean_run *, const lean_frame *) noexcept nogil

    size_t lean_scratch_doubles(const lean_mesh *, int)
    int lean_sort_undo(lean_run *)
    void lean_clear_undo(lean_run *)
    const lean_kernels *lean_select_kernels(const char *)
    void lean_edge_rows(const lean_run *, const int64_t *, int64_t, int, double *)
    void lean_reflective_rows(const lean_run *, const int64_t *, const int64_t *,
                              const int64_t *, int64_t)
    ctypedef struct lean_normal_edges:
        int64_t n
        const int64_t *id
        const int64_t *triangle
        const int64_t *edge
        const double *normal
    int lean_normal_rows(const lean_run *, const lean_normal_edges *, double, int, double *)
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


# Modes of Run.sweep, of Run.update, and bits of prescribed edges: see run.h and prescribed.h.
FLUXES, SECOND_STAGE, SPEEDS = LEAN_FLUXES, LEAN_SECOND_STAGE, LEAN_SPEEDS
REPLACE, EXCHANGE, AS_IT_STANDS = LEAN_REPLACE, LEAN_EXCHANGE, LEAN_AS_IT_STANDS
# What zeros of both signs make numpy's maximum and minimum in the kernels.
ZEROS_BY_SIGN = bool(LEAN_ZEROS_BY_SIGN)
STAGE_PRESCRIBED, MOMENTUM_PRESCRIBED = LEAN_STAGE_PRESCRIBED, LEAN_MOMENTUM_PRESCRIBED

# Places of Run.edge_rows in what Run.all_edge_rows returns.
EDGE_QUANTITIES = MappingProxyType({
    "stage": LEAN_STAGE, "xmomentum": LEAN_XMOMENTUM, "ymomentum": LEAN_YMOMENTUM,
    "height": LEAN_HEIGHT, "elevation": LEAN_ELEVATION})

cdef int64_t _MOST_THREADS = 4096
# Blocks that the calling thread sweeps between two looks for signals: some 0.05 s.
cdef int32_t _BLOCKS_BETWEEN_POLLS = 256

# What a run has been given: one bit for what is bound by one call.
cdef enum:
    STATE = 1 << 0
    WORK = 1 << 1
    FLAGS = 1 << 2
    QUIET = 1 << 3
    BOUNDARY = 1 << 4
    COUNTED = 1 << 5
    UNDO = 1 << 6
    TRACERS = 1 << 7
    PARAMETERS = 1 << 8
    THREADS = 1 << 9
    ROOM = 1 << 10      # arenas as large as the predictor and the tracers want them

_GROUPS = (
    (STATE, "state", "bind_state"), (WORK, "work arrays", "bind_work"),
    (FLAGS, "flags", "bind_flags"), (QUIET, "quiet blocks", "bind_quiet"),
    (BOUNDARY, "boundary", "bind_boundary"), (COUNTED, "counted edges", "bind_counted"),
    (UNDO, "undo record", "bind_undo"), (TRACERS, "tracers", "bind_tracers"),
    (PARAMETERS, "parameters", "set_parameters"), (THREADS, "threads", "set_threads"),
    (ROOM, "threads with room for predictor and tracers", "set_threads"))


cdef _refuse(str method, int missing):
    """Raise NotBound, with the names of what is missing."""
    absent = [(what, call) for bit, what, call in _GROUPS if missing & bit]
    if missing & THREADS:
        absent = [each for each in absent if not each[0].startswith("threads with")]
    raise NotBound(f"{method} needs {', '.join([what for what, _ in absent])} of a run, not "
                   f"bound to it: call {', '.join([call for _, call in absent])} first")


cdef int _poll(void *asked) noexcept with gil:
    """Let Python run its signal handlers; return 1 if the sweep of this Run is to stop."""
    cdef Run run = <Run> asked
    try:
        PyErr_CheckSignals()
        if run.asks is not None:
            run.asks()
    except BaseException as error:
        run.stopped_by = error
        return 1
    return 0


def available_isas():
    """Return the names of the instruction sets this build and this CPU can run."""
    return tuple(
        name for name in ("baseline", "v3", "v4")
        if lean_select_kernels(name.encode()) != NULL)


cdef _no_isa(str isa):
    """Return the error about a set that this machine does not run."""
    return ValueError(f"instruction set {isa!r} is not one this machine runs: "
                      f"set ANUGA_LEAN_ISA to one of {', '.join(available_isas())}.")


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
        If `isa` is not one of `available_isas()`.

    Notes
    -----
    What the `bind_` methods are given is checked there, once, and used by every call
    after: arrays are kept alive, and may be read and written in between.  None in place
    of all arrays of a group takes them out again.  The other methods raise NotBound
    unless what they need has been bound, and ArrayError where an argument does not fit.
    n is the number of triangles, n_boundary that of boundary edges, n_blocks of blocks.
    """

    cdef lean_run r
    cdef const lean_kernels *kernels
    cdef MeshHandle mesh
    cdef dict arrays
    cdef int have           # groups that are bound, see STATE and below
    cdef uint8_t *changed
    cdef uint8_t *always
    cdef uint8_t *near
    cdef uint64_t *print
    cdef uint8_t *known
    cdef bint extra         # the arenas have room for the predictor and tracers
    cdef lean_prescribed_values prescribed
    cdef object asks                    # called at a poll; the exception it raises ...
    cdef object stopped_by              # ... stops the sweep
    cdef bint has_stopped               # a SECOND_STAGE, which is still to be finished:
    cdef lean_update_result found       # what it has found so far

    def __cinit__(self, MeshHandle mesh not None, str isa=None):
        cdef bytes name
        self.mesh = mesh
        self.r.mesh = &mesh.c
        self.arrays = {}
        self.r.asked = <void *> self
        self.r.poll_every = _BLOCKS_BETWEEN_POLLS
        self.kernels = lean_select_kernels(NULL)
        if isa is not None:
            name = isa.encode()
            self.kernels = lean_select_kernels(name)
            if self.kernels == NULL:
                raise _no_isa(isa)

    cdef inline int _need(self, str method, int groups) except -1:
        """Raise NotBound unless these groups are bound."""
        if self.have & groups != groups:
            _refuse(method, groups & ~self.have)
        return 0

    @property
    def isa(self):
        """The name of the instruction set in use."""
        return self.kernels.name.decode()

    def bound(self, name):
        """Return the array bound as `name`, or None."""
        return self.arrays.get(name)

    def held(self):
        """Return the arrays that the run reads and writes, by name."""
        return dict(self.arrays)

    # -- binding -----------------------------------------------------------

    cdef bint _start(self, int group, dict arrays) except -1:
        """Unbind a group; return whether there are arrays to be bound in its place."""
        self.have &= ~group
        for name in arrays:
            self.arrays.pop(name, None)
        absent = [name for name, array in arrays.items() if array is None]
        if absent and len(absent) < len(arrays):
            raise ArrayError(f"{', '.join(absent)} may be None only if all of "
                             f"{', '.join(arrays)} are")
        return not absent

    cdef size_t _bind(self, str name, object array, object dtype, int64_t size,
                      bint written=True) except? 0:
        if array is None:
            self.arrays.pop(name, None)
            return 0
        cdef size_t address = _address(array, dtype, size, name, written)
        self.arrays[name] = array
        return address

    def bind_state(self, stage, xmomentum, ymomentum, height, elevation, friction):
        """Use these arrays at centroids, (n,) float64 each, or six times None.

        Parameters
        ----------
        stage, height : m; written
        xmomentum, ymomentum : m2/s; written
        elevation : m
        friction : Manning's n, s/m^(1/3)
        """
        cdef int64_t n = self.mesh.c.n
        if not self._start(STATE, {"stage": stage, "xmomentum": xmomentum,
                                   "ymomentum": ymomentum, "height": height,
                                   "elevation": elevation, "friction": friction}):
            return
        self.r.stage = <double *> self._bind("stage", stage, np.float64, n)
        self.r.xmomentum = <double *> self._bind("xmomentum", xmomentum, np.float64, n)
        self.r.ymomentum = <double *> self._bind("ymomentum", ymomentum, np.float64, n)
        self.r.height = <double *> self._bind("height", height, np.float64, n)
        self.r.elevation = <const double *> self._bind(
            "elevation", elevation, np.float64, n, False)
        self.r.friction = <const double *> self._bind("friction", friction, np.float64, n, False)
        self.have |= STATE

    def bind_work(self, stage_work, xmomentum_work, ymomentum_work):
        """Use these for fluxes or the RK2 backup, (n,) float64 each, or three times None.

        Fluxes of stage in m/s, of momenta in m2/s2; the backup in m and m2/s.
        """
        cdef int64_t n = self.mesh.c.n
        if not self._start(WORK, {"stage_work": stage_work, "xmomentum_work": xmomentum_work,
                                  "ymomentum_work": ymomentum_work}):
            return
        self.r.stage_work = <double *> self._bind("stage_work", stage_work, np.float64, n)
        self.r.xmomentum_work = <double *> self._bind(
            "xmomentum_work", xmomentum_work, np.float64, n)
        self.r.ymomentum_work = <double *> self._bind(
            "ymomentum_work", ymomentum_work, np.float64, n)
        self.have |= WORK

    def bind_flags(self, isolated, full, block_active, block_timestep):
        """Use these flags and time steps, or four times None.

        Parameters
        ----------
        isolated : (n,) uint8, 1 where every neighbour is dry; written
        full : (n,) uint8, 0 for ghosts, or None if there are none
        block_active : (n_blocks,) uint8, 1 where fluxes must be computed; written
        block_timestep : (n_blocks,) float64, s; written
        """
        cdef int64_t n = self.mesh.c.n, b = self.mesh.c.n_blocks
        self.r.full = NULL
        if not self._start(FLAGS, {"isolated": isolated, "block_active": block_active,
                                   "block_timestep": block_timestep}):
            self._bind("full", None, np.uint8, n)
            return
        self.r.isolated = <uint8_t *> self._bind("isolated", isolated, np.uint8, n)
        self.r.full = <const uint8_t *> self._bind("full", full, np.uint8, n, False)
        self.r.block_active = <uint8_t *> self._bind("block_active", block_active, np.uint8, b)
        self.r.block_timestep = <double *> self._bind(
            "block_timestep", block_timestep, np.float64, b)
        self.have |= FLAGS

    def bind_quiet(self, changed, always, near, fingerprint, known):
        """Use these for the bookkeeping of quiet blocks, or five times None.

        (n_blocks,) uint8 each, `fingerprint` uint64; all but `always` are written.
        """
        cdef int64_t b = self.mesh.c.n_blocks
        if not self._start(QUIET, {"changed": changed, "always": always, "near": near,
                                   "fingerprint": fingerprint, "known": known}):
            return
        self.changed = <uint8_t *> self._bind("changed", changed, np.uint8, b)
        self.always = <uint8_t *> self._bind("always", always, np.uint8, b)
        self.near = <uint8_t *> self._bind("near", near, np.uint8, b)
        self.print = <uint64_t *> self._bind("fingerprint", fingerprint, np.uint64, b)
        self.known = <uint8_t *> self._bind("known", known, np.uint8, b)
        self.have |= QUIET

    def bind_boundary(self, reflective, stage, xmomentum, ymomentum, elevation, height):
        """Use these along the boundary enumeration, (n_boundary,) each, or six times None.

        Parameters
        ----------
        reflective : uint8, 1 where the sweep computes the values
        stage, elevation, height : float64, m; written
        xmomentum, ymomentum : float64, m2/s; written
        """
        cdef int64_t n = self.mesh.c.n_boundary
        if not self._start(BOUNDARY, {
                "reflective": reflective, "stage_boundary": stage,
                "xmomentum_boundary": xmomentum, "ymomentum_boundary": ymomentum,
                "elevation_boundary": elevation, "height_boundary": height}):
            return
        self.r.reflective = <const uint8_t *> self._bind(
            "reflective", reflective, np.uint8, n, False)
        self.r.stage_boundary = <double *> self._bind("stage_boundary", stage, np.float64, n)
        self.r.xmomentum_boundary = <double *> self._bind(
            "xmomentum_boundary", xmomentum, np.float64, n)
        self.r.ymomentum_boundary = <double *> self._bind(
            "ymomentum_boundary", ymomentum, np.float64, n)
        self.r.elevation_boundary = <double *> self._bind(
            "elevation_boundary", elevation, np.float64, n)
        self.r.height_boundary = <double *> self._bind("height_boundary", height, np.float64, n)
        self.have |= BOUNDARY

    def bind_counted(self, edge_flux, offset=None, slot=None, index=None):
        """Sum the mass flux of these edges: the boundary edges, or those given per block.

        Parameters
        ----------
        edge_flux : (m,) float64, m3/s, in the order of the sum; written.  None: no edges
        offset : (n_blocks + 1,) int64, into `slot`; None: the boundary edges
        slot : (m,) uint16, i*NL + c of edge i of own triangle c
        index : (m,) int32, place of each in `edge_flux`
        """
        cdef int64_t b = self.mesh.c.n_blocks
        cdef int64_t m = self.mesh.c.n_boundary if offset is None else _length(index, "index")
        self.r.counted_offset = NULL
        given = self._start(COUNTED, {"counted_offset": offset, "counted_slot": slot,
                                      "counted_index": index})
        self.arrays.pop("edge_flux", None)
        if edge_flux is None:
            return
        self.r.edge_flux = <double *> self._bind("edge_flux", edge_flux, np.float64, m)
        if given:
            self.r.counted_slot = <const uint16_t *> self._bind(
                "counted_slot", slot, np.uint16, m, False)
            self.r.counted_index = <const int32_t *> self._bind(
                "counted_index", index, np.int32, m, False)
            self.r.counted_offset = <const int64_t *> self._bind(
                "counted_offset", offset, np.int64, b + 1, False)
            _check_offsets(self.r.counted_offset, b, m, "offset")
            _check_range(self.r.counted_index, m, 0, m, "index")
            self.mesh._check_slots(self.r.counted_offset, self.r.counted_slot)
        self.have |= COUNTED

    def bind_optional(self, friction_rate, max_speed):
        """Write these per triangle, (n,) float64, or None.

        Parameters
        ----------
        friction_rate : rate of friction on a sloped bed, 1/s over the momentum
        max_speed : largest wave speed at the triangle's edges, m/s
        """
        cdef int64_t n = self.mesh.c.n
        self.r.friction_rate = self.r.max_speed = NULL
        self.r.friction_rate = <double *> self._bind(
            "friction_rate", friction_rate, np.float64, n)
        self.r.max_speed = <double *> self._bind("max_speed", max_speed, np.float64, n)

    def bind_undo(self, index, value, bits):
        """Use these for the record of what distribute changes; keep what it holds.

        Parameters
        ----------
        index : (capacity,) int32, triangles; written
        value : (3 * capacity,) float64, stage (m) and momenta (m2/s) they had; written
        bits : ((n + 63) // 64,) uint64, one bit per triangle in the record; written

        Three times None takes the record out and forgets what it holds.
        """
        cdef int64_t capacity, n_undo = self.r.n_undo
        self.r.n_undo = self.r.undo_capacity = 0
        if not self._start(UNDO, {"undo_index": index, "undo_value": value, "undo_bits": bits}):
            return
        capacity = _length(index, "undo_index")
        _count(n_undo, 0, capacity, "the length of the undo record")
        self.r.undo_index = <int32_t *> self._bind("undo_index", index, np.int32, capacity)
        self.r.undo_value = <double *> self._bind("undo_value", value, np.float64, 3 * capacity)
        self.r.undo_bits = <uint64_t *> self._bind(
            "undo_bits", bits, np.uint64, (self.mesh.c.n + 63) // 64)
        _check_range(self.r.undo_index, n_undo, 0, self.mesh.c.n, "undo_index")
        self.r.undo_capacity = capacity
        self.r.n_undo = n_undo
        self.have |= UNDO

    def bind_walls(self, offset, triangle, place, elevation, row, properties):
        """Use these riverwalls, or six times None.

        Parameters
        ----------
        offset : (n_blocks + 1,) int64, into `triangle`
        triangle : (m,) uint16, local index of each own triangle at a wall
        place : (m, 3) int32, place of each of its edges in `elevation`, or -1
        elevation : (walls,) float64, crests, m; read at every sweep
        row : (walls,) int64, line of each in `properties`
        properties : (lines, 5 or more) float64
            Qfactor s1 s2 h1 h2 and, where there are six columns, Cd_through; no units.
        """
        cdef lean_walls *w = &self.r.walls
        cdef int64_t b = self.mesh.c.n_blocks, m, walls, lines
        cdef const int64_t *offsets
        w.offset = NULL
        if not self._start(0, {"wall_offset": offset, "wall_triangle": triangle,
                               "wall_place": place, "wall_elevation": elevation,
                               "wall_row": row, "wall_properties": properties}):
            return
        m, walls = _length(triangle, "wall_triangle"), _length(row, "wall_row")
        lines = _length(properties, "wall_properties")
        if properties.ndim != 2:
            raise ArrayError("wall_properties must have two dimensions, not "
                             f"{properties.ndim}")
        w.columns = _count(properties.shape[1], LEAN_LEAST_WALL_COLUMNS, 2**31 - 1,
                           "the number of columns of wall_properties")
        offsets = <const int64_t *> self._bind("wall_offset", offset, np.int64, b + 1, False)
        w.triangle = <const uint16_t *> self._bind(
            "wall_triangle", triangle, np.uint16, m, False)
        w.place = <const int32_t *> self._bind("wall_place", place, np.int32, 3 * m, False)
        w.elevation = <const double *> self._bind(
            "wall_elevation", elevation, np.float64, walls, False)
        w.row = <const int64_t *> self._bind("wall_row", row, np.int64, walls, False)
        w.properties = <const double *> self._bind(
            "wall_properties", properties, np.float64, lines * w.columns, False)
        _check_offsets(offsets, b, m, "wall_offset")
        self.mesh._check_local(offsets, w.triangle, False)
        _check_range(w.place, 3 * m, -1, walls, "wall_place")
        _check_range(w.row, walls, 0, lines, "wall_row")
        w.offset = offsets

    def bind_prescribed(self, offset, triangle, place, bits, edge, block, value):
        """Use these edges at which boundaries prescribe values, or seven times None.

        Parameters
        ----------
        offset : (n_blocks + 1,) int64, into `triangle`
        triangle : (k,) uint16, local index of own and ring triangles, ascending in a block
        place : (k, 3) int32, place of each of its edges in what follows, or -1
        bits : (m,) uint8, STAGE_PRESCRIBED, MOMENTUM_PRESCRIBED or both
        edge : (m,) int32, in the boundary enumeration
        block : (m,) int32, of the edge's triangle
        value : (3, m) float64, stage (m) and momenta (m2/s) of the last distribute; written
        """
        cdef lean_prescribed *p = &self.r.prescribed
        cdef int64_t b = self.mesh.c.n_blocks, k, m
        cdef const int64_t *offsets
        p.offset = NULL
        self.prescribed.n = 0
        if not self._start(0, {"prescribed_offset": offset, "prescribed_triangle": triangle,
                               "prescribed_place": place, "prescribed_bits": bits,
                               "prescribed_edge": edge, "prescribed_block": block,
                               "prescribed_value": value}):
            return
        k, m = _length(triangle, "prescribed_triangle"), _length(edge, "prescribed_edge")
        offsets = <const int64_t *> self._bind(
            "prescribed_offset", offset, np.int64, b + 1, False)
        p.triangle = <const uint16_t *> self._bind(
            "prescribed_triangle", triangle, np.uint16, k, False)
        p.place = <const int32_t *> self._bind("prescribed_place", place, np.int32, 3 * k, False)
        p.bits = <const uint8_t *> self._bind("prescribed_bits", bits, np.uint8, m, False)
        self.prescribed.edge = <const int32_t *> self._bind(
            "prescribed_edge", edge, np.int32, m, False)
        self.prescribed.block = <const int32_t *> self._bind(
            "prescribed_block", block, np.int32, m, False)
        self.prescribed.value = <double *> self._bind(
            "prescribed_value", value, np.float64, 3 * m)
        _check_offsets(offsets, b, k, "prescribed_offset")
        self.mesh._check_local(offsets, p.triangle, True)
        _check_range(p.place, 3 * k, -1, m, "prescribed_place")
        _check_range(self.prescribed.edge, m, 0, self.mesh.c.n_boundary, "prescribed_edge")
        _check_range(self.prescribed.block, m, 0, b, "prescribed_block")
        p.stage = self.prescribed.value
        p.xmomentum = self.prescribed.value + m
        p.ymomentum = self.prescribed.value + 2 * m
        p.offset = offsets
        self.prescribed.n = m

    def bind_tracers(self, int64_t count, double beta, conserved, concentration,
                     explicit_update, boundary, boundary_flux):
        """Carry `count` tracers; 0, beta, and five times None: none.

        Parameters
        ----------
        count : int
        beta : float, strength of the limiter
        conserved : (count, n) float64, m: depth times concentration
        concentration : (count, n) float64; written
        explicit_update : (count, n) float64, m/s; written
        boundary : (count, n_boundary) float64, concentration beyond each edge
        boundary_flux : (count, n_boundary) float64, m3/s times concentration; written
        """
        cdef lean_tracers *t = &self.r.tracers
        cdef int64_t n, b
        t.count = 0
        given = self._start(TRACERS, {
            "tracer_conserved": conserved, "tracer_concentration": concentration,
            "tracer_explicit_update": explicit_update, "tracer_boundary": boundary,
            "tracer_boundary_flux": boundary_flux})
        if count and not given:
            raise ArrayError(f"{count} tracers need all five arrays, which are None")
        if given:
            _count(count, 1, 2**20, "the number of tracers")
            n, b = count * self.mesh.c.n, count * self.mesh.c.n_boundary
            t.conserved = <const double *> self._bind(
                "tracer_conserved", conserved, np.float64, n, False)
            t.concentration = <double *> self._bind(
                "tracer_concentration", concentration, np.float64, n)
            t.explicit_update = <double *> self._bind(
                "tracer_explicit_update", explicit_update, np.float64, n)
            t.boundary = <const double *> self._bind(
                "tracer_boundary", boundary, np.float64, b, False)
            t.boundary_flux = <double *> self._bind(
                "tracer_boundary_flux", boundary_flux, np.float64, b)
            t.beta = beta
            t.count = <int32_t> count
            self.have |= TRACERS
        self._note_room()

    def bind_semi_implicit(self, stage, xmomentum, ymomentum):
        """Use these semi-implicit rates in an AS_IT_STANDS update, (n,) float64, 1/s, or None."""
        cdef int64_t n = self.mesh.c.n
        self.r.stage_semi = self.r.xmomentum_semi = self.r.ymomentum_semi = NULL
        self.r.stage_semi = <double *> self._bind("stage_semi", stage, np.float64, n)
        self.r.xmomentum_semi = <double *> self._bind(
            "xmomentum_semi", xmomentum, np.float64, n)
        self.r.ymomentum_semi = <double *> self._bind(
            "ymomentum_semi", ymomentum, np.float64, n)

    def set_parameters(self, double g, double epsilon, double h_min, betas, int low_froude,
                       bint sloped=False, bint tangential=False):
        """Set the constants of a step.

        Parameters
        ----------
        g : float, m/s2
        epsilon : float, m/s: wave speeds at most this are no flow
        h_min : float, m: minimum_allowed_height
        betas : (w, w_dry, uh, uh_dry, vh, vh_dry), strengths of the limiter
        low_froude : 0, 1 or 2
        sloped : whether Manning's drag knows the bed slope
        tangential : whether tangential momentum goes upwind with the mass
        """
        if not 0 <= low_froude <= 2:
            raise ValueError(f"low_froude is 0, 1 or 2, not {low_froude}")
        cdef double w, w_dry, uh, uh_dry, vh, vh_dry
        w, w_dry, uh, uh_dry, vh, vh_dry = betas
        cdef lean_parameters *p = &self.r.p
        p.g, p.epsilon, p.h_min = g, epsilon, h_min
        p.beta_w, p.beta_w_dry = w, w_dry
        p.beta_uh, p.beta_uh_dry = uh, uh_dry
        p.beta_vh, p.beta_vh_dry = vh, vh_dry
        p.low_froude, p.tangential, p.manning, p.sloped = low_froude, tangential, 0, sloped
        self.have |= PARAMETERS

    def set_predictor(self, double dt):
        """Advance the edge values by `dt` s in the next sweep; 0: do not."""
        self.r.predictor_dt = dt
        self._note_room()

    def set_manning(self, bint manning):
        """Set whether friction acts in a SECOND_STAGE sweep."""
        self.r.p.manning = manning

    def set_threads(self, int64_t n):
        """Use `n` threads, one arena each, with room for a predictor and tracers if needed."""
        cdef bint extra = self._wants_room() or self.extra
        if self.have & THREADS and n == self.r.n_threads and extra == self.extra:
            return
        _count(n, 1, _MOST_THREADS, "the number of threads")
        cdef size_t stride = (lean_scratch_doubles(&self.mesh.c, extra) + 7) & ~<size_t> 7
        scratch = np.empty(n * stride + 8)
        cdef size_t address = _address(scratch, np.float64, len(scratch), "scratch")
        self.arrays["scratch"] = scratch
        self.r.scratch = <double *> ((address + 63) & ~<size_t> 63)
        self.r.scratch_stride = stride
        self.r.n_threads = <int32_t> n
        self.extra = extra
        self.have |= THREADS
        self._note_room()

    cdef bint _wants_room(self):
        return self.r.tracers.count > 0 or self.r.predictor_dt != 0.0

    cdef void _note_room(self):
        """Set or clear ROOM."""
        if self.have & THREADS and (self.extra or not self._wants_room()):
            self.have |= ROOM
        else:
            self.have &= ~ROOM

    # -- quiet blocks ------------------------------------------------------

    def find_active(self):
        """Set block_active: the blocks that the update, or a write since, has changed."""
        self._need("find_active", STATE | FLAGS | QUIET | PARAMETERS | THREADS)
        if self.has_stopped:
            return      # block_active says what is left of the SECOND_STAGE
        cdef bint wide = self.ordered
        if self.r.n_undo:
            lean_mark_undone(&self.r, self.changed)
        with nogil:
            lean_check_fingerprints(&self.r, self.changed, self.print, self.known)
            lean_spread_activity(&self.mesh.c, wide, self.changed, self.always, self.near,
                                 self.r.block_active)

    def wake_all(self):
        """Note that every block has changed."""
        self._need("wake_all", QUIET)
        memset(self.changed, 1, self.mesh.c.n_blocks)

    def compute_all(self):
        """Make the next sweep compute every block, from the first one on."""
        self._need("compute_all", FLAGS | QUIET)
        self.has_stopped = False
        memset(self.changed, 1, self.mesh.c.n_blocks)
        memset(self.r.block_active, 1, self.mesh.c.n_blocks)

    def take_fingerprints(self):
        """Take the fingerprints of the blocks that did not change."""
        self._need("take_fingerprints", STATE | QUIET | PARAMETERS | THREADS)
        with nogil:
            lean_take_fingerprints(&self.r, self.changed, self.print, self.known)

    def take_prescribed(self):
        """Take the prescribed values from the boundary arrays; wake the blocks they change."""
        self._need("take_prescribed", BOUNDARY | QUIET)
        if self.prescribed.n:
            lean_take_prescribed(&self.r, &self.prescribed, self.changed)

    # -- tracers -----------------------------------------------------------

    def tracer_concentrations(self):
        """Write every tracer's concentration from its conserved values and the depths."""
        self._need("tracer_concentrations", STATE | TRACERS | PARAMETERS | THREADS)
        with nogil:
            lean_tracer_concentrations(&self.r)

    def update_tracers(self, double dt, conserved not None):
        """Add dt * explicit update to conserved, (count, n) float64, m, in place; `dt` in s."""
        self._need("update_tracers", TRACERS | THREADS)
        cdef double *values = <double *> _address(
            conserved, np.float64, self.r.tracers.count * <int64_t> self.mesh.c.n, "conserved")
        with nogil:
            lean_update_tracers(&self.r, dt, values)

    def tracer_edges(self):
        """Return the concentrations at edges: (count, 3 n) float64."""
        self._need("tracer_edges", STATE | FLAGS | TRACERS | PARAMETERS | THREADS | ROOM)
        cdef lean_update_result result
        self.r.poll = NULL
        values = np.zeros((self.r.tracers.count, 3 * <int64_t> self.mesh.c.n))
        cdef double[:, ::1] out = values
        self.r.tracers.edges = &out[0, 0]
        with nogil:
            self.kernels.sweep(&self.r, LEAN_TRACER_EDGES, 0.0, &result)
        self.r.tracers.edges = NULL
        return values

    def tracer_boundary_flux_sum(self, const int64_t[::1] triangle not None):
        """Return the mass flux of each tracer over the boundary, (count,) float64, m3/s.

        `triangle` (n_boundary,): that of each edge, in the order of the enumeration.
        """
        self._need("tracer_boundary_flux_sum", TRACERS)
        cdef int64_t n = triangle.shape[0]
        cdef int s
        if n != self.mesh.c.n_boundary:
            raise ArrayError("triangle must have one element per boundary edge")
        if n > 0:
            _check_aligned(&triangle[0], sizeof(int64_t), "triangle")
        sums = np.zeros(self.r.tracers.count)
        for s in range(self.r.tracers.count if n else 0):
            sums[s] = lean_grouped_sum(self.r.tracers.boundary_flux + s * n, &triangle[0], n)
        return sums

    # -- fluxes and update -------------------------------------------------

    @property
    def ordered(self):
        """Whether ANUGA's loop order shows in the reconstruction (a dry limiter above 0)."""
        self._need("ordered", PARAMETERS)
        cdef lean_parameters *p = &self.r.p
        return p.beta_w_dry > 0.0 or p.beta_uh_dry > 0.0 or p.beta_vh_dry > 0.0

    @property
    def in_ranges(self):
        """Whether `edge_range` and `scour` can: nothing is ordered or predicted."""
        self._need("in_ranges", PARAMETERS)
        return not self.ordered and self.r.predictor_dt == 0.0

    def set_polling(self, int64_t blocks):
        """Look for signals once in so many blocks of those that the calling thread sweeps."""
        self.r.poll_every = <int32_t> _count(
            blocks, 1, 2**31 - 1, "the number of blocks between polls")

    def forget_stopped(self):
        """Begin the next SECOND_STAGE at its first block, also if the last one was stopped."""
        self.has_stopped = False

    def sweep(self, int mode, double dt=0.0, asks=None):
        """Compute the fluxes of every active block.

        In the main thread signal handlers run while it computes.  What one of them or `asks`
        raises stops it: a SECOND_STAGE then goes on at the next call, the others begin again.

        Parameters
        ----------
        mode : FLUXES, SECOND_STAGE or SPEEDS
        dt : float, s, of a SECOND_STAGE
        asks : callable, optional
            Called without arguments whenever signal handlers have run, or could have.

        Returns
        -------
        (float, int, float)
            Smallest radius over wave speed in s (1e100 at rest), and for
            SECOND_STAGE the number and volume (m3) of depths lifted.
        """
        cdef lean_update_result result
        cdef double smallest
        if mode == LEAN_SPEEDS:
            self._need("sweep", STATE | FLAGS | BOUNDARY | PARAMETERS | THREADS | ROOM)
        elif mode == LEAN_FLUXES or mode == LEAN_SECOND_STAGE:
            self._need("sweep", STATE | WORK | FLAGS | BOUNDARY | COUNTED | PARAMETERS
                       | THREADS | ROOM)
        else:
            raise ValueError(f"mode of a sweep is FLUXES, SECOND_STAGE or SPEEDS, not {mode}")
        result.n_negative = 0
        result.negative_volume = 0.0
        if mode == LEAN_SECOND_STAGE:
            if self.has_stopped:
                result = self.found
            else:
                memset(self.r.block_active, 1, self.mesh.c.n_blocks)
        self.r.poll = _poll     # in other threads than the main one no handlers run
        self.asks = asks
        with nogil:
            smallest = self.kernels.sweep(&self.r, mode, dt, &result)
        self.asks = None
        error, self.stopped_by = self.stopped_by, None
        if mode == LEAN_SECOND_STAGE:
            self.has_stopped = error is not None
            self.found = result
            if error is None:
                memset(self.r.block_active, 1, self.mesh.c.n_blocks)
        if error is not None:
            raise error
        return smallest, result.n_negative, result.negative_volume

    def update(self, int mode, double dt, bint manning, bint marking=False):
        """Apply friction and update the centroid values; `marking`: note changed blocks.

        Parameters
        ----------
        mode : REPLACE, EXCHANGE or AS_IT_STANDS
        dt : float, s

        Returns
        -------
        (int, float)
            Number and volume (m3) of depths lifted.
        """
        cdef lean_update_result result
        cdef uint8_t *flags = self.changed if marking else NULL
        self._need("update", STATE | WORK | FLAGS | PARAMETERS | THREADS
                   | (QUIET if marking else 0))
        if mode != LEAN_REPLACE and mode != LEAN_EXCHANGE and mode != LEAN_AS_IT_STANDS:
            raise ValueError(
                f"mode of an update is REPLACE, EXCHANGE or AS_IT_STANDS, not {mode}")
        self.r.p.manning = manning
        with nogil:
            self.kernels.update(&self.r, mode, dt, flags, &result)
        return result.n_negative, result.negative_volume

    def finish_second_stage(self):
        """Move the averaged state to the centroid arrays and refresh height."""
        self._need("finish_second_stage", STATE | WORK | THREADS)
        with nogil:
            lean_finish_second_stage(&self.r)

    def distribute(self, bint recording):
        """Write the effective state back; return whether the record of it is full."""
        cdef bint is_full
        self._need("distribute", STATE | PARAMETERS | THREADS | (UNDO if recording else 0))
        with nogil:
            is_full = self.kernels.distribute(&self.r, recording)
        return is_full

    def mark_isolated(self):
        """Find the triangles all of whose neighbours are dry."""
        self._need("mark_isolated", STATE | FLAGS | PARAMETERS | THREADS)
        with nogil:
            self.kernels.mark_isolated(&self.r)

    def defer_distribute(self, bint taking):
        """Leave it to the sweep to distribute; `taking`: take prescribed values before.

        Forgets the undo record and the predictor, and finds isolated triangles if `ordered`.
        """
        self._need("defer_distribute", STATE | FLAGS | BOUNDARY | QUIET | UNDO | PARAMETERS
                   | THREADS)
        if self.r.n_undo:
            lean_clear_undo(&self.r)
        self.r.predictor_dt = 0.0
        self._note_room()
        if taking and self.prescribed.n:
            lean_take_prescribed(&self.r, &self.prescribed, self.changed)
        if self.ordered:
            with nogil:
                self.kernels.mark_isolated(&self.r)

    # -- undo record -------------------------------------------------------

    @property
    def n_undo(self):
        """The number of triangles in the undo record."""
        return self.r.n_undo

    def clear_undo(self):
        """Forget the undo record."""
        self._need("clear_undo", UNDO)
        if self.r.n_undo:
            lean_clear_undo(&self.r)

    def sort_undo(self):
        """Sort the undo record by triangle, so that it can be searched."""
        self._need("sort_undo", UNDO)
        if lean_sort_undo(&self.r) != 0:
            raise MemoryError("not enough memory to sort the record of changed triangles")

    # -- edge values -------------------------------------------------------

    def edge_rows(self, str quantity not None, const int64_t[::1] rows not None):
        """Return edge values of one of EDGE_QUANTITIES at triangles `rows`: (m, 3), m or m2/s."""
        cdef int64_t m = rows.shape[0]
        self._need("edge_rows", STATE | PARAMETERS | THREADS)
        cdef int q = EDGE_QUANTITIES.get(quantity, -1)
        if not LEAN_STAGE <= q <= LEAN_ELEVATION:
            raise ValueError(f"edge values are those of {', '.join(EDGE_QUANTITIES)}, "
                             f"not of {quantity!r}")
        _check_rows(rows, self.mesh.c.n)
        values = np.empty((m, 3))
        cdef double[:, ::1] out = values
        if m > 0:
            with nogil:
                lean_edge_rows(&self.r, &rows[0], m, q, &out[0, 0])
        return values

    def all_edge_rows(self, const int64_t[::1] rows not None):
        """Return edge values of EDGE_QUANTITIES at triangles `rows`: (5, m, 3), m or m2/s."""
        cdef int64_t m = rows.shape[0]
        self._need("all_edge_rows", STATE | PARAMETERS | THREADS)
        _check_rows(rows, self.mesh.c.n)
        values = np.empty((len(EDGE_QUANTITIES), m, 3))
        cdef double[:, :, ::1] out = values
        if m > 0:
            with nogil:
                lean_edge_rows(&self.r, &rows[0], m, LEAN_EVERY_QUANTITY, &out[0, 0, 0])
        return values

    def reflect(self, const int64_t[::1] ids not None, const int64_t[::1] vol not None,
                const int64_t[::1] edge not None):
        """Write boundary values of reflective walls at edges `ids` of the enumeration.

        `vol` and `edge` are the triangle and the edge of each: (m,) int64.
        """
        cdef int64_t n = ids.shape[0]
        self._need("reflect", STATE | BOUNDARY | PARAMETERS)
        if vol.shape[0] != n or edge.shape[0] != n:
            raise ArrayError("ids, vol and edge must have the same length, not "
                             f"{n}, {vol.shape[0]} and {edge.shape[0]}")
        if n == 0:
            return
        _check_rows(ids, self.mesh.c.n_boundary)
        _check_rows(vol, self.mesh.c.n)
        _check_rows(edge, 3)
        with nogil:
            lean_reflective_rows(&self.r, &ids[0], &vol[0], &edge[0], n)

    def keep_normal_momentum(self, ids not None, vol not None, edge not None,
                             normals not None, double stage, bint scaled):
        """Write boundary values of edges whose stage, m, is set, with the momentum across them.

        Parameters
        ----------
        ids, vol, edge : (m,) int64
            Boundary edges by number, and by triangle and edge.
        normals : (2 m,) float64
            Their components, those of x first.
        scaled : bool
            Whether momentum is scaled as in ANUGA 4.2.

        Returns
        -------
        bool
            False, with nothing written, where numpy would warn or choose among zeros.
        """
        cdef lean_normal_edges at
        cdef double *room
        cdef int done
        self._need("keep_normal_momentum", STATE | BOUNDARY | PARAMETERS | THREADS)
        at.n = _length(ids, "ids")
        at.id = <const int64_t *> _read(ids, _int64, at.n, "ids")
        at.triangle = <const int64_t *> _read(vol, _int64, at.n, "vol")
        at.edge = <const int64_t *> _read(edge, _int64, at.n, "edge")
        at.normal = <const double *> _read(normals, _float64, 2 * at.n, "normals")
        _check_range(at.id, at.n, 0, self.mesh.c.n_boundary, "ids")
        _check_range(at.triangle, at.n, 0, self.mesh.c.n, "vol")
        _check_range(at.edge, at.n, 0, 3, "edge")
        momentum = np.empty(2 * at.n)
        room = <double *> _address(momentum, _float64, 2 * at.n, "momentum")
        with nogil:
            done = lean_normal_rows(&self.r, &at, stage, scaled, room)
        return done != 0

    # -- forcing terms and sums --------------------------------------------

    def add_friction(self, xmomentum not None, ymomentum not None):
        """Add what Manning friction does to the momenta per second, (n,) m2/s2, in place."""
        cdef int64_t n = self.mesh.c.n
        self._need("add_friction", STATE | PARAMETERS | THREADS)
        cdef double *x = <double *> _address(xmomentum, np.float64, n, "xmomentum")
        cdef double *y = <double *> _address(ymomentum, np.float64, n, "ymomentum")
        with nogil:
            lean_add_friction(&self.r, x, y)

    def add_vegetation(self, density not None, diameter not None, height not None,
                       double drag, double bed_chezy, xmomentum not None, ymomentum not None):
        """Add what stems do to the momenta per second, (n,) m2/s2, in place.

        Parameters
        ----------
        density : (n,) float64, stems per m2
        diameter, height : (n,) float64, m
        drag : float, coefficient of a stem
        bed_chezy : float, m^(1/2)/s, of the bed between them
        """
        cdef lean_stems stems
        cdef int64_t n = self.mesh.c.n
        self._need("add_vegetation", STATE | PARAMETERS | THREADS)
        cdef double *x = <double *> _address(xmomentum, np.float64, n, "xmomentum")
        cdef double *y = <double *> _address(ymomentum, np.float64, n, "ymomentum")
        stems.density = <const double *> _read(density, np.float64, n, "density")
        stems.diameter = <const double *> _read(diameter, np.float64, n, "diameter")
        stems.height = <const double *> _read(height, np.float64, n, "height")
        stems.drag = drag
        stems.bed_chezy = bed_chezy
        with nogil:
            lean_add_vegetation(&self.r, &stems, x, y)

    def boundary_flux_sum(self):
        """Return the mass flux over the counted edges in m3/s, summed in their order."""
        self._need("boundary_flux_sum", COUNTED)
        cdef int64_t n = len(self.arrays["edge_flux"])
        return lean_serial_sum(self.r.edge_flux, n)

    def average(self, double[::1] x not None, const double[::1] y not None,
                double a, double b, double c_inverse):
        """Set x to (a*x + b*y)*c_inverse, in place: (m,) float64 of one unit."""
        cdef int64_t n = x.shape[0]
        self._need("average", THREADS)
        if y.shape[0] != n:
            raise ArrayError(f"x and y must have the same length, not {n} and {y.shape[0]}")
        if n > 0:
            _check_aligned(&x[0], sizeof(double), "x")
            _check_aligned(&y[0], sizeof(double), "y")
            with nogil:
                lean_average(&x[0], &y[0], n, a, b, c_inverse, self.r.n_threads)


include "_kernels_viscosity.pxi"
include "_kernels_everywhere.pxi"
include "_kernels_frames.pxi"
