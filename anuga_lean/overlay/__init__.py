"""The one place that knows ANUGA's inside: what it can do and what of it is replaced.

capabilities    what the installed ANUGA can do, probed once
"""
