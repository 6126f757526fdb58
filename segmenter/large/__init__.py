"""Images larger than memory: read, predicted and written in parts, with their place on the map."""
