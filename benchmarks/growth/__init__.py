"""How the cost of each service grows with what it is given: `python -m benchmarks.growth`.

points       measured points, kept so that a stopped run resumes
of_embedder  crops a second and memory, against crops in flight and the images of a call
of_scorer    a query, new detections, cold start and memory, against the detections of a survey
of_sampler   a question and the opening of a session, against detections and labels
drawing      a picture for each service, and how fast a cost grows
"""
