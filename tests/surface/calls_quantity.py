"""A call, or several, of every public method and property of Quantity.

`q` is the stage, `bed`, `friction` and `u` are the elevation, the friction and
the momentum in x.
"""

from __future__ import annotations

from itertools import product

_PLACES = ("vertices", "edges", "centroids", "unique vertices")
_ALL = "[q.vertex_values, q.edge_values, q.centroid_values, q.boundary_values]"
_FRICTION = "[friction.vertex_values, friction.edge_values, friction.centroid_values]"
_GRID = "ncols 5\\nnrows 3\\nxllcorner 1000.0\\nyllcorner 2000.0\\ncellsize 10.0\\n" \
        "NODATA_value -9999\\n1 2 3 4 5\\n2 3 4 5 6\\n3 4 5 6 7\\n"
_POINTS = "x, y, level\\n1001,2001,1.0\\n1039,2001,2.0\\n1001,2019,3.0\\n1039,2019,4.5\\n" \
          "1020,2010,2.0\\n"
_CLOUD = "[[1.0, 1.0], [39.0, 1.0], [1.0, 19.0], [39.0, 19.0], [20.0, 10.0]]"
_CLOUD_VALUES = "[1.0, 2.0, 3.0, 4.5, 2.0]"


def _after(call: str) -> list[str]:
    """A call on the stage, which steps reconstruct, and on the friction, which they do not."""
    return [call, _ALL, call.replace("q.", "friction.", 1), _FRICTION]


CALLS: dict[str, list[str]] = {
    # -- reading
    "get_values": [
        *[f"{name}.get_values(location={place!r}, indices={indices})"
          for name, place, indices in product(
              ("q", "bed", "friction", "u"), _PLACES, ("None", "[5]", "[7, 2, 2]"))],
        "q.get_values()", "q.get_values(verbose=True)",
        "q.get_values(location='corners')",
        "q.get_values(location='centroids', indices=[5000])",
        "q.get_values(indices=np.array([True] * n))",
        "q.get_values(interpolation_points=[[1012.0, 2003.0], [1025.0, 2011.0]])",
        "q.get_values(interpolation_points=anuga.Geospatial_data([[1012.0, 2003.0]]))",
        "d.quantities['x'].get_values()", "d.quantities['y'].get_values(location='centroids')",
        "d.quantities['height'].get_values(location='edges')",
        "d.quantities['xvelocity'].get_values(location='edges')",
    ],
    "get_vertex_values": [
        *[f"q.get_vertex_values(xy={xy}, smooth={smooth}, centroid_averaging={of})"
          for xy, smooth, of in product((True, False), (True, False, None), (True, False, None))],
        "friction.get_vertex_values(precision=np.float32)"],
    "get_integral": ["q.get_integral()", "q.get_integral(full_only=False)",
                     "q.get_integral(indices=[1, 4])", "friction.get_integral()",
                     "q.get_integral(region=anuga.Region(d, polygon=P))"],
    "get_interpolated_values": [
        "q.get_interpolated_values([[1012.0, 2003.0], [1025.0, 2011.0]])",
        "q.get_interpolated_values([[12.0, 3.0], [25.0, 11.0]], verbose=True)"],
    "get_extremum_index": ["q.get_extremum_index()", "q.get_extremum_index(mode='max')",
                           "q.get_extremum_index(mode='min', indices=[5, 2, 9])",
                           "q.get_extremum_index(mode='nosuch')"],
    "get_gradients": ["q.compute_gradients(), q.get_gradients()", "friction.get_gradients()"],
    **{f"get_{which}_{what}": [f"q.get_{which}_{what}()", f"q.get_{which}_{what}(indices=[5, 2])",
                               f"u.get_{which}_{what}()"]
       for which, what in product(("maximum", "minimum"), ("index", "location", "value"))},
    "get_beta": ["q.get_beta()"], "get_name": ["q.get_name()", "(q + 1.0).get_name() != 'stage'"],
    "counter": ["type(q.counter)"],
    "vertex_values": ["q.vertex_values", "q.vertex_values[3]", "q.vertex_values[:, 1]",
                      "put(friction.vertex_values, (3, 1), 0.5)", _FRICTION],
    "edge_values": ["q.edge_values", "q.edge_values[3]", "q.edge_values[:, 1]",
                    "put(friction.edge_values, (3, 1), 0.5)", _FRICTION],
    "phi": ["q.phi"], "x_gradient": ["q.x_gradient"], "y_gradient": ["q.y_gradient"],
    # -- setting
    "set_values": [
        *[f"then(q.set_values({value}, location={place!r}), {_ALL})" for value, place in (
            ("0.3", "vertices"), ("0.4", "edges"), ("0.5", "centroids"), ("0.6", "unique vertices"),
            ("lambda x, y: x * y", "vertices"), ("lambda x, y: x * y", "edges"),
            ("lambda x, y: x - y", "centroids"), ("lambda x, y: x - y", "unique vertices"),
            ("np.arange(3.0 * n).reshape(n, 3)", "vertices"),
            ("np.arange(3.0 * n).reshape(n, 3)", "edges"),
            ("np.arange(1.0 * n)", "centroids"),
            ("np.arange(1.0 * m.number_of_nodes)", "unique vertices"),
            ("list(range(n))", "centroids"), ("'bed'", "centroids"), ("None", "centroids"),
        )],
        "q.set_values(quantity=bed)", "q.set_values(bed + 0.2)",
        "q.set_values(function=lambda x, y: 0.01 * x)",
        "q.set_values(lambda x, y: 0.01 * x, indices=[4, 5])",
        "q.set_values([0.1, 0.2], indices=[4, 5])",
        "q.set_values([[0.1, 0.2, 0.3]], indices=[4])", _ALL,
        "q.set_values(0.9, indices=[4, 5], location='unique vertices')",
        "q.set_values([0.9, 0.8], indices=[4, 5], location='unique vertices')", _ALL,
        "q.set_values(1.1, polygon=P)", "q.set_values(lambda x, y: x, polygon=P)",
        "q.set_values(1.2, polygon=P, location='centroids')",
        "q.set_values(1.3, region=anuga.Region(d, polygon=P))", _ALL,
        "q.set_values(1.4, smooth=True)", "q.set_values(lambda x, y: x, smooth=True)", _ALL,
        "q.set_values(1.5, quantity=bed)", "q.set_values(np.ones((2, 2)))",
        "q.set_values(1.0, location='nosuch')", _ALL,
        f"q.set_values(filename=write('grid.asc', '{_GRID}'), location='centroids')",
        f"q.set_values(filename=write('points.csv', '{_POINTS}'), alpha=0.01)", _ALL,
        f"q.set_values(geospatial_data=anuga.Geospatial_data({_CLOUD}, {_CLOUD_VALUES}))",
        "q.set_values(filename='missing.pts')",
    ],
    "set_values_from_array": [
        *_after("q.set_values_from_array(np.arange(1.0 * n), location='centroids')"),
        *_after("q.set_values_from_array(np.arange(3.0 * n).reshape(n, 3))"),
        *_after("q.set_values_from_array([1.0, 2.0], location='vertices', indices=[3, 8])"),
        *_after("q.set_values_from_array([1.0, 2.0], location='unique vertices', "
                "indices=[3, 8])"),
        "q.set_values_from_array(np.ones(3), location='centroids')"],
    "set_values_from_constant": [
        *_after("q.set_values_from_constant(0.2, 'vertices', None, False)"),
        *_after("q.set_values_from_constant(0.3, 'centroids', [1, 4], False)"),
        *_after("q.set_values_from_constant(0.4, 'unique vertices', [1, 4], True)"),
        *_after("q.set_values_from_constant(0.5, 'edges', None, False)")],
    "set_values_from_file": [
        *_after(f"q.set_values_from_file(write('points.csv', '{_POINTS}'), 'level', 0.01, "
                "'vertices', None)"),
        "q.set_values_from_file('points.csv', 'nosuch', 0.01, 'vertices', None)"],
    "set_values_from_function": [
        *_after("q.set_values_from_function(lambda x, y: x + y)"),
        *_after("q.set_values_from_function(lambda x, y: x - y, location='centroids')"),
        *_after("q.set_values_from_function(lambda x, y: x * y, location='centroids', "
                "indices=[2, 4])"),
        "q.set_values_from_function(lambda x: x)"],
    "set_values_from_geospatial_data": _after(
        f"q.set_values_from_geospatial_data(anuga.Geospatial_data({_CLOUD}, {_CLOUD_VALUES}), "
        "0.01, 'vertices', None)"),
    "set_values_from_lat_long_grid_file": [
        f"q.set_values_from_lat_long_grid_file(write('ll.asc', '{_GRID}'))", _ALL,
        "q.set_values_from_lat_long_grid_file('missing.asc')"],
    "set_values_from_points": _after(
        f"q.set_values_from_points({_CLOUD}, {_CLOUD_VALUES}, 0.01, 'vertices', None)"),
    "set_values_from_quantity": [
        *_after("q.set_values_from_quantity(bed, 'vertices', None, False)"),
        "q.set_values_from_quantity(bed, 'centroids', [1], False)"],
    "set_values_from_tif_file": ["q.set_values_from_tif_file('missing.tif')"],
    "set_values_from_utm_grid_file": [
        *_after(f"q.set_values_from_utm_grid_file(write('g.asc', '{_GRID}'))"),
        *_after("q.set_values_from_utm_grid_file('g.asc', location='centroids')")],
    "set_values_from_utm_raster": _after(
        "q.set_values_from_utm_raster((np.arange(1000.0, 1041.0, 10.0), "
        "np.arange(2000.0, 2021.0, 10.0), np.arange(15.0).reshape(3, 5)))"),
    "set_vertex_values": [*_after("q.set_vertex_values(np.arange(1.0 * m.number_of_nodes))"),
                          *_after("q.set_vertex_values([1.0, 2.0], indices=[3, 8])")],
    "set_boundary_values": [
        *[f"then(q.set_boundary_values({value}), q.boundary_values)"
          for value in ("", "0.4", "np.arange(1.0 * q.boundary_length)", "lambda x, y: x")]],
    "set_boundary_values_from_edges": ["q.set_boundary_values_from_edges()", _ALL],
    "set_beta": ["q.set_beta(0.3)", "q.beta", "q.set_beta(7.0)", "q.set_beta(-1.0)"],
    "set_name": ["q.set_name('level')", "q.get_name()", "friction.set_name()"],
    "maximum": ["then(q.maximum(0.1), 0)", _ALL, "then(q.maximum(bed), 0)", _ALL],
    "minimum": ["then(q.minimum(0.1), 0)", _ALL, "then(q.minimum(bed), 0)", _ALL],
    # -- interpolation, extrapolation, limiting
    # Stock's kernels take the edge values for granted: it dies on a centroid-only quantity.
    **{name: [f"q.{name}()", _ALL, f"u.{name}()"] for name in (
        "compute_gradients", "compute_local_gradients", "extrapolate_first_order",
        "extrapolate_second_order", "extrapolate_second_order_and_limit_by_edge",
        "extrapolate_second_order_and_limit_by_vertex", "interpolate", "interpolate_old",
        "interpolate_from_edges_to_vertices", "interpolate_from_vertices_to_edges", "limit",
        "limit_edges_by_all_neighbours", "limit_edges_by_neighbour",
        "limit_vertices_by_all_neighbours", "smooth_vertex_values", "backup_centroid_values")},
    "bound_vertices_below_by_constant": ["q.bound_vertices_below_by_constant(0.1)", _ALL],
    "bound_vertices_below_by_quantity": ["q.bound_vertices_below_by_quantity(bed)", _ALL],
    "saxpy_centroid_values": ["q.backup_centroid_values()", "q.centroid_backup_values",
                              "q.saxpy_centroid_values(0.5, 0.25)", _ALL],
    "update": ["q.update(0.1)", _ALL, "q.explicit_update"],
    # -- files and pictures
    "plot_quantity": ["q.plot_quantity(filename='stage.png', draw=False)", "files()"],
    "save_centroid_data_to_csv": ["q.save_centroid_data_to_csv('c.csv')", "text('c.csv')",
                                  "q.save_centroid_data_to_csv()", "files()"],
    "save_data_to_dem": ["q.save_data_to_dem('q.asc')", "files()"],
    "save_to_array": ["q.save_to_array(cellsize=5.0)", "q.save_to_array(cellsize=5.0, smooth=True)",
                      "q.save_to_array(cellsize=4.0, easting_min=1004.0, easting_max=1024.0, "
                      "northing_min=2004.0, northing_max=2012.0)",
                      "q.save_to_array(cellsize=5.0, verbose=True)"],
}

# Special methods are what `2.0*q - bed` calls.
OPERATORS = ["-q", "q + 1.0", "1.0 + q", "q + bed", "q - bed", "q - 0.5", "1.0 - q", "q * 2.0",
             "2.0 * q", "q * bed", "q / 2.0", "q / bed", "q ** 2", "q ** 0.5", "q ** -1", "len(q)",
             "q + (lambda x, y: x)", "q * np.ones((n, 3))", "q + 'nonsense'"]
