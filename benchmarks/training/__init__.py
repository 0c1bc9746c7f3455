"""Trainings measured: the tables of the MiewID paper on photographs of known animals; batches and coats.

plan          which trainings each table compares
settings      network, length and photographs of all trainings of a folder
material      photographs divided into those to train and to test with
runs          trainings in folders of their own, and their vectors of the test
measures      one-vs-all with intervals, for animals that training saw and for new ones
fit           the same on photographs that a network learnt from
gallery_size  hits by the number of photographs of an animal, exactly
tables        the tables, beside the paper's figures
from_session  what is learnt from half of the animals, on the other half
loading       batches prepared from crops compared with batches ready in memory
coats         lift of a training on drawn coats
methods       lift of each method without names on them
"""
