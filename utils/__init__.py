"""What the nine notebooks teach: one module for each step. The answer key of every exercise is a function of it.

Import this package before torch and albumentations: both read these settings once, when they are imported.
"""

import os

# albumentations asks the network for a newer version of itself when it is imported; a course must not.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
# PyTorch's threads spin while they wait for each other. Where another program needs a core, that makes a step several
# times slower; a short spin costs nothing on an idle machine.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
