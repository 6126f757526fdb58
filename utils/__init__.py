"""The segmenter that the nine notebooks build, one module per step.

Every function that an exercise asks for lives here: the answer key is the library.
"""

import os

# albumentations asks the network for a newer version of itself when it is imported; a course must not.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
