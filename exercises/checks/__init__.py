"""The exercises of each notebook, and the checks that judge them."""
