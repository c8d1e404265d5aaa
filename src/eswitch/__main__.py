"""`python -m eswitch`."""

import sys

from eswitch.cli import main

sys.exit(main())
