"""The demonstration: a survey matched from photographs to individuals by the real services.

Run it with `python -m spotted.demo`.

measuring  a survey through the whole loop, measured
composite  composite surveys of real photographs and real captures
pictures   drawn pictures of simulated animals
"""
