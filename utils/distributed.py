"""Several processes: each trains on its own share of every epoch (notebook 8; `torchrun -m utils train ...`)."""

from collections.abc import Iterator

import torch
from accelerate import Accelerator
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader, Sampler


class EvenBatches(Sampler[list[int]]):
    """The batches of one process: over all processes every sample comes once an epoch, none twice.

    Every process has as many batches as the others (or they would wait for each other for ever), so the batches
    differ in size, by one sample at most, and none is larger than `batch_size` (unless there are fewer batches of
    that size than processes).

    Args:
        count: samples in the data set.
        batch_size: largest number of samples a batch and process.
        rank, processes: which process this is, of how many.
        generator: draws the order; must be seeded alike in every process. None keeps the order.
    """

    def __init__(
        self, count: int, batch_size: int, rank: int, processes: int, generator: torch.Generator | None = None
    ) -> None:
        self.count, self.rank, self.processes, self.generator = count, rank, processes, generator
        self.steps = max(1, min(-(-count // (batch_size * processes)), count // processes))

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(self.count, generator=self.generator) if self.generator else torch.arange(self.count)
        shares = torch.tensor_split(order, self.steps * self.processes)
        return iter([share.tolist() for share in shares[self.rank :: self.processes]])


def share_out(loader: DataLoader, accelerator: Accelerator) -> DataLoader:
    """Return a training loader's share of this process, on its device: all of it where there is only one.

    accelerate would repeat samples, or drop them, to fill the last round of batches.
    """
    if accelerator.num_processes == 1:
        return accelerator.prepare(loader)
    batches = EvenBatches(
        len(loader.dataset), loader.batch_size, accelerator.process_index, accelerator.num_processes, loader.generator
    )
    own = DataLoader(
        loader.dataset,
        batch_sampler=batches,
        num_workers=loader.num_workers,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        collate_fn=loader.collate_fn,
    )
    return prepare_data_loader(own, accelerator.device, num_processes=1, process_index=0, put_on_device=True)
