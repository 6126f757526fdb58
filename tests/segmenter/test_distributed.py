"""segmenter/distributed.py: over ranks and workers every sample comes once an epoch, in real second processes."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from helpers import COURSE, assert_clear
from hypothesis import given
from hypothesis import strategies as st
from warm import Process

from segmenter.distributed import EvenBatches, share_out
from segmenter.shards import write_shards
from utils import engine
from utils.checkpoint import load_state
from utils.engine import make_accelerator
from utils.errors import ConfigError
from utils.images import read_image
from utils.loaders import get_data_loaders, put_on_device, seed_epoch, step_indices

GLOO = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(COURSE), "GLOO_SOCKET_IFNAME": "lo"}


def torchrun(*arguments):
    """Run a module on two real processes of this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    found = subprocess.run(
        [*command, *map(str, arguments)], cwd=COURSE, env=os.environ | GLOO, capture_output=True, text=True, timeout=900
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def run_ranks(folder, *arguments, processes=2):
    """Run a script on several real processes, as torchrun does: it finds its place in the environment."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        meeting = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free.getsockname()[1])}
    world = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    ranks = [
        Process(*arguments, output=folder / f"printed{n}", cwd=COURSE, env=os.environ | GLOO | meeting | world | place)
        for n, place in enumerate({"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes))
    ]
    for rank in ranks:
        assert rank.wait(900) == 0, rank.text()


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
    if -(-count // (batch_size * processes)) <= count // processes:  # there is a sample for every batch
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
    run_ranks(tmp_path, COURSE / "tests" / "rank_reads_epochs.py", shards, tmp_path, batch_size, workers)
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
        *("-m", "segmenter", "train", "--dataset", "folder", "--root", shards, "--output", tmp_path / "run"),
        *(
            "--model",
            "unet",
            "--framing",
            "crop",
            "--image-size",
            "64",
            "--batch-size",
            "4",
            "--unet-width",
            "4",
            "--epochs",
            "2",
        ),
        *("--workers", "0", "--device", "cpu", "--precision", "fp32"),
    )
    assert printed.count("epoch   1/2") == printed.count("Best validation IoU") == 1
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert history["train_loss"].iloc[1] < history["train_loss"].iloc[0]
    names = {path.name for path in Path(tmp_path / "run").iterdir()}
    files = {"config.yaml", "splits.csv", "history.csv", "last.ckpt", "previous.ckpt", "best.safetensors", "pictures"}
    assert names == files | {"run.json"}


def test_two_ranks_learn_and_score_what_one_process_does_with_the_same_global_batch(tmp_path):
    """The same order, the same losses and weights, and in validation every image counted once, in real processes."""
    facts, weights = {}, {}
    for processes, batch_size in ((1, 8), (2, 4)):
        folder = tmp_path / str(processes)
        folder.mkdir()
        script = COURSE / "tests" / "rank_trains.py"
        run_ranks(folder, script, folder, batch_size, processes, processes=processes)
        facts[processes] = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        weights[processes] = load_state(folder / "run" / "last.ckpt")["model"]
    assert facts[1]["matrix"] == facts[2]["matrix"]
    assert facts[1]["loss"] == pytest.approx(facts[2]["loss"], rel=1e-5)
    for column in ("train_loss", "val_loss", "val_score", "val_accuracy", "learning_rate"):
        assert facts[1]["history"][column] == pytest.approx(facts[2]["history"][column], rel=2e-3), column
    assert facts[1]["history"]["train_loss"] == pytest.approx(facts[2]["history"]["train_loss"], rel=1e-4)
    assert facts[1]["history"]["train_loss"][1] < 0.95 * facts[1]["history"]["train_loss"][0]
    for name, tensor in weights[1].items():
        assert torch.allclose(tensor, weights[2][name], atol=2e-3), name


def test_processes_that_do_not_find_each_other_are_an_error(config, monkeypatch):
    """With plain accelerate and no GPU each would train a run of its own, into one folder."""
    monkeypatch.setattr(engine, "Accelerator", lambda **_: SimpleNamespace(num_processes=1))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError) as error:
        make_accelerator(config)
    assert_clear(error, "2 processes were started", "1 train together", "torchrun")


def test_more_processes_than_pictures_are_refused(config):
    loader = get_data_loaders(config).val
    with pytest.raises(ConfigError) as error:
        share_out(loader, SimpleNamespace(num_processes=3, process_index=0, device=torch.device("cpu")))
    assert_clear(error, "3 processes", "2 pictures", "fewer")


def test_the_images_of_a_step_can_be_named_afterwards(config):
    """The order of an epoch is drawn once more, and gives the very images that came."""
    config = config.override(batch_size=3, image_size=48, augmentation="none", aerial=False)
    whole = get_data_loaders(config).train
    shared, known = share_out(whole, make_accelerator(config)), whole.dataset
    for epoch in (1, 2):
        seed_epoch(config, whole, epoch)
        seen = [images for images, _ in shared]
        for step, images in enumerate(seen):
            seed_epoch(config, whole, epoch)
            indices = step_indices(shared, whole.generator, step)
            assert len(indices) == 3
            assert all(torch.equal(known[n][0], image) for n, image in zip(indices, images, strict=True))


def test_several_processes_without_shares_are_refused(config):
    with pytest.raises(ConfigError) as error:
        put_on_device(get_data_loaders(config).train, SimpleNamespace(num_processes=2, device=torch.device("cpu")))
    assert_clear(error, "all images", "torchrun -m segmenter train")
