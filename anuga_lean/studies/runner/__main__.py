"""Is the script of a member that runs a scenario: `__main__.py SCENARIO JSON ARGUMENTS`.

Nothing else lies in this folder but the package, since Python looks for modules there first.
"""

import sys

from anuga_lean.studies.runner import main

if __name__ == "__main__":
    main(sys.argv[1:])
