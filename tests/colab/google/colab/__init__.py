"""A stand-in for Colab's module, with its signatures (googlecolab/colabtools): no browser, no Drive, no secrets."""

from google.colab import drive, files, output, userdata

__all__ = ["drive", "files", "output", "userdata"]
