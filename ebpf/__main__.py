"""``python -m ebpf``: the command line."""

import sys

from ebpf.cli import main

sys.exit(main())
