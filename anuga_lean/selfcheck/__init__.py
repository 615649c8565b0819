"""Compares stock with lean on the user's own machine, for `anuga_lean selfcheck`.

cases        what is checked, by group and row, and which random case a number stands for
meshes       small random meshes and states of water
boundaries   how each of ANUGA's boundary classes is made
domains      the domain of a case, and one step of it
models       the small models that run many steps
worker       a process that runs cases on one variant of ANUGA
check        starts the workers and compares what they answer
verdict      the table and the sentence at the end

Cases follow from a seed alone, so that every worker makes its own and one case can be
repeated by its name.  Ghost triangles need several ranks and are not checked here.
"""
