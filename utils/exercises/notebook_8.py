"""Notebook 8."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
