"""Steps a domain: ANUGA's Domain on lean kernels, the parts of a time step, the SWW file.

domain         ANUGA's Domain on lean kernels; generic_domain any other kind of domain
step           the order of a step, of parts: parameters kernel_run bound_state undo_record
               edge_values prescribed walls wave_speeds quiet_blocks runge_kutta forcing tracers
plain_steps    steps in which no code of a user's acts, and whether a step is one
yield_state    vertex values until the next yield; volumes_and_flows, sww what a yield shows;
               frames the values that a frame stores, classic_file writes them, sww_header
               how a file begins
boundary       which boundaries run code of a user's; segments all edges of a tag at once,
               shown_domain what ANUGA then reads of a domain, shown_edges for one that
               is asked edge by edge; riverwalls, wall_edges walls inside
evolving       evolve, and where it can stop; interrupts Ctrl-C; observers see every step;
               guarding who may end the run at one
features       what has a lean kernel; user_methods a user's own steps; notebook_summary a
               domain as a notebook shows it
conversion     to stock arrays and back; domain_attributes arrays of a domain that are views
ghosts         what other ranks send; threads, whole_domains what lasts longer than a step,
               cut_off what memory running out leaves; progress whether time goes on;
               huge_pages the pages that arrays of a step are on
assigned       arrays that a script puts in the place of others
"""
