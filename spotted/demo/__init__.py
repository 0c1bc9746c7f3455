"""The demonstration: a survey matched from photographs to individuals by the real services.

Run it with `python -m spotted.demo`.

measuring  one survey through the whole loop
composite  composite surveys of real photographs and captures
pictures   drawn pictures of simulated animals
"""
