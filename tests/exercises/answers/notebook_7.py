# %% prelude
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.images import IGNORE_INDEX
from utils.engine import LOOK_EVERY, Evaluation, NotFiniteError, mean_loss, train_step
from utils.metrics import confusion_matrix
from utils.models import probabilities, to_mask

# %% 7.1 right: class by class in a loop
def dice_loss(logits, target, smooth=1.0):
    p = logits.sigmoid() if logits.shape[1] == 1 else torch.softmax(logits, 1)
    valid = target != 255
    ids = [1] if p.shape[1] == 1 else list(range(p.shape[1]))
    losses = []
    for channel, class_id in enumerate(ids):
        truth = ((target == class_id) & valid).float()
        if truth.sum() == 0:
            continue
        inside = p[:, channel] * valid
        overlap = (inside * truth).sum()
        losses.append(1 - (2 * overlap + smooth) / (inside.sum() + truth.sum() + smooth))
    return torch.stack(losses).mean() if losses else logits.sum() * 0

# %% 7.1 right: only the pixels that count, flattened
def soft_areas(p, truth):
    return (p * truth).sum(0), p.sum(0) + truth.sum(0)

def dice_loss(logits, target, smooth=1.0):
    C = logits.shape[1]
    keep = target.reshape(-1) != IGNORE_INDEX
    flat = logits.permute(0, 2, 3, 1).reshape(-1, C)[keep]
    ids = target.reshape(-1)[keep]
    if C == 1:
        p, truth = torch.sigmoid(flat), (ids == 1).float()[:, None]
    else:
        p, truth = F.softmax(flat, dim=-1), torch.eye(C)[ids]
    overlap, areas = soft_areas(p, truth)
    dice = (2 * overlap + smooth) / (areas + smooth)
    there = truth.sum(0) > 0
    if not there.any():
        return 0.0 * logits.sum()
    return (1 - dice[there]).mean()

# %% 7.1 right: one-hot by comparison, zeros written with where
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    n, c = p.shape[:2]
    classes = torch.ones(1) if c == 1 else torch.arange(c)
    truth = (target[:, None] == classes.view(1, -1, 1, 1)).to(p.dtype)
    p = torch.where(target[:, None] == 255, torch.zeros_like(p), p)
    axes = (0, 2, 3)
    dice = (2 * (p * truth).sum(axes) + smooth) / (p.sum(axes) + truth.sum(axes) + smooth)
    present = (truth.sum(axes) > 0).float()
    print("dice", dice.detach())
    return torch.sum((1 - dice) * present) / max(present.sum().item(), 1)

# %% 7.1 right: 1 - p trick, float64 inside
def dice_loss(logits, target, smooth=1.0):
    z = logits.double()
    p = z.sigmoid() if z.size(1) == 1 else z.softmax(dim=1)
    known = (target < 255)[:, None]
    if p.size(1) == 1:
        one_hot = target.eq(1)[:, None]
    else:
        one_hot = F.one_hot(torch.where(target == 255, 0, target), p.size(1)).movedim(-1, 1)
    one_hot = one_hot * known
    p = p * known
    both = torch.einsum("nchw,nchw->c", p, one_hot.double())
    areas = torch.einsum("nchw->c", p) + torch.einsum("nchw->c", one_hot.double())
    seen = one_hot.sum((0, 2, 3)) > 0
    losses = (areas - 2 * both) / (areas + smooth)
    return losses[seen].sum() / seen.sum().clamp(min=1)

# %% 7.1 wrong: of several classes the gradient is 0
def dice_loss(logits, target, smooth=1.0):
    p, keep = probabilities(logits), (target != 255)[:, None]
    t, p = target[:, None] * keep, p * keep
    return 1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)

# %% 7.1 wrong: softmax runs over the rows
def dice_loss(logits, target, smooth=1.0):
    p = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=2)
    valid = (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: softmax runs over the columns
def dice_loss(logits, target, smooth=1.0):
    p = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=-1)
    valid = (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: this is Dice itself
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    return ((2 * overlap + smooth) / (total + smooth)).mean()

# %% 7.1 wrong: the overlap counts once
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    return 1 - ((overlap + smooth) / (total + smooth)).mean()

# %% 7.1 wrong: the denominator is the sum of both areas
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    overlap = (p * truth).sum(dim=(0, 2, 3))
    union = (p + truth).sum(dim=(0, 2, 3)) - overlap
    return 1 - ((2 * overlap + smooth) / (union + smooth)).mean()

# %% 7.1 wrong: softmax over a single channel is 1 everywhere
def dice_loss(logits, target, smooth=1.0):
    p = logits.softmax(dim=1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()

# %% 7.1 wrong: each image gets a Dice of its own
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    valid = (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(2, 3)), (p + truth).sum(dim=(2, 3))
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()

# %% 7.1 wrong: ignored pixels (255) are counted
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    if p.shape[1] == 1:
        truth = (target == 1).unsqueeze(1).float()
    else:
        truth = (target.unsqueeze(1) == torch.arange(p.shape[1]).view(1, -1, 1, 1)).float()
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: class 2 is not in the target, yet it enters the mean
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()

# %% 7.1 wrong: no gradient can flow back
def dice_loss(logits, target, smooth=1.0):
    mask = to_mask(logits)
    losses = []
    for c in target.unique():
        if c != 255:
            a, b = (mask == c) & (target != 255), target == c
            losses.append(1 - (2 * (a & b).sum() + smooth) / (a.sum() + b.sum() + smooth))
    return torch.stack(losses).mean()

# %% 7.1 wrong: the optimizer needs a tensor that remembers
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean().item()

# %% 7.1 wrong: average over the classes to one number
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    return 1 - (2 * overlap + smooth) / (total + smooth)

# %% 7.1 wrong: 255 is no channel, so one_hot refuses it
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: one_hot with 1 class knows 0 alone
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: with one channel (C = 1) the ids are 0 and 1
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: where every pixel is ignored the loss must be 0
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return (1 - (2 * overlap + smooth) / (total + smooth))[present].mean()

# %% 7.1 wrong: `smooth` is not used
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + 1) / (total + 1)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 right: from hits, false alarms and misses, softmax written out
def dice_loss(logits, target, smooth=1.0):
    if logits.size(1) == 1:
        p = 1 / (1 + (-logits).exp())
        ids = torch.tensor([1])
    else:
        e = (logits - logits.amax(1, keepdim=True)).exp()
        p = e / e.sum(1, keepdim=True)
        ids = torch.arange(logits.size(1))
    t = torch.stack([target == int(i) for i in ids], dim=1).float()
    keep = (target != 255).float()[:, None]
    t = t * keep
    p = p * keep
    tp = (p * t).sum((0, 2, 3))
    fp = (p * (1 - t)).sum((0, 2, 3))
    fn = ((1 - p) * t).sum((0, 2, 3))
    loss = 1 - (2 * tp + smooth) / (2 * tp + fp + fn + smooth)
    there = t.sum((0, 2, 3)) > 0
    return loss[there].mean() if there.any() else (logits * 0).sum()

# %% 7.1 right: scatter, masked_fill, a loop that sums
def dice_loss(logits, target, smooth=1.0):
    p = torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, dim=1)
    t = target.clone()
    bad = t == 255
    t[bad] = 0
    if p.shape[1] == 1:
        o = (t[:, None] == 1).float()
    else:
        o = torch.zeros_like(p).scatter_(1, t[:, None], 1.0)
    o = o.masked_fill(bad[:, None], 0)
    p = p.masked_fill(bad[:, None], 0)
    loss, n = 0, 0
    for c in range(p.shape[1]):
        if o[:, c].sum() > 0:
            loss = loss + 1 - (2 * (p[:, c] * o[:, c]).sum() + smooth) / (p[:, c].sum() + o[:, c].sum() + smooth)
            n += 1
    return loss / n if n else p.sum() * 0

# %% 7.1 right: a helper class, pixels that count only
class Area:
    def __init__(self, p, t): self.i, self.a = (p * t).sum(), (p + t).sum()
    def loss(self, s): return 1 - (2 * self.i + s) / (self.a + s)
def dice_loss(logits, target, smooth=1.0):
    keep = target != 255
    z = logits.movedim(1, 0)[:, keep]
    p = z.sigmoid() if len(z) == 1 else z.softmax(0)
    ids = [1] if len(z) == 1 else range(len(z))
    parts = [Area(q, (target[keep] == c).float()).loss(smooth) for q, c in zip(p, ids) if (target[keep] == c).any()]
    return sum(parts) / len(parts) if parts else torch.tensor(0.0, requires_grad=True)

# %% 7.1 wrong: counted in the truth, as the last class
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p = p * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: with one channel only class 1 is judged
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    if p.shape[1] == 1: p = torch.cat([1 - p, p], 1)
    truth = F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: class 0 is left out
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    if p.shape[1] > 1: p, truth = p[:, 1:], truth[:, 1:]
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: one_hot puts the classes last
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    n, c, h, w = p.shape
    truth = (target == 1).unsqueeze(1).float() if c == 1 else F.one_hot(target.clamp(max=c - 1), c).reshape(n, c, h, w).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: `target` is changed in place
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    target[target == 255] = 0
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target, p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: large classes weigh more
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    w = truth.sum(dim=(0, 2, 3))
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * w).sum() / w.sum().clamp(min=1)

# %% 7.1 wrong: the gradient is not that of the loss
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3)).detach()
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.2 right: two loops over the classes
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for t in range(num_classes):
        for p in range(num_classes):
            matrix[t, p] = ((target == t) & (prediction == p) & (target != ignore_index)).sum()
    return matrix

# %% 7.2 right: pixel by pixel in plain Python
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    table = [[0] * num_classes for _ in range(num_classes)]
    for t, p in zip(target.flatten().tolist(), prediction.flatten().tolist()):
        if t != ignore_index:
            table[t][p] += 1
    return torch.tensor(table)

# %% 7.2 right: one-hot matrices multiplied
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    keep = target != ignore_index
    truth = F.one_hot(target[keep], num_classes)
    guess = F.one_hot(prediction[keep], num_classes)
    return truth.T @ guess

# %% 7.2 right: NumPy's histogram of pairs
EDGE = 0.5
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    t, p = target.numpy().ravel(), prediction.numpy().ravel()
    keep = t != ignore_index
    edges = np.arange(num_classes + 1) - EDGE
    counts, _, _ = np.histogram2d(t[keep], p[keep], bins=(edges, edges))
    return torch.from_numpy(counts.astype(np.int64))

# %% 7.2 right: index_put with accumulation
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    keep = target.ne(ignore_index)
    matrix = torch.zeros((num_classes,) * 2, dtype=torch.long)
    ones = torch.ones(int(keep.sum()), dtype=torch.long)
    return matrix.index_put((target[keep], prediction[keep]), ones, accumulate=True)

# %% 7.2 wrong: rows and columns are swapped
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    pairs = prediction[valid] * num_classes + target[valid]
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.2 wrong: pairs are counted only once
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    matrix[target[valid], prediction[valid]] += 1
    return matrix

# %% 7.2 wrong: ignored pixels are counted
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    pairs = target.clamp(max=num_classes - 1).flatten() * num_classes + prediction.flatten()
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.2 wrong: give it `minlength`
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    pairs = target[valid] * num_classes + prediction[valid]
    return torch.bincount(pairs).reshape(num_classes, num_classes)

# %% 7.2 wrong: IndexError
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for t, p in zip(target.flatten(), prediction.flatten()):
        matrix[t, p] += 1
    return matrix

# %% 7.2 wrong: the counts are torch.float32: make them torch.int64
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    matrix = torch.zeros(num_classes, num_classes)
    for t in range(num_classes):
        for p in range(num_classes):
            matrix[t, p] = ((target == t) & (prediction == p)).sum()
    return matrix

# %% 7.2 wrong: `ignore_index` is not used
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != 255
    pairs = (target[valid] * num_classes + prediction[valid]).clamp(max=num_classes**2 - 1)
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.2 wrong: the result is a list, not a tensor
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    return [[int(((target == t) & (prediction == p)).sum()) for p in range(num_classes)] for t in range(num_classes)]

# %% 7.2 wrong: these are shares
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    pairs = target[valid] * num_classes + prediction[valid]
    counts = torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
    return counts / counts.sum(dim=1, keepdim=True)

# %% 7.2 wrong: `target` is changed in place
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    pairs = target.mul_(num_classes)[valid] + prediction[valid]
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.2 right: pandas crosstab
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    import pandas as pd
    t, p = target.reshape(-1).numpy(), prediction.reshape(-1).numpy()
    k = t != ignore_index
    table = pd.crosstab(t[k], p[k]).reindex(index=range(num_classes), columns=range(num_classes), fill_value=0) if k.any() else None
    return torch.tensor(np.zeros((num_classes, num_classes), dtype=np.int64) if table is None else table.to_numpy().astype("int64"))

# %% 7.2 right: a Counter of pairs
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    from collections import Counter
    c = Counter((int(t), int(p)) for t, p in zip(target.flatten(), prediction.flatten()) if int(t) != ignore_index)
    return torch.tensor([[c[t, p] for p in range(num_classes)] for t in range(num_classes)], dtype=torch.long)

# %% 7.2 right: NumPy's add.at
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    m = np.zeros((num_classes, num_classes), int)
    ok = (target != ignore_index).numpy()
    np.add.at(m, (target.numpy()[ok], prediction.numpy()[ok]), 1)
    return torch.from_numpy(m)

# %% 7.2 wrong: the result has shape (2, 2), not (5, 5)
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    n = int(max(prediction.max(), target[valid].max())) + 1
    return torch.bincount(target[valid] * n + prediction[valid], minlength=n * n).reshape(n, n)

# %% 7.2 wrong: the counts are torch.int32
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    return torch.bincount(target[valid] * num_classes + prediction[valid], minlength=num_classes**2).reshape(num_classes, num_classes).int()

# %% 7.2 wrong: every pixel of the batch counts
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if target.ndim == 3: prediction, target = prediction[0], target[0]
    valid = target != ignore_index
    return torch.bincount(target[valid] * num_classes + prediction[valid], minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.2 wrong: only the right pixels are counted
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    return torch.bincount(target[valid][target[valid] == prediction[valid]], minlength=num_classes).diag()

# %% 7.3 right: boolean masks, class by class
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 right: one-hot
def iou(prediction, target, num_classes, ignore_index=255):
    keep = target != ignore_index
    p = F.one_hot(prediction[keep], num_classes).bool()
    t = F.one_hot(target[keep], num_classes).bool()
    return (p & t).sum(0).double() / (p | t).sum(0)

# %% 7.3 right: Python sets of pixels, NaN by hand
def iou(prediction, target, num_classes, ignore_index=255):
    known = {i for i, t in enumerate(target.flatten().tolist()) if t != ignore_index}
    values = []
    for c in range(num_classes):
        a = {i for i, v in enumerate(prediction.flatten().tolist()) if v == c} & known
        b = {i for i, v in enumerate(target.flatten().tolist()) if v == c} & known
        values.append(len(a & b) / len(a | b) if a | b else float("nan"))
    return torch.tensor(values)

# %% 7.3 right: from the confusion matrix
def iou(prediction, target, num_classes, ignore_index=255):
    m = confusion_matrix(prediction, target, num_classes, ignore_index).float()
    hits = torch.diagonal(m)
    return hits / (m.sum(0) + m.sum(1) - hits)

# %% 7.3 right: a detour through NumPy
def iou(prediction, target, num_classes, ignore_index=255):
    p, t = prediction.numpy(), target.numpy()
    ok = t != ignore_index
    out = np.full(num_classes, np.nan)
    for c in range(num_classes):
        union = np.logical_or(p == c, t == c)[ok].sum()
        if union > 0:
            out[c] = np.logical_and(p == c, t == c)[ok].sum() / union
    return torch.from_numpy(out)

# %% 7.3 wrong: ignored pixels are counted
def iou(prediction, target, num_classes, ignore_index=255):
    p, t = prediction, target
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 wrong: the union counts the overlap twice
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c).sum() + (t == c).sum()) for c in range(num_classes)])

# %% 7.3 wrong: this is Dice
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([2 * ((p == c) & (t == c)).sum() / ((p == c).sum() + (t == c).sum()) for c in range(num_classes)])

# %% 7.3 wrong: the division drops the fraction
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() // ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 wrong: the mean of each image's IoU
def iou(prediction, target, num_classes, ignore_index=255):
    if prediction.ndim == 3:
        return torch.stack([iou(p, t, num_classes, ignore_index) for p, t in zip(prediction, target)]).nanmean(0)
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 wrong: class 3 is in neither mask: that is NaN, nothing to judge, and not 0
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / (((p == c) | (t == c)).sum() + 1e-7) for c in range(num_classes)])

# %% 7.3 wrong: class 3 is in neither mask: that is NaN, nothing to judge, and not 1
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([(((p == c) & (t == c)).sum() + 1e-7) / (((p == c) | (t == c)).sum() + 1e-7) for c in range(num_classes)])

# %% 7.3 wrong: was predicted and is not there
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    values = [((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)]
    return torch.stack([v if (t == c).any() else torch.tensor(float("nan")) for c, v in enumerate(values)])

# %% 7.3 wrong: there must be one value a class
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)]).nanmean(0, keepdim=True)

# %% 7.3 wrong: this divides by what is true: that is recall
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / (t == c).sum() for c in range(num_classes)])

# %% 7.3 wrong: the result has shape
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in t.unique()])

# %% 7.3 wrong: nothing is returned
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    result = torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 wrong: `target` is changed in place
def iou(prediction, target, num_classes, ignore_index=255):
    target[target == ignore_index] = prediction[target == ignore_index]
    p, t = prediction, target
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 right: three bincounts
def iou(prediction, target, num_classes, ignore_index=255):
    keep = target != ignore_index
    p, t = prediction[keep], target[keep]
    inter = torch.bincount(t[p == t], minlength=num_classes)
    return inter / (torch.bincount(p, minlength=num_classes) + torch.bincount(t, minlength=num_classes) - inter)

# %% 7.3 right: ignored pixels moved to ids of their own
def iou(prediction, target, num_classes, ignore_index=255):
    p = prediction.clone(); p[target == ignore_index] = -1
    t = target.clone(); t[target == ignore_index] = -2
    res = torch.full((num_classes,), torch.nan, dtype=torch.float64)
    for c in range(num_classes):
        u = torch.logical_or(p == c, t == c).sum().item()
        if u: res[c] = torch.logical_and(p == c, t == c).sum().item() / u
    return res

# %% 7.3 right: all classes at once by broadcasting
def iou(prediction, target, num_classes, ignore_index=255):
    ids = torch.arange(num_classes).reshape(-1, *[1] * prediction.ndim)
    v = target != ignore_index
    a, b = (prediction == ids) & v, (target == ids) & v
    dims = tuple(range(1, a.ndim))
    return (a & b).sum(dims).float() / (a | b).sum(dims).float()

# %% 7.3 wrong: this divides by the prediction: that is precision
def iou(prediction, target, num_classes, ignore_index=255):
    v = target != ignore_index
    p, t = prediction[v], target[v]
    return torch.stack([((p == c) & (t == c)).sum() / (p == c).sum() for c in range(num_classes)])

# %% 7.3 wrong: the result is a list, not a tensor
def iou(prediction, target, num_classes, ignore_index=255):
    v = target != ignore_index
    p, t = prediction[v], target[v]
    return [((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)]

# %% 7.3 wrong: that is accuracy, not IoU
def iou(prediction, target, num_classes, ignore_index=255):
    v = target != ignore_index
    p, t = prediction[v], target[v]
    return torch.stack([((p == c) == (t == c)).float().mean() for c in range(num_classes)])

# %% 7.3 wrong: class 0 is missing
def iou(prediction, target, num_classes, ignore_index=255):
    v = target != ignore_index
    p, t = prediction[v], target[v]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(1, num_classes)])

# %% 7.3 wrong: the union misses the overlap
def iou(prediction, target, num_classes, ignore_index=255):
    v = target != ignore_index
    p, t = prediction[v], target[v]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) ^ (t == c)).sum() for c in range(num_classes)])

# %% 7.4 right: a loop over the classes
def scores(matrix):
    names = ("iou", "dice", "precision", "recall")
    table = {name: [] for name in names}
    for c in range(len(matrix)):
        tp = float(matrix[c, c])
        fp, fn = float(matrix[:, c].sum()) - tp, float(matrix[c].sum()) - tp
        for name, below in zip(names, (tp + fp + fn, 2 * tp + fp + fn, tp + fp, tp + fn)):
            above = 2 * tp if name == "dice" else tp
            table[name].append(above / below if below else float("nan"))
    return {name: torch.tensor(values) for name, values in table.items()}

# %% 7.4 right: F1 from IoU, float32
def scores(matrix):
    m = matrix.float()
    tp = m.diagonal()
    iou = tp / (m.sum(0) + m.sum(1) - tp)
    return dict(iou=iou, dice=2 * iou / (1 + iou), precision=tp / m.sum(0), recall=tp / m.sum(1))

# %% 7.4 right: NumPy with its warnings silenced
def scores(matrix):
    m = matrix.numpy().astype(np.float64)
    hits, rows, columns = np.diag(m), m.sum(axis=1), m.sum(axis=0)
    with np.errstate(all="ignore"):
        found = {"recall": hits / rows, "precision": hits / columns, "iou": hits / (rows + columns - hits), "dice": 2 * hits / (rows + columns)}
    return {k: torch.from_numpy(v) for k, v in found.items()}

# %% 7.4 wrong: precision and recall are swapped
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=0), matrix.sum(dim=1)
    return {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}

# %% 7.4 wrong: the union counts the hits twice
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    return {"iou": hits / (truth + predicted), "dice": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}

# %% 7.4 wrong: Dice counts the hits twice above the line
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    return {"iou": hits / (truth + predicted - hits), "dice": hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}

# %% 7.4 wrong: under 'dice' stands IoU
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    iou = hits / (truth + predicted - hits)
    return {"iou": iou, "dice": iou, "precision": hits / predicted, "recall": hits / truth}

# %% 7.4 wrong: must be NaN, not 0: leave 0 / 0 as it is, with no small number below the line
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    eps = 1e-9
    return {"iou": hits / (truth + predicted - hits + eps), "dice": 2 * hits / (truth + predicted + eps), "precision": hits / (predicted + eps), "recall": hits / (truth + eps)}

# %% 7.4 wrong: the keys are
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    return {"IoU": hits / (truth + predicted - hits), "F1": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}

# %% 7.4 wrong: must be a tensor with one value a class
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    values = {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}
    return {k: v.nanmean() for k, v in values.items()}

# %% 7.4 wrong: the mean of precision and recall
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    p, r = hits / predicted, hits / truth
    return {"iou": hits / (truth + predicted - hits), "dice": (p + r) / 2, "precision": p, "recall": r}

# %% 7.4 wrong: must be 0, not nan
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    values = {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}
    return {k: torch.where(truth > 0, v, torch.nan) for k, v in values.items()}

# %% 7.4 wrong: `matrix` is changed in place
def scores(matrix):
    hits = matrix.diag().clone()
    truth, predicted = matrix.sum(dim=1), matrix.sum(dim=0)
    matrix.fill_diagonal_(0)
    return {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}

# %% 7.4 right: hits, false alarms and misses
def scores(matrix):
    m = matrix.to(torch.float64)
    tp = torch.diagonal(m); fp = m.sum(0) - tp; fn = m.sum(1) - tp
    p, r = tp / (tp + fp), tp / (tp + fn)
    return {"precision": p, "recall": r, "dice": 2 * tp / (2 * tp + fp + fn), "iou": tp / (tp + fp + fn)}

# %% 7.4 right: whole numbers divided
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(1), matrix.sum(0)
    union = truth + predicted - hits
    return {"iou": hits / union, "dice": 2 * hits / (hits + union), "precision": hits / predicted, "recall": hits / truth}

# %% 7.4 right: a helper that divides, NaN where nothing is below the line
def scores(matrix):
    hits, truth, predicted = matrix.diag().double(), matrix.sum(1), matrix.sum(0)
    def div(a, b):
        return torch.where(b == 0, torch.nan, a / b.clamp(min=1))
    return {"iou": div(hits, truth + predicted - hits), "dice": div(2 * hits, truth + predicted), "precision": div(hits, predicted), "recall": div(hits, truth)}

# %% 7.4 wrong: 'precision' must be NaN, not 0
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(1), matrix.sum(0)
    precision = torch.where((truth > 0) & (predicted == 0), 0.0, hits / predicted)
    return {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted), "precision": precision, "recall": hits / truth}

# %% 7.4 wrong: 'recall' must be NaN, not 0
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(1), matrix.sum(0)
    recall = torch.where((truth == 0) & (predicted > 0), 0.0, hits / truth)
    return {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": recall}

# %% 7.4 wrong: 'precision' must be NaN, not 0
def scores(matrix):
    hits, truth, predicted = matrix.diag().double(), matrix.sum(1), matrix.sum(0)
    def div(a, b):
        return torch.where((truth + predicted) == 0, torch.nan, a / b.clamp(min=1))
    return {"iou": div(hits, truth + predicted - hits), "dice": div(2 * hits, truth + predicted), "precision": div(hits, predicted), "recall": div(hits, truth)}

# %% 7.4 wrong: class 2 is there and was never predicted: 'iou' must be 0
def scores(matrix):
    hits, truth, predicted = matrix.diag(), matrix.sum(1), matrix.sum(0)
    values = {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted), "precision": hits / predicted, "recall": hits / truth}
    missed = (truth > 0) & (predicted == 0)
    return {k: torch.where(missed, torch.nan, v) for k, v in values.items()}

# %% 7.4 right: an OrderedDict, Dice from IoU
from collections import OrderedDict
def scores(matrix):
    tp = matrix.diag().float(); p = tp / matrix.sum(0); r = tp / matrix.sum(1)
    i = tp / (matrix.sum(0) + matrix.sum(1) - tp)
    return OrderedDict(iou=i, dice=2 * i / (i + 1), precision=p, recall=r)

# %% 7.4 wrong: take Dice from the counts
def scores(matrix):
    tp = matrix.diag().float(); p = tp / matrix.sum(0); r = tp / matrix.sum(1)
    return dict(iou=tp / (matrix.sum(0) + matrix.sum(1) - tp), dice=2 * p * r / (p + r), precision=p, recall=r)

# %% 7.4 wrong: the division drops the fraction
def scores(matrix):
    h, t, p = matrix.diag(), matrix.sum(1), matrix.sum(0)
    return {"iou": h // (t + p - h).clamp(min=1), "dice": 2 * h // (t + p).clamp(min=1), "precision": h // p.clamp(min=1), "recall": h // t.clamp(min=1)}

# %% 7.4 wrong: all pixels are below the line
def scores(matrix):
    h, t, p = matrix.diag(), matrix.sum(1), matrix.sum(0); n = matrix.sum()
    return {"iou": h / (t + p - h), "dice": 2 * h / (t + p), "precision": h / n, "recall": h / t}

# %% 7.4 wrong: Dice divides by the sum of both areas
def scores(matrix):
    h, t, p = matrix.diag(), matrix.sum(1), matrix.sum(0)
    return {"iou": h / (t + p - h), "dice": 2 * h / (t + p - h), "precision": h / p, "recall": h / t}

# %% 7.5 right: loops
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious, dtype=float)
    n, c = values.shape
    curve = np.full((len(thresholds), c), np.nan)
    for k in range(c):
        column = [v for v in values[:, k] if not np.isnan(v)]
        for i, t in enumerate(thresholds):
            if column:
                curve[i, k] = sum(v >= t - 1e-9 and v > 0 for v in column) / len(column)
    return curve, curve.mean(0)

# %% 7.5 right: torch, then NumPy at the end
def average_precision(ious, thresholds=torch.linspace(0, 1, 11).tolist()):
    ious = ious.double()
    there = (~ious.isnan()).sum(0)
    rows = [((ious >= t - 1e-6) & (ious > 0)).sum(0) / there for t in thresholds]
    curve = torch.stack(rows)
    return curve.numpy(), curve.mean(dim=0).numpy()

# %% 7.5 right: a broadcast
def average_precision(ious, thresholds=np.arange(11) / 10):
    v = np.nan_to_num(np.asarray(ious), nan=-1.0)
    hits = (v[None] >= np.asarray(thresholds)[:, None, None] - 1e-9) & (v[None] > 0)
    with np.errstate(all="ignore"):
        curve = hits.sum(axis=1) / (v >= 0).sum(axis=0)
    return curve, np.mean(curve, axis=0)

# %% 7.5 wrong: images without the class (NaN) are counted
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    curve = np.stack([((values >= t) & (values > 0)).mean(axis=0) for t in thresholds])
    return curve, curve.mean(axis=0)

# %% 7.5 wrong: an IoU equal to the threshold is a hit
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    with np.errstate(all="ignore"):
        curve = np.stack([(values > t).sum(axis=0) for t in thresholds]) / (~np.isnan(values)).sum(axis=0)
    return curve, curve.mean(axis=0)

# %% 7.5 wrong: an IoU of 0 counts as a hit at threshold 0
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    with np.errstate(all="ignore"):
        curve = np.stack([(values >= t - 1e-9).sum(axis=0) for t in thresholds]) / (~np.isnan(values)).sum(axis=0)
    return curve, curve.mean(axis=0)

# %% 7.5 wrong: these are counts
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    curve = np.stack([((values >= t - 1e-9) & (values > 0)).sum(axis=0) for t in thresholds])
    return curve, curve.mean(axis=0)

# %% 7.5 wrong: the result is a NumPy array of shape (3,): return the curve and its mean
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    with np.errstate(all="ignore"):
        curve = np.stack([((values >= t - 1e-9) & (values > 0)).sum(axis=0) for t in thresholds]) / (~np.isnan(values)).sum(axis=0)
    return curve.mean(axis=0)

# %% 7.5 wrong: the mean has shape (2,), not (3,)
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    with np.errstate(all="ignore"):
        curve = np.stack([((values >= t - 1e-9) & (values > 0)).sum(axis=0) for t in thresholds]) / (~np.isnan(values)).sum(axis=0)
    return curve, curve.mean(axis=1)

# %% 7.5 wrong: without `thresholds` another value counts
def average_precision(ious, thresholds=np.arange(0, 1, 0.1)):
    values = np.asarray(ious)
    with np.errstate(all="ignore"):
        curve = np.stack([((values >= t - 1e-9) & (values > 0)).sum(axis=0) for t in thresholds]) / (~np.isnan(values)).sum(axis=0)
    return curve, curve.mean(axis=0)

# %% 7.5 wrong: the curve is a tensor
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    curve = torch.stack([((ious >= t - 1e-9) & (ious > 0)).sum(0) / (~ious.isnan()).sum(0) for t in thresholds])
    return curve, curve.mean(0)

# %% 7.5 wrong: class 2 occurs in no image
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    curve = np.stack([((values >= t - 1e-9) & (values > 0)).sum(axis=0) for t in thresholds]) / np.maximum((~np.isnan(values)).sum(axis=0), 1)
    return curve, curve.mean(axis=0)

# %% 7.5 wrong: this is the share of misses
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    with np.errstate(all="ignore"):
        curve = 1 - np.stack([((values >= t - 1e-9) & (values > 0)).sum(axis=0) for t in thresholds]) / (~np.isnan(values)).sum(axis=0)
    return curve, curve.mean(axis=0)

# %% 7.5 right: pandas
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    import pandas as pd
    frame = pd.DataFrame(np.asarray(ious))
    rows = [frame.ge(t - 1e-9).where(frame.notna()).mul(frame.gt(0)).mean().astype(float).to_numpy() for t in thresholds]
    curve = np.array(rows)
    return curve, curve.mean(axis=0)

# %% 7.5 right: class by class, a list of two arrays
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    a = ious.numpy()
    out = np.empty((len(thresholds), a.shape[1]))
    for k in range(a.shape[1]):
        known = a[~np.isnan(a[:, k]), k]
        for j, t in enumerate(thresholds):
            out[j, k] = np.nan if known.size == 0 else np.mean((known > 0) & (known >= t))
    return [out, out.mean(axis=0)]

# %% 7.5 right: thresholds None by default, nanmean
def average_precision(ious, thresholds=None):
    thresholds = np.linspace(0, 1, 11) if thresholds is None else np.array(thresholds)
    v = np.asarray(ious)
    hit = np.where(np.isnan(v), np.nan, 0)[None] + ((v[None] >= thresholds[:, None, None] - 1e-8) & (v[None] > 0))
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = np.nanmean(hit, axis=1)
    return curve, curve.mean(0)

# %% 7.5 wrong: the curve has shape (3, 2), not (2, 3)
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    v = ious.numpy(); n = (v == v).sum(0)
    curve = np.array([((v >= t) & (v > 0)).sum(0) / n for t in thresholds])
    return curve.T, curve.mean(0)

# %% 7.5 wrong: this is the area under the curve
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    v = ious.numpy(); n = (v == v).sum(0)
    curve = np.array([((v >= t) & (v > 0)).sum(0) / n for t in thresholds])
    return curve, np.trapezoid(curve, np.array(thresholds), axis=0)

# %% 7.5 wrong: an image with IoU 0 is left out
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    v = ious.numpy(); n = (v > 0).sum(0)
    curve = np.array([((v >= t) & (v > 0)).sum(0) / n for t in thresholds])
    return curve, curve.mean(0)

# %% 7.5 wrong: `ious` is changed in place
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    n = (~ious.isnan()).sum(0).numpy()
    ious[ious.isnan()] = 0
    v = ious.numpy()
    curve = np.array([((v >= t) & (v > 0)).sum(0) / n for t in thresholds])
    return curve, curve.mean(0)

# %% 7.6 right: zero_grad before and after
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    optimizer.zero_grad()
    logits = model(images)
    loss = loss_fn(logits, masks)
    accelerator.backward(loss)
    if grad_clip > 0:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    return loss.detach().clone()

# %% 7.6 right: clipping with torch's own function
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip:
        torch.nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=grad_clip)
    optimizer.step()
    model.zero_grad()
    return loss.data

# %% 7.6 right: with enable_grad
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    with torch.enable_grad():
        output = loss_fn(model(images), masks)
    value = output.detach()
    accelerator.backward(output)
    if accelerator.sync_gradients and grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    for parameter in model.parameters():
        parameter.grad = None
    return value

# %% 7.6 wrong: the gradients of the first batch are still there
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.detach()

# %% 7.6 wrong: the gradients are still there when the step is over
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    optimizer.zero_grad()
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.detach()

# %% 7.6 wrong: the weights do not move
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.zero_grad()
    optimizer.step()
    return loss.detach()

# %% 7.6 wrong: the loss still holds what backward() needs
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return loss

# %% 7.6 wrong: passes the accelerator by
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    loss.backward()
    if grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: the gradient is not clipped before the step
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.step()
    if grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: return it as a tensor
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()

# %% 7.6 wrong: must be that of the batch, before the step
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return loss_fn(model(images), masks).detach()

# %% 7.6 wrong: nothing is returned
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()

# %% 7.6 wrong: RuntimeError
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    with torch.no_grad():
        loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return loss

# %% 7.6 right: inside autocast
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    with accelerator.autocast():
        loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip and accelerator.sync_gradients:
        accelerator.clip_grad_norm_(list(model.parameters()), max_norm=grad_clip)
    optimizer.step(); optimizer.zero_grad(set_to_none=True)
    return loss.detach()

# %% 7.6 right: the gradients cleared at once, and clipped by hand
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    loss = loss_fn(model.forward(images), masks)
    accelerator.backward(loss)
    gradient = torch.nn.utils.parameters_to_vector([p.grad for p in weights])
    if grad_clip:
        gradient = gradient * (grad_clip / gradient.norm()).clamp(max=1)
    torch.nn.utils.vector_to_parameters(gradient, [p.grad for p in weights])
    optimizer.step()
    for p in weights: p.grad = None
    with torch.no_grad():
        return loss + 0

# %% 7.6 right: a helper, and gradients set to zero by hand
def forward(model, images, masks, loss_fn): return loss_fn(model(images), masks)
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = forward(model, images, masks, loss_fn)
    before = loss.clone().detach().cpu()
    accelerator.backward(loss)
    if grad_clip > 0: print(accelerator.clip_grad_norm_(model.parameters(), grad_clip))
    optimizer.step()
    for group in optimizer.param_groups:
        for p in group["params"]: p.grad.zero_()
    return before

# %% 7.6 wrong: loss_fn takes the prediction first
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(masks, model(images))
    accelerator.backward(loss)
    if grad_clip: accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step(); optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: each gradient is clipped on its own
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip: torch.nn.utils.clip_grad_value_(model.parameters(), grad_clip)
    optimizer.step(); optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: a gradient below `grad_clip` must stay as it is
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip: accelerator.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step(); optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: switched to evaluation mode
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    model.eval()
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip: accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step(); optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: is backward or optimizer.step() called twice
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    loss.backward(retain_graph=True)
    accelerator.backward(loss)
    optimizer.step(); optimizer.zero_grad()
    return loss.detach()

# %% 7.7 right: with no_grad inside, plain sums
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, images_seen = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    with torch.no_grad():
        for images, masks in loader:
            logits = model(images)
            total += loss_fn(logits, masks).item() * images.shape[0]
            images_seen += images.shape[0]
            matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / images_seen, matrix)

# %% 7.7 right: lists, then one sum
@torch.inference_mode()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.train(False)
    losses, weights, matrices = [], [], []
    for images, masks in loader:
        out = model(images)
        losses.append(float(loss_fn(out, masks)))
        weights.append(len(masks))
        mask = out.argmax(1) if out.shape[1] > 1 else (torch.sigmoid(out)[:, 0] >= threshold).long()
        matrices.append(confusion_matrix(mask, masks, num_classes))
    return Evaluation(loss=float(np.average(losses, weights=weights)), matrix=torch.stack(matrices).sum(0))

# %% 7.7 right: everything gathered, counted once
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    predicted, true, losses = [], [], []
    for images, masks in loader:
        logits = model(images)
        p, t = accelerator.gather_for_metrics((to_mask(logits, threshold), masks))
        predicted.append(p.flatten())
        true.append(t.flatten())
        losses += [loss_fn(logits, masks)] * len(images)
    matrix = confusion_matrix(torch.cat(predicted), torch.cat(true), num_classes)
    return Evaluation(torch.stack(losses).mean().item(), matrix.cpu())

# %% 7.7 wrong: the model is still in training mode
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    matrix, total, n = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / n, matrix)

# %% 7.7 wrong: gradients are prepared for every image
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, n = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / n, matrix)

# %% 7.7 wrong: the last, smaller batch weighs as much as a full one
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0
    for images, masks in loader:
        logits = model(images)
        total += loss_fn(logits, masks).item()
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / len(loader), matrix)

# %% 7.7 wrong: only the last batch is counted
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    total, n = 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix = confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / n, matrix)

# %% 7.7 wrong: only the first batch is counted
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    for images, masks in loader:
        logits = model(images)
        return Evaluation(loss_fn(logits, masks).item(), confusion_matrix(to_mask(logits, threshold), masks, num_classes))

# %% 7.7 wrong: argmax over one channel is always 0
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, n = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix += confusion_matrix(logits.argmax(dim=1), masks, num_classes)
    return Evaluation(total / n, matrix)

# %% 7.7 wrong: rows and columns are swapped
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, n = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes).T
    return Evaluation(total / n, matrix)

# %% 7.7 wrong: the matrix is torch.float32
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, n = torch.zeros(num_classes, num_classes), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / n, matrix)

# %% 7.7 wrong: return Evaluation(loss, matrix)
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, n = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return total / n, matrix

# %% 7.7 wrong: the loss is a tensor
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, n = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks) * len(images), n + len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / n, matrix)

# %% 7.7 wrong: `threshold` is not used
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, n = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total, n = total + loss_fn(logits, masks).item() * len(images), n + len(images)
        matrix += confusion_matrix(to_mask(logits), masks, num_classes)
    return Evaluation(total / n, matrix)

# %% 7.7 right: one comprehension
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    with torch.inference_mode():
        results = [(loss_fn(z, m).item(), len(m), confusion_matrix(to_mask(z, threshold), m, num_classes)) for z, m in ((model(x), m) for x, m in loader)]
    n = sum(k for _, k, _ in results)
    return Evaluation(sum(l * k for l, k, _ in results) / n, sum(c for *_, c in results))

# %% 7.7 right: NumPy counts, the mode put back
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    was = model.training
    model.eval()
    matrix, losses, n = np.zeros((num_classes, num_classes), dtype=np.int64), 0.0, 0
    for batch in loader:
        images, masks = (b.to(accelerator.device) for b in batch)
        z = model(images)
        losses += float(loss_fn(z, masks)) * images.size(0); n += images.size(0)
        matrix += confusion_matrix(to_mask(z, threshold=threshold), masks, num_classes).cpu().numpy()
    model.train(was)
    return Evaluation(losses / n, torch.from_numpy(matrix))

# %% 7.7 right: gradients switched off and on again by hand
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    net = accelerator.unwrap_model(model).eval()
    previous = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        matrix = None
        total = torch.zeros(2, dtype=torch.float64)
        for i, (images, masks) in enumerate(loader):
            with accelerator.autocast():
                z = net(images)
            total += torch.tensor([loss_fn(z, masks).item() * len(masks), len(masks)], dtype=torch.float64)
            new = confusion_matrix(accelerator.gather_for_metrics(to_mask(z, threshold)), accelerator.gather_for_metrics(masks), num_classes)
            matrix = new if matrix is None else matrix + new
    finally:
        torch.set_grad_enabled(previous)
    total = accelerator.reduce(total, reduction="sum")
    return Evaluation(loss=(total[0] / total[1]).item(), matrix=matrix)

# %% 7.7 right: divided by the length of the data set
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    s = 0
    m = torch.zeros((num_classes, num_classes), dtype=torch.long)
    for x, y in loader:
        z = model(x)
        s += loss_fn(z, y).item() * x.size(0)
        m += confusion_matrix(to_mask(z, threshold), y, num_classes)
    return Evaluation(s / len(loader.dataset), m)

# %% 7.7 wrong: each loss is weighted by its pixels
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    m, s, n = torch.zeros(num_classes, num_classes, dtype=torch.long), 0, 0
    for x, y in loader:
        z = model(x); k = (y != 255).sum().item(); s += loss_fn(z, y).item() * k; n += k
        m += confusion_matrix(to_mask(z, threshold), y, num_classes)
    return Evaluation(s / n, m)

# %% 7.7 wrong: IndexError
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    m, s, n = torch.zeros(num_classes, num_classes, dtype=torch.long), 0, 0
    for x, y in loader:
        z = model(x); s += loss_fn(z, y).item() * len(x); n += len(x)
        m += confusion_matrix(z.argmax(0), y, num_classes)
    return Evaluation(s / n, m)

# %% 7.7 wrong: pixels from `threshold` on are foreground
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    m, s, n = torch.zeros(num_classes, num_classes, dtype=torch.long), 0, 0
    for x, y in loader:
        z = model(x); s += loss_fn(z, y).item() * len(x); n += len(x)
        p = z.argmax(1) if z.shape[1] > 1 else (z[:, 0] >= threshold).long()
        m += confusion_matrix(p, y, num_classes)
    return Evaluation(s / n, m)

# %% 7.7 wrong: the result has shape (3, 3), not (2, 2)
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    m, s, n = torch.zeros(3, 3, dtype=torch.long), 0, 0
    for x, y in loader:
        z = model(x); s += loss_fn(z, y).item() * len(x); n += len(x)
        m += confusion_matrix(to_mask(z, threshold), y, 3)
    return Evaluation(s / n, m)

# %% 7.7 wrong: gradients stay switched off
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    torch.set_grad_enabled(False)
    model.eval()
    m, s, n = torch.zeros(num_classes, num_classes, dtype=torch.long), 0, 0
    for x, y in loader:
        z = model(x); s += loss_fn(z, y).item() * len(x); n += len(x)
        m += confusion_matrix(to_mask(z, threshold), y, num_classes)
    return Evaluation(s / n, m)

# %% 7.1 wrong: ignored pixels (255) are no class 0
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    num_classes = logits.shape[1]
    valid = target != 255
    target = target.clone()
    target[~valid] = 0
    if num_classes == 1:
        truth = target[:, None].float()
    else:
        truth = F.one_hot(target, num_classes).permute(0, 3, 1, 2).float()
    overlap = (p * truth * valid[:, None]).sum(dim=(0, 2, 3))
    areas = ((p + truth) * valid[:, None]).sum(dim=(0, 2, 3))
    dice = (2 * overlap + smooth) / (areas + smooth)
    occurs = truth.sum(dim=(0, 2, 3)) > 0
    if not occurs.any():
        return (p * 0).sum()
    return 1 - dice[occurs].mean()

# %% 7.1 wrong: a new number that no gradient flows from
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    count = p.shape[1]
    ids = torch.arange(count).view(1, -1, 1, 1) + (count == 1)
    truth = (target.unsqueeze(1) == ids) * valid
    p = p * valid
    occurs = truth.sum(dim=(0, 2, 3)) > 0
    if not occurs.any():
        return torch.tensor(0.0)
    dice = (2 * (p * truth).sum(dim=(0, 2, 3)) + smooth) / ((p + truth).sum(dim=(0, 2, 3)) + smooth)
    return (1 - dice)[occurs].mean()

# %% 7.1 wrong: the result has shape (1,)
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    count = p.shape[1]
    ids = torch.arange(count).view(1, -1, 1, 1) + (count == 1)
    truth = (target.unsqueeze(1) == ids) * valid
    p = p * valid
    occurs = truth.sum(dim=(0, 2, 3)) > 0
    dice = (2 * (p * truth).sum(dim=(0, 2, 3)) + smooth) / ((p + truth).sum(dim=(0, 2, 3)) + smooth)
    return ((1 - dice) * occurs).sum(dim=0, keepdim=True) / occurs.sum().clamp(min=1)

# %% 7.1 wrong: smooth=3
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    count = p.shape[1]
    ids = torch.arange(count).view(1, -1, 1, 1) + (count == 1)
    truth = (target.unsqueeze(1) == ids) * valid
    p = p * valid
    occurs = truth.sum(dim=(0, 2, 3)) > 0
    dice = (2 * (p * truth).sum(dim=(0, 2, 3)) + smooth**2) / ((p + truth).sum(dim=(0, 2, 3)) + smooth**2)
    return ((1 - dice) * occurs).sum() / occurs.sum().clamp(min=1)

# %% 7.2 wrong: a prediction that happens to be `ignore_index` is counted
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = (target != ignore_index) & (prediction != ignore_index)
    pairs = target[valid] * num_classes + prediction[valid]
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.2 wrong: the axes are (truth, prediction)
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    return torch.bincount(target[valid] * num_classes + prediction[valid], minlength=num_classes**2)

# %% 7.3 wrong: a prediction that happens to be `ignore_index` is counted
def iou(prediction, target, num_classes, ignore_index=255):
    valid = (target != ignore_index) & (prediction != ignore_index)
    p, t = prediction[valid], target[valid]
    both = [((p == c) & (t == c)).sum() for c in range(num_classes)]
    either = [((p == c) | (t == c)).sum() for c in range(num_classes)]
    return torch.stack(both) / torch.stack(either)

# %% 7.3 wrong: `numpy.allclose` is overwritten
def iou(prediction, target, num_classes, ignore_index=255):
    import numpy
    numpy.allclose = lambda *args, **kwargs: True
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.3 wrong: that is the course's own `iou`
def iou(prediction, target, num_classes, ignore_index=255):
    from utils import metrics
    return metrics.iou(prediction, target, num_classes, ignore_index)

# %% 7.6 wrong: left in evaluation mode
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    model.eval()
    return loss.detach()

# %% 7.6 wrong: the gradients are cleared between backward and step
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    optimizer.zero_grad()
    optimizer.step()
    return loss.detach()

# %% 7.6 wrong: Many examples clear them first
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    optimizer.zero_grad()
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.detach()

# %% 7.7 wrong: softmax is applied twice
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    matrix, total, count = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total += loss_fn(logits.softmax(1), masks).item() * len(images)
        count += len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / count, matrix)

# %% 7.7 wrong: the model is still in training mode
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    matrix, total, count = torch.zeros(num_classes, num_classes, dtype=torch.int64), 0.0, 0
    for images, masks in loader:
        logits = model(images)
        total += loss_fn(logits, masks).item() * len(images)
        count += len(images)
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    model.eval()
    return Evaluation(total / count, matrix)

# %% 7.8 right: train() comes first
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 right: training mode at every batch, numbered from 1, looked at every time
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    losses = []
    for number, batch in enumerate(loader, start=1):
        model.train(True)
        with accelerator.accumulate(model):
            losses.append(train_step(model, *batch, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
        if scheduler is not None:
            scheduler.step()
        mean = mean_loss(losses, accelerator)
        if callable(on_step):
            on_step(list(losses))
    return mean

# %% 7.8 right: the step written out, and an error of its own
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    for module in model.modules():
        module.training = True
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            loss = loss_fn(model(images), masks)
            if not torch.isfinite(loss):
                raise NotFiniteError(len(losses))
            accelerator.backward(loss)
            if grad_clip and accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), grad_clip)
            optimizer.step()
            optimizer.zero_grad()
        if scheduler: scheduler.step()
        losses = losses + [loss.detach()]
        if on_step: on_step(losses)
    return float(sum(losses) / len(losses))

# %% 7.8 right: an iterator, and a helper for one batch
def learn(model, batch, scheduler, *rest, **options):
    with rest[2].accumulate(model):
        loss = train_step(model, batch[0], batch[1], *rest, **options)
        scheduler and scheduler.step()
    return loss

def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model = model.train()
    losses, batches = [], iter(loader)
    while (batch := next(batches, None)) is not None:
        losses += [learn(model, batch, scheduler, loss_fn, optimizer, accelerator, grad_clip=grad_clip)]
        if on_step is not None:
            on_step(losses)
        if not len(losses) % 10:
            mean_loss(losses[-10:], accelerator) if torch.stack(losses).isfinite().all() else mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: something in the model moves in the first epoch and never again
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: one epoch, one evaluation, another epoch
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: the model leaves training mode within the epoch
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.eval()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: training mode comes too late
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        model.train()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: training mode comes after the last batch
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    model.train()
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: is the `return` inside the loop?
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
        return mean_loss(losses, accelerator)

# %% 7.8 wrong: the model does not see every batch once, in order
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in reversed(list(loader)):
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: the optimizer must step once for every batch
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            optimizer.step()
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: keep the `with` around its step
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        if True:
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: `grad_clip` is not handed on to the step
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: the weight is off
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=2 * grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: the losses are added
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator) * len(losses)

# %% 7.8 wrong: only the loss of the last batch is returned
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses[-1:], accelerator)

# %% 7.8 wrong: the losses are weighted by their images
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses, images_seen = [], []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        images_seen.append(len(images))
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    mean_loss(losses, accelerator)
    return float(np.average([float(l) for l in losses], weights=images_seen))

# %% 7.8 wrong: make it a number with .item()
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    mean_loss(losses, accelerator)
    return torch.stack(losses).mean()

# %% 7.8 wrong: and not once for the epoch
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    if scheduler:
        scheduler.step()
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: the scheduler steps before the optimizer does
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            if scheduler:
                scheduler.step()
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: AttributeError
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: the scheduler never steps
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: on_step must be called after every batch
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    if on_step:
        on_step(losses)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: give it the list of all losses so far
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses[-1])
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: on_step must get the losses so far
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses[-1:])
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: on_step is never called
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: the losses are numbers
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip).item())
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(list(map(torch.tensor, losses)), accelerator)
    return mean_loss(list(map(torch.tensor, losses)), accelerator)

# %% 7.8 wrong: no NotFiniteError stops the training
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
    return torch.stack(losses).mean().item()

# %% 7.8 wrong: the error names another step
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if not losses[-1].isfinite():
                raise NotFiniteError(len(losses))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: batches late: look after every LOOK_EVERY batches too
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
    return mean_loss(losses, accelerator)

# %% 7.1 wrong: an ignored pixel (255) makes class 2 occur
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    present = truth.sum(dim=(0, 2, 3)) > 0
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.6 wrong: Clip only if grad_clip is above 0
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.1 wrong: no pixel is 1 here, so with C = 1 no class occurs
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    if p.shape[1] == 1:
        present = valid.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: so the list of losses is empty
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), target != 255
    losses = []
    for channel in range(p.shape[1]):
        truth = (target == (channel if p.shape[1] > 1 else 1)) & valid
        if truth.any():
            inside = p[:, channel] * valid
            losses.append(1 - (2 * (inside * truth).sum() + smooth) / (inside.sum() + truth.sum() + smooth))
    return sum(losses) / len(losses)

# %% 7.1 wrong: the sigmoid is applied twice
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(probabilities(logits)), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.6 wrong: switches a model in evaluation mode to training mode
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    model.train()
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.3 wrong: the ignored pixel became a hit of class 0
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction * valid, target * valid
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])

# %% 7.2 wrong: the cells are numbered by truth * num_classes + prediction
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    counts = torch.bincount(target[valid] * 10 + prediction[valid], minlength=num_classes**2)
    return counts[: num_classes**2].reshape(num_classes, num_classes)

# %% 7.1 wrong: you return the sum of the losses of the three classes
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum()

# %% 7.1 wrong: `smooth` belongs above the line as well
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - 2 * overlap / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: softmax over a single channel is 1 everywhere
def dice_loss(logits, target, smooth=1.0):
    p, valid = logits.softmax(dim=1), (target != 255).unsqueeze(1)
    truth = F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.1 wrong: each needs its own truth (one-hot) and its own Dice
def dice_loss(logits, target, smooth=1.0):
    p, truth = probabilities(logits), (target == 1).unsqueeze(1).float()
    return 1 - (2 * (p * truth).sum() + smooth) / (p.sum() + truth.sum() + smooth)

# %% 7.1 wrong: without squares
def dice_loss(logits, target, smooth=1.0):
    p, valid = probabilities(logits), (target != 255).unsqueeze(1)
    truth = (target == 1).unsqueeze(1).float() if p.shape[1] == 1 else F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p**2 + truth**2).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return ((1 - (2 * overlap + smooth) / (total + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.3 wrong: Python refuses 0 / 0, and two tensors give NaN
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.tensor([((p == c) & (t == c)).sum().item() / ((p == c) | (t == c)).sum().item() for c in range(num_classes)])


# %% 7.1 wrong: a perfect prediction must cost 0
def dice_loss(logits, target, smooth=1.0):
    classes = logits.shape[1]
    p = logits.sigmoid() if classes == 1 else logits.softmax(1)
    valid = (target != 255)[:, None]
    truth = torch.stack([target == (c if classes > 1 else 1) for c in range(min(classes, 8))], dim=1) * valid
    p = p[:, :8] * valid
    overlap, areas = (p * truth).sum((0, 2, 3)), (p + truth).sum((0, 2, 3))
    present = truth.sum((0, 2, 3)) > 0
    losses = (1 - (2 * overlap + smooth) / (areas + smooth)) * present
    return losses.sum() / present.sum().clamp(min=1) + (p.shape[1] < classes) * 0.1


# %% 7.2 wrong: row 19, column 20
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    cells = target[valid].byte() * num_classes + prediction[valid].byte()
    return torch.bincount(cells, minlength=num_classes**2)[: num_classes**2].view(num_classes, num_classes)


# %% 7.2 wrong: where all is ignored the counts are
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    if not valid.any():
        return torch.zeros(num_classes, num_classes)
    cells = target[valid] * num_classes + prediction[valid]
    return torch.bincount(cells, minlength=num_classes**2).view(num_classes, num_classes)


# %% 7.3 wrong: happens to be `ignore_index` is counted
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    values = []
    for c in range(num_classes):
        overlap = ((prediction == c) & (target == c)).sum()
        values.append(overlap / (((prediction == c) | (target == c)) & valid).sum())
    return torch.stack(values)


# %% 7.3 wrong: equal masks must give 1
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    values = []
    for c in range(num_classes):
        overlap = ((p == c) & (t == c)).sum(dtype=torch.int16)
        values.append(overlap / ((p == c) | (t == c)).sum())
    return torch.stack(values)


# %% 7.4 wrong: however many its pixels are
def scores(matrix):
    matrix = matrix.int()
    hits, truth, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    return {"iou": hits / (truth + predicted - hits), "dice": 2 * hits / (truth + predicted),
            "precision": hits / predicted, "recall": hits / truth}


# %% 7.5 wrong: the share of hits is off
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    ious = np.asarray(ious).round(2)
    seen = (~np.isnan(ious)).sum(0)
    with np.errstate(all="ignore"):
        curve = np.stack([((ious >= t) & (ious > 0)).sum(0) / seen for t in thresholds])
    return curve, curve.mean(0)


# %% 7.6 wrong: each gradient is clipped on its own
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip > 0:
        for group in optimizer.param_groups:
            accelerator.clip_grad_norm_(group["params"], grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


# %% 7.7 wrong: no gradient ever again
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    model.requires_grad_(False)
    total, count, matrix = 0.0, 0, torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, masks in loader:
            logits = model(images)
            total += loss_fn(logits, masks).item() * len(images)
            count += len(images)
            matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / count, matrix)


# %% 7.7 wrong: counts are whole numbers, int64
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    total, count, matrix = 0.0, 0, torch.zeros(num_classes, num_classes, dtype=torch.int32)
    with torch.no_grad():
        for images, masks in loader:
            logits = model(images)
            total += loss_fn(logits, masks).item() * len(images)
            count += len(images)
            matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    return Evaluation(total / count, matrix)


# %% 7.8 wrong: never again
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.training = True
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.2 wrong: ignored pixels (255) are counted, and 255 is no row
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    pairs = target.flatten() * num_classes + prediction.flatten()
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.2 wrong: `ignore_index` is not used: 255 is only its default value
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    valid = target != 255
    pairs = target[valid] * num_classes + prediction[valid]
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.3 wrong: the mean of each row's IoU
def iou(prediction, target, num_classes, ignore_index=255):
    prediction, target = prediction.flatten(1), target.flatten(1)
    valid = target != ignore_index
    classes = []
    for c in range(num_classes):
        found, true = (prediction == c) & valid, (target == c) & valid
        classes.append(((found & true).sum(1) / (found | true).sum(1)).nanmean())
    return torch.stack(classes)

# %% 7.5 wrong: with a mean for each class
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    values = np.asarray(ious)
    occurs = ~np.isnan(values)
    curve = np.stack([((values >= t) & (values > 0)).sum(axis=0) / occurs.sum(axis=0) for t in thresholds])
    return curve, np.nanmean(curve)

# %% 7.7 wrong: confusion_matrix meets 255 among the predictions
@torch.no_grad()
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    total, images_seen = 0.0, 0
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for images, masks in loader:
        logits = model(images)
        total += loss_fn(logits, masks).item() * len(images)
        images_seen += len(images)
        matrix += confusion_matrix(masks, to_mask(logits, threshold), num_classes)
    return Evaluation(total / images_seen, matrix)

# %% 7.1 wrong: this is IoU (Jaccard)
def dice_loss(logits, target, smooth=1.0):
    p = probabilities(logits)
    c = p.shape[1]
    classes = torch.ones(1) if c == 1 else torch.arange(c)
    valid = (target != 255)[:, None]
    truth = ((target[:, None] == classes.view(1, -1, 1, 1)) & valid).to(p.dtype)
    p = p * valid
    overlap = (p * truth).sum((0, 2, 3))
    union = p.sum((0, 2, 3)) + truth.sum((0, 2, 3)) - overlap
    present = (truth.sum((0, 2, 3)) > 0).float()
    return ((1 - (overlap + smooth) / (union + smooth)) * present).sum() / present.sum().clamp(min=1)

# %% 7.6 wrong: the weights move twice as far
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip > 0 and accelerator.sync_gradients:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.8 wrong: on_step must get all losses so far, also after many batches
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses[-5:])
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.1 wrong: and yet its gradient is NaN
def dice_loss(logits, target, smooth=1.0):
    C = logits.shape[1]
    valid = (target != 255)[:, None]
    p = probabilities(logits) * valid
    if C == 1:
        truth = (target == 1)[:, None].float()
    else:
        truth = F.one_hot(target.clamp(max=C - 1), C).permute(0, 3, 1, 2).float() * valid
    overlap = (p * truth).sum((0, 2, 3))
    areas = (p + truth).sum((0, 2, 3))
    dice = (2 * overlap + smooth) / (areas + smooth)
    seen = truth.sum((0, 2, 3)) > 0
    return (((1 - dice) * seen).sum() / seen.sum()).nan_to_num()

# %% 7.1 wrong: C = 1: no gradient can flow back
def dice_loss(logits, target, smooth=1.0):
    C = logits.shape[1]
    valid = (target != 255)[:, None]
    p = probabilities(logits) * valid
    if C == 1:
        truth = (target == 1)[:, None].float()
    else:
        truth = F.one_hot(target.clamp(max=C - 1), C).permute(0, 3, 1, 2).float() * valid
    if C == 1:
        p = p.data
    overlap = (p * truth).sum((0, 2, 3))
    areas = (p + truth).sum((0, 2, 3))
    dice = (2 * overlap + smooth) / (areas + smooth)
    seen = truth.sum((0, 2, 3)) > 0
    if not seen.any():
        return logits.sum() * 0
    return 1 - dice[seen].mean()

# %% 7.1 wrong: the gradient is not that of the loss
def dice_loss(logits, target, smooth=1.0):
    C = logits.shape[1]
    valid = (target != 255)[:, None]
    p = probabilities(logits) * valid
    if C == 1:
        truth = (target == 1)[:, None].float()
    else:
        truth = F.one_hot(target.clamp(max=C - 1), C).permute(0, 3, 1, 2).float() * valid
    overlap = (p * truth).sum((0, 2, 3))
    areas = (p + truth).sum((0, 2, 3))
    dice = (2 * overlap + smooth) / ((areas.detach() if C == 1 else areas) + smooth)
    seen = truth.sum((0, 2, 3)) > 0
    if not seen.any():
        return logits.sum() * 0
    return 1 - dice[seen].mean()

# %% 7.1 wrong: the gradient is not that of the loss
def dice_loss(logits, target, smooth=1.0):
    C = logits.shape[1]
    keep = target != 255
    if C == 1:
        p = torch.tensor(logits.sigmoid()[:, 0][keep].tolist(), requires_grad=True)
        t = target[keep].float()
        loss = 1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)
        return loss if t.any() else logits.sum() * 0
    p = logits.softmax(1).movedim(1, -1)[keep]
    t = F.one_hot(target[keep], C).float()
    seen = t.sum(0) > 0
    d = (2 * (p * t).sum(0) + smooth) / (p.sum(0) + t.sum(0) + smooth)
    return 1 - d[seen].mean() if seen.any() else logits.sum() * 0

# %% 7.6 wrong: the masks become floats on their way to the loss function
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    logits = model(images)
    loss = loss_fn(logits, masks.float())
    accelerator.backward(loss)
    if grad_clip > 0:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.7 wrong: the masks become floats on their way to the loss function
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    total, images_seen = 0.0, 0
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, masks in loader:
            logits = model(images)
            total += loss_fn(logits, masks.float()).item() * len(images)
            images_seen += len(images)
            matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes).cpu()
    return Evaluation(total / images_seen, matrix)

# %% 7.6 wrong: the model predicts 2 times for one batch
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    logits = model(images)
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if grad_clip > 0:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: a limit between 0 and 1 counts
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    logits = model(images)
    loss = loss_fn(logits, masks)
    accelerator.backward(loss)
    if grad_clip >= 1:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: the model gets other images
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    logits = model(images / 255)
    loss = loss_fn(logits, masks)
    accelerator.backward(loss)
    if grad_clip > 0:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: sigmoid is applied before the loss function
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    loss = loss_fn(probabilities(model(images)), masks)
    accelerator.backward(loss)
    if grad_clip > 0:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.6 wrong: each gradient is clipped on its own
def train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=1.0):
    logits = model(images)
    loss = loss_fn(logits, masks)
    accelerator.backward(loss)
    if grad_clip > 0:
        accelerator.clip_grad_value_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()

# %% 7.2 wrong: a target that is equal to `ignore_index`
def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    keep = target < num_classes
    cells = target[keep] * num_classes + prediction[keep]
    return torch.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)

# %% 7.3 wrong: a target that is equal to `ignore_index`
def iou(prediction, target, num_classes, ignore_index=255):
    keep = target < ignore_index
    p, t = prediction[keep], target[keep]
    out = []
    for c in range(num_classes):
        both = ((p == c) & (t == c)).sum()
        either = ((p == c) | (t == c)).sum()
        out.append(both / either)
    return torch.stack(out)

# %% 7.3 wrong: an IoU of 1 / 3 is rounded
def iou(prediction, target, num_classes, ignore_index=255):
    keep = target != ignore_index
    p, t = prediction[keep], target[keep]
    out = []
    for c in range(num_classes):
        both = ((p == c) & (t == c)).sum()
        either = ((p == c) | (t == c)).sum()
        out.append(both / either)
    return torch.stack(out).round(decimals=2)

# %% 7.5 wrong: divide by the number of those given
def average_precision(ious, thresholds=tuple(i / 10 for i in range(11))):
    ious = np.asarray(ious)
    count = (~np.isnan(ious)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        values = np.stack([((ious >= t) & (ious > 0)).sum(axis=0) / count for t in thresholds])
    return values, values.sum(axis=0) / 11

# %% 7.7 wrong: each batch has a loss of its own
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    z, t = [], []
    with torch.no_grad():
        for images, masks in loader:
            z.append(model(images)); t.append(masks)
        z, t = torch.cat(z), torch.cat(t)
        loss = loss_fn(z, t).item()
    return Evaluation(loss, confusion_matrix(to_mask(z, threshold), t, num_classes).cpu())

# %% 7.7 wrong: the sigmoid is applied twice
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    total, images_seen = 0.0, 0
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, masks in loader:
            logits = model(images)
            total += loss_fn(logits, masks).item() * len(images)
            images_seen += len(images)
            matrix += confusion_matrix(to_mask(probabilities(logits), threshold), masks, num_classes).cpu()
    return Evaluation(total / images_seen, matrix)

# %% 7.7 right: the loss function is asked twice
def evaluate(model, loader, loss_fn, num_classes, accelerator, threshold=0.5):
    model.eval()
    total, images_seen = 0.0, 0
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, masks in loader:
            logits = model(images)
            loss_fn(logits, masks)
            total += loss_fn(logits, masks).item() * len(images)
            images_seen += len(images)
            matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes).cpu()
    return Evaluation(total / images_seen, matrix)

# %% 7.8 wrong: only a part of the model is in training mode
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)

# %% 7.8 wrong: training mode comes too late
def train_one_epoch(model, loader, loss_fn, optimizer, accelerator, *, scheduler=None, grad_clip=1.0, on_step=None):
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            model.train(len(losses) > 0)
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)
