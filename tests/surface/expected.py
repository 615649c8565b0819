"""Where lean differs from stock on purpose, or stock from itself, each with its reason.

A difference that is not listed fails the tests, and so does a line that no
longer applies, but for those that hang on stock's own reading of freed memory.
"""

from __future__ import annotations

from typing import NamedTuple


class Expected(NamedTuple):
    """`call` is a part of the expression, or 'later' for how the domain evolves on."""

    part: str
    name: str
    call: str
    reason: str
    certain: bool = True


SAID = "the sentence says what to do; the exception is also the one stock raises"
PRESENT = ("edge and vertex values are those of the present centroid values, which a script has "
           "written after the last distribute; stock still has those from before")
SPEEDS = "speeds are recorded from the first time they are read; lean says so in a warning"
FREED = ("stock's set_boundary_values_from_edges makes a new array and its kernels go on with the "
         "memory of the old one")
OLD_NUMBERS = "stock's kernels keep the arrays of before the renumbering once they have run"
FEWER = "it reports the arrays that are held, and lean holds fewer"
UNKEPT = "rk2 keeps its fluxes and its backup within the step only; lean says so in a warning"
WORDS = "verbose tells of the steps that there are, in other words"
LATER = "neighbours are found when they are asked for, in ANUGA with the triangles"

EXPECTED = [
    *[Expected("module", name, "basic_mesh(", LATER) for name in (
        "Basic_mesh", "rectangular_basic_mesh", "rectangular_cross_basic_mesh")],
    Expected("Domain", "build_tagged_elements_dictionary", "[1000]", SAID),
    Expected("Mesh", "build_tagged_elements_dictionary", "[1000]", SAID, False),
    Expected("Domain", "minimum_quantity", "'friction'", SAID),
    Expected("Domain", "maximum_quantity", "'friction', 0.03", SAID),
    Expected("Domain", "set_quantity", "0.1 * friction", SAID),
    Expected("Quantity", "set_values", "lambda x, y: x - y, location='unique vertices'", SAID),
    Expected("module", "Domain", "anuga.Domain()", "stock fails on int(None)"),
    Expected("module", "Mesh", "[[0, 2, 1]]", SAID),
    Expected("module", "Quantity", "np.ones((3, 3))", SAID),
    *[Expected("Quantity", name, "q.vertex_values", PRESENT) for name in (
        "set_values_from_constant", "saxpy_centroid_values", "update")],
    Expected("Quantity", "update", "q.update(0.1)", UNKEPT),
    Expected("Quantity", "update", "q.explicit_update", UNKEPT),
    Expected("Quantity", "update", "later", UNKEPT),
    Expected("Quantity", "set_boundary_values_from_edges", "q.", FREED, False),
    Expected("Quantity", "set_boundary_values_from_edges", "later", FREED, False),
    Expected("Domain", "update_centroids_of_velocities_and_height", "later", FREED, False),
    Expected("Domain", "update_centroids_of_momentum_from_velocity", "later", FREED, False),
    Expected("Domain", "reorder", "later", OLD_NUMBERS),
    *[Expected("Domain", name, "track_speeds=True", SPEEDS) for name in (
        "timestepping_statistics", "print_timestepping_statistics", "write_time")],
    Expected("Domain", "get_global_max_speed", "get_global_max_speed", SPEEDS),
    *[Expected("Domain", name, name, FEWER) for name in (
        "print_domain_memory_stats", "print_quantity_memory_stats",
        "domain_memory_stats", "quantity_memory_stats")],
    *[Expected("module", name, name, FEWER) for name in (
        "print_domain_memory_stats", "print_quantity_memory_stats")],
    *[Expected(part, "get_interpolation_object", "get_interpolation_object",
               "fitting holds a mesh of stock's own class") for part in ("Domain", "Mesh")],
    Expected("Domain", "set_checkpointing", "len(files())", "a mesh file stands beside the sets"),
    Expected("module", "load_checkpoint_file", "'nosuch'", SAID),
    Expected("module", "sww_merge", "'nosuch'", SAID),
    Expected("module", "sequential_distribute_dump", "verbose=True", WORDS),
]

# Attributes that differ: the moments, then why.
ATTRIBUTES = {
    "Domain.max_speed": SPEEDS,
    "Domain.x_centroid_work": "lean kernels need no work array",
    "Domain.y_centroid_work": "lean kernels need no work array",
    "Quantity.explicit_update": UNKEPT,
    "Quantity.centroid_backup_values": UNKEPT,
}

# Public names of lean classes that stock sets on instances, or has not at all.
OWN = {
    "anuga": "",
    "Domain": """add_step_observer arguments_of_evolve boundary_limit_mask
                 checkpoint_compression checkpoint_keep checkpoint_sets checkpoint_state
                 complete_step evaluate_boundary full_flags has_manning_friction keep_older_sww
                 lean mark_between_yields mark_resumed note_lifted on_stock_arrays reflect_edges
                 remove_step_observer resumed_call shares_steps take_checkpoint_state
                 update_timestep_as_anuga use_stock_kernels""",
    "Mesh": """blocks checkpoint_state compute_vertex_value_indices node_order node_starts
               on_stock_arrays override overridden real_arrays replace stock_copy
               take_checkpoint_state take_stock_arrays view""",
    "Quantity": """compact derived_centroids drop_updates fill fill_when_read form
                   has_reconstructed_vertices have_vertices held_update hold_values
                   is_reconstructed may_be_filled_later on_distribute on_past on_stock_arrays
                   run_compiled shown_edges take_stock_arrays writable writable_update""",
}

# Functions that take more keyword arguments than stock's.
MORE_KEYWORDS = {
    ("anuga", "load_checkpoint_file"): "trusted=True, datadir=None",
    ("Domain", "set_checkpointing"): "keep=None, compression=None",
}

# What stock itself cannot do, called as its documentation says.
STOCK_CANNOT = {
    ("Domain", "get_beta"): "reads an attribute that only other domains have",
    ("Domain", "get_inv_tri_map"): "a distributed domain has it",
    ("Domain", "get_tri_map"): "a distributed domain has it",
    ("Domain", "get_number_of_triangles_per_node"): "the mesh has no such method",
    ("Domain", "conserved_values_to_evolved_values"): "left to subclasses",
    ("Domain", "gpu"): "needs a GPU interface",
    ("Quantity", "set_values_from_points"): "obsolete, says stock",
    ("Quantity", "set_values_from_tif_file"): "needs a GeoTIFF; in tests/parity with rasterio",
    ("Quantity", "set_values_from_lat_long_grid_file"): "needs a grid with a projection",
    ("module", "ARR_rate_operator"): "needs files of the Australian rainfall data hub",
    ("module", "Raster_rate_operator"): "needs a raster time series",
    ("module", "sww2array"): "asks netCDF for a Dimension as a length",
    ("module", "sww2obj"): "uses a name it does not import",
    ("module", "tsh2sww"): "uses a name it does not import",
    ("module", "sww_merge"): "needs the files of a parallel run; in the parallel suite",
}
