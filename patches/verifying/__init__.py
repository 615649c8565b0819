"""Verifies patches for ANUGA, for `patches/verify.py`.

series.py reads the patches, tree.py applies them, builds.py makes interpreters
with a patched ANUGA, suites.py runs ANUGA's tests, models.py runs models, turns.py
times them against stock, verifier.py puts it together, verdicts.py is what comes out.
A user's own patch is found out by submissions.py and checkouts.py, read by diffs.py,
and shown by report.py and markdown.py; differences.py says by how much results differ.
Everything it measures with is anuga_lean's (measure/) and benchmarks/'s.
"""
