"""Values as the JSON of the page (docs/review-api.md).

fields       the fields of a request's body, checked
errors       errors of any kind, with their status
instants     times as texts, and words for numbers
photos       detections as photographs
questions    questions and journeys
labels       labels, their effects and conflicts
progress     the progress of a session, and advice
"""
