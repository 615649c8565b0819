"""Mutations of the graph, the arrays and the header of a set, for a run that goes on from it.

Owns what a hostile writer would put there: other numbers, texts, classes, references, arrays.
Whatever else a file may have wrong is in `forge`.
"""

from __future__ import annotations

import random
from functools import cached_property
from typing import Any

import numpy as np

from anuga_lean._class_names import NAMES_BY_MODULE
from anuga_lean.checkpoint.register import MODULES

Graph = list[dict[str, Any]]

NAN, INF = ["float", "nan"], ["float", "inf"]
NUMBERS: tuple[Any, ...] = (
    -1, 0, 1, 2, 3, 5, 7, 77, 1000, 10**6, 10**9, 10**12, 2**31 - 1, 2**31, 2**40, 2**63, 2**70,
    -2**31, -2**63, 10**400, 0.5, -0.0, 1e-12, 1e-300, 1e30, 1e300, -1e300, NAN, INF,
    ["float", "-inf"], None, True, False, "x", ["tuple"], ["ref", 0],
    ["scalar", "<f8", "000000000000f87f"], ["scalar", "<i4", "ffffff7f"])
# Attributes of a domain whose numbers decide how long it runs, and what kernels take.
OF_DOMAIN = (
    "CFL", "g", "_g", "timestep", "_timestep", "flux_timestep", "_flux_timestep", "starttime",
    "relative_time", "evolve_max_timestep", "evolve_min_timestep", "fixed_flux_timestep",
    "max_smallsteps", "smallsteps", "checkpoint_step", "checkpoint_time", "checkpoint_keep",
    "yieldstep", "yieldtime", "relative_yieldtime", "yieldstep_counter", "output_frequency",
    "finaltime", "omp_num_threads", "number_of_tracers", "number_of_triangles",
    "number_of_elements", "number_of_nodes", "boundary_length", "number_of_riverwall_edges",
    "number_of_full_triangles", "number_of_full_nodes", "number_of_global_triangles",
    "n_sediment_classes", "sediment_nearbed_base", "sediment_repose_max_sweeps", "low_froude",
    "multiprocessor_mode", "timestep_fluxcalls", "flow_algorithm", "timestepping_method",
    "epsilon", "H0", "minimum_allowed_height", "maximum_allowed_speed", "beta_w", "processor",
    "numproc", "parallel", "ghost_layer_width", "nsys", "default_order", "_order_", "store",
    "smooth", "vegetation_mode", "use_c_rk_loop", "compute_mode", "evolve_starttime",
    "optimise_dry_cells", "max_size", "tracer_speed_factor", "monitor_time_interval",
    "monitor_indices", "fractional_step_volume_integral", "volume_history",
    "protect_against_isolated_degenerate_timesteps", "extrapolate_velocity_second_order",
    "using_discontinuous_elevation", "_lean_resumed", "evolved_called", "use_sloped_mannings")
CODE = ('__import__("os").system("touch {outside}/ran")*0+stage', "stage.__class__", "open('x')",
        "9**9**9**9", "(lambda: stage)()", "[stage for x in range(10**9)]", "stage if 1 else 2",
        "stage**stage", "dictionary", "expression", "stage or elevation", "stage[0]", "stage;1",
        '"stage"*10**10', "stage+elevation", "1/0*stage", "(" * 300 + "stage" + ")" * 300)
PATHS = ("{outside}/precious.sww", "{outside}/precious.log", "{outside}/.bashrc", "{outside}",
         "../outside/precious.sww", "../outside/precious.log", "../outside", "link.sww", "link.log",
         "linked", "/etc/passwd", "/dev/zero", "/proc/self/mem", "a\0b", "", ".", "..",
         "{outside}/precious.sww.lock", "../../x", "zoo.sww", "below/x.log", "x.log", "~/.bashrc")
ODD = ("", "x", "\0", "zoo", "stage", "%s%s%n", "{0.__class__}", "%1000000000d", "S1000000000",
       "O", "a" * 3000, "\ud800", "\x1b[2J", "left", "DE1", "rk2", "nan", 'x"]+1#', "w", "r+")
KEYS = ("log_filename", "logging", "label", "filename", "datadir", "checkpoint_dir", "_lock",
        "simulation_name", "source", "writer", "mode", "precision", "recursion", "max_size",
        "verbose", "domain", "rate", "function", "Q", "default", "default_rate", "reduction",
        "forcing_terms", "fractional_step_operators", "boundary_map", "quantities", "mesh",
        "texture", "institution", "myid", "master_proc", "procs", "enquiry_proc", "evolve",
        "description", "inlets", "region", "indices", "polygon", "culvert_routine",
        "__class__", "__dict__", "", "lean", "riverwallData", "quantities_to_be_stored")
METHODS = ("get_CFL", "get_time", "evolve", "store_timestep", "save_centroid_data_to_csv",
           "set_name", "set_datadir", "create_quantity_from_expression", "__init__", "statistics",
           "create_riverwalls", "export_riverwalls_to_text", "set_checkpointing",
           "dump_triangulation",
           "set_values_from_file", "get_quantity", "log_timestepping_statistics", "set_logging",
           "store_connectivity", "initialise_storage", "get_values", "sww_merge", "get_extent")
FUNCTIONS = ("numpy.sin", "numpy.add", "numpy.exp", "anuga.mean", "anuga.stage_elev_info",
             "anuga.lineno", "anuga.create_bins", "anuga.depth_dependent_friction", "os.system",
             "anuga.manning_friction_semi_implicit", "anuga.boyd_box_function", "builtins.exec")
CLASSES = tuple([f"anuga.{name}" for name in MODULES]
                + [f"lean.{name}" for names in NAMES_BY_MODULE.values() for name in names])
DTYPES = ("<f4", "<i4", "<i8", "<f8", "|u1", "|b1", "<c16", "<U3")


def changed(array: np.ndarray, moment: random.Random) -> np.ndarray:
    """An array with another number, length, shape or dtype."""
    what = moment.choice(("number", "number", "all", "length", "dtype", "shape", "order"))
    if what in ("number", "all") and array.size and array.dtype.kind in "iufb":
        numbers = {"f": (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 0.0, -1.0, 7.0),
                   "b": (0, 1), "u": (0, 1, 255)}
        if array.dtype.kind == "i":
            ends = np.iinfo(array.dtype)
            some: tuple = (ends.max, ends.min, -1, 0, moment.randrange(300))
        else:
            some = numbers[array.dtype.kind]
        array.reshape(-1)[moment.randrange(array.size) if what == "number"
                          else slice(None)] = moment.choice(some)
    elif what == "length":
        array = moment.choice((array[:-1], array[:0], np.concatenate([array] * 2)))
    elif what == "dtype" and array.dtype.kind in "iufb":
        with np.errstate(invalid="ignore", over="ignore"):
            array = array.astype(moment.choice(DTYPES))
    elif what == "shape":
        array = moment.choice((array.reshape(-1), array.T, array[..., :1], array[..., None]))
    elif what == "order":
        array = array[::-1]
    return np.ascontiguousarray(array)


def spots(graph: Graph) -> dict[str, list[tuple[Any, Any]]]:
    """Where numbers, texts, references and arrays stand: (container, key)."""
    found: dict[str, list[tuple[Any, Any]]] = {"number": [], "text": [], "ref": [], "any": []}
    todo: list[Any] = [each for each in graph if "small" not in each]
    while todo:
        holder = todo.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            found["any"].append((holder, key))
            if isinstance(value, str) and not (isinstance(holder, list) and key == 0):
                found["text"].append((holder, key))
            elif value is None or isinstance(value, (int, float)):
                found["number"].append((holder, key))
            elif isinstance(value, (list, dict)):
                if isinstance(value, list) and value[:1] == ["ref"]:
                    found["ref"].append((holder, key))
                todo.append(value)
    return found


class Mutation:
    """Changes a set in some places.

    Parameters
    ----------
    graph, header
        As parsed; changed in place.
    moment : random.Random
    outside : str
        A folder that no run may touch.
    hostile : bool
        Whether texts that lead out of the folder or are code are among what is put in.
    """

    def __init__(self, graph: Graph, header: dict[str, Any], moment: random.Random, outside: str,
                 hostile: bool) -> None:
        self.graph, self.header, self.moment = graph, header, moment
        self.outside, self.hostile = outside, hostile
        self.instances = [each for each in graph if "attributes" in each]
        self.domain = graph[0]["attributes"]
        self.done: list[str] = []
        kinds = (self.number, self.number, self.of_domain, self.of_domain, self.array, self.array,
                 self.text, self.text, self.reference, self.kind, self.add, self.add, self.drop,
                 self.callable, self.container, self.monitored, self.in_header, self.names)
        for _ in range(moment.choice((1, 1, 1, 2, 3))):
            change = moment.choice(kinds)
            try:
                what = change()
            except (IndexError, KeyError, TypeError):       # its place is gone
                what = "gone"
            self.done.append(f"{change.__name__}: {what}"[:160])

    @cached_property
    def spots(self) -> dict[str, list[tuple[Any, Any]]]:
        """As they are at the first change that asks."""
        return spots(self.graph)

    def _text(self) -> str:
        pool = ODD + (CODE + PATHS if self.hostile else ())
        return self.moment.choice(pool).replace("{outside}", self.outside)

    def _any(self) -> Any:
        return self.moment.choice((self.moment.choice(NUMBERS), self._text(),
                                   ["ref", self.moment.randrange(len(self.graph))]))

    def number(self) -> str:
        """A number anywhere."""
        holder, key = self.moment.choice(self.spots["number"])
        holder[key] = self.moment.choice(NUMBERS)
        return f"{key} = {holder[key]}"

    def of_domain(self) -> str:
        """A number that decides how a domain is stepped, or of the step itself."""
        step = self.domain.get("lean")
        if isinstance(step, list) and self.moment.random() < 0.2:
            held = self.graph[step[1]]["attributes"]
            name = self.moment.choice(list(held))
        else:
            held, name = self.domain, self.moment.choice(OF_DOMAIN)
        held[name] = self.moment.choice(NUMBERS)
        return f"{name} = {held[name]}"

    def array(self) -> str:
        """An array."""
        entry = self.moment.choice([each for each in self.graph if "small" in each])
        dtype, shape, digits = entry["small"]
        array = np.frombuffer(bytes.fromhex(digits), dtype).reshape(shape).copy()
        array = changed(array, self.moment)
        entry["small"] = [array.dtype.str, list(array.shape), array.tobytes().hex()]
        return f"{self.graph.index(entry)} {dtype}{shape} to {array.dtype}{array.shape}"

    def text(self) -> str:
        """A text anywhere."""
        holder, key = self.moment.choice(self.spots["text"])
        before, holder[key] = holder[key], self._text()
        return f"{before!r} = {holder[key]!r}"

    def reference(self) -> str:
        """One object in the place of another."""
        holder, key = self.moment.choice(self.spots["ref"])
        holder[key] = ["ref", self.moment.randrange(len(self.graph))]
        return f"{key} = {holder[key]}"

    def kind(self) -> str:
        """An object of another class."""
        entry = self.moment.choice(self.instances)
        before, entry["new"] = entry["new"], ["class", self.moment.choice(CLASSES)]
        return f"{before} = {entry['new']}"

    def add(self) -> str:
        """An attribute that the object has or has not."""
        entry = self.moment.choice((self.instances[0], self.moment.choice(self.instances)))
        key = self.moment.choice(KEYS)
        entry["attributes"][key] = True if key == "logging" else self._any()
        if key == "log_filename":
            entry["attributes"] |= {"logging": True, key: self._text()}
        return f"{entry['new']}.{key} = {entry['attributes'][key]}"

    def drop(self) -> str:
        """An attribute less."""
        entry = self.moment.choice(self.instances)
        key = self.moment.choice(list(entry["attributes"]))
        del entry["attributes"][key]
        return f"{entry['new']}.{key}"

    def callable(self) -> str:
        """A function, a method or a class in any place."""
        holder, key = self.moment.choice(self.spots["any"])
        holder[key] = self.moment.choice((
            ["method", ["ref", self.moment.randrange(len(self.graph))],
             self.moment.choice(METHODS)],
            ["function", self.moment.choice(FUNCTIONS)], ["class", self.moment.choice(CLASSES)],
            ["inner", "anuga.Rate_operator.set_default_rate.<locals>.<lambda>", None,
             self._any()]))
        return f"{key} = {holder[key]}"

    def container(self) -> str:
        """A list or a dictionary with an item more or less."""
        entry = self.moment.choice([each for each in self.graph
                                    if "list" in each or "dict" in each])
        items = entry.get("list", entry.get("dict"))
        if items and self.moment.random() < 0.5:
            del items[self.moment.randrange(len(items))]
        elif items and self.moment.random() < 0.5:
            items.append(self.moment.choice(items))
        else:
            items.append([self._text(), self._any()] if "dict" in entry else self._any())
        return str(items)

    def monitored(self) -> str:
        """What ANUGA evaluates at every step."""
        info = ["ref", len(self.graph)]
        self.graph.append({"dict": [[name, None] for name in (
            "min", "max", "min_location", "max_location", "min_time", "max_time")]})
        text = self._text()
        self.domain |= {"quantities_to_be_monitored": ["ref", len(self.graph)],
                        "monitor_polygon": None, "monitor_time_interval": None,
                        "monitor_indices": None}
        self.graph.append({"dict": [[text, info]]})
        return text

    def names(self) -> str:
        """A quantity of another name, which is part of what ANUGA evaluates."""
        items = self.graph[self.domain["quantities"][1]]["dict"]
        item = self.moment.choice(items)
        item[0] = self._text()
        return item[0]

    def in_header(self) -> str:
        """A field of the header."""
        key = self.moment.choice(list(self.header))
        self.header[key] = self.moment.choice((self._any(), self.moment.randrange(5), -1.0))
        return f"{key} = {self.header[key]}"
