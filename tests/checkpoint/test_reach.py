"""What of ANUGA's code evaluates, opens, deletes or starts something when a set is evolved."""

from __future__ import annotations

from pathlib import Path

import pytest

import anuga_lean as anuga
from anuga_lean.checkpoint import confinement
from anuga_lean.checkpoint.allowed import method_of
from checkpoint.reach import functions_in, reached, walked

# By what makes each place harmless, with the attributes of a set that lead there.
KNOWN = {
    "confinement.confine checks the texts it takes": """
        abstract_2d_finite_volumes.util:apply_expression_to_dictionary
        file.netcdf:NetCDFFile file.sww:SWW_file.__init__ file.sww:SWW_file.store_connectivity
        file.sww:SWW_file.store_timestep file.sww:_pid_is_alive file.sww:_read_sww_lock
        file.sww:acquire_sww_lock file.sww:release_sww_lock
        operators.base_operator:Operator.activate_logging
        operators.base_operator:Operator.log_timestepping_statistics
        parallel.parallel_inlet_operator:Parallel_Inlet_operator.log_timestepping_statistics
        parallel.parallel_structure_operator:Parallel_Structure_operator.log_timestepping_statistics
        utilities.system_tools:log_to_file""",
    "no set may bind the method, which alone asks for it": """
        parallel.parallel_inlet_operator:Parallel_Inlet_operator.set_logging
        parallel.parallel_structure_operator:Parallel_Structure_operator.set_parallel_logging
        structures.riverwall:RiverWall.export_riverwalls_to_text
        structures.structure_operator:Structure_operator.set_logging""",
    "it evaluates a text of its own": " ".join(
        f"parallel.parallel_structure_operator:Parallel_Structure_operator.get_enquiry_{what}"
        for what in ("depths", "elevations", "invert_elevations", "positions", "specific_energys",
                     "speeds", "stages", "total_energys", "velocity_heads", "velocitys",
                     "water_depths", "xmoms", "xvelocitys", "ymoms", "yvelocitys")),
    "lean writes sets, ANUGA's evolve reads checkpoint=False":
        "shallow_water.shallow_water_domain:Domain.evolve",
    "it reads what the system says of the process": """
        utilities.log:resource_usage_timing utilities.system_tools:_VmB
        utilities.log:_TeeFileStream.write""",
    "an argument of the caller asks for it, use_cache=True, a filename, and no attribute does": """
        caching.caching:DeleteOldFiles caching.caching:__cachestat caching.caching:cache
        caching.caching:checkdir caching.caching:clear_cache caching.caching:compare
        caching.caching:filestat caching.caching:get_lsline caching.caching:myopen
        caching.caching:test file.csv_file:load_csv_as_dict geometry.polygon:read_polygon
        geospatial_data.geospatial_data:_read_csv_file
        geospatial_data.geospatial_data:_read_pts_file
        load_mesh.loadASCII:_read_msh_file load_mesh.loadASCII:_read_tsh_file
        file_conversion.dem2array:dem2array file_conversion.grd2array:grd2array
        utilities.file_utils:check_dir""",
    "another function of the same name is meant, no set can hold an object that has it": """
        file.sww:get_mesh_and_quantities_from_file file_conversion.csv2sts:csv2sts
        file_conversion.csv2sts:main file_conversion.sww2vtu:_read_sww
        file_conversion.sww2vtu:_write_pvd file_conversion.sww2vtu:_write_vtu
        file_conversion.sww2vtu:main file_conversion.sww2vtu:sww2vtu rain.arr_ifd_rain:Arr_grd.plot
        scenario.parse_input_data_toml:_load_toml scenario.scenario_summary:_load_toml
        shallow_water.sww_interrogate:get_maximum_inundation_data
        utilities._sww_frames:SWWSource._variable utilities.plot_utils:_get_centroid_values
        utilities.plot_utils:_read_output utilities.plot_utils:get_tracer_names
        utilities.spatialInputUtil:read_csv_optional_header""",
}
# What evolve calls of the objects of a set: operators, boundaries, functions of users'.
CALLED = ("evolve", "__call__", "evaluate", "evaluate_segment", "__setstate__", "__getstate__",
          "log_timestepping_statistics")


def places_in_reach(functions: list) -> set[str]:
    """Where something else than computing is done, from all that a set can bring."""
    bindable = [each.name for each in functions
                if each.name.startswith("get_") and "." in each.place.partition(":")[2]]
    return {each.place for each in reached(functions, (*CALLED, *bindable)) if each.dangers}


def test_every_place_is_known() -> None:
    """A new release that opens another file from evolve is looked at before it is believed."""
    import anuga as stock

    known = {place for places in KNOWN.values() for place in places.split()}
    found = places_in_reach(walked(Path(stock.__path__[0])))
    assert 60 < len(found)
    assert set() == found - known


@pytest.mark.parametrize("line", [
    "eval(self.statement)", "open(self.label + '.log', 'a')", "os.remove(self.mesh_file)",
    "__import__(self.module)", "subprocess.run(self.command)", "np.load(self.data)",
    "exec(compile(self.text, '', 'exec'))", "shutil.rmtree(self.folder)", "os.system(self.gzip)",
    "importlib.import_module(self.module)", "Dataset(self.filename)", "self.data.tofile(self.to)",
    "netCDF4.Dataset(self.filename)", "pickle.loads(self.state)"])
def test_a_new_place_is_found(line: str) -> None:
    """In a method that evolve reaches by two others."""
    source = ("class New:\n def __call__(self):\n  self.helped()\n def helped(self):\n"
              f"  New.deeper(self)\n def deeper(self):\n  {line}\n"
              " def unused(self):\n  open('x')\n")
    assert {"new:New.deeper"} == places_in_reach(list(functions_in(source, "new")))


def test_methods_of_the_list_are_not_bound() -> None:
    """Those that KNOWN says no set may bind, and whatever else sets, saves, exports or evolves."""
    from anuga.operators.collect_max_quantities_operator import Collect_max_quantities_operator
    from anuga.structures.riverwall import RiverWall
    from anuga.structures.structure_operator import Structure_operator

    for cls, names in ((Structure_operator, "set_logging activate_logging"),
                       (RiverWall, "export_riverwalls_to_text"),
                       (Collect_max_quantities_operator, "save_centroid_data_to_csv"),
                       (anuga.Domain, "evolve set_name set_datadir sww_merge store_timestep "
                                      "create_quantity_from_expression set_checkpointing "
                                      "initialise_storage dump_triangulation")):
        for name in names.split():
            assert method_of(cls, name) is None
    assert method_of(anuga.Domain, "get_time") is not None


def test_confined_attributes_are_anugas() -> None:
    """A name in the list that ANUGA does not have any more would check nothing."""
    import anuga as stock

    mentioned = set().union(*[each.calls for each in walked(Path(stock.__path__[0]))])
    lean = {"_lock"}        # of ANUGA 4.2 and our writer
    names = {*confinement._TEXTS, *confinement._OF_WRITERS}
    assert set() == names - mentioned - lean
