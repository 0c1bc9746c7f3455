"""Surveys to scores: who could be whom.

servicer        the rpcs
wire, answers   requests checked; responses made
surveys         surveys created, changed, deleted, read from their journals, and let go of
galleries       surveys as they are scored: through their head, with their calibration
adding          new detections: stored, known already, or rejected with a reason
deleting        detections removed
candidates      best candidates with evidence and words; one pair explained
filters         who may be a candidate, and how many each rule leaves out
standing_lists  the candidates of everyone, kept while the survey grows and shrinks
calibrations    calibrations in the store
fitting         a calibration learned from labels
matrices        score matrices as a stream of blocks
"""
