"""Notebook 6."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
