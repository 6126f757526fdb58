"""utils/catalog/download.py: all of an archive arrives, or nothing does, and the sentence says why."""

import errno
import http.server
import io
import shutil
import socket
import threading
import zipfile
from pathlib import Path

import pytest
import requests
from helpers import assert_clear, full_disk, snapshot

from utils import catalog
from utils.catalog import download, human
from utils.catalog.download import fetch_zip, unzip
from utils.config import Config
from utils.errors import DataError

# requests leaves the socket of a refused answer to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collect_litter"),
]


def make_zip(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


GOOD = {"repo-abc/train.csv": "masks,images\n", "repo-abc/Training_Images/1.jpg": "photo" * 1000}


@pytest.fixture
def served():
    """Serve bytes on this machine; return a function that sets them and gives their address."""
    answer = {"status": 200, "body": b""}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(answer.get("length", len(answer["body"]))))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def serve(body, status=200, **more):
        answer.update(status=status, body=body, **more)
        return f"http://127.0.0.1:{server.server_port}/archive.zip"

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/archive.zip"


def count_files(folder):
    return str(sorted(p.name for p in folder.rglob("*") if p.is_file()))


FOUND = "['1.jpg', 'train.csv']"


@pytest.fixture(params=["absent", "empty", "only junk"])
def root(request, tmp_path):
    """A place for the data: nothing there, an empty folder, or one with macOS's junk."""
    place = tmp_path / "data" / "human"
    if request.param != "absent":
        place.mkdir(parents=True)
    if request.param == "only junk":
        (place / ".DS_Store").write_bytes(b"junk")
    return place


def assert_nothing_changed(root, before):
    assert snapshot(root) == before
    beside = [p.name for p in root.parent.glob("*")] if root.parent.exists() else []
    assert beside in ([], [root.name])


def test_the_content_of_the_one_folder_arrives_at_the_root(served, root):
    fetch_zip(served(make_zip(GOOD)), root, count_files, FOUND)
    assert (root / "train.csv").read_text() == "masks,images\n"
    assert (root / "Training_Images" / "1.jpg").read_text() == "photo" * 1000
    assert sorted(p.name for p in root.parent.iterdir()) == [root.name]


def test_a_wrong_hash_keeps_nothing(served, root):
    before = snapshot(root)
    url = served(make_zip(GOOD | {"repo-abc/extra.txt": "tampered"}))
    with pytest.raises(DataError) as error:
        fetch_zip(url, root, count_files, FOUND)
    assert_clear(error, url, "expected", "nothing was kept", "try again")
    assert_nothing_changed(root, before)


@pytest.mark.parametrize(
    "url", [closed_port(), "http://no-such-host.invalid/a.zip", "ftq://127.0.0.1/a.zip"], ids=["port", "host", "scheme"]
)
def test_no_network(url, root):
    before = snapshot(root)
    with pytest.raises(DataError) as error:
        fetch_zip(url, root, count_files, FOUND)
    assert_clear(error, url, "could not download", "check the network", root)
    assert_nothing_changed(root, before)


@pytest.mark.parametrize(
    "fault", [requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError]
)
def test_a_network_that_breaks_on_the_way(fault, root, monkeypatch):
    def fail(*_, **__):
        raise fault("Max retries exceeded with url ... Traceback")

    monkeypatch.setattr(download.pooch, "retrieve", fail)
    before = snapshot(root)
    with pytest.raises(DataError) as error:
        fetch_zip("http://example.org/a.zip", root, count_files, FOUND)
    assert_clear(error, "http://example.org/a.zip", "could not download", "check the network")
    assert_nothing_changed(root, before)


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (b"not found", {"status": 404}),
        (b"busy", {"status": 503}),
        (b"<!DOCTYPE html><html>sign in</html>", {}),
        (make_zip(GOOD)[:-30], {}),
        (b"", {}),
        (make_zip(GOOD)[:200], {"length": 5000}),
    ],
    ids=["404", "503", "web page", "cut-off zip", "nothing", "broken connection"],
)
def test_a_server_that_answers_something_else(body, options, served, root):
    before = snapshot(root)
    url = served(body, **options)
    with pytest.raises(DataError) as error:
        fetch_zip(url, root, count_files, FOUND)
    assert_clear(error, url, "could not download", root)
    assert_nothing_changed(root, before)


def test_a_zip_with_a_damaged_file_inside(served, root):
    data = bytearray(make_zip(GOOD))
    place = data.index(b"photo" * 10)
    data[place] ^= 0xFF
    before = snapshot(root)
    url = served(bytes(data))
    with pytest.raises(DataError) as error:
        fetch_zip(url, root, count_files, FOUND)
    assert_clear(error, url, "could not download")
    assert_nothing_changed(root, before)


@pytest.mark.parametrize("name", ["../evil.txt", "repo-abc/../../evil.txt", "/tmp/evil-from-archive.txt"])
def test_a_zip_that_wants_to_write_elsewhere(name, served, root):
    before = snapshot(root)
    with pytest.raises(DataError) as error:
        fetch_zip(served(make_zip(GOOD | {name: "evil"})), root, count_files, FOUND)
    assert_clear(error, "archive.zip", name, "not unpacked")
    assert_nothing_changed(root, before)
    assert not list(root.parent.parent.rglob("evil*"))
    assert not Path("/tmp/evil-from-archive.txt").exists()


@pytest.mark.parametrize("files", [{"a/1": "", "b/1": ""}, {"1.txt": ""}], ids=["two folders", "no folder"])
def test_a_zip_of_another_shape(files, served, root):
    before = snapshot(root)
    with pytest.raises(DataError) as error:
        fetch_zip(served(make_zip(files)), root, count_files, FOUND)
    assert_clear(error, "archive.zip", "one folder", "not used")
    assert_nothing_changed(root, before)


def test_a_folder_that_macos_adds_is_passed_over(tmp_path):
    (tmp_path / "a.zip").write_bytes(make_zip(GOOD | {"__MACOSX/._x": "junk"}))
    assert unzip(tmp_path / "a.zip", tmp_path / "out").name == "repo-abc"


def test_a_root_with_other_files_is_left_alone(served, tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    before = snapshot(tmp_path)
    with pytest.raises(DataError) as error:
        fetch_zip(served(make_zip(GOOD)), tmp_path, count_files, FOUND)
    assert_clear(error, tmp_path, "other files", "another folder")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("step", ["download", "unpack", "put in place"])
def test_no_disk_space(step, served, root, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {
        "download": (download.pooch, "retrieve"),
        "unpack": (zipfile.ZipFile, "extractall"),
        "put in place": (Path, "replace"),
    }[step]
    before = snapshot(root)
    url = served(make_zip(GOOD))
    with monkeypatch.context() as patch:
        patch.setattr(*target, fail)
        with pytest.raises(DataError) as error:
            fetch_zip(url, root, count_files, FOUND)
    assert_clear(error, root.parent, "no space left", "free some space")
    assert_nothing_changed(root, before if root.exists() or step != "put in place" else None)


@pytest.mark.parametrize("limit", [500, 4000])
def test_a_disk_that_is_really_full(limit, served, root):
    before = snapshot(root)
    url = served(make_zip(GOOD))
    with full_disk(limit), pytest.raises(DataError) as error:
        fetch_zip(url, root, count_files, FOUND)
    assert_clear(error, root.parent, "could not write", "free some space")
    assert_nothing_changed(root, before)


def test_a_place_that_cannot_be_made(served, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError) as error:
        fetch_zip(served(make_zip(GOOD)), tmp_path / "file" / "human", count_files, FOUND)
    assert_clear(error, "could not write", tmp_path / "file")


# ---------------------------------------------------------------- the data set that is downloaded
def archive_of(folder):
    files = {f"{folder.name}/{p.relative_to(folder).as_posix()}": p.read_bytes() for p in folder.rglob("*.*")}
    return make_zip(files)


def test_human_downloads_verifies_and_unpacks(served, human_sample, tmp_path, monkeypatch):
    monkeypatch.setattr(human, "URL", served(archive_of(human_sample)))
    monkeypatch.setattr(human, "FINGERPRINT", human.fingerprint(human_sample))
    config = Config.preset("human", root=tmp_path / "human")
    assert len(catalog.load(config).labelled()) == 2
    monkeypatch.setattr(human, "URL", closed_port())
    assert len(catalog.load(config).labelled()) == 2


def test_human_refuses_another_archive_than_the_pinned_one(served, human_sample, tmp_path, monkeypatch):
    monkeypatch.setattr(human, "URL", served(archive_of(human_sample)))
    with pytest.raises(DataError) as error:
        catalog.load(Config.preset("human", root=tmp_path / "human"))
    assert_clear(error, human.URL, human.FINGERPRINT[:12])
    assert not (tmp_path / "human").exists()


def test_human_without_a_network_says_where_to_put_the_files(tmp_path, monkeypatch):
    monkeypatch.setattr(human, "URL", closed_port())
    with pytest.raises(DataError) as error:
        catalog.load(Config.preset("human", root=tmp_path / "human"))
    assert_clear(error, "check the network", tmp_path / "human", "yourself")


@pytest.fixture
def human_sample(tmp_path):
    """Two drawn photographs in the layout of the real archive."""
    from helpers import write_pairs

    drawn, sample = write_pairs(tmp_path / "drawn", splits=["train"] * 2), tmp_path / "Human-sample"
    for folder in ("Training_Images", "Ground_Truth"):
        (sample / folder).mkdir(parents=True)
    rows = ["masks,images"]
    for number in (0, 1):
        shutil.copy(drawn / "images" / f"{number:02d}.png", sample / "Training_Images" / f"{number}.jpg")
        shutil.copy(drawn / "masks" / f"{number:02d}.png", sample / "Ground_Truth" / f"{number}.png")
        rows.append(f"{human.PREFIX}Ground_Truth/{number}.png,{human.PREFIX}Training_Images/{number}.jpg")
    (sample / "train.csv").write_text("\n".join(rows) + "\n")
    (sample / ".DS_Store").write_bytes(b"junk")
    return sample
