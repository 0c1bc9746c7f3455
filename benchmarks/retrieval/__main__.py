"""Run the benchmark: `python -m benchmarks.retrieval --help`."""

from benchmarks.retrieval.scores import main

main()
