"""Questions that each strategy needs to find the pairs of one animal: `python -m benchmarks.annotation`.

strategies  the run: all strategies, surveys and seeds
runs        single sessions, stored as lines of a file so that none runs twice
surveys     generated surveys and composites as complete graphs with the truth
table       means, ratios to the bound, paired speed-ups, curves
"""
