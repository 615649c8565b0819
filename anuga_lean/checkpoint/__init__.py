"""Writes and loads checkpoints, the files a run continues from; see docs/checkpoints.md.

domain    the class anuga.Domain becomes   schedule  when a set is due
file      the container of one file        names     the names of files, and their sets
encoder   from a domain to data            decoder   from data to a domain
register  names of what a file may hold    format_1  those of an older format
allowed   the state of an object           code      what only dill can store
ranges    numbers of a restored domain     confinement  where an untrusted set may write
prepared  what of a state is written       reading   the files of one rank as a domain
writing   sets, whole or not at all
loading   the set a run continues from     regroup   a set on another number of ranks
users     plain state of a user's objects    graft    a state into a domain that is there
stubs     sets under ANUGA's names         locks     one writer for a name
stock_state  what ANUGA's kernels expect of a restored domain
releases  sets of another ANUGA            on_stock  where ANUGA runs as it is
"""
