"""A run that goes on from a checkpoint in another process is the uninterrupted run, bit for bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from anuga_lean.overlay.capabilities import capabilities
from checkpoint.compared import differences, read, rest_of, work

# Parity cases by what of them a checkpoint has to hold.
MODELS = (
    "channel_DE0", "channel_DE1", "channel_DE2", "euler_with_DE1", "rk3_with_DE0", "ader2_sloped",
    "fixed_timestep", "regions_DE1", "georeferenced", "periodic", "interior_segments_DE1",
    # rain, inlets, structures
    "rain_constant", "rain_function_of_time", "rain_function_of_place", "rain_from_quantity",
    "rain_polygonal_and_circular", "rain_from_a_raster_and_a_pattern", "inlet_line_and_region",
    "inlet_zero_velocity", "culvert_boyd_box", "culvert_boyd_pipe", "culvert_weir_orifice",
    "pump", "several_at_once",
    # boundaries
    "boundary_time", "boundary_time_space_DE1", "boundary_file", "boundary_field",
    "boundary_flather", "boundary_characteristic_wave_DE1", "boundary_none",
    "boundary_user_DE0", "boundary_user_segment_DE1", "boundary_function_reads_domain_DE1",
    "prescribed_on_all_sides_DE1", "prescribed_under_rk3",
    "prescribed_at_tagged_edges_inside", "prescribed_beside_what_reads_past_levels",
    "prescribed_beside_tracers_and_walls", "prescribed_when_the_kernels_change",
    "prescribed_wakes_still_water",
    # walls, tracers, forces, beds
    "riverwalls_seeping_DE0", "riverwalls_drowned_DE1", "riverwalls_that_rise",
    "tracers_DE0", "tracers_DE_ader2", "tracers_of_first_order_past_a_riverwall",
    "vegetation_DE1_flat", "forcing_captured_DE0", "forcing_drag_DE1", "wind_stress",
    "pressure_constant_and_falling", "kinematic_viscosity_walls_DE1",
    "kinematic_viscosity_for_a_while", "bed_shear_DE1", "erosion_by_flow",
    "erosion_of_a_sand_dune", "set_elevation", "elevation_set_everywhere", "set_stage",
    "set_quantity_operator", "set_depth_friction", "degenerate_timesteps_DE1",
    # what is kept beside the flow
    "collect_max_quantities", "collect_max_stage", "monitored_everywhere",
    "monitored_in_a_polygon_for_a_while", "monitored_beside_erosion_and_viscosity",
    "user_quantities", "user_operator", "friction_between_steps_DE1",
    # how a script uses evolve, and what it has stored
    "evolve_twice", "limits_between_evolves", "flow_algorithm_between_evolves",
    "start_time_and_output_step", "sww_unique_vertices_DE1", "sww_vertex_averages",
    "sww_thin_layers", "nothing_stored", "pickled_between_evolves",
    # a user's domain, and ANUGA's kernels
    "override_raining_DE1", "patched_on_instance_DE0", "sediment", "momentum_extrapolated",
    "radii_written_by_the_script", "compute_mode_unified", "nan_in_momentum",
)
if capabilities().viscosity_forms:
    MODELS += ("viscosity_momentum_implicit_DE1", "viscosity_momentum_explicit_DE1")


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what all selected models have computed, whole and resumed."""
    folder = tmp_path_factory.mktemp("resume")
    names = [item.callspec.params["model"] for item in request.session.items
             if "model" in getattr(getattr(item, "callspec", None), "params", {})
             and item.path == request.path]

    def all_of(some: list[str]) -> None:
        if some:
            work(folder, some, "write")
            work(folder, some, "resume")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(all_of, (names[::2], names[1::2])))
    return folder


@pytest.mark.parametrize("model", MODELS)
def test_equals_the_uninterrupted_run(runs: Path, model: str) -> None:
    """From the middle, from there again, and from the start, with later frames in the file."""
    whole = read(runs / model / "whole.npz")
    names = ("middle", "after", "first") if len(whole["counts"]) > 3 else ("middle", "first")
    for name in names:
        resumed = read(runs / model / f"{name}.npz")
        expected = rest_of(whole, int(resumed["began"]))
        assert 0 < len(expected["counts"])
        assert np.any(expected["0 stage at centroids"] !=
                      expected[f"{len(expected['counts']) - 1} stage at centroids"]) \
            or 1 == len(expected["counts"])
        assert [] == differences(expected, resumed), name
