"""Lets a run stop itself in time, with everything written, and go on from there.

requests     what a run is asked for, from signals on     options   of the command line
limits       how much of each memory limit is taken       starting  puts the guard in
watch        looks at memory, the clock and a file        record    what is kept of a run
stopping     the guard: writes sets and ends the run at the next step
restarts     a script that is run again after each stop
resuming     which set a run goes on from                 model     what has to be the same
recorded     reads a record, of a run that goes on too

What a domain calls of it is in `stepping.guarding`.
"""
