"""Writes and loads checkpoints, the files a run continues from; see docs/checkpoints.md.

domain    what anuga.Domain becomes        schedule  set_checkpointing
file      the container of one file        names     what files are called, sets
encoder   a domain as data                 decoder   and back
register  names of what a file may hold    format_1  those of an older format
allowed   what of an object is its state   code      what only dill can store
writing   sets, whole or not at all        reading   the files of one rank as a domain
loading   which set a run goes on from     regroup   a set on another number of ranks
stock_state  what ANUGA's kernels expect of a restored domain
releases  sets of another ANUGA            on_stock  where ANUGA runs as it is
"""
