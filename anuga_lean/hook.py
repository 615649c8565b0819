"""How the lean classes come in, and the place that changes ANUGA's modules.

Owns the supported ANUGA versions, the list of classes that are replaced, and
the functions of ANUGA's extension module that take a domain.  `install` loads
ANUGA and rebinds every name in its modules that is one of the replaced
classes, so that its factories, algebra and parallel domains come out lean.  Which of
ANUGA's own imports wait meanwhile is `deferred`'s.
"""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
import types
import warnings
from collections.abc import Sequence
from typing import Any

from anuga_lean._errors import HookError, HookWarning, UnsupportedVersion
from anuga_lean.overlay.capabilities import capabilities

SUPPORTED = ((4, 1), (4, 2))
SUPPORTED_RANGE = "4.1.0 or later, before 4.3"

# (ANUGA's module, class, our module): defining module first, bases before subclasses.
_REPLACED = (
    ("anuga.abstract_2d_finite_volumes.neighbour_mesh", "Mesh", "anuga_lean.mesh"),
    ("anuga.abstract_2d_finite_volumes.quantity", "Quantity", "anuga_lean.quantity"),
    ("anuga.abstract_2d_finite_volumes.generic_domain", "Generic_Domain",
     "anuga_lean.generic_domain"),
    ("anuga.structures.riverwall", "RiverWall", "anuga_lean.riverwalls"),
    ("anuga.file.sww", "SWW_file", "anuga_lean.sww"),
    ("anuga.shallow_water.shallow_water_domain", "Domain", "anuga_lean.domain"),
    ("anuga.operators.kinematic_viscosity_operator", "Kinematic_viscosity_operator",
     "anuga_lean.viscosity"),
    ("anuga.operators.barometric_pressure", "Barometric_pressure_operator",
     "anuga_lean.pressure"),
)
_KERNEL_MODULE = "anuga.shallow_water.sw_domain_openmp_ext"
_QUANTITY_MODULE = "anuga.abstract_2d_finite_volumes.quantity_openmp_ext"
_UNIFIED_MODULE = "anuga.shallow_water.sw_domain_gpu_ext"
_EXCHANGE_MODULE = "anuga.parallel.parallel_generic_communications"
_OWN_EXCHANGE = "anuga_lean.mpi.halo"
_VISCOSITY_MODULE = "anuga.operators.kinematic_viscosity_operator_ext"

# (ANUGA's module, our module, functions of both).
_FACTORIES = (
    ("anuga.abstract_2d_finite_volumes.mesh_factory", "anuga_lean.rectangles",
     ("rectangular", "rectangular_cross")),
    ("anuga.extras", "anuga_lean.rectangles",
     ("rectangular_cross_mesh", "rectangular_cross_domain")),
    ("anuga.abstract_2d_finite_volumes.pmesh2domain", "anuga_lean.triangulations",
     ("pmesh_dict_to_tag_dict", "pmesh_to_mesh", "_pmesh_to_domain_instance")),
    ("anuga.abstract_2d_finite_volumes.basic_mesh", "anuga_lean.triangulations",
     ("basic_mesh_from_mesh_file",)),
    ("anuga.abstract_2d_finite_volumes.basic_mesh", "anuga_lean.rectangles",
     ("rectangular_basic_mesh", "rectangular_cross_basic_mesh")),
    ("anuga.extras", "anuga_lean.triangulations",
     ("_create_domain_from_regions", "_create_basic_mesh_from_regions")),
    ("anuga.parallel.partitioning", "anuga_lean.mpi.partitions",
     ("metis_partition", "morton_partition", "hilbert_partition")),
    ("anuga.parallel.parallel_api", "anuga_lean.mpi.distribution",
     ("distribute", "distribute_collaborative", "distribute_basic_mesh",
      "distribute_basic_mesh_collaborative")),
    ("anuga.parallel.sequential_distribute", "anuga_lean.mpi.partition_files",
     ("sequential_distribute_dump", "sequential_distribute_load",
      "sequential_distribute_load_pickle_file", "sequential_mesh_dump", "sequential_mesh_load")),
    ("anuga.utilities.sww_merge", "anuga_lean.mpi.merging", ("sww_merge_parallel",)),
)

# What a script calls that is meant to run on several ranks.
_SHARE_A_MODEL = (
    ("anuga.parallel.parallel_api",
     ("distribute", "distribute_basic_mesh", "distribute_collaborative",
      "distribute_basic_mesh_collaborative")),
    ("anuga.parallel.sequential_distribute",
     ("sequential_distribute_load", "sequential_mesh_load")),
    ("anuga.parallel.parallel_meshes",
     ("parallel_rectangular_domain", "parallel_rectangular_cross_domain")),
)

# Compiled code there reads a mesh's arrays directly: it makes ANUGA's own meshes
# and is given a stand-in with real arrays for a lean one.
_KEEP_STOCK_MESH = "anuga.fit_interpolate"

# Names of these classes may be held where no module shows them.  A Mesh of ANUGA's own is
# what its fitting makes on purpose.
_CONSTRUCT_LEAN = ("Quantity", "Domain")

# ANUGA's module knows it too: this one may be reloaded in a notebook.
_MARK = "_anuga_lean_installed"
_installed = hasattr(sys.modules.get("anuga"), _MARK)
_importing = False
_kept_stock = False


def is_installed() -> bool:
    """Whether ANUGA's names are the lean classes."""
    return _installed


def check_installed_version() -> None:
    """Raise UnsupportedVersion if an ANUGA is installed that is not supported; loads nothing."""
    from importlib import metadata  # 12 ms that every python under `anuga_lean run` would pay

    try:
        _check(metadata.version("anuga"))
    except metadata.PackageNotFoundError:
        return


def check_version(anuga: types.ModuleType) -> None:
    """Raise UnsupportedVersion unless `anuga` is one whose internals are known."""
    _check(str(getattr(anuga, "__version__", "unknown")))


def _check(version: str) -> None:
    try:
        found = tuple(int(part) for part in version.split(".")[:2])
    except ValueError:
        found = ()
    if found not in SUPPORTED:
        raise UnsupportedVersion(
            f"anuga {version} is installed but anuga_lean knows the inside of "
            f"{SUPPORTED_RANGE} only: pip install 'anuga>=4.1,<4.3'.")


def install() -> types.ModuleType:
    """Load ANUGA with the lean classes in and return it.

    Raises
    ------
    UnsupportedVersion
        If the installed ANUGA is neither 4.1.x nor 4.2.x.
    HookError
        If a Domain was already created from ANUGA's own classes.
    """
    global _installed, _importing
    if _installed:
        return sys.modules["anuga"]
    if _kept_stock:
        return importlib.import_module("anuga")
    already = "anuga" in sys.modules
    _importing = True
    try:
        anuga = importlib.import_module("anuga")
        check_version(anuga)
        if already:
            _refuse_living_domains()
        _install_functions()
        pairs = [(getattr(importlib.import_module(module), name),
                  getattr(importlib.import_module(own), name)) for module, name, own in _REPLACED]
        _reparent_all(pairs)
        for old, new in pairs:
            _replace(old, new)
        _install_checkpoints()
        _install_construction()
        _install_faults()
        setattr(anuga, _MARK, True)
        _installed = True
    finally:
        _importing = False
    return anuga


def keep_stock() -> None:
    """Have this process run ANUGA's own classes, through `import anuga_lean as anuga` too.

    Raises
    ------
    HookError
        If the lean classes are in already.
    """
    global _kept_stock
    if _installed:
        raise HookError("ANUGA is lean in this process already: start another one to run its own "
                        "classes.")
    _kept_stock = True
    unwatch()


def load() -> None:
    """Load the lean classes without replacing ANUGA's: what `from_domain` needs."""
    if not _installed:
        check_version(importlib.import_module("anuga"))
        _install_functions()


def _living_domains() -> list[Any]:
    """Domains made by ANUGA's own classes that somebody still holds."""
    generic = sys.modules["anuga.abstract_2d_finite_volumes.generic_domain"].Generic_Domain
    # type(), not isinstance: a proxy among the objects would run code for its __class__.
    if not any(issubclass(type(each), generic) for each in gc.get_objects()):
        return []
    gc.collect()
    return [each for each in gc.get_objects() if issubclass(type(each), generic)]


def _refuse_living_domains() -> None:
    domains = _living_domains()
    if domains:
        raise HookError(
            f"{len(domains)} Domain was created before anuga_lean came in "
            f"({domains[0].get_name()!r}, {len(domains[0])} triangles): move "
            "'import anuga_lean as anuga' above the line that creates it, or turn it "
            "with anuga_lean.from_domain(domain).")


def join_loaded() -> None:
    """Bring the lean classes into an ANUGA that was imported before this package.

    If a Domain of ANUGA's exists already, warn that its classes stay as they are.
    """
    if _installed or _importing or "anuga" not in sys.modules or _own_module_loading():
        return
    if getattr(sys.modules["anuga"].__spec__, "_initializing", False):
        return  # ANUGA itself is what is being imported
    check_version(sys.modules["anuga"])
    try:
        _refuse_living_domains()
    except HookError as error:
        warnings.warn(f"ANUGA's own classes stay in: {error}", HookWarning, stacklevel=3)
    else:
        install()


def _modules() -> list[types.ModuleType]:
    """Every module that may hold a name of ANUGA's: its own and the user's."""
    # copy() is one step for other threads; list() may collect garbage and let them in.
    return [module for name, module in sys.modules.copy().items()
            if isinstance(module, types.ModuleType) and not name.startswith("anuga_lean")]


def _replace(old: type, new: type) -> None:
    """Bind `new` wherever a module says the class it derives from."""
    name = old.__name__
    for module in _modules():
        if name == "Mesh" and module.__name__.startswith(_KEEP_STOCK_MESH):
            continue
        for key, value in vars(module).copy().items():
            if value is old:
                setattr(module, key, new)
            elif isinstance(value, types.FunctionType):
                _replace_defaults(value, old, new)
    if name in _CONSTRUCT_LEAN:
        _construct(old, new)


def _reparent_all(pairs: Sequence[tuple[type, type]]) -> None:
    """Let subclasses of all the old classes derive from the new ones, or none of them."""
    done: list[tuple[type, tuple]] = []
    try:
        for old, new in pairs:
            _reparent(old, new, done)
    except HookError:
        for subclass, bases in reversed(done):
            subclass.__bases__ = bases
        raise


def _reparent(old: type, new: type, done: list[tuple[type, tuple]]) -> None:
    """Let subclasses of ANUGA's and of the user's derive from the lean class."""
    for subclass in old.__subclasses__():
        if issubclass(new, subclass) or subclass.__module__.startswith("anuga_lean"):
            continue
        bases = subclass.__bases__
        try:
            subclass.__bases__ = tuple(new if b is old else b for b in bases)
        except TypeError as error:
            raise HookError(
                f"{subclass.__module__}.{subclass.__qualname__}, defined before anuga_lean came "
                f"in, cannot become lean ({error}): move 'import anuga_lean as anuga' above the "
                "class.") from error
        done.append((subclass, bases))


def _construct(old: type, new: type) -> None:
    """Let whoever still holds ANUGA's class, or derives from it, construct lean objects."""
    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:
        if cls is old:
            cls = new
        elif not issubclass(cls, new):
            _reparent(old, new, [])
        following = super(old, cls).__new__  # type: ignore[misc]
        return following(cls) if following is object.__new__ else following(cls, *args, **kwargs)

    # what inspect.signature(class) shows up to Python 3.11.2
    __new__.__signature__ = inspect.signature(old.__init__)  # type: ignore[attr-defined, misc]
    old.__new__ = __new__  # type: ignore[method-assign]


def _replace_defaults(function: types.FunctionType, old: type, new: type) -> None:
    if function.__defaults__ and old in function.__defaults__:
        function.__defaults__ = tuple(new if d is old else d for d in function.__defaults__)


# -- functions that take a domain ------------------------------------------------


def _install_functions() -> None:
    """Make ANUGA's kernels ask a lean domain before they touch its arrays."""
    from anuga_lean.deferred import importing_less
    from anuga_lean.mesh_lookup import (
        accepting_lean_mesh,
        accepting_lean_mesh_to_search,
        fitting_lean_meshes,
    )

    kernels = importlib.import_module(_KERNEL_MODULE)
    if getattr(kernels, "_anuga_lean", False):
        return
    for name, function in list(vars(kernels).items()):
        if name in _HANDLED:
            wrapped = _handled(function, _HANDLED[name])
        elif name in _TAKE_A_DOMAIN:
            wrapped = _on_stock_arrays(function, name)
        else:
            continue
        _rebind(function, wrapped)
    kernels._anuga_lean = True
    _install_regions()
    rates = importlib.import_module("anuga.operators.rate_operators").Rate_operator
    rates.__init__ = importing_less(rates.__init__)
    submeshes = importlib.import_module("anuga.parallel.distribute_mesh").build_submesh
    _rebind(submeshes, importing_less(submeshes))
    fitting = importlib.import_module("anuga.fit_interpolate.general_fit_interpolate")
    fitting.FitInterpolate.__init__ = accepting_lean_mesh(fitting.FitInterpolate.__init__)
    fit = importlib.import_module("anuga.fit_interpolate.fit")
    _rebind(fit._fit_to_mesh, fitting_lean_meshes(fit._fit_to_mesh))
    quadtree = importlib.import_module("anuga.pmesh.mesh_quadtree").MeshQuadtree
    quadtree.__init__ = accepting_lean_mesh_to_search(quadtree.__init__)
    _install_quantity_functions()
    _install_exchange()
    if importlib.util.find_spec(_UNIFIED_MODULE) is not None:  # some builds go without
        unified = importlib.import_module(_UNIFIED_MODULE)
        unified.init_gpu_domain = _on_stock_arrays(
            unified.init_gpu_domain, "init_gpu_domain of compute mode 'unified'")
    viscosity = importlib.import_module(_VISCOSITY_MODULE)
    viscosity.build_geo_structure = _on_real_mesh(viscosity.build_geo_structure)


def _install_checkpoints() -> None:
    """Let ANUGA's name for it read lean checkpoints."""
    from anuga_lean.checkpoint.loading import load_checkpoint_file

    stock = importlib.import_module("anuga.shallow_water.checkpoint")
    _rebind(stock.load_checkpoint_file, load_checkpoint_file)


def _install_construction() -> None:
    """Let ANUGA's factories make nothing that a lean mesh does not need."""
    for module, own, names in _FACTORIES:
        stock, lean = importlib.import_module(module), importlib.import_module(own)
        for name in names:
            _rebind(getattr(stock, name), getattr(lean, name))
    from anuga_lean.generator import generate_mesh
    from anuga_lean.rectangles import build_neighbours
    from anuga_lean.triangulations import mesh_file_parts

    basic = importlib.import_module("anuga.abstract_2d_finite_volumes.basic_mesh").Basic_mesh
    basic._build_neighbours = build_neighbours(basic._build_neighbours)
    # not in its own module, where it gives a script lists
    generic = importlib.import_module("anuga.abstract_2d_finite_volumes.generic_domain")
    generic.pmesh_to_domain = mesh_file_parts
    # not mesh_engine's own: what calls that gives its arguments to be changed
    importlib.import_module("anuga.pmesh.mesh").generate_mesh = generate_mesh


def _install_faults() -> None:
    """Let ranks stop together, and check that they see each other before they share a model."""
    from anuga_lean.mpi.faults import seen_together, stop_all_together

    stop_all_together()
    for module, names in _SHARE_A_MODEL:
        stock = importlib.import_module(module)
        for name in names:
            function = getattr(stock, name)
            _rebind(function, seen_together(function))


def _install_regions() -> None:
    """Make ANUGA's search for the triangles of a region hold what it finds and no more."""
    from anuga_lean.regions import (
        CornerCoordinate,
        allocating_less,
        on_parts,
        on_real_arrays,
        searching_parts,
        without_coordinates,
    )

    polygon = importlib.import_module("anuga.geometry.polygon")
    for name, per in (("inside_polygon", 1), ("line_intersect", 3), ("polygon_overlap", None)):
        function = getattr(polygon, name)
        _rebind(function, searching_parts(function, per))
    region = importlib.import_module("anuga.abstract_2d_finite_volumes.region").Region
    region._setup_indices_circle = on_real_arrays(region._setup_indices_circle)
    for name in ("_setup_indices_line", "_setup_indices_polygon"):
        setattr(region, name, on_parts(getattr(region, name)))
    inlets = importlib.import_module("anuga.parallel.parallel_operator_factory")
    _rebind(inlets.allocate_inlet_procs, allocating_less(inlets.allocate_inlet_procs))
    enquiry = importlib.import_module("anuga.parallel.parallel_inlet_enquiry")
    inlet = enquiry.Parallel_Inlet_enquiry
    inlet.compute_enquiry_index = without_coordinates(inlet.compute_enquiry_index)
    elevation = importlib.import_module("anuga.operators.set_elevation").Set_elevation
    elevation.setup_node_structures = on_real_arrays(elevation.setup_node_structures)
    stage = importlib.import_module("anuga.operators.set_stage").Set_stage
    for kind in (elevation, stage):
        for axis, name in enumerate(("v_x", "v_y")):
            setattr(kind, name, CornerCoordinate(name, axis))


def _rebind(function: Any, wrapped: Any) -> None:
    """Bind `wrapped` wherever a module says `function`."""
    for module in _modules():
        for key, value in vars(module).copy().items():
            if value is function:
                setattr(module, key, wrapped)


def _install_quantity_functions() -> None:
    """Give ANUGA's compiled functions real arrays when a script calls them on a lean quantity."""
    from anuga_lean.quantity import Quantity

    kernels = importlib.import_module(_QUANTITY_MODULE)
    for name, is_method in _TAKE_A_QUANTITY.items():
        function = getattr(kernels, name)
        own = getattr(Quantity, name) if is_method else functools.partial(
            Quantity.run_compiled, function=function)
        setattr(kernels, name, _of_quantity(function, own, Quantity))


def _install_exchange() -> None:
    """Have lean domains exchange ghost values through requests that are made once."""
    from anuga_lean.domain import LeanDomain

    stock, own = importlib.import_module(_EXCHANGE_MODULE), importlib.import_module(_OWN_EXCHANGE)
    for name in ("communicate_ghosts_non_blocking", "communicate_tracer_ghosts",
                 "communicate_flux_timestep"):
        function = getattr(stock, name)
        _rebind(function, _of_class(function, getattr(own, name), LeanDomain))
    if capabilities().bed_ghosts:
        _rebind(stock.communicate_bed_ghosts,
                _handled(stock.communicate_bed_ghosts, own.communicate_bed_ghosts))


def _of_class(function: Any, own: Any, lean_class: type) -> Any:
    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = own if isinstance(domain, lean_class) else function
        return chosen(domain, *args, **kwargs)
    return ask


def _of_quantity(function: Any, own: Any, lean_class: type) -> Any:
    @functools.wraps(function)
    def ask(quantity: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(quantity, lean_class) and not quantity.is_dense:
            return own(quantity, *args, **kwargs)
        return function(quantity, *args, **kwargs)
    return ask


def _is_lean(domain: Any) -> bool:
    return getattr(domain, "lean", None) is not None


def _handled(function: Any, own: Any) -> Any:
    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_lean(domain):
            result = own(domain, *args, **kwargs)
            if result is not NotImplemented:
                return result
        return function(domain, *args, **kwargs)
    return ask


def _on_stock_arrays(function: Any, name: str) -> Any:
    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_lean(domain):
            domain.use_stock_kernels(f"a direct call of ANUGA's {name}")
        return function(domain, *args, **kwargs)
    return ask


def _on_real_mesh(function: Any) -> Any:
    from anuga_lean.quantity_views import RealArrays

    @functools.wraps(function)
    def ask(operator: Any) -> Any:
        if _is_lean(operator.domain):
            return function(RealArrays(operator, mesh=operator.mesh.dense_copy()))
        return function(operator)
    return ask


def _flat_friction(domain: Any, *args: Any, **kwargs: Any) -> Any:
    return _friction(domain, domain.lean.friction_slope is None)


def _sloped_friction(domain: Any, *args: Any, **kwargs: Any) -> Any:
    return _friction(domain, domain.lean.friction_slope is not None)


def _friction(domain: Any, prepared: bool) -> Any:
    """Leave friction to the update, if the last sweep was made for this kind of it."""
    if prepared:
        domain.lean.add_friction()
        return None
    domain.use_stock_kernels("friction of another kind than the last fluxes were computed for")
    return NotImplemented


def _reflect(domain: Any, ids: Any, vol: Any, edge: Any, *args: Any, **kwargs: Any) -> None:
    from anuga_lean.boundary import reflect_velocities

    domain.lean.reflect(ids, vol, edge)
    reflect_velocities(domain, ids, vol, edge)


def _vegetation(domain: Any, *args: Any, **kwargs: Any) -> None:
    domain.lean.add_vegetation()


def _predict(domain: Any, dt: float, *args: Any, **kwargs: Any) -> None:
    domain.lean.predict(dt)


_HANDLED = {
    "vegetation_friction_semi_implicit": _vegetation,
    "ader_ck_predictor_edge": _predict,
    "manning_friction_flat_semi_implicit": _flat_friction,
    "manning_friction_sloped_semi_implicit_edge_based": _sloped_friction,
    "evaluate_reflective_segment": _reflect,
    "update_Domain_C_struct": lambda domain, *args, **kwargs: domain.update_domain_c_struct(),
}

# True: the method of that name does the same.
_TAKE_A_QUANTITY = {
    "backup_centroid_values": True, "saxpy_centroid_values": True, "update": True,
    "interpolate": True, "interpolate_from_edges_to_vertices": True,
    "interpolate_from_vertices_to_edges": True,
    "bound_vertices_below_by_constant": False, "bound_vertices_below_by_quantity": False,
    "compute_gradients": False, "compute_local_gradients": False,
    "extrapolate_from_gradient": False, "extrapolate_second_order_and_limit_by_edge": False,
    "extrapolate_second_order_and_limit_by_vertex": False,
    "limit_edges_by_all_neighbours": False, "limit_edges_by_neighbour": False,
    "limit_gradient_by_neighbour": False, "limit_old": False,
    "limit_vertices_by_all_neighbours": False, "set_vertex_values_c": False,
}

_TAKE_A_DOMAIN = frozenset((
    "setup_Domain_C_struct", "apply_sediment_source", "apply_bedload", "apply_repose",
    "manning_friction_sloped_semi_implicit",
    "compute_fluxes_ext_central", "protect_new", "extrapolate_second_order_edge_sw",
    "extrapolate_second_order_sw", "distribute_to_edges", "distribute_to_edges_and_vertices",
    "distribute_edges_to_vertices", "update_conserved_quantities",
    "extrapolate_centroids_only", "kinematic_viscosity_explicit",
    "saxpy_conserved_quantities", "backup_conserved_quantities",
    "fix_negative_cells", "ader_ck_predictor", "gravity",
    "gravity_wb",
))


# -- import anuga after import anuga_lean -------------------------------------------


class _Loader:
    """ANUGA's own loader, followed by `install`."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        unwatch()
        from anuga_lean.deferred import importing_anuga

        with importing_anuga():
            self.loader.exec_module(module)
        if not _importing and not _own_module_loading():
            install()


class _Finder:
    """Finds the package anuga for whoever imports it first."""

    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: types.ModuleType | None = None) -> Any:
        if fullname != "anuga":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def watch() -> None:
    """Bring the lean classes in as soon as anybody imports ANUGA."""
    if "anuga" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def unwatch() -> None:
    """Let ANUGA be imported as it is."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]


def _own_module_loading() -> bool:
    """Whether one of the lean modules is what imports ANUGA, so that none is complete."""
    known = (*(own for _, _, own in _REPLACED), *(own for _, own, _ in _FACTORIES), _OWN_EXCHANGE)
    return any(own in sys.modules for own in known) or any(
        name.startswith("anuga_lean.") and getattr(module.__spec__, "_initializing", False)
        for name, module in sys.modules.copy().items() if module is not None)
