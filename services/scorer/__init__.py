"""The scorer: surveys to scores and candidates.

servicer         the rpcs of ScorerService
requests         requests to library values
responses        results to responses
surveys          surveys created, updated, deleted and read from their journals
survey_fields    checks of survey fields and camera periods
scored_surveys   surveys ready to be scored, with their head and calibration
camera_deletion  cameras deleted
detections       detections added and deleted
corrections      detections corrected
correction_requests  requests to correct detections, checked
candidates       the best candidates, with scores and reasons
filters          the rules on which detections may be candidates
list_cache       the candidates of every detection, kept up to date while a survey changes
local            local features of detections, stored beside the survey and matched
local_scores     local scores of a survey, read when a call needs them
catalogue        animals over several surveys
calibrations     calibrations in the store
calibration_fit  a calibration fitted to labels
matrices         score matrices as a stream of blocks
"""
