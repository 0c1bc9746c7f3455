"""Run the benchmark: `python -m benchmarks.stopping --help`."""

from benchmarks.stopping.guarantee import main

main()
