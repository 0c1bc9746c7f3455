"""The catalogue of an organisation: named animals over several surveys, and which a photograph may show.

servicer    the rpcs of CatalogueService
requests    requests to library values, checked
changes     decisions on changes, and the changes that follow the deletion of detections
events      changes as messages, as they are stored and listed
catalogues  the catalogues of a store, rebuilt from their journals
listing     entries and changes as messages
watching    changes of the entries as a stream
gallery     members of other surveys and photographs of a survey, on one plane
matcher     requests to match, prepared
matching    the best animals and photographs of queries
responses   matches as messages
members     members as photographs of a survey, as messages
"""
