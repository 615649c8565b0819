"""anuga_lean is built by meson-python through pip; this file only says so."""

raise SystemExit("anuga_lean has no setup.py commands: type 'pip install .' to install it "
                 "or 'pip wheel .' to build a wheel.")
