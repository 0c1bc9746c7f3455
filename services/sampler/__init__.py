"""Sessions to questions: the fewest answers that turn a survey into known individuals.

servicer        the rpcs
wire            requests checked, responses made; labels, what can be an answer
sessions        sessions opened, answered, retracted
state           a session as the fold of its journal; conflicts, what labels did and contradict
asking          what an annotator is asked next: choosing, which questions; leases, whose screen they are on;
                facts, the detections that are shown
planning        the next round, planned from candidates; worker, planning in a process of its own;
                planned_rounds, a round as the journal holds it
scoring         the survey's candidates, asked of the scorer
moving          a journal from elsewhere, checked event by event by moved_events and stored whole
progress        how far a session is
"""
