"""The surveys of the services on the command line.

listing  all of them, with their sessions and the time of their last change
"""
