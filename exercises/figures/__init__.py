"""Drawings that only one lesson needs: one file for each notebook."""
