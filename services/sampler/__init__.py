"""The sampler: sessions to questions, with as few answers as possible until all individuals are known.

servicer       the rpcs of SamplerService
wire           requests to library values, results to responses
session        a session's state and its journal
questions      what an annotator is asked next
scorer_client  candidates and detections of the survey, asked of the scorer
"""
