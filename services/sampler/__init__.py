"""Sessions to questions: the fewest answers that turn a survey into known individuals.

servicer    the rpcs
wire        requests checked, responses made; labels, what can be an answer
sessions    sessions opened, answered, retracted
state       a session as the fold of its journal
asking      what an annotator is asked next
planning    the next round, planned from candidates and journalled once
scoring     the survey's candidates, asked of the scorer
moving      a journal from elsewhere, checked event by event by moved_events and stored whole
leases      which pairs are on whose screen
progress    how far a session is
"""
