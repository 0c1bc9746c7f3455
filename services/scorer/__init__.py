"""The scorer: surveys to scores and candidates.

servicer         the rpcs of ScorerService
requests         requests to library values
responses        results to responses
surveys          surveys created, updated, deleted and read from their journals
survey_fields    which survey fields and camera periods are valid
scored_surveys   surveys ready to be scored, with their head and calibration
detections       detections added and deleted
candidates       the best candidates, with evidence and reason
filters          which detections may be candidates
list_cache       the candidates of every detection, kept while a survey changes
calibrations     calibrations in the store
calibration_fit  a calibration fitted to labels
matrices         score matrices as a stream of blocks
"""
