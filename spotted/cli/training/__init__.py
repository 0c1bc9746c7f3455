"""Backbones of one's own on the command line.

train    a backbone from photographs of known individuals
options  options that the commands of training share
compare  two backbones on a survey
"""
