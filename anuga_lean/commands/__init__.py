"""Implements the verbs of the command line, one module each: `prepare_parser` and `run`.

run        a script on lean domains            compare    a model or script on both
census     arrays of a domain, by owner        features   what runs lean, what is replaced
selfcheck  lean against stock on this machine  checkpoint what checkpoint files hold
report     stored figures as one page          patches    patches for ANUGA itself, verified
doctor     why a run ended, what is wrong here  plan    how much memory a run will take
watch      memory and progress of a run        study    many members of a script
completion of verbs and options in a shell     _versions  what --version lists
_options   options of several verbs            _progress  one moving line for long work
_parser    complaints, and what was meant

Importing a verb imports nothing of the solver.
"""
