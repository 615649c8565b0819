"""Checkpoints: sets of files that a run goes on from; docs/checkpoints.md describes them.

domain    what anuga.Domain becomes
file      the container of one file        names    what files are called, sets
encoder   a domain as data                 decoder  and back
allowed   what may be named in a file      code     what only dill can store
writing   sets, whole or not at all        reading  the files of one rank as a domain
loading   which set a run goes on from     regroup  a set on another number of ranks
schedule  set_checkpointing
"""
