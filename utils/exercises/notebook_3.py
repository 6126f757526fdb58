"""Notebook 3."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
