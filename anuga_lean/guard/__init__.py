"""Lets a run stop itself in time, with everything written, and go on from there.

limits       how much of each memory limit is taken
"""
