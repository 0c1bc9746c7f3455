"""Run the benchmark: `python -m benchmarks.screens --help`."""

from benchmarks.screens.screens import main

main()
