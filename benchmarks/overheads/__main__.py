"""Run the benchmark: `python -m benchmarks.overheads --help`."""

from benchmarks.overheads.tls_and_metrics import main

main()
