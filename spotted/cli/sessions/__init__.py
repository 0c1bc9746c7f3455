"""A session and its settings on the command line.

settings       options that set up a session
changes        commands that create a session and change its settings
unfinished     whether individuals may be counted yet
known_names    the individuals of detections, from the files or from a session
learned_names  the individuals of a session as names to learn from
session_files  the same from a file that was exported
"""
