"""Notebook 7 in JupyterLab, as a learner has it: headless Chromium, a server on this machine, and a real kernel."""

import json
import re
import socket
import subprocess
import sys
import time
from urllib.parse import urlparse

import bank
import nbformat
import pytest
from helpers import copy_course, kernel_environment, shorten

from exercises.catalogue import find

NOTEBOOK = "07_train_and_validate.ipynb"
WAIT = 60_000  # milliseconds, on a machine that is busy with other tests
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay in the page
}
WIDE = """outputs => outputs.filter(o => o.scrollWidth > o.clientWidth + 1
    && getComputedStyle(o).overflowX == 'visible').map(o => o.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over a copy of the course whose trainings are short; returns its address."""
    folder = tmp_path_factory.mktemp("lab")
    course = copy_course(folder / "course")
    notebook = nbformat.read(course / "notebooks" / NOTEBOOK, as_version=4)
    shorten(notebook)
    nbformat.write(notebook, course / "notebooks" / NOTEBOOK)
    for name, values in SETTINGS.items():
        path = folder / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "MY_WORK": "my_work",
             "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}  # fmt: skip
    env = kernel_environment(**{key: str(folder / name) for key, name in names.items()})
    options = ("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=")
    command = [sys.executable, "-m", "jupyter", "lab", *options, f"--ServerApp.root_dir={course}"]
    with (folder / "log.txt").open("w") as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as server:
        try:
            wait_for_port(port, server)
            yield f"http://127.0.0.1:{port}/lab/tree/notebooks/{NOTEBOOK}?reset"
        finally:
            server.terminate()


def wait_for_port(port, server):
    """Wait until the server answers."""
    for _ in range(WAIT // 200):
        assert server.poll() is None, "JupyterLab ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("JupyterLab does not answer")


@pytest.fixture(scope="module")
def page(lab, browser):
    """The notebook, opened by a learner; at the end, no script has failed and nothing but this machine was asked."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, faults, hosts = context.new_page(), [], set()
    page.set_default_timeout(WAIT)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: hosts.add(urlparse(request.url).hostname))
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel)").first.wait_for()
    yield page
    context.close()
    assert faults == []
    assert hosts - {None, "127.0.0.1"} <= {"colab.research.google.com"}  # the picture of the badge


@pytest.fixture(scope="module")
def executed(page):
    """Run all cells from the menu, as one does."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    settle(page)
    return page


def settle(page):
    """Wait until no cell is running or about to."""
    prompts = ".jp-CodeCell .jp-InputArea-prompt"
    page.wait_for_function("s => [...document.querySelectorAll(s)].some(p => /\\d/.test(p.innerText))", arg=prompts)
    page.wait_for_function("s => ![...document.querySelectorAll(s)].some(p => p.innerText.includes('*'))", arg=prompts)


def cell_of(page, text):
    return page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=text)).last


def answer(page, exercise_id, right):
    """Write an answer over the exercise's cell, run it, and return what stands below."""
    given = next(a for a in bank.read(7)[1] if a.id == exercise_id and a.right == right)
    cell = cell_of(page, f'@exercise("{exercise_id}")')
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(bank.cell_text(given))
    page.keyboard.press("Control+Enter")
    settle(page)
    return cell.locator(".jp-Cell-outputArea").inner_text()


def test_every_cell_runs_and_every_picture_has_its_caption_below(executed):
    kinds = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.{}']"
    assert executed.locator(kinds.format("error")).count() == executed.locator(kinds.format("stderr")).count() == 0
    pictures = executed.locator(".jp-OutputArea-child", has=executed.locator(".jp-RenderedImage img"))
    assert pictures.count() > 10
    told = [
        picture.evaluate("p => (p.nextElementSibling || p.previousElementSibling || p).innerText")
        for picture in pictures.all()
    ]
    # A caption, the board in words, or the paragraph above a diagram.
    assert [words for words in told if len(words.split()) < 4] in ([], [""])


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [1280, 768])
def test_nothing_is_cut_off(width, theme, executed):
    executed.set_viewport_size({"width": width, "height": 900})
    executed.get_by_role("menuitem", name="Settings", exact=True).click()
    executed.locator(".lm-Menu-item", has_text="Theme").first.hover()
    executed.locator(".lm-Menu-item", has_text=theme).first.click()
    executed.wait_for_function("t => document.body.dataset.jpThemeName == t", arg=theme)
    executed.wait_for_timeout(500)  # it lays the page out again
    assert executed.locator(".jp-OutputArea-output").evaluate_all(WIDE) == []


def test_a_wrong_answer_is_told_why_and_a_right_one_is_kept(executed):
    executed.set_viewport_size({"width": 1280, "height": 900})
    told = answer(executed, "7.3", right=False)
    assert re.search(r"7\.3\s+not yet: \w+", told)
    assert f"the course's {find('7.3').name} stands in" in told
    assert re.search(r"7\.3\s+passed \d+ checks", answer(executed, "7.3", right=True))
    board = cell_of(executed, "progress()")
    board.locator(".cm-content").click()
    executed.keyboard.press("Control+Enter")
    settle(executed)
    assert re.search(r"\b1 of \d+ exercises passed", board.locator(".jp-Cell-outputArea").inner_text())
