"""Notebook 9."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
