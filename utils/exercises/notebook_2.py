"""Notebook 2."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
