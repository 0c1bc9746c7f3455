"""The paths of the page (docs/review-api.md).

review       what every path works with
start        surveys and sessions
questions    questions, answers, and taking back
evidence     what helps to answer: other photographs, scores, the map
conflicts    labels that contradict others
individuals  the catalogue: cards, names, merges, splits
progress     progress, also as it changes
candidates   candidates of one detection, and photographs to begin from
export       what an export would contain
images       pictures and tiles
"""
