"""Says how much memory a run will take, before it does.

question     what is asked: triangles, ranks, features    table     what was measured, built in
prediction   the peak of each stage and rank              learning  from records of earlier runs
advice       which limit it meets, and what to ask for    trial     a script up to its evolve

How the answer is printed is in `commands.plan`; `benchmarks/plan.py` makes the table and checks
predictions.
"""
