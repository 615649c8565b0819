"""Says afterwards why a run ended, and beforehand what is wrong with a machine.

evidence   what a line proves, and how much        reading   bounded reading of files and folders
texts      lines of Slurm, the kernel, MPI, ...    slurm     tables of sacct and scontrol
records    the run's own record                    counters  what cgroups have counted
members    a member of a study
weighing   which class the evidence makes          advice    what to ask for next time
asking     Slurm and the kernel, if they are there
machine    the examination without a run           processes MPI and what holds shared memory
"""
