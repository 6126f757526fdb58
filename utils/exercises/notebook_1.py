"""Notebook 1."""

from utils.exercises.engine import Exercise

EXERCISES: list[Exercise] = []
