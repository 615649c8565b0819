# The door to frames.c; included at the end of _kernels.pyx, after `Run`.
#
# Owns what must be true of the columns of a frame before C fills them.

cdef extern from "frames.h" nogil:
    int LEAN_AS_IT_IS, LEAN_OF_STAGE, LEAN_OF_MOMENTUM

cdef enum:
    _MOST_COLUMNS = 64      # of frames.c

_COLUMN_KINDS = {"stage": LEAN_OF_STAGE, "xmomentum": LEAN_OF_MOMENTUM,
                 "ymomentum": LEAN_OF_MOMENTUM}


cdef int _columns(lean_frame *f, lean_column *column, names, least, out) except -1:
    """Fill in what all frames have but `out` of their columns, one for each of `names`."""
    cdef int i
    if not isinstance(out, np.ndarray) or out.ndim != 2 \
            or out.dtype not in (np.float32, np.float64):
        raise ArrayError("out must be a numpy array of two dimensions, float32 or float64")
    _count(len(names), 1, _MOST_COLUMNS, "the number of quantities")
    if len(names) != len(out):
        raise ArrayError(f"out must have {len(names)} rows, one for each quantity, "
                         f"not {len(out)}")
    _address(out, out.dtype, out.size, "out")
    f.wide = out.dtype == np.float64
    f.leaves_out = least is not None
    f.least = 0.0 if least is None else least
    f.column = column
    for i in range(_MOST_COLUMNS):
        column[i].out = NULL
        column[i].value = NULL
        column[i].kind = LEAN_AS_IT_IS
        column[i].spread.low = np.inf
        column[i].spread.high = -np.inf
        column[i].spread.nan = column[i].spread.zeros = 0
    return 0


cdef _spread(const lean_column *column):
    """Return (least, largest, whether a sign of zero is open): NaN if there is one."""
    cdef const lean_spread *s = &column.spread
    if s.nan:
        return np.nan, np.nan, False
    return s.low, s.high, s.zeros == 3 and (s.low == 0.0 or s.high == 0.0)


def frame_at_vertices(Run run not None, tuple names not None, int64_t first, least,
                      out not None):
    """Write the values that a frame stores at the vertices of triangles, from the edge values.

    Parameters
    ----------
    run : Run
        With state, parameters, and threads with room; not ordered, nothing predicted.
    names : tuple of str, of EDGE_QUANTITIES, each once
    first : int, the first triangle
    least : float, m, or None
        Where stage - elevation is less, stage is the elevation and momenta are 0.
    out : (len(names), 3*m) float32 or float64, m, m2/s
        Written: the values of m triangles, rounded to this type.

    Returns
    -------
    list of (float, float, bool)
        For each quantity the least and the largest value, NaN if there is one; whether one
        of them is zero and there are zeros of both signs.
    """
    cdef lean_frame f
    cdef lean_column column[_MOST_COLUMNS]
    cdef int64_t n = run.mesh.c.n
    cdef size_t base, row
    cdef int q
    run._need("frame_at_vertices", STATE | PARAMETERS | THREADS | ROOM)
    if run.ordered or run.r.predictor_dt != 0.0:
        raise ValueError("frame_at_vertices cannot give values that depend on the order of the "
                         "triangles or are predicted")
    memset(&f, 0, sizeof(f))
    _columns(&f, column, names, least, out)
    if out.shape[1] % 3 or not 0 <= first <= n - out.shape[1] // 3:
        raise ArrayError(f"out must have 3 columns for each of some triangles from {first} on, "
                         f"of {n}, not {out.shape[1]}")
    f.first = first
    f.count = out.shape[1] // 3
    f.n_column = LEAN_ELEVATION + 1
    if f.count == 0:
        raise ArrayError("out must have columns")
    base = out.__array_interface__["data"][0]
    row = out.strides[0]
    for i, name in enumerate(names):
        q = EDGE_QUANTITIES.get(name, -1)
        if q < 0 or column[q].out != NULL:
            raise ValueError(f"names must be some of {', '.join(EDGE_QUANTITIES)}, each once, "
                             f"not {name!r}")
        column[q].out = <void *> (base + <size_t> i * row)
        column[q].kind = _COLUMN_KINDS.get(name, LEAN_AS_IT_IS)
    with nogil:
        run.kernels.frame_at_vertices(&run.r, &f)
    return [_spread(&column[<int> EDGE_QUANTITIES[name]]) for name in names]


def frame_at_nodes(Run run not None, tuple names not None, tuple values not None, stage,
                   elevation, least, const int32_t[::1] order not None,
                   const int32_t[::1] n_around not None, int64_t entry, out not None):
    """Write the values that a frame stores at nodes: means of the triangles around each.

    Parameters
    ----------
    run : Run
        With threads.
    names : tuple of str
    values : tuple of (n,) float64
        Centroid values of these quantities.
    stage, elevation : (n,) float64, m
        Centroid values; may be None without `least`.
    least : float, m, or None
        Where the mean of stage less that of elevation is less, the quantities of the names
        stage, xmomentum and ymomentum are the elevation and 0.
    order : (3*n,) int32
        Places in the flattened triangles, grouped by node.
    n_around : (m,) int32
        The number of triangles at each of the nodes.
    entry : int
        Where those of the first one begin in `order`: what the call for the nodes before returns.
    out : (len(names), m) float32 or float64
        Written, rounded to this type; 0 at a node without triangles.

    Returns
    -------
    list of (float, float, bool), int
        As of `frame_at_vertices`; where the entries of the next node begin.  A node without
        triangles passes over an entry, as in ANUGA.
    """
    cdef lean_frame f
    cdef lean_column column[_MOST_COLUMNS]
    cdef int64_t n = run.mesh.c.n, m = n_around.shape[0], j, end = entry
    cdef size_t base, row
    run._need("frame_at_nodes", THREADS)
    memset(&f, 0, sizeof(f))
    _columns(&f, column, names, least, out)
    if order.shape[0] != 3 * n or m == 0 or out.shape[1] != m or len(values) != len(names):
        raise ArrayError(
            f"order must have {3 * n} entries, out a column for each node and values one array "
            f"for each name, not {order.shape[0]}, {out.shape[1]} for {m} and {len(values)}")
    _check_aligned(&n_around[0], sizeof(int32_t), "n_around")
    _check_range(&n_around[0], m, 0, 3 * n + 1, "n_around")
    if n > 0:
        _check_aligned(&order[0], sizeof(int32_t), "order")
    for j in range(m):
        end += n_around[j] if n_around[j] > 1 else 1
    if not 0 <= entry <= 3 * n:
        raise ArrayError(f"entry must be from 0 to {3 * n}, not {entry}")
    if entry < 3 * n:
        _check_range(&order[0] + entry, min(end, 3 * n) - entry, 0, 3 * n, "order")
    if least is not None:
        f.stage = <const double *> _read(stage, np.float64, n, "stage")
        f.elevation = <const double *> _read(elevation, np.float64, n, "elevation")
    f.n_entry = 3 * n
    f.entry = entry
    f.order = &order[0] if n > 0 else NULL
    f.n_around = &n_around[0]
    f.count = m
    f.n_column = len(names)
    base = out.__array_interface__["data"][0]
    row = out.strides[0]
    for i, (name, value) in enumerate(zip(names, values)):
        column[i].value = <const double *> _read(value, np.float64, n, name)
        column[i].out = <void *> (base + <size_t> i * row)
        column[i].kind = _COLUMN_KINDS.get(name, LEAN_AS_IT_IS)
    with nogil:
        run.kernels.frame_at_nodes(&f, run.r.n_threads)
    return [_spread(&column[i]) for i in range(len(names))], min(end, 3 * n)
