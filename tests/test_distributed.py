"""utils/distributed.py: over ranks and workers every sample comes once an epoch, in real second processes."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers import COURSE
from hypothesis import given
from hypothesis import strategies as st

from utils.dataset import read_image
from utils.distributed import EvenBatches
from utils.shards import write_shards


def torchrun(*arguments, processes=2):
    """Run a script or module on several real processes of this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    found = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=COURSE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(COURSE), "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


# ---------------------------------------------------------------- the order of one epoch
@given(
    count=st.integers(1, 200),
    batch_size=st.integers(1, 20),
    processes=st.integers(1, 8),
    seed=st.one_of(st.none(), st.integers(0, 9)),
)
def test_every_sample_comes_once_and_every_process_has_as_many_batches(count, batch_size, processes, seed):
    def share(rank):
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return EvenBatches(count, batch_size, rank, processes, generator)

    batches = [list(share(rank)) for rank in range(processes)]
    assert sorted(index for own in batches for batch in own for index in batch) == list(range(count))
    assert {len(own) for own in batches} == {len(share(0))}
    sizes = [len(batch) for own in batches for batch in own]
    assert max(sizes) - min(sizes) <= 1
    if count >= processes * batch_size:
        assert max(sizes) <= batch_size
        assert min(sizes) >= 1


def test_the_order_changes_with_the_generator_and_not_without():
    shuffled = EvenBatches(50, 5, 0, 2, torch.Generator().manual_seed(1))
    assert list(shuffled) != list(shuffled)
    plain = EvenBatches(50, 5, 0, 2)
    assert list(plain) == list(plain)
    assert next(iter(plain)) == [0, 1, 2, 3, 4]


# ---------------------------------------------------------------- two real processes
@pytest.fixture(scope="module")
def shards(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed") / "shards"
    write_shards(tiny, folder, megabytes=1)
    return folder


@pytest.mark.parametrize(("batch_size", "workers", "steps"), [(5, 2, 5), (4, 1, 6)])
def test_two_ranks_and_their_workers_see_every_sample_of_the_shards_once(
    batch_size, workers, steps, shards, tiny, tmp_path
):
    torchrun(COURSE / "tests" / "rank_reads_epochs.py", shards, tmp_path, batch_size, workers)
    ranks = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    everything = sorted(
        hashlib.sha256(read_image(pair.image).transpose(2, 0, 1).tobytes()).hexdigest() for pair in tiny.pairs("train")
    )
    assert len(set(everything)) == 48
    for facts in ranks:
        assert facts["processes"] == 2
        assert facts["length"] == steps
        assert [len(epoch) for epoch in facts["epochs"]] == [steps, steps]
    for epoch in (0, 1):
        seen = [sample for facts in ranks for batch in facts["epochs"][epoch] for sample in batch]
        assert sorted(seen) == everything
    assert ranks[0]["epochs"][0] != ranks[0]["epochs"][1]  # another order each epoch


def test_two_ranks_train_on_shards_and_one_of_them_writes(shards, tmp_path):
    printed = torchrun(
        *("-m", "utils", "train", "--dataset", "folder", "--root", shards, "--output", tmp_path / "run"),
        *("--framing", "crop", "--image-size", "64", "--batch-size", "4", "--unet-width", "4", "--epochs", "2"),
        *("--workers", "0", "--device", "cpu", "--precision", "fp32"),
    )
    assert printed.count("epoch   1/2") == printed.count("Best validation IoU") == 1
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert history["train_loss"].iloc[1] < history["train_loss"].iloc[0]
    names = {path.name for path in Path(tmp_path / "run").iterdir()}
    files = {"config.yaml", "splits.csv", "history.csv", "last.ckpt", "previous.ckpt", "best.safetensors", "pictures"}
    assert names == files
