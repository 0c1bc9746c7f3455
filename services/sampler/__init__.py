"""Sessions to questions: the fewest answers that turn a survey into known individuals."""
