"""The review page: how long a person waits for the next pair, for the first one, and for a picture.

site     services, page and a survey of 12-megapixel photographs
browser  a person who answers in Chromium, timed by the page itself
waits    the benchmark
"""
