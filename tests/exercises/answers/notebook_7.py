# %% prelude
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# %% 7.3 right: boolean masks, class by class
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 wrong: ignored pixels are counted
def iou(prediction, target, num_classes, ignore_index=255):
    p, t = prediction, target
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])
