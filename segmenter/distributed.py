"""Several processes: each trains on its own share of every epoch (`torchrun -m segmenter train ...`)."""

from collections.abc import Iterator

import torch
from accelerate import Accelerator
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader, RandomSampler, Sampler

from utils.errors import ConfigError


class EvenBatches(Sampler[list[int]]):
    """The batches of one process: over all processes every sample comes once an epoch, none twice.

    Every process has as many batches as the others (otherwise they would wait for each other for ever), so the batches
    differ in size, by one sample at most, and none is larger than `batch_size` (unless some would then be empty: three
    samples for two processes and batches of one).

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
        order = torch.arange(self.count)
        if self.generator:
            torch.empty((), dtype=torch.int64).random_(generator=self.generator)  # a DataLoader alone draws first, too
            order = torch.randperm(self.count, generator=self.generator)
        shares = torch.tensor_split(order, self.steps * self.processes)
        return iter([share.tolist() for share in shares[self.rank :: self.processes]])


def share_out(loader: DataLoader, accelerator: Accelerator) -> DataLoader:
    """Return a loader's share of this process, on its device: all of it where there is only one.

    accelerate would repeat samples, or drop them, to fill the last round of batches. Raises ConfigError where there are
    fewer pairs than processes.
    """
    processes, count = accelerator.num_processes, len(loader.dataset)
    if processes > count:
        raise ConfigError(f"{processes} processes cannot share {count} pictures: start fewer processes.")
    if processes > 1:
        generator = loader.generator if isinstance(loader.sampler, RandomSampler) else None
        batches = EvenBatches(count, loader.batch_size, accelerator.process_index, processes, generator)
        # The share has no generator: workers draw their seeds from it, and those must differ between processes.
        settings = {name: getattr(loader, name) for name in SETTINGS}
        loader = DataLoader(loader.dataset, batch_sampler=batches, **settings)
    return prepare_data_loader(loader, accelerator.device, num_processes=1, process_index=0, put_on_device=True)


SETTINGS = (
    "num_workers", "pin_memory", "worker_init_fn", "collate_fn", "timeout", "prefetch_factor", "persistent_workers",
    "multiprocessing_context",
)  # fmt: skip
