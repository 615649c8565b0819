"""Knows ANUGA's inside: what the installed one can do, and what of it is replaced by what.

table           every name of ANUGA's that is replaced, by what and why
install         brings the table's rows in, once a process
rebinding       how a name comes to mean something else wherever it is held
finder          the finder and loader of ANUGA while anuga_lean watches
import_hook     what `import anuga` does once this package is there
late_imports    what ANUGA imports at its top and first needs later
late_mpi        MPI begins when ranks are asked for
mpi_settings    what Open MPI is told before that
stand_ins       what ANUGA's modules hold until that is loaded
stopping_ranks  all ranks end when one of them fails
kernel_calls    what ANUGA's compiled functions do with lean objects
capabilities    what the installed ANUGA can do, probed once
later_attributes  what an older ANUGA has not set on the objects of a domain
versions        whether this ANUGA is one that may be changed
fingerprint     what differs between its sources and a known release's
sources, relied how a source becomes a fingerprint, and which ones count
"""
