"""The verbs of the command line, one module each: prepare_parser and run.

Importing a verb imports nothing of the solver.
"""
