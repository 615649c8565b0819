"""Runs on many ranks: parting a mesh, exchanging ghosts, merging files, stopping together.

Owns everything that happens between processes under MPI; one domain's own
steps know nothing of it.
"""
