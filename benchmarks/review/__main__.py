"""Run the benchmark: `python -m benchmarks.review --help`."""

from benchmarks.review.waits import main

main()
