"""One rank of test_distributed.py: train a model without BatchNorm, and score it; only the first may write.

Usage: rank_trains.py OUTPUT BATCH_SIZE PROCESSES
"""

import json
import os
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.distributed import share_out
from utils import catalog
from utils.config import Config
from utils.engine import Evaluation, evaluate, make_accelerator
from utils.loaders import get_data_loaders
from utils.models import SegmentationModel
from utils.training import fit


def summed(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy for each image: its mean over processes is its mean over the whole batch, whatever is ignored."""
    return F.cross_entropy(logits, masks, ignore_index=255, reduction="sum") / (len(masks) * 1e4)


def score(config: Config, model: SegmentationModel, processes: int) -> Evaluation:
    """Score a model on the validation split, and assert that as many processes as were started take part."""
    accelerator = make_accelerator(config)
    assert accelerator.num_processes == processes
    val = share_out(get_data_loaders(config, catalog.load(config)).val, accelerator)
    found = evaluate(accelerator.prepare(model), val, summed, 6, accelerator)
    accelerator.free_memory()
    return found


def main(output: str, batch_size: int, processes: int) -> None:
    torch.set_num_threads(1)
    folder = Path(output)
    config = Config(
        image_size=256, augmentation="none", aerial=False, batch_size=batch_size, epochs=2, device="cpu",
        precision="fp32", learning_rate=0.02, output=folder / "run",
    )  # fmt: skip
    rank = int(os.environ.get("RANK", 0))

    def watched(self: Path, target: Path) -> Path:
        assert folder not in self.parents, f"rank {rank} writes {target}"
        return replace(self, target)

    replace = Path.replace
    if rank > 0:
        Path.replace = watched
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(6, 6, 2, stride=2))
    model = SegmentationModel(net, stride=2)
    # 12 images over two ranks in batches of 5: a padded last round would count some of them twice
    found = score(config.override(batch_size=5), model, processes)
    run = fit(config, model=model, loss_fn=summed, on_epoch=None, prepare_loader=share_out)
    if rank == 0:
        facts = {"matrix": found.matrix.tolist(), "loss": found.loss, "history": run.history.to_dict("list")}
        (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
