"""Run the benchmark: `python -m benchmarks.load --help`."""

import sys

from benchmarks.load.platform import main

sys.exit(main())
