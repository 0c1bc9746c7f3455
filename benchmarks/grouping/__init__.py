"""HotSpotter beside other scores, and individuals found without any answer: `python -m benchmarks.grouping`.

surveys     one flank of nyala without places and times, and the composites, with the marks of all pairs
curves      rankings by HotSpotter's scores of all pairs, by backbones, and by the scores of a survey
figure      their curves side by side, and tables
groups      individuals found without any answer: `python -m benchmarks.grouping.groups`
shortlists  how many candidates to match: `python -m benchmarks.grouping.shortlists`
"""
