"""Surveys to scores: who could be whom.

servicer      the rpcs
wire          requests checked, responses made
surveys       surveys created, changed, deleted, seen through their active head
adding        new detections: stored, known already, or rejected with a reason
deleting      detections removed
candidates    best candidates with filters, evidence and words; one pair explained
matrices      score matrices as a stream of blocks
"""
