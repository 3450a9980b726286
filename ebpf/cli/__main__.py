"""``python -m ebpf.cli``: the command line."""

import sys

from ebpf.cli import main

sys.exit(main())
