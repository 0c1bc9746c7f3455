"""The sampler: asks as few questions as possible until all individuals of a survey are known.

servicer       the rpcs of SamplerService
wire           requests to library values, results to responses
facts          what a session knows of its detections besides labels
labels         which labels stand, and what each did
session        a session's state and its journal
questions      the next questions for an annotator
catalogue      members of the catalogue in other surveys that sessions draw on
exported       what follows from a session in a file, printed for a command
individuals    names, merges, splits and moves by people, and individuals as they are watched
survey_values  the survey's detections and candidates, as values
scorer_client  the same read from the scorer
"""
