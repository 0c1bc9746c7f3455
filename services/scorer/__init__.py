"""Surveys to scores: who could be whom."""
