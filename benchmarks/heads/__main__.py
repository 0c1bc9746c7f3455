"""Run the benchmark: `python -m benchmarks.heads --help`."""

from benchmarks.heads.recipes import main

main()
