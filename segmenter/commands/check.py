"""`check`: every fault of a data set, before a training run pays for it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from segmenter.commands.options import PREFIX, add_config, make_config
from utils.config import Config
from utils.errors import ConfigError


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("path", nargs="?", type=Path, help="a folder of images and masks; or use --dataset")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report with pictures as one HTML file")
    parser.add_argument(
        "--fix-into", type=Path, metavar="FOLDER", help="write a repaired copy to a new folder, and check it"
    )
    parser.add_argument(
        "--all", action="store_true", dest="every_name", help="print every name, not only the first three"
    )
    add_config(parser, ("dataset", "root", "classes", "mask_values", "variant", "splits"))


def run(path: Path | None, html: Path | None, fix_into: Path | None, every_name: bool, **options: Any) -> int:
    """Read every file of a data set and report all faults; changes nothing."""
    from segmenter.check import check_dataset
    from segmenter.check.annotations import check_annotations
    from segmenter.check.html_report import save_html
    from segmenter.check.repair import refuse_target, repair
    from segmenter.formats.sources import annotations_of
    from segmenter.outputs import refuse_foreign
    from utils import catalog

    if path is not None:
        options |= {f"{PREFIX}dataset": "folder", f"{PREFIX}root": path}
    config = make_config(options)
    refuse_foreign(html)
    if (annotations := annotations_of(config)) is not None:
        if html or fix_into:
            raise ConfigError(
                f"{config.root} holds annotations, and --html and --fix-into need masks: run `python -m segmenter "
                f"convert {config.root} --into FOLDER`, then check FOLDER."
            )
        report = check_annotations(*annotations)
        print(report.text(every_name))
        return 0 if report.ok else 1
    source = catalog.load(config)
    if fix_into is not None:
        refuse_target(fix_into, source.root)  # before the minutes that the check may take
    report = check_dataset(source, config)
    print(report.text(every_name))
    if html is not None:
        print(f"The report with pictures is {save_html(report, html)}")
    if fix_into is None:
        return 0 if report.ok else 1
    print(repair(report, fix_into))
    copy = check_dataset(catalog.load(Config.preset("folder", root=fix_into)))
    print(f"The copy: {copy.verdict}" if copy.ok else copy)
    return 0 if copy.ok else 1
