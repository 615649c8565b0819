"""Runs a model on many ranks: what happens between processes under MPI.

partitions       the rank of each triangle      submeshes   the part of one rank, with its halo
distribution     a domain becomes one per rank  partition_files   the same by way of files
halo             the exchange of ghosts         ranks       the processes, and agreeing
rank_files       SWW files of the ranks         merging     them as one file
"""
