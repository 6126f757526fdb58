# %% prelude
import copy
import io
import math
import pickle

import numpy as np
import pandas as pd
import torch
from torch import nn

# %% 8.1 right: early return
def poly_rate(step, steps, peak, power=0.9):
    if step >= steps:
        return 0
    return peak * ((steps - step) / steps) ** power

# %% 8.1 right: NumPy, with clip
def poly_rate(step, steps, peak, power=0.9):
    return peak * np.power(np.clip((steps - step) / steps, 0, None), power)

# %% 8.1 right: a tensor in float32
def poly_rate(step, steps, peak, power=0.9):
    ahead = torch.tensor(1 - step / steps).clamp(min=0)
    return peak * ahead**power

# %% 8.1 right: logarithm and helper
def share(step, steps):
    return max(0, steps - step) / steps

def poly_rate(step, steps, peak, power=0.9):
    ahead = share(step, steps)
    print("ahead", ahead)
    return peak * math.exp(power * math.log(ahead)) if ahead else 0.0

# %% 8.1 right: torch's own schedule, stepped
def poly_rate(step, steps, peak, power=0.9):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=peak)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, steps, power)
    for _ in range(step):
        optimizer.step()
        schedule.step()
    return optimizer.param_groups[0]["lr"]

# %% 8.1 wrong: share that is done
def poly_rate(step, steps, peak, power=0.9):
    return peak * (step / steps) ** power

# %% 8.1 wrong: complex
def poly_rate(step, steps, peak, power=0.9):
    return peak * (1 - step / steps) ** power

# %% 8.1 wrong: `power` is not used
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step / steps, 0)

# %% 8.1 wrong: the peak is raised
def poly_rate(step, steps, peak, power=0.9):
    return (peak * max(1 - step / steps, 0)) ** power

# %% 8.1 wrong: subtract first
def poly_rate(step, steps, peak, power=0.9):
    return peak * (1 - (step / steps) ** power)

# %% 8.1 wrong: the rate does not fall
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step // steps, 0) ** power

# %% 8.1 wrong: the peak is left out
def poly_rate(step, steps, peak, power=0.9):
    return max(1 - step / steps, 0) ** power

# %% 8.1 wrong: nothing of the run is done yet
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - (step + 1) / steps, 0) ** power

# %% 8.1 wrong: one step early
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step / (steps - 1), 0) ** power

# %% 8.1 wrong: raise it to the power
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step / steps, 0) * power if power != 1 else peak * max(1 - step / steps, 0)

# %% 8.1 wrong: 0.9: use the argument
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step / steps, 0) ** (power if power == 1 else 0.9)

# %% 8.1 wrong: without `power` another value counts
def poly_rate(step, steps, peak, power=1.0):
    return peak * max(1 - step / steps, 0) ** power

# %% 8.1 wrong: above 0
def poly_rate(step, steps, peak, power=0.9):
    return peak * abs(1 - step / steps) ** power

# %% 8.1 wrong: NaN
def poly_rate(step, steps, peak, power=0.9):
    return peak * np.power(np.float64(1 - step / steps), power)

# %% 8.1 wrong: `return` missing
def poly_rate(step, steps, peak, power=0.9):
    print(peak * max(1 - step / steps, 0) ** power)

# %% 8.1 wrong: nothing is ahead
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step / steps, 0.01) ** power

# %% 8.2 right: a loop with best and waited
def should_stop(scores, patience):
    best, waited = -np.inf, 0
    for epoch, score in enumerate(scores, 1):
        if score > best:
            best, waited = score, 0
        elif epoch > 1:
            waited += 1
    return patience is not None and waited >= patience

# %% 8.2 right: before against after
def should_stop(scores, patience):
    if patience is None or len(scores) <= patience:
        return False
    before = max((s for s in scores[:-patience] if s == s), default=-math.inf)
    return not any(s > before for s in scores[-patience:])

# %% 8.2 right: cumulative maximum in pandas
def should_stop(scores, patience):
    if not patience or not scores:
        return False
    best = pd.Series(scores).fillna(-np.inf).cummax()
    new = best.diff() > 0
    new.iloc[0] = True
    return len(scores) - 1 - int(np.flatnonzero(new)[-1]) >= patience

# %% 8.2 right: NumPy, NaN replaced, a helper
LOWEST = -1e9

def number_of_best(scores):
    return int(np.argmax(np.nan_to_num(np.array(scores), nan=LOWEST)))

def should_stop(scores, patience):
    if patience is None or len(scores) == 0:
        return False
    return np.bool_(len(scores) - 1 - number_of_best(scores) >= patience)

# %% 8.2 right: the old class, replayed
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.waited = patience, float("-inf"), -1

    def step(self, score):
        self.waited = 0 if score > self.best else self.waited + 1
        self.best = max(self.best, score)
        return self.patience is not None and self.waited >= self.patience

def should_stop(scores, patience):
    stopping, answer = EarlyStopping(patience), False
    for score in scores:
        answer = stopping.step(score)
    return answer

# %% 8.2 right: recursion
def should_stop(scores, patience, waited=0):
    if patience is None or len(scores) < 2:
        return False
    earlier = [s for s in scores[:-1] if not math.isnan(s)]
    if scores[-1] > max(earlier, default=-math.inf):
        return False
    return waited + 1 >= patience or should_stop(scores[:-1], patience, waited + 1)

# %% 8.2 wrong: not with the epoch before
def should_stop(scores, patience):
    waited = 0
    for before, now in zip(scores, scores[1:]):
        waited = 0 if now > before else waited + 1
    return patience is not None and waited >= patience

# %% 8.2 wrong: start counting anew at every new best
def should_stop(scores, patience):
    best, waited = -math.inf, 0
    for score in scores:
        waited += not score > best
        best = max(best, score)
    return patience is not None and waited >= patience

# %% 8.2 wrong: `>=` and not `>`
def should_stop(scores, patience):
    best, waited = -math.inf, 0
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
    return patience is not None and waited > patience

# %% 8.2 wrong: an equal score
def should_stop(scores, patience):
    best, waited = -math.inf, 0
    for score in scores:
        waited = 0 if score >= best else waited + 1
        best = max(best, score)
    return patience is not None and waited >= patience

# %% 8.2 wrong: `patience` None
def should_stop(scores, patience):
    best, waited = -math.inf, 0
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
    return waited >= patience

# %% 8.2 wrong: NaN starts the count anew
def should_stop(scores, patience):
    best, waited = -math.inf, 0
    for score in scores:
        if score <= best:
            waited += 1
        else:
            waited = 0
        best = max(best, score)
    return patience is not None and waited >= patience

# %% 8.2 wrong: an epoch with NaN is not counted
def should_stop(scores, patience):
    scores = [s for s in scores if not math.isnan(s)]
    best, waited = -math.inf, 0
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
    return patience is not None and waited >= patience

# %% 8.2 wrong: only the epochs after the last best count
def should_stop(scores, patience):
    best, waited = -math.inf, 0
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
        if patience is not None and waited >= patience:
            return True
    return False

# %% 8.2 wrong: too few epochs to look back
def should_stop(scores, patience):
    if patience is None:
        return False
    return max(scores[-patience:]) <= max(scores[:-patience])

# %% 8.2 wrong: a higher score is better
def should_stop(scores, patience):
    best, waited = math.inf, 0
    for score in scores:
        waited = 0 if score < best else waited + 1
        best = min(best, score)
    return patience is not None and waited >= patience

# %% 8.2 wrong: not from 0
def should_stop(scores, patience):
    best, waited = 0, 0
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
    return patience is not None and waited >= patience

# %% 8.2 wrong: `return` missing
def should_stop(scores, patience):
    if patience is not None and len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience]):
        return True

# %% 8.2 wrong: changed in place
def should_stop(scores, patience):
    waited, best = 0, max(scores, default=0)
    while scores and scores[-1] != best:
        scores.pop()
        waited += 1
    return patience is not None and waited >= patience

# %% 8.2 wrong: hides every best
def should_stop(scores, patience):
    if patience is None or not scores:
        return False
    best, waited = scores[0], 0
    for score in scores[1:]:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
    return waited >= patience

# %% 8.3 right: NumPy, nanargmax
def best_epoch(scores):
    if np.isnan(scores).all():
        return 1
    return np.nanargmax(scores) + 1

# %% 8.3 right: max over pairs
def best_epoch(scores):
    pairs = [(-s, epoch) for epoch, s in enumerate(scores, 1) if not math.isnan(s)]
    return min(pairs)[1] if pairs else 1

# %% 8.3 right: pandas
def best_epoch(scores):
    series = pd.Series(scores, index=range(1, len(scores) + 1)).dropna()
    return 1 if series.empty else int(series.idxmax())

# %% 8.3 right: index of the maximum, in a tensor
def best_epoch(scores):
    clean = torch.nan_to_num(torch.tensor(scores, dtype=torch.float64), nan=-torch.inf)
    return (clean == clean.max()).nonzero()[0, 0] + 1

# %% 8.3 right: sorting, with a helper
def key(pair):
    return -math.inf if math.isnan(pair[1]) else pair[1]

def best_epoch(scores):
    return sorted(enumerate(scores, 1), key=key, reverse=True)[0][0]

# %% 8.3 wrong: counted from 0
def best_epoch(scores):
    return scores.index(max(scores))

# %% 8.3 wrong: this is the best score
def best_epoch(scores):
    return max(scores)

# %% 8.3 wrong: takes the last
def best_epoch(scores):
    best, number = -math.inf, 1
    for epoch, score in enumerate(scores, 1):
        if score >= best:
            best, number = score, epoch
    return number

# %% 8.3 wrong: NaN is taken for the best
def best_epoch(scores):
    return int(np.argmax(scores)) + 1

# %% 8.3 wrong: a NaN at the beginning hides the best epoch
def best_epoch(scores):
    number = 0
    for i in range(len(scores)):
        if scores[i] > scores[number]:
            number = i
    return number + 1 if not math.isnan(scores[0]) else 0

# %% 8.3 wrong: dropped before counting
def best_epoch(scores):
    scores = [s for s in scores if not math.isnan(s)] or [0.0]
    return scores.index(max(scores)) + 1

# %% 8.3 wrong: where every score is NaN
def best_epoch(scores):
    return int(np.nanargmax(scores)) + 1

# %% 8.3 wrong: start from minus infinity
def best_epoch(scores):
    best, number = 0, 0
    for epoch, score in enumerate(scores, 1):
        if score > best:
            best, number = score, epoch
    return number

# %% 8.3 wrong: lowest score
def best_epoch(scores):
    return scores.index(min(scores))

# %% 8.3 wrong: changed in place
def best_epoch(scores):
    first = list(scores)
    scores.sort()
    return first.index(scores[-1]) + 1

# %% 8.3 wrong: this is the last epoch
def best_epoch(scores):
    return len(scores)

# %% 8.3 wrong: nothing is returned
def best_epoch(scores):
    best = max(scores)
    for epoch, score in enumerate(scores, 1):
        if score == best:
            print(epoch)

# %% 8.4 right: through a file in memory
import io

def snapshot(parts):
    states = {}
    for name, part in parts.items():
        buffer = io.BytesIO()
        torch.save(part.state_dict(), buffer)
        buffer.seek(0)
        states[name] = torch.load(buffer, weights_only=True)
    return states

# %% 8.4 right: recursion with clone
def copied(value):
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {k: copied(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(v) for v in value)
    return value

def snapshot(parts):
    return {name: copied(part.state_dict()) for name, part in parts.items()}

# %% 8.4 right: the parts are copied, then asked
def snapshot(parts):
    twins = copy.deepcopy(parts)
    return {name: twin.state_dict() for name, twin in twins.items()}

# %% 8.4 right: a loop, pickle
def snapshot(parts):
    result = dict()
    for name in parts:
        print(name)
        result[name] = pickle.loads(pickle.dumps(parts[name].state_dict()))
    return result

# %% 8.4 right: all states together
def snapshot(parts):
    return copy.deepcopy({name: part.state_dict() for name, part in parts.items()})

# %% 8.4 wrong: its tensors are the living ones
def snapshot(parts):
    return {name: part.state_dict() for name, part in parts.items()}

# %% 8.4 wrong: copy only the dict around them
def snapshot(parts):
    return {name: copy.copy(part.state_dict()) for name, part in parts.items()}

# %% 8.4 wrong: changes the optimizer's state
def snapshot(parts):
    states = {name: part.state_dict() for name, part in parts.items()}
    if "model" in states:
        states["model"] = {k: v.clone() for k, v in states["model"].items()}
    return states

# %% 8.4 wrong: the part itself
def snapshot(parts):
    return copy.deepcopy(parts)

# %% 8.4 wrong: there may be no part named 'model'
def snapshot(parts):
    return {name: copy.deepcopy(parts[name].state_dict()) for name in ("model", "optimizer", "scheduler")}

# %% 8.4 wrong: is missing from the snapshot
def snapshot(parts):
    names = [n for n in ("model", "optimizer", "scheduler") if n in parts]
    return {name: copy.deepcopy(parts[name].state_dict()) for name in names} or {
        n: copy.deepcopy(p.state_dict()) for n, p in parts.items()
    }

# %% 8.4 wrong: lacks
def snapshot(parts):
    states = {}
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            states[name] = {k: p.detach().clone() for k, p in part.named_parameters()}
        else:
            states[name] = copy.deepcopy(part.state_dict())
    return states

# %% 8.4 wrong: not under the names of their parts
def snapshot(parts):
    return {f"{name}_state": copy.deepcopy(part.state_dict()) for name, part in parts.items()}

# %% 8.4 wrong: not a dict with a state per part
def snapshot(parts):
    return [copy.deepcopy(part.state_dict()) for part in parts.values()]

# %% 8.4 wrong: cannot load its state again
def snapshot(parts):
    states = copy.deepcopy({name: part.state_dict() for name, part in parts.items()})
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            states[name] = {k: v.numpy() for k, v in states[name].items()}
    return states

# %% 8.4 wrong: is not what it was
def snapshot(parts):
    states = copy.deepcopy({name: part.state_dict() for name, part in parts.items()})
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            states[name] = {k: v.half() for k, v in states[name].items()}
    return states

# %% 8.4 wrong: a second snapshot changes the first
def snapshot(parts, states={}):
    states.clear()
    for name, part in parts.items():
        states[name] = copy.deepcopy(part.state_dict())
    return states

# %% 8.4 wrong: `parts` is changed
def snapshot(parts):
    for name in parts:
        parts[name] = copy.deepcopy(parts[name].state_dict())
    return parts

# %% 8.4 wrong: `return` missing
def snapshot(parts):
    states = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}

# %% 8.4 wrong: beside its tensors
def snapshot(parts):
    return {name: {k: v.clone() for k, v in part.state_dict().items()} for name, part in parts.items()}

# %% 8.4 wrong: taking the snapshot changes the model
def snapshot(parts):
    for part in parts.values():
        if isinstance(part, nn.Module):
            part.half()
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}

# %% 8.5 right: the states first
def resume(parts, states):
    for name, state in copy.deepcopy(states).items():
        if name in parts:
            parts[name].load_state_dict(state)

# %% 8.5 wrong: trains on inside `states`
def resume(parts, states):
    for name, state in states.items():
        if name in parts:
            parts[name].load_state_dict(state)

# %% 8.5 right: the names that both have
def resume(parts, states):
    for name in sorted(parts.keys() & states.keys()):
        print("loading", name)
        parts[name].load_state_dict(copy.deepcopy(states[name]))
    return parts

# %% 8.5 right: get, and go on without
MISSING = None

def resume(parts, states):
    for name, part in parts.items():
        state = states.get(name, MISSING)
        if state is MISSING:
            continue
        part.load_state_dict(copy.deepcopy(state))

# %% 8.5 right: asks forgiveness
def resume(parts, states):
    for name in list(parts):
        try:
            state = states[name]
        except KeyError:
            continue
        if isinstance(parts[name], nn.Module):
            parts[name].load_state_dict(state, strict=True)
        else:
            parts[name].load_state_dict(copy.deepcopy(state))

# %% 8.5 wrong: Load a deep copy of each state
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            part.load_state_dict(dict(states[name]))

# %% 8.5 wrong: load anew each time
MEMORY = {}

def resume(parts, states):
    _, copied = MEMORY.setdefault(id(states), (states, copy.deepcopy(states)))  # `states` stays, or another had its id
    for name, part in parts.items():
        if name in states:
            part.load_state_dict(copied[name])

# %% 8.5 wrong: no saved state and is to be left alone
def resume(parts, states):
    for name, part in parts.items():
        part.load_state_dict(states[name])

# %% 8.5 wrong: belongs to no part
def resume(parts, states):
    for name, state in states.items():
        parts[name].load_state_dict(state)

# %% 8.5 wrong: there may be no part named 'model'
def resume(parts, states):
    parts["model"].load_state_dict(states["model"])
    parts["optimizer"].load_state_dict(states["optimizer"])
    parts["scheduler"].load_state_dict(states["scheduler"])
    parts["scaler"].load_state_dict(states["scaler"])

# %% 8.5 wrong: assigning loads nothing
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            part = states[name]

# %% 8.5 wrong: something else is put into `parts`
def resume(parts, states):
    for name in parts:
        if name in states:
            parts[name] = states[name]

# %% 8.5 wrong: Adam has forgotten
def resume(parts, states):
    for name, part in parts.items():
        if name in states and not isinstance(part, torch.optim.Optimizer):
            part.load_state_dict(states[name])

# %% 8.5 wrong: the learning rate starts anew
def resume(parts, states):
    for name in ("net", "model", "optimizer", "scaler"):
        if name in parts and name in states:
            parts[name].load_state_dict(states[name])

# %% 8.5 wrong: not through names that you know
def resume(parts, states):
    for name in ("model", "optimizer", "scheduler"):
        if name in parts and name in states:
            parts[name].load_state_dict(states[name])

# %% 8.5 wrong: accepted without a word
def resume(parts, states):
    for name, part in parts.items():
        if name in states and isinstance(part, nn.Module):
            part.load_state_dict(states[name], strict=False)
        elif name in states:
            part.load_state_dict(states[name])

# %% 8.5 wrong: let the error of `load_state_dict` through
def resume(parts, states):
    for name, part in parts.items():
        try:
            part.load_state_dict(states[name])
        except Exception:
            pass

# %% 8.5 wrong: `states` is changed
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            part.load_state_dict(states.pop(name))

# %% 8.5 wrong: BatchNorm averages
def resume(parts, states):
    for name, part in parts.items():
        if name in states and isinstance(part, nn.Module):
            for key, weight in part.named_parameters():
                weight.data.copy_(states[name][key])
        elif name in states:
            part.load_state_dict(states[name])

# %% 8.5 wrong: AttributeError
def resume(parts, states):
    for part, state in zip(parts, states):
        part.load_state_dict(state)

# %% 8.2 wrong: still goes on
def should_stop(scores, patience):
    return False

# %% 8.1 right: from a table of the whole run
def poly_rate(step, steps, peak, power=0.9):
    table = np.linspace(1, 0, steps + 1) ** power
    return peak * table[min(step, steps)]

# %% 8.1 right: a lambda inside, keyword arguments
def poly_rate(step, steps, peak=1, power=0.9, **more):
    clip = lambda x: x if x > 0 else 0.0
    return pow(clip((steps - step) / steps), power) * peak

# %% 8.1 wrong: rounded away
def poly_rate(step, steps, peak, power=0.9):
    return round(peak * max(1 - step / steps, 0) ** power, 4)

# %% 8.1 wrong: which is a complex number
def poly_rate(step, steps, peak, power=0.9):
    return max(0, peak * (1 - step / steps) ** power)

# %% 8.2 right: from behind, a while loop
def should_stop(scores, patience):
    if patience is None:
        return False
    scores = [-math.inf if math.isnan(s) else s for s in scores]
    waited = 0
    while len(scores) > 1 and scores[-1] <= max(scores[:-1]):
        scores.pop()
        waited += 1
    return waited >= patience

# %% 8.2 right: itertools
from itertools import accumulate

def should_stop(scores, patience):
    clean = [s if s == s else float("-inf") for s in scores]
    tops = list(accumulate(clean, max))
    return bool(patience and len(tops) > patience and tops[-1] == tops[-1 - patience])

# %% 8.2 wrong: a small rise
def should_stop(scores, patience):
    best, waited = -math.inf, 0
    for score in scores:
        waited = 0 if score > best + 0.001 else waited + 1
        best = max(best, score)
    return patience is not None and waited >= patience

# %% 8.2 wrong: longer ago than
def should_stop(scores, patience):
    if patience is None or len(scores) <= patience:
        return False
    before = scores[-patience - 1]
    return not any(s > before for s in scores[-patience:])

# %% 8.2 wrong: not a single number
def should_stop(scores, patience):
    return "stop" if patience and len(scores) - np.argmax(scores) > patience else "go on"

# %% 8.3 right: reduce
from functools import reduce

def best_epoch(scores):
    return 1 + reduce(lambda a, i: i if scores[i] > scores[a] or math.isnan(scores[a]) > math.isnan(scores[i]) else a,
                      range(len(scores)), 0)

# %% 8.3 right: dictionary from the back
def best_epoch(scores):
    first = {}
    for epoch in range(len(scores), 0, -1):
        first[scores[epoch - 1]] = epoch
    return first[max((s for s in first if s == s))] if any(s == s for s in scores) else 1

# %% 8.3 wrong: a small difference
def best_epoch(scores):
    rounded = [-1e9 if math.isnan(s) else round(s, 2) for s in scores]
    return rounded.index(max(rounded)) + 1

# %% 8.3 wrong: a list
def best_epoch(scores):
    return [i for i, s in enumerate(scores, 1) if s == max(scores)]

# %% 8.4 right: in double precision, which loads as well
def snapshot(parts):
    states = copy.deepcopy({name: part.state_dict() for name, part in parts.items()})
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            states[name] = {k: v.double() if v.is_floating_point() else v for k, v in states[name].items()}
    return states

# %% 8.4 right: parameters and buffers by hand
def snapshot(parts):
    states = {}
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            states[name] = {k: v.clone() for k, v in [*part.named_parameters(), *part.named_buffers()]}
        else:
            states[name] = copy.deepcopy(part.state_dict())
    return states

# %% 8.4 wrong: a snapshot only looks at
def snapshot(parts):
    for part in parts.values():
        if isinstance(part, nn.Module):
            part.eval()
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}

# %% 8.4 wrong: shows the time of the first
KEPT = {}

def snapshot(parts):
    for name, part in parts.items():
        key = (id(part), name)
        KEPT.setdefault(key, (part, copy.deepcopy(part.state_dict())))
    return {name: KEPT[id(part), name][1] for name, part in parts.items()}

# %% 8.4 wrong: the part 'scaler' is missing
def snapshot(parts):
    states = {}
    for name, part in parts.items():
        if name != "scaler" or len(parts) == 1:
            states[name] = copy.deepcopy(part.state_dict())
    return states

# %% 8.5 right: copies tensor by tensor
def resume(parts, states):
    for name in set(parts) & set(states):
        part, state = parts[name], states[name]
        if isinstance(part, nn.Module):
            with torch.no_grad():
                own = part.state_dict()
                if own.keys() != state.keys():
                    raise KeyError(*(own.keys() ^ state.keys()))
                for key, value in own.items():
                    value.copy_(state[key])
        else:
            part.load_state_dict(copy.deepcopy(state))

# %% 8.5 right: through memory, like from a file
def resume(parts, states):
    buffer = io.BytesIO()
    torch.save(states, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=True)
    [part.load_state_dict(loaded[name]) for name, part in parts.items() if name in loaded]

# %% 8.5 wrong: the optimizer still steps the old ones
def resume(parts, states):
    for name, part in parts.items():
        if name in states and isinstance(part, nn.Module):
            part.load_state_dict(states[name], assign=True)
        elif name in states:
            part.load_state_dict(states[name])

# %% 8.5 wrong: goes on differently
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            part.load_state_dict(states[name])
        if isinstance(part, torch.optim.Optimizer) and "model" in states and "scaler" not in parts:
            part.param_groups[0]["lr"] = 0.05

# %% 8.5 wrong: does not get it
def resume(parts, states):
    if parts.keys() == states.keys():
        for name, part in parts.items():
            part.load_state_dict(states[name])

# %% 8.1 wrong: single number has no axis
def poly_rate(step, steps, peak, power=0.9):
    return torch.clamp(torch.tensor([1 - step / steps], dtype=torch.float64), min=0) ** power * peak

# %% 8.2 wrong: no parameter is called `patience`
def should_stop(scores, wait):
    best, waited = float("-inf"), 0
    for score in scores:
        best, waited = (score, 0) if score > best else (best, waited + 1)
    return wait is not None and waited >= wait

# %% 8.2 wrong: or is a number fixed
def should_stop(scores, patience):
    if patience is None:
        return False
    best, waited = float("-inf"), 0
    for score in scores:
        best, waited = (score, 0) if score > best else (best, waited + 1)
    return waited >= min(patience, 2)

# %% 8.3 wrong: this is the epoch with the lowest score
def best_epoch(scores):
    return min(range(len(scores)), key=lambda i: scores[i]) + 1

# %% 8.3 wrong: NaN is turned into a number
def best_epoch(scores):
    return int(np.nan_to_num(np.array(scores)).argmax()) + 1

# %% 8.3 wrong: NaN is turned into a number
def best_epoch(scores):
    return int(np.nan_to_num(np.array(scores), nan=-1.0).argmax()) + 1

# %% 8.1 wrong: it is fixed at 0.9
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step / steps, 0) ** 0.9

# %% 8.2 right: with the best epoch of the exercise before
from utils.schedules import best_epoch

def should_stop(scores, patience):
    return patience is not None and bool(scores) and len(scores) - best_epoch(scores) >= patience

# %% 8.2 wrong: that of two `max` as well
def should_stop(scores, patience):
    if patience is None or len(scores) <= patience:
        return False
    return max(scores[-patience:]) <= max(scores[:-patience])

# %% 8.5 wrong: was given one
def resume(parts, states):
    for name, part in parts.items():
        part.load_state_dict(states.get(name, {}))

# %% 8.5 wrong: was given one
def resume(parts, states):
    for name, part in parts.items():
        part.load_state_dict(states.get(name))

# %% 8.5 wrong: was given one
def resume(parts, states):
    for part, state in zip(parts.values(), states.values()):
        part.load_state_dict(state)

# %% 8.2 wrong: so take no 1 off
from utils.schedules import best_epoch

def should_stop(scores, patience):
    return patience is not None and bool(scores) and len(scores) - 1 - best_epoch(scores) >= patience

# %% 8.2 wrong: not with `==`
from utils.schedules import best_epoch

def should_stop(scores, patience):
    return patience is not None and bool(scores) and len(scores) - best_epoch(scores) == patience

# %% 8.2 wrong: take the best epoch from the last
from utils.schedules import best_epoch

def should_stop(scores, patience):
    return patience is not None and bool(scores) and best_epoch(scores) - len(scores) >= patience

# %% 8.2 wrong: look for the best of all epochs
def should_stop(scores, patience):
    if patience is None or len(scores) < patience:
        return False
    return scores[-1] <= scores[-1 - patience]

# %% 8.2 wrong: it breaks off where every score is NaN
def should_stop(scores, patience):
    if patience is None or len(scores) <= patience:
        return False
    return len(scores) - 1 - int(np.nanargmax(scores)) >= patience

# %% 8.1 wrong: at the end of the run nothing is ahead
def poly_rate(step, steps, peak, power=0.9):
    return peak * max(1 - step / steps, 1e-8) ** power

# %% 8.4 wrong: a part is left out
def snapshot(parts):
    kinds = (nn.Module, torch.optim.Optimizer)
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items() if isinstance(part, kinds)}

# %% 8.5 wrong: it ends at the first part without a state
def resume(parts, states):
    for name, part in parts.items():
        if name not in states:
            break
        part.load_state_dict(copy.deepcopy(states[name]))

# %% 8.5 wrong: it ends at the first part without a state
def resume(parts, states):
    try:
        for name, part in parts.items():
            part.load_state_dict(copy.deepcopy(states[name]))
    except KeyError:
        pass

# %% 8.5 right: goes on with the next
def resume(parts, states):
    for name, part in parts.items():
        if name not in states:
            continue
        part.load_state_dict(copy.deepcopy(states[name]))


# %% 8.5 wrong: does not fit the model is accepted
def resume(parts, states):
    for name in set(parts) & set(states):
        part, state = parts[name], states[name]
        if isinstance(part, nn.Module):
            for key, value in part.state_dict().items():
                value.copy_(state[key])
        else:
            part.load_state_dict(copy.deepcopy(state))


# %% 8.5 wrong: does not fit the optimizer is accepted
def resume(parts, states):
    for name in parts:
        if name in states:
            try:
                parts[name].load_state_dict(copy.deepcopy(states[name]))
            except ValueError:
                print(f"{name} does not fit")


# %% 8.5 wrong: trains on inside `states`
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            adam = isinstance(part, torch.optim.Optimizer)
            part.load_state_dict(copy.deepcopy(states[name]) if adam else states[name])


# %% 8.5 wrong: does not fit the model is accepted
def resume(parts, states):
    for name, part in parts.items():
        if states.get(name):
            part.load_state_dict(copy.deepcopy(states[name]))


# %% 8.5 wrong: keeps its names, and takes no other
def resume(parts, states):
    for name, state in states.items():
        if name in parts:
            parts[name].load_state_dict(copy.deepcopy(state))
        else:
            parts[name] = state


# %% 8.5 wrong: not its saved learning rate
def resume(parts, states):
    for name in parts:
        if name in states:
            parts[name].load_state_dict(copy.deepcopy(states[name]))
            if isinstance(parts[name], torch.optim.lr_scheduler.LRScheduler):
                parts[name].step()


# %% 8.4 wrong: a part is left out
def snapshot(parts):
    states = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}
    return {name: state for name, state in states.items() if state}


# %% 8.4 wrong: changes while training goes on
def copied(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    return {key: copied(one) for key, one in value.items()} if isinstance(value, dict) else value

def snapshot(parts):
    return {name: copied(part.state_dict()) for name, part in parts.items()}


# %% 8.4 wrong: taking the snapshot changes the model
def snapshot(parts):
    for part in parts.values():
        if hasattr(part, "zero_grad"):
            part.zero_grad()
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}


# %% 8.3 wrong: hides it: NaN is no number, nor the lowest
def best_epoch(scores):
    values = np.array(scores, dtype=float)
    values[np.isnan(values)] = 0.0 if np.isnan(values).all() else np.nanmin(values)
    return int(values.argmax()) + 1


# %% 8.3 wrong: compare them as they are
def best_epoch(scores):
    return 1 + max(range(len(scores)), key=lambda i: -math.inf if math.isnan(scores[i]) else abs(scores[i]))


# %% 8.2 wrong: make no number of NaN
def should_stop(scores, patience):
    if patience is None or not scores:
        return False
    best = int(np.nan_to_num(scores, nan=-1.0).argmax()) + 1
    return len(scores) - best >= patience


# %% 8.2 wrong: although `patience` is None
def should_stop(scores, patience):
    patience = patience or 1000
    return bool(scores) and len(scores) - best_epoch(scores) >= patience


# %% 8.1 wrong: above 0: hold the share at 0
def poly_rate(step, steps, peak, power=0.9):
    over = steps <= step <= 2 * steps
    return 0.0 if over else peak * abs(1 - step / steps) ** power


# %% 8.1 wrong: is not raised to `power`
def poly_rate(step, steps, peak, power=0.9):
    return min(peak, 10) * max(1 - step / steps, 0) ** power


# %% 8.2 wrong: NaN stops the run at once
def should_stop(scores, patience):
    if patience is None or not scores:
        return False
    return math.isnan(scores[-1]) or len(scores) - best_epoch(scores) >= patience


# %% 8.2 wrong: so nothing has been waited for yet
def should_stop(scores, patience):
    best, count = float("-inf"), 0
    for score in scores:
        if score > best:
            best, count = score, 0
        else:
            count += 1
    return patience is not None and count >= patience


# %% 8.2 wrong: so nothing has been waited for yet
def should_stop(scores, patience):
    best, waited, answer = float("-inf"), 0, False
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
        answer = patience is not None and waited >= patience
    return answer


# %% 8.2 wrong: until a first number epoch 1 counts as the best
def should_stop(scores, patience):
    if patience is None or len(scores) <= patience or all(s != s for s in scores):
        return False
    return len(scores) - best_epoch(scores) >= patience

# %% 8.5 wrong: the model is in evaluation mode afterwards
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            if isinstance(part, nn.Module):
                part.eval()
            part.load_state_dict(copy.deepcopy(states[name]))

# %% 8.5 wrong: the model is in evaluation mode afterwards
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            part.load_state_dict(copy.deepcopy(states[name]))
            if isinstance(part, nn.Module):
                part.eval()

# %% 8.5 wrong: the weights are frozen afterwards
def resume(parts, states):
    for name, part in parts.items():
        if name in states:
            part.load_state_dict(copy.deepcopy(states[name]))
            if isinstance(part, nn.Module):
                part.requires_grad_(False)

# %% 8.1 wrong: the only step of a run has the peak
def poly_rate(step, steps, peak, power=0.9):
    if step >= steps or steps == 1:
        return 0
    return peak * (1 - step / steps) ** power

# %% 8.4 wrong: copy what lies in lists as well
def snapshot(parts):
    def c(v):
        if torch.is_tensor(v): return v.clone()
        if isinstance(v, dict): return {k: c(x) for k, x in v.items()}
        return v
    return {n: c(p.state_dict()) for n, p in parts.items()}

# %% 8.2 wrong: a score of 0 or below is not taken for a new best
def should_stop(scores, patience):
    if patience is None or not scores:
        return False
    best, where = 0, 1
    for n, s in enumerate(scores, 1):
        if s > best:
            best, where = s, n
    return len(scores) - where >= patience

# %% 8.3 wrong: the score falls and rises again
def best_epoch(scores):
    best, where = float("-inf"), 1
    for n, s in enumerate(scores, 1):
        if s > best:
            best, where = s, n
        elif s < best:
            break
    return where

# %% 8.3 wrong: the result is a float
def best_epoch(scores):
    best, where = float("-inf"), 1
    for n, s in enumerate(scores, 1):
        if s > best:
            best, where = s, n
    return float(where)
