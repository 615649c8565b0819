"""Writes and loads checkpoints, the files a run continues from; see docs/checkpoints.md.

domain    what anuga.Domain becomes
file      the container of one file        names    what files are called, sets
encoder   a domain as data                 decoder  and back
allowed   what may be named in a file      code     what only dill can store
stock_state  what ANUGA's kernels expect of a domain that is restored
writing   sets, whole or not at all        reading  the files of one rank as a domain
loading   which set a run continues        regroup  a set on another number of ranks
schedule  set_checkpointing                releases which other releases' files load
on_stock  load_checkpoint_file where ANUGA runs as it is
"""
