"""Backbones of one's own on the command line.

compare  two backbones on a survey
"""
