"""Measures runs of stock and lean ANUGA, each in a process of its own.

request, measurement, child, script   what to run, and running it in a fresh process
outside       what is told of it while it runs, and its memory over time
stages, marks, probe, allocations     memory of that process: by stage, at a point, by call site
calls                                 memory of single calls
checkpoints, last_checkpoint          of writing sets, and of one after the last step
split, whole, evolving                where the time of `evolve` goes, on one thread and on several
instructions  of a step, under valgrind
comparison    stock against lean, bit for bit      builds       which ANUGA is measured
verdict       the line that says so
environment   the machine and its versions         cases        runs become records
records       the stored form of figures           gate         what has become worse
report        tables of text                       page         one HTML page
conditions    on figures, and which hold           schema       what a file of figures may hold

Importing it loads neither ANUGA nor the lean classes; the solver never imports it.
"""
