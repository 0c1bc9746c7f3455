"""Parts that several benchmarks share.

report         results: facts of the machine, bars held or missed, a table and a JSON file
kept           finished runs in a file, so that a stopped benchmark resumes
timing         rivals timed in turns within one run
options        command-line options of several benchmarks
own_cores      a core of its own for a client, so that it takes none from the server
servers        one service as deployed, beside a real store, on loopback
models         the two backbones that serving is measured with
crops          JPEG crops of the sizes that camera traps yield, and broken files
known_surveys  surveys with known individuals, from files, simulated and generated
drawn_survey   a simulated survey with drawn embeddings, and how it is loaded into a scorer
"""
