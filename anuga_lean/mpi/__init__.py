"""Runs on many ranks: what happens between processes under MPI.

partitions       which triangle is whose        submeshes   the part of one rank, with its halo
distribution     a domain becomes one per rank  partition_files   the same by way of files
halo             the exchange of ghosts         ranks       who takes part, and agreeing
rank_files       SWW files of the ranks         merging     them as one file
"""
