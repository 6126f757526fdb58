"""README, docs/ and the site: links lead somewhere, commands parse, and what is shown is what happens."""

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest
import torch
import yaml
from helpers import COURSE

from exercises.__main__ import build_parser as exercises_parser
from exercises.catalogue import find
from exercises.display import verdict_text
from exercises.judging import run_checks
from exercises.session import Attempt
from segmenter.__main__ import build_parser as segmenter_parser
from segmenter.__main__ import main as segmenter

CONF = runpy.run_path(str(COURSE / "docs" / "conf.py"))
PAGES = sorted({*COURSE.glob("*.md"), *COURSE.glob("docs/*.md"), *COURSE.glob("notebooks/*.md"),
                COURSE / "data" / "README.md", COURSE / "benchmarks" / "README.md"})  # fmt: skip
NOTEBOOKS = sorted(COURSE.glob("notebooks/*.ipynb"))
LINK = re.compile(r"\]\(([^()\s]+)\)")
TEXT = {path: path.read_text("utf-8") for path in PAGES}


def name_of(path: Path) -> str:
    return path.relative_to(COURSE).as_posix()


def prose(path: Path) -> str:
    """Return the Markdown of a page or notebook without its code blocks."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = path.read_text("utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


# ---------------------------------------------------------------- links
@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=name_of)
def test_every_link_to_a_file_leads_somewhere(path):
    lost = []
    for link in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        readable = target.exists() and target.suffix in (".md", ".ipynb")
        if not target.exists() or (anchor and readable and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_links_of_a_site_are_checked(tmp_path):
    find_faults = runpy.run_path(str(COURSE / "docs" / "check_links.py"))["find_faults"]
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="b.html#here"></a><a href="https://x.org">x</a><img src="a.html" alt="a">'
    )
    (tmp_path / "b.html").write_text(
        '<a href="a.html#top"></a><a href="a.html#gone"></a><a href="c.html"></a><img src="a.html" alt="">'
    )
    assert find_faults(tmp_path) == [
        "a.html: b.html#here leads to no place in that page",
        "b.html: the picture a.html has no alternative text",
        "b.html: a.html#gone leads to no place in that page",
        "b.html: c.html leads to no file",
    ]


# ---------------------------------------------------------------- what is written is what happens
def commands(module: str) -> list[str]:
    """Return every command line of a module in the code blocks of README and docs, whole lines only."""
    found = []
    for path, text in TEXT.items():
        if path.parent.name in ("docs", COURSE.name):
            for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
                if language in ("", "bash"):
                    lines = block.replace("\\\n", " ").splitlines()
                    found += [line.partition(f"-m {module} ")[2] for line in lines if f"-m {module} " in line]
    return [command for command in found if "..." not in command]


@pytest.mark.parametrize(
    ("module", "parser", "least"), [("segmenter", segmenter_parser(), 15), ("exercises", exercises_parser(), 1)]
)
def test_every_command_is_one_that_the_program_takes(module, parser, least):
    lines = commands(module)
    assert len(lines) >= least
    for line in lines:
        parser.parse_args(shlex.split(line, comments=True))  # ends the test with SystemExit where it is none


def test_every_target_and_benchmark_exists():
    makefile = (COURSE / "Makefile").read_text("utf-8")
    text = "\n".join(TEXT.values())
    targets = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert {"course", "test", "docs"} <= targets
    assert [name for name in sorted(targets) if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
    modules = set(re.findall(r"python -m benchmarks\.(\w+)", text))
    assert [name for name in sorted(modules) if not (COURSE / "benchmarks" / f"{name}.py").is_file()] == []


def test_the_readme_is_a_landing_page():
    text = TEXT[COURSE / "README.md"]
    assert len(text.splitlines()) <= 120
    assert text.index("![") < 900, "the picture comes first"


def test_the_verdict_in_the_readme_is_the_one_that_is_given():
    text = TEXT[COURSE / "README.md"]
    code = re.search(r'```python\n@exercise\("7.3"\)\n(.*?)```', text, re.DOTALL)[1]
    namespace = {"torch": torch}
    exec(code, namespace)
    verdict = run_checks(find("7.3"), namespace["iou"], namespace)
    assert verdict_text(find("7.3"), verdict, Attempt()) in text


@pytest.mark.parametrize("command", ["check data/pets_mini", "evaluate data/tiny/checkpoint.safetensors"])
def test_what_a_command_is_said_to_print_is_what_it_prints(command, monkeypatch, capsys):
    text = TEXT[COURSE / "docs" / "command_line.md"]
    shown = re.search(rf"^\$ python -m segmenter {command}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(COURSE)
    assert segmenter(command.split()) == 0
    printed = capsys.readouterr().out
    if command.startswith("evaluate"):  # the last digits are the machine's own
        printed, shown = (re.sub(r"\d\.\d+", "0", text) for text in (printed, shown[1].removesuffix("...\n")))
        assert printed.startswith(shown)
    else:
        assert printed == shown[1]


def test_one_version_everywhere():
    version = CONF["PROJECT"]["version"]
    assert yaml.safe_load((COURSE / "CITATION.cff").read_text("utf-8"))["version"] == version
    assert re.search(r"^## (\S+),", TEXT[COURSE / "CHANGELOG.md"], re.MULTILINE)[1] == version


# ---------------------------------------------------------------- the glossary
def test_the_glossary_is_short_and_sorted():
    text = (COURSE / "docs" / "glossary.md").read_text("utf-8")
    terms = re.findall(r"^## (.+)\n((?:.+\n)+)", text, re.MULTILINE)
    names = [name for name, _ in terms]
    assert len(names) == text.count("\n## ") <= 80
    assert names == sorted(names, key=lambda name: name.lower().replace("-", " "))
    for name, words in terms:
        assert re.search(r"\[Notebook (\d)\]\(\.\./notebooks/0\1_\w+\.ipynb\)$", words.strip()), name
        meaning = " ".join(words.split()).rpartition(" [Notebook")[0]
        assert meaning.endswith("."), name
        assert 1 <= len(re.findall(r"[.?!](?= [A-Z0-9`]|$)", meaning)) <= 2, name


# ---------------------------------------------------------------- the site
def test_every_page_is_in_the_table_of_contents():
    text = (COURSE / "docs" / "toctree.md").read_text("utf-8")
    listed = re.findall(r"^[^:`\n]+ </(\S+)>$", text, re.MULTILINE)
    assert len(listed) == len(set(listed))
    pages = {name_of(p.with_suffix("")) for p in [*PAGES, *NOTEBOOKS]} - {"README", "docs/toctree"}
    assert pages == {name for name in listed if not name.startswith("docs/api/")}


def test_notebooks_are_folded_and_described():
    cells = [
        {"cell_type": "markdown", "source": ["# Title"], "metadata": {}},
        {"cell_type": "markdown", "source": "# Appendix\n## A", "metadata": {}},
        {"cell_type": "code", "source": "", "metadata": {"jupyter": {"source_hidden": True}},
         "outputs": [{"metadata": {"image/png": {"alt": "a cat"}}}]},
    ]  # fmt: skip
    title, appendix, code = CONF["prepare_notebook"]({"cells": cells})["cells"]
    assert (title["source"], appendix["source"]) == (["# Title"], "## Appendix\n## A")
    assert code["metadata"]["tags"] == ["hide-input"]
    assert code["metadata"]["mystnb"] == {"image": {"alt": "a cat"}}


def test_the_requirements_of_the_site_are_pinned():
    lines = (COURSE / "docs" / "requirements.txt").read_text("utf-8").splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert all(re.match(r"[a-z-]+==[\d.]+( |$)", line) for line in named), named
