"""Measuring domains: memory of the process, arrays by owner, one run per process.

Imports nothing of the solver, neither stock's nor lean's, at import time.
"""
