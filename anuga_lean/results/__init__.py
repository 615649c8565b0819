"""Reads results back from SWW files, a frame and some places at a time.

`doors` is what ANUGA's functions are replaced by; it loads the rest at the first call.
`frames` reads rows of a file and collects them, or their maxima; `vertices` is behind
`get_output`, `centroids` behind `get_centroids`, `rasters` behind `sww2dem`, `geotiffs` behind
`Make_Geotif`, `stored` and `interpolation` behind `file_function` and what interpolates,
`sections` behind the flow through cross-sections, `inundation` behind
`get_maximum_inundation_data`, `plotting` behind `SWW_plotter`.
How such files are written is `stepping.sww`'s, how those of several ranks are merged
`mpi.merging`'s.
"""
