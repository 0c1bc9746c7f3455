"""Questions to a person at a terminal.

question_text  how a question is shown
replies        how it is answered
keys           single keys, or lines if no person is at the terminal
patience       waiting for services that were restarted
"""
