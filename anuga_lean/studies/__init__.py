"""Runs studies: many members, each a script in a process of its own, bounded by memory.

`definition` what a study file says, `parameter_sets` the table of its parameters, `members` what
runs and where it lies, `records` how members ended and who runs them now, `reservations` how much
memory a member is given, `sizes` its triangles, `durations` how long it will run, `packing` which
one starts next, `outcomes` how a try ended, `ends` what is done about that, `member` the process of
a member, `spawner` the process that starts those of a worker, loaded with ANUGA or not, `processes`
sessions of them, `launching` runs one to its end, `outside` what it writes elsewhere, `engines`
where members run, `slurm` jobs for them, `running` drives all of it, `summaries` the results as one
table, `findings` what the doctor says of an end, `progress` how a study went on, `runner` scenarios
as members, `interface` a study from Python. The page of a study is made in overview/.
"""
