"""Run the benchmark: `python -m benchmarks.scorer --help`."""

import sys

from benchmarks.scorer.ranking import main

sys.exit(main())
