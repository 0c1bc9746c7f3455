"""Waits of annotators for questions in a survey of 50,000 detections: `python -m benchmarks.sampler`.

waits       the run: annotators, memory, and opening a long session
annotators  simulated annotators who ask, think and answer
journal     long session journals, and refreshes of the question plan read from a journal
"""
