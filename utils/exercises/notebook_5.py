"""Notebook 5."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
