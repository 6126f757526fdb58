"""Notebook 4."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
