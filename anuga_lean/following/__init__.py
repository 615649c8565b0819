"""Follows a run from outside: its record, and the memory of its processes, while it is on.

finding    which record and which processes are meant    processes  memory of ranks on this node
looking    a look at a run, and how it has ended         wording    a look as lines of text
showing    lines on a terminal or in a log              picture    a record as a panel of `report`

The record's form is `guard.record`'s, its check `guard.recorded`'s.
"""
