"""utils/catalog/mirrors.py: tars from mirrors, and Kaggle: the right file or none, and one sentence that helps."""

import hashlib
import http.server
import io
import shutil
import socket
import sys
import tarfile
import threading
from collections import namedtuple
from pathlib import Path

import pytest
from helpers import assert_clear, full_disk, snapshot

from utils import catalog
from utils.catalog import camvid, download, pets, voc
from utils.catalog.download import fetch_kaggle, fetch_tar, untar
from utils.config import Config
from utils.errors import DataError

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # requests leaves sockets behind
    pytest.mark.usefixtures("collect_litter"),
]


def make_tar(files, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            facts = tarfile.TarInfo(name)
            facts.size = len(content)
            archive.addfile(facts, io.BytesIO(content))
    return buffer.getvalue()


GOOD = make_tar({"VOCdevkit/VOC2012/list.txt": b"one\n", "VOCdevkit/VOC2012/JPEGImages/one.jpg": b"photo" * 4000})
MD5 = hashlib.md5(GOOD).hexdigest()


@pytest.fixture
def server():
    """Answers of this machine by path: (status, body, length that is announced); asked paths are noted."""
    answers, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, body, *length = answers.get(self.path, (404, b"nothing here"))
            self.send_response(status)
            self.send_header("Content-Length", str(length[0] if length else len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield namedtuple("Server", "answers asked address")(answers, asked, f"http://127.0.0.1:{httpd.server_port}")
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


BAD = {
    "a dead host": None,
    "no such file": (404, b"gone"),
    "a server in trouble": (503, b"later"),
    "a web page": (200, b"<!DOCTYPE html><html>moved</html>"),
    "another archive": (200, make_tar({"VOCdevkit/evil.txt": b"evil"})),
    "a transfer that is cut off": (200, GOOD[: len(GOOD) // 2], len(GOOD)),
    "half a file": (200, GOOD[: len(GOOD) // 2]),
}


@pytest.mark.parametrize("fault", BAD)
def test_the_next_mirror_is_tried_after(fault, server, tmp_path):
    server.answers["/good/voc.tar"] = (200, GOOD)
    bad = f"{closed_port()}/voc.tar" if BAD[fault] is None else f"{server.address}/bad/voc.tar"
    if BAD[fault] is not None:
        server.answers["/bad/voc.tar"] = BAD[fault]
    root = tmp_path / "voc2012"
    fetch_tar([bad, f"{server.address}/good/voc.tar"], MD5, len(GOOD), root, "VOCdevkit")
    assert (root / "VOCdevkit/VOC2012/JPEGImages/one.jpg").read_bytes() == b"photo" * 4000
    assert [p.name for p in root.iterdir()] == ["VOCdevkit"]  # no archive, nothing half


def test_the_first_good_mirror_is_enough(server, tmp_path):
    server.answers.update({"/a/voc.tar": (200, GOOD), "/b/voc.tar": (200, GOOD)})
    fetch_tar([f"{server.address}/{m}/voc.tar" for m in "ab"], MD5, len(GOOD), tmp_path / "voc", "VOCdevkit")
    assert server.asked == ["/a/voc.tar"]


def test_when_all_mirrors_fail_each_is_named_and_nothing_has_changed(server, tmp_path):
    server.answers["/bad/voc.tar"] = (200, b"<html>")
    root = tmp_path / "voc2012"
    root.mkdir()
    (root / "mine.txt").write_text("mine")
    before = snapshot(root)
    with pytest.raises(DataError) as error:
        fetch_tar([f"{server.address}/bad/voc.tar", "http://no-such-host.invalid/voc.tar"], MD5, 9, root, "VOCdevkit")
    assert_clear(error, "voc.tar", "127.0.0.1", "another file", "no-such-host.invalid", "check the network", root)
    assert snapshot(root) == before


def test_a_tar_that_is_there_already_is_used_and_kept(server, tmp_path):
    (tmp_path / "voc.tar").write_bytes(GOOD)
    fetch_tar([f"{server.address}/a/voc.tar"], MD5, len(GOOD), tmp_path, "VOCdevkit")
    assert server.asked == []
    assert (tmp_path / "VOCdevkit/VOC2012/list.txt").read_text() == "one\n"
    assert (tmp_path / "voc.tar").is_file()


def test_a_tar_that_is_there_but_wrong_is_refused_and_kept(tmp_path):
    (tmp_path / "voc.tar").write_bytes(GOOD[:-5000])
    before = snapshot(tmp_path)
    with pytest.raises(DataError) as error:
        fetch_tar(["http://localhost/voc.tar"], MD5, len(GOOD), tmp_path, "VOCdevkit")
    assert_clear(error, tmp_path / "voc.tar", "not the file", "delete it")
    assert snapshot(tmp_path) == before


def test_too_little_room_is_said_before_the_download(server, tmp_path, monkeypatch):
    usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage(10**12, 0, 3_000_000_000))
    with pytest.raises(DataError) as error:
        fetch_tar([f"{server.address}/a/voc.tar"], MD5, 1_999_639_040, tmp_path / "voc", "VOCdevkit")
    assert_clear(error, "4.0 GB", "3.0 GB are free", tmp_path / "voc", "another disk")
    assert server.asked == []


def test_a_tar_that_is_there_needs_room_for_its_files_only(tmp_path, monkeypatch):
    (tmp_path / "voc.tar").write_bytes(GOOD)
    usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage(10**12, 0, 600_000_000))
    with pytest.raises(DataError) as error:
        fetch_tar(["http://localhost/voc.tar"], MD5, 10**9, tmp_path, "VOCdevkit", unpacked=700_000_000)
    assert_clear(error, "0.7 GB", "0.6 GB are free")
    fetch_tar(["http://localhost/voc.tar"], MD5, 10**9, tmp_path, "VOCdevkit", unpacked=500_000_000)
    assert (tmp_path / "VOCdevkit/VOC2012/list.txt").is_file()


def test_only_what_is_wanted_is_unpacked(tmp_path):
    (tmp_path / "voc.tar").write_bytes(GOOD)
    lists = lambda names: {name for name in names if name.endswith(".txt")}  # noqa: E731
    fetch_tar(["http://localhost/voc.tar"], MD5, len(GOOD), tmp_path, "VOCdevkit", wanted=lists)
    assert [p.name for p in (tmp_path / "VOCdevkit").rglob("*") if p.is_file()] == ["list.txt"]


def test_a_folder_below_the_top_goes_beside_what_is_there(tmp_path):
    """Another year of Pascal VOC in the same VOCdevkit stays."""
    (tmp_path / "voc.tar").write_bytes(GOOD)
    other = tmp_path / "VOCdevkit" / "VOC2007" / "mine.txt"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    fetch_tar(["http://localhost/voc.tar"], MD5, len(GOOD), tmp_path, "VOCdevkit/VOC2012")
    assert other.read_text() == "mine"
    assert (tmp_path / "VOCdevkit/VOC2012/list.txt").read_text() == "one\n"


def test_a_disk_that_fills_up_on_the_way(server, tmp_path):
    server.answers["/a/voc.tar"] = (200, GOOD)
    with full_disk(5000), pytest.raises(DataError) as error:
        fetch_tar([f"{server.address}/a/voc.tar"], MD5, len(GOOD), tmp_path / "voc", "VOCdevkit")
    assert_clear(error, tmp_path / "voc", "free some space")
    assert list((tmp_path / "voc").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt"])
def test_a_tar_that_reaches_out_of_its_folder_is_refused(name, tmp_path):
    (tmp_path / "a.tar").write_bytes(make_tar({name: b"evil"}))
    (tmp_path / "in").mkdir()
    try:
        untar(tmp_path / "a.tar", tmp_path / "in" / "side")
    except DataError as error:
        assert_clear(error, "a.tar", "could not be unpacked")
    assert not (tmp_path / "evil.txt").exists()
    assert not (tmp_path / "in" / "evil.txt").exists()
    assert not Path("/evil.txt").exists()


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        facts = tarfile.TarInfo("link")
        facts.type, facts.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(facts)
    with pytest.raises(DataError) as error:
        untar(tmp_path / "a.tar", tmp_path / "out")
    assert_clear(error, "a.tar", "could not be unpacked", "link")


# ---------------------------------------------------------------- the data sets that are fetched so
def test_voc_downloads_unpacks_and_is_read_by_torchvision(server, shared_data, tmp_path, monkeypatch):
    inner = shared_data("voc") / "VOCdevkit" / "VOC2012"
    names = (inner / "ImageSets/Segmentation/val.txt").read_text().split()[:3]
    files = {f"ImageSets/Segmentation/{n}.txt": "\n".join(names).encode() for n in ("train", "val")}
    for name in names:
        for path in (f"JPEGImages/{name}.jpg", f"SegmentationClass/{name}.png"):
            files[path] = (inner / path).read_bytes()
    unneeded = {
        "Annotations/a.xml",
        "ImageSets/Main/a.txt",
        "JPEGImages/boxes_only.jpg",
        f"SegmentationObject/{names[0]}.png",
    }
    files |= dict.fromkeys(sorted(unneeded), b"not for segmentation")
    body = make_tar({f"VOCdevkit/VOC2012/{path}": content for path, content in files.items()})
    server.answers["/b/VOCtrainval_11-May-2012.tar"] = (200, body)
    mirrors = tuple(f"{server.address}/{m}/VOCtrainval_11-May-2012.tar" for m in "ab")
    monkeypatch.setitem(voc.MIRRORS, "2012", mirrors)
    monkeypatch.setitem(voc.MD5, "2012", hashlib.md5(body).hexdigest())
    config = Config.preset("voc", root=tmp_path / "voc2012")
    assert len(catalog.load(config).pairs("test")) == 3
    assert {p.name for p in config.root.iterdir()} == {"VOCdevkit"}
    found = {p.relative_to(config.root / "VOCdevkit/VOC2012").as_posix() for p in config.root.rglob("*") if p.is_file()}
    assert found == files.keys() - unneeded
    server.answers.clear()
    assert len(catalog.load(config).pairs("test")) == 3  # nothing is fetched twice


def test_pets_come_as_two_archives(server, shared_data, tmp_path, monkeypatch):
    folder = shared_data("pets") / "oxford-iiit-pet"
    for name in pets.ARCHIVES:
        paths = [p for p in (folder / name).rglob("*") if p.is_file()]
        body = make_tar({p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}, "w:gz")
        server.answers[f"/second/{name}.tar.gz"] = (200, body)
        monkeypatch.setitem(pets.ARCHIVES, name, hashlib.md5(body).hexdigest())
    monkeypatch.setattr(pets, "ADDRESSES", (f"{server.address}/first", f"{server.address}/second"))
    source = catalog.load(Config.preset("pets", root=tmp_path / "pets"))
    assert len(source.pairs("test")) == 13
    assert server.asked == [f"/{m}/{n}.tar.gz" for n in ("images", "annotations") for m in ("first", "second")]


@pytest.mark.parametrize("complete", [True, False])
def test_camvid_is_taken_only_whole(complete, server, shared_data, tmp_path, monkeypatch):
    archive = shutil.make_archive(str(tmp_path / "camvid"), "zip", shared_data("camvid"))
    server.answers["/camvid.zip"] = (200, Path(archive).read_bytes())
    monkeypatch.setattr(camvid, "URL", f"{server.address}/camvid.zip")
    monkeypatch.setattr(camvid, "PUBLISHED", "24 train, 8 val, 8 test pairs" if complete else camvid.PUBLISHED)
    config = Config.preset("camvid", root=tmp_path / "data" / "camvid")
    if complete:
        assert len(catalog.load(config).pairs("test")) == 8
    else:
        with pytest.raises(DataError) as error:
            catalog.load(config)
        assert_clear(error, "24 train", "expected 367 train", "nothing was kept")
        assert not config.root.exists()


# ---------------------------------------------------------------- Kaggle
@pytest.fixture
def kaggle(monkeypatch):
    """kagglehub, which writes three files instead of fetching."""
    import kagglehub

    state = {"error": None, "elsewhere": None}

    def dataset_download(handle, output_dir):
        target = Path(state["elsewhere"] or output_dir)
        (target / "dataset").mkdir(parents=True)
        (target / "dataset" / "one.txt").write_text(handle)
        if state["error"]:
            raise state["error"]
        return str(target)

    monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)
    return state


def test_the_files_arrive_whole(kaggle, tmp_path):
    fetch_kaggle("someone/something", tmp_path / "drone")
    assert (tmp_path / "drone" / "dataset" / "one.txt").read_text() == "someone/something"
    assert [p.name for p in tmp_path.iterdir()] == ["drone"]


def test_files_that_are_mounted_are_linked_and_not_copied(kaggle, tmp_path):
    kaggle["elsewhere"] = tmp_path / "mounted"
    fetch_kaggle("someone/something", tmp_path / "data" / "drone")
    assert (tmp_path / "data" / "drone").is_symlink()
    assert (tmp_path / "data" / "drone" / "dataset" / "one.txt").read_text() == "someone/something"
    assert [p.name for p in (tmp_path / "data" / "drone").glob("**/one.txt")] == ["one.txt"]  # as the readers look


def test_a_link_that_leads_nowhere_any_more_is_made_anew(kaggle, tmp_path):
    (tmp_path / "drone").symlink_to(tmp_path / "mount of an earlier runtime")
    kaggle["elsewhere"] = tmp_path / "mounted"
    fetch_kaggle("someone/something", tmp_path / "drone")
    assert (tmp_path / "drone" / "dataset" / "one.txt").is_file()


@pytest.mark.parametrize("error", [ConnectionError("no route"), OSError(28, "No space left"), ValueError("odd")])
def test_a_failure_leaves_nothing_and_says_what_to_do(error, kaggle, tmp_path):
    kaggle["error"] = error
    with pytest.raises(DataError) as found:
        fetch_kaggle("someone/something", tmp_path / "drone")
    assert_clear(found, "kaggle.com/datasets/someone/something", type(error).__name__.replace("Error", ""), "by hand")
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DataError) as error:
        fetch_kaggle("someone/something", tmp_path / "drone")
    assert_clear(error, "pip install kagglehub")


def test_a_folder_with_other_files_is_left_alone(kaggle, tmp_path):
    (tmp_path / "drone").mkdir()
    (tmp_path / "drone" / "mine.txt").write_text("mine")
    before = snapshot(tmp_path)
    with pytest.raises(DataError) as error:
        fetch_kaggle("someone/something", tmp_path / "drone")
    assert_clear(error, tmp_path / "drone", "other files")
    assert snapshot(tmp_path) == before


def test_the_real_kagglehub_without_a_network_ends_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_ENDPOINT", closed_port())
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError) as error:
        fetch_kaggle("someone/something", tmp_path / "data" / "drone")
    assert_clear(error, "kaggle.com/datasets/someone/something", "network", "by hand")
    assert not (tmp_path / "data" / "drone").exists()
