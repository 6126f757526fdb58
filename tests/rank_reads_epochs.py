"""One rank of test_distributed.py: read epochs of a data set as training would, and note what came."""

import hashlib
import json
import sys
from pathlib import Path

from accelerate import Accelerator

from segmenter.distributed import share_out
from utils import catalog
from utils.config import Config
from utils.loaders import build_loader, get_dataset, seed_epoch


def main(root: str, output: str, batch_size: int, workers: int) -> None:
    accelerator = Accelerator(cpu=True)
    config = Config(
        dataset="folder", root=Path(root), image_size=256, augmentation="none", batch_size=batch_size, workers=workers
    )
    whole = build_loader(get_dataset(config, "train", catalog.load(config)), config, train=True)
    loader = share_out(whole, accelerator)
    epochs = []
    for epoch in (1, 2):
        seed_epoch(config, whole, epoch, accelerator.process_index)
        batches = [[hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in images] for images, _ in loader]
        epochs.append(batches)
    facts = {"processes": accelerator.num_processes, "length": len(loader), "epochs": epochs}
    Path(output, f"rank{accelerator.process_index}.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
