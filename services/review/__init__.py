"""The review page: experts see photographs and answer the questions of sessions in a browser.

The server has no store access and no state but a cache of thumbnails: it calls the services by the contract,
with the token of the person who asks. What it says to its page is in docs/review-api.md.

settings  the settings of the process
server    the application: routes, headers, errors
access    who asks: one-time keys, tokens, cookies, and what a foreign page may not do
surveys   the detections of a survey, held while their revision stands; the relative layout of its cameras
images    photographs without metadata: found, rendered, cached, cut into tiles
forms     values as the JSON of the page
routes    the paths
"""
