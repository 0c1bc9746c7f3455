"""Run the benchmark: `python -m benchmarks.sampler --help`."""

import sys

from benchmarks.sampler.waits import main

sys.exit(main())
