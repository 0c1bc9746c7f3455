"""Run the benchmark: `python -m benchmarks.annotation --help`."""

from benchmarks.annotation.strategies import main

main()
