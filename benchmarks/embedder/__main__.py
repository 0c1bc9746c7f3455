"""Run the benchmark: `python -m benchmarks.embedder --help`."""

from benchmarks.embedder.serving import main

main()
