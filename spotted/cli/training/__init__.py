"""Backbones of one's own on the command line.

train        a backbone from photographs of known individuals
pretrain     a backbone from photographs without names
sources      the photographs of tables, surveys and sessions
options      options that the commands of training share
run_vectors  vectors by a finished training
compare      two backbones on a survey
"""
