"""One SQLite file holds every run, wherever it is moved to, and nothing outside its folder is touched."""

import hashlib
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

import mlpstudy
from mlpstudy import cache, clean, export, upload
from mlpstudy.cells.events import Ending
from mlpstudy.commands import cli
from mlpstudy.conduct import report
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import inside, moving, parcel, sqlite, uris, writing
from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.report import log_report
from mlpstudy.tracking.store import open_store

TINY = ["network.depth=2", "network.width=8", "training.epochs=1", "replicas=2", "training.snapshots=3", "workers=1"]
NAMES = ["a blank", "a%20b", "a%2520b", "a?b", "a#b", "größe", "数据", 'it\'s "so"', "a&$HOME;b", "mlruns"]


def uri_of(folder):
    return uris.sqlite_uri(Path(folder, "mlflow.db"))


def swept(folder, *words):
    assert cli.run(cli.cells(["-m", *TINY, f"tracking.uri='{uri_of(folder)}'", *words]))


def content(folder):
    """Time and content of every file in a folder, and its folders."""
    return {
        path: path.is_file() and (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
    }


def journal(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def rows(path, table="runs"):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize("name", NAMES)
def test_any_path_is_one_uri(name, tmp_path, monkeypatch):
    folder = tmp_path / name
    folder.mkdir()
    path = folder / "mlflow.db"
    uri = uris.sqlite_uri(path)
    assert sqlalchemy.make_url(uri).database == str(path)  # as MLflow reads it
    assert sqlalchemy.make_url(uri).query == {}
    assert uris.database_path(uri) == path
    assert uris.resolve(uri) == uri
    monkeypatch.chdir(folder)
    assert uris.resolve(None, {}) == uris.resolve("sqlite:///mlflow.db") == uri


@pytest.mark.parametrize(("name", "written"), [("a%20b", "%25"), ("a?b", "%3F")])
def test_a_path_that_is_no_uri_says_how_to_write_it(name, written, tmp_path):
    (tmp_path / name).mkdir()
    before = content(tmp_path)
    with pytest.raises(
        ConfigError, match=f"tracking.uri must be a URI in which the . of a path is written as {written}"
    ):
        uris.resolve(f"sqlite:///{tmp_path}/{name}/mlflow.db")
    assert content(tmp_path) == before


def test_a_query_stays_part_of_a_uri(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert uris.resolve("sqlite:///mlflow.db?timeout=3") == f"sqlite:///{tmp_path}/mlflow.db?timeout=3"


RUN = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        ("file:///old/mlruns/study", "file:///new/mlruns/study"),
        (f"file:///old/mlruns/study/{RUN}/artifacts", f"file:///new/mlruns/study/{RUN}/artifacts"),
        (f"file:///mlruns/mlruns/mlruns/{RUN}/artifacts", f"file:///new/mlruns/mlruns/{RUN}/artifacts"),
        ("file:///old/mlruns/a%20b", "file:///new/mlruns/a%20b"),
        ("/old/mlruns/study", "file:///new/mlruns/study"),  # as MLflow writes it for an experiment of its own
        ("./mlruns/7", "file:///new/mlruns/7"),
        (f"/old/mlruns/a%20b/{RUN}/artifacts", f"file:///new/mlruns/a%2520b/{RUN}/artifacts"),
        ("file:///old/mlruns/study/models/m-1/artifacts", "file:///new/mlruns/study/models/m-1/artifacts"),
        ("file:///new/mlruns/study", "file:///new/mlruns/study"),
        ("file:///nowhere/mlruns/3", "file:///new/mlruns/3"),  # named by MLflow, and not there
        ("file:///somewhere/else", "file:///somewhere/else"),
        ("s3://bucket/mlruns/study", "s3://bucket/mlruns/study"),
        ("mlflow-artifacts:/1/mlruns/study", "mlflow-artifacts:/1/mlruns/study"),
    ],
)
def test_an_address_is_beside_the_database(stored, now):
    assert uris.beside_database("sqlite:////new/mlflow.db", stored) == now
    assert uris.beside_database("http://host:5000", stored) == stored


def test_a_folder_that_mlflow_has_named_may_be_elsewhere_on_purpose(tmp_path):
    there, here = tmp_path / "there" / "mlruns" / "3", tmp_path / "here"
    there.mkdir(parents=True)
    assert uris.beside_database(uri_of(here), there.as_uri()) == there.as_uri()
    assert uris.outside(uri_of(here), there.as_uri()) == there
    (here / "mlruns" / "3").mkdir(parents=True)
    assert uris.beside_database(uri_of(here), there.as_uri()) == (here / "mlruns" / "3").as_uri()
    assert uris.outside(uri_of(here), "s3://bucket/a") is uris.outside("http://host", there.as_uri()) is None


def test_links_lead_outside_and_a_link_to_a_database_is_that_database(tmp_path, monkeypatch):
    """A copy of a folder with a link to `mlruns` would change the files of the original."""
    (tmp_path / "big" / "mlruns" / "study").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mlruns").symlink_to(tmp_path / "big" / "mlruns")
    stored = (tmp_path / "here" / "mlruns" / "study").as_uri()
    assert uris.outside(uri_of(tmp_path / "here"), stored) == tmp_path / "big" / "mlruns" / "study"
    (tmp_path / "link").symlink_to(tmp_path / "big")  # a link to the whole folder is as good as the folder
    assert uris.outside(uri_of(tmp_path / "link"), (tmp_path / "link" / "mlruns" / "study").as_uri()) is None
    (tmp_path / "other").mkdir()
    (tmp_path / "big" / "mlflow.db").touch()
    (tmp_path / "other" / "mlflow.db").symlink_to(tmp_path / "big" / "mlflow.db")
    monkeypatch.chdir(tmp_path / "other")
    assert uris.resolve(None, {}) == uris.resolve("sqlite:///mlflow.db") == uri_of(tmp_path / "big")


def test_an_experiment_that_mlflow_has_made_moves_with_the_folder(new_uri, tmp_path, no_pictures, capsys):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    uris.database_path(new_uri).rename(old / "mlflow.db")
    MlflowClient(uri_of(old)).create_experiment("mine", str(old / "mlruns" / "7"))  # a path, as MLflow does by itself
    swept(old, "init=he", "tracking.experiment=mine", "tracking.sweep=first")
    old.rename(new)
    (run,) = load_runs(uri_of(new))
    assert run.local_folder.is_relative_to(new)
    swept(new, "init=zeros,he", "tracking.experiment=mine", "tracking.sweep=first")
    assert not old.exists()
    assert clean.main(["first", "--yes", "--uri", uri_of(new)]) == 0


# ---------------------------------------------------------------- one file


def test_after_a_sweep_the_one_file_has_every_run(new_uri, tmp_path, no_pictures):
    swept(tmp_path, "init=zeros,he")
    assert [path.name for path in tmp_path.glob("mlflow.db*")] == ["mlflow.db"]
    shutil.copyfile(tmp_path / "mlflow.db", tmp_path / "copy.db")
    assert rows(tmp_path / "copy.db") == 2


def test_while_runs_are_written_the_ui_can_read(new_uri, tmp_path):
    store = open_store(new_uri, "mlpstudy")
    assert journal(tmp_path / "mlflow.db") == "wal"
    store.close()
    assert journal(tmp_path / "mlflow.db") == "delete"


def test_an_interrupted_sweep_leaves_one_file(new_uri, tmp_path, no_pictures, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("mlpstudy.display.SweepDisplay.record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path, "init=zeros,he")
    assert [path.name for path in tmp_path.glob("mlflow.db*")] == ["mlflow.db"]
    assert [run.status for run in load_runs(new_uri)] == ["KILLED"]


def killed(path):
    """A process that writes a run and is killed."""
    code = (
        "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode=wal');"
        "c.execute(\"INSERT INTO tags VALUES ('left', 'by a killed process', 'run')\"); c.commit(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)


@pytest.mark.parametrize("command", ["load_runs", "reports", "export", "clean", "sweep"])
def test_the_next_command_makes_whole_what_a_killed_process_has_left(command, sweep_copy, tmp_path, capsys):
    path = uris.database_path(sweep_copy)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys=off")
    killed(path)
    assert path.with_name("copy.db-wal").stat().st_size > 0
    from reports.__main__ import main as reports

    with_uri = ["--uri", sweep_copy]
    {
        "load_runs": lambda: load_runs(sweep_copy),
        "reports": lambda: reports(["--figures", "grid", "--sweep", "no such", *with_uri]),
        "export": lambda: export.main(["no such", str(tmp_path / "x.zip"), *with_uri]),
        "clean": lambda: clean.main(["no such", *with_uri]),
        "sweep": lambda: open_store(sweep_copy, "mlpstudy").close(),
    }[command]()
    assert sorted(p.name for p in tmp_path.glob("copy.db*")) == ["copy.db"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM tags WHERE key = 'left'").fetchone() == (1,)


def test_while_another_process_reads_the_file_is_whole_all_the_same(new_uri, tmp_path):
    store = open_store(new_uri, "mlpstudy")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as reader:
        reader.execute("SELECT count(*) FROM runs").fetchone()
        store.client.create_run(store.experiment_id)
        store.close()
        shutil.copyfile(tmp_path / "mlflow.db", tmp_path / "copy.db")
        assert rows(tmp_path / "copy.db") == 1
    sqlite.make_whole(tmp_path / "mlflow.db")
    assert sorted(path.name for path in tmp_path.glob("mlflow.db*")) == ["mlflow.db"]


Mounted = namedtuple("Mounted", "mountpoint fstype opts")


@pytest.mark.parametrize(
    ("kind", "options", "local"),
    [
        ("ext4", "rw", True), ("tmpfs", "rw", True), ("NTFS", "rw,fixed", True), ("apfs", "rw", True),
        ("nfs", "rw", False), ("nfs4", "rw", False), ("lustre", "rw", False), ("cifs", "rw", False),
        ("fuse.sshfs", "rw", False), ("9p", "rw", False), ("NTFS", "rw,remote", False), ("", "rw", False),
    ],
)  # fmt: skip
def test_there_is_no_wal_on_a_file_system_of_several_machines(kind, options, local, new_uri, tmp_path, monkeypatch):
    parts = [Mounted("/", "ext4" if not local else "nfs", "rw"), Mounted(str(tmp_path), kind, options)]
    monkeypatch.setattr("psutil.disk_partitions", lambda all: parts)
    path = tmp_path / "mlflow.db"
    store = open_store(new_uri, "mlpstudy")
    assert journal(path) == ("wal" if local else "delete")
    store.client.create_run(store.experiment_id)
    store.close()
    assert rows(path) == 1


def test_a_file_with_a_wal_that_comes_to_a_network_gets_a_journal(new_uri, tmp_path, monkeypatch):
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("PRAGMA journal_mode=wal")
    monkeypatch.setattr("psutil.disk_partitions", lambda all: [Mounted("/", "nfs4", "rw")])
    open_store(new_uri, "mlpstudy")
    assert journal(tmp_path / "mlflow.db") == "delete"


# ---------------------------------------------------------------- nothing outside


@pytest.fixture(scope="module")
def study(_empty_database, tmp_path_factory):
    """A folder with a sweep in two experiments, and a report."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copyfile(_empty_database, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlpstudy.run_picture.draw", lambda *_: b"a picture")
        for experiment in ("first", "second"):
            swept(folder, "init=zeros,xavier", f"tracking.experiment={experiment}", "tracking.sweep=both")
            (folder / "grid.png").write_bytes(b"of the original")
            assert log_report(load_runs(uri_of(folder), experiment=experiment), [folder / "grid.png"]) == ""
    return folder


def work(folder, monkeypatch):
    """Every command, in the folder of a study."""
    monkeypatch.chdir(folder)
    (folder / "grid.png").write_bytes(b"of the copy")
    for experiment in ("first", "second"):
        runs = load_runs(experiment=experiment)
        assert log_report(runs, [folder / "grid.png"]) == ""
        assert all(len(run.arrays) > 9 and run.local_folder.is_relative_to(folder) for run in runs)
    swept(folder, "init=zeros,xavier,he", "tracking.experiment=second", "tracking.sweep=both")
    assert export.main(["both", "both.zip"]) == 0
    assert upload.main(["both.zip", "--experiment", "third"]) == 0
    new = {"tracking.experiment": "first", "tracking.sweep": "new", "workers": 1}
    assert len(mlpstudy.run(init="zeros", depth=1, width=8, epochs=1, **new)) == 1
    assert clean.main(["both", "--yes"]) == 0


@pytest.mark.parametrize("how", ["copied", "renamed"])
@pytest.mark.parametrize("name", ["a%20b", "a?b"])
def test_what_is_done_in_a_moved_folder_stays_inside(study, how, name, tmp_path, monkeypatch, no_pictures, capsys):
    """The original, a folder that the name means as a URI, and the parent are the same afterwards."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    original = study if how == "copied" else shutil.copytree(study, tmp_path / "original")
    for sibling in ("a b", "a"):
        shutil.copytree(study, tmp_path / sibling)
        (tmp_path / sibling / "mlflow.db").write_bytes(b"of somebody else")
    here = tmp_path / name
    shutil.copytree(original, here) if how == "copied" else original.rename(here)
    before = content(study) | content(tmp_path)
    work(here, monkeypatch)
    touched = {path for path, _ in before.items() ^ (content(study) | content(tmp_path)).items()}
    assert {path for path in touched if not path.is_relative_to(here)} == set()
    assert [path.name for path in here.glob("mlflow.db*")] == ["mlflow.db"]


def test_a_copy_of_the_file_alone_deletes_nothing_of_the_original(study, tmp_path, monkeypatch, capsys):
    shutil.copyfile(study / "mlflow.db", tmp_path / "mlflow.db")
    before = content(study)
    monkeypatch.chdir(tmp_path)
    assert len(load_runs(experiment="first")) == 2
    assert clean.main(["both", "--yes"]) == 0
    assert content(study) == before
    assert "Removed" in capsys.readouterr().out
    assert rows(tmp_path / "mlflow.db") == 0


def test_files_elsewhere_are_read_but_not_touched(study, tmp_path, monkeypatch, capsys):
    """An experiment that somebody has made with a folder elsewhere."""
    shutil.copytree(study, tmp_path / "here")
    (tmp_path / "elsewhere").mkdir()
    uri = uri_of(tmp_path / "here")
    id_ = MlflowClient(uri).create_experiment("mine", (tmp_path / "elsewhere").as_uri())
    with pytest.raises(ConfigError, match=r"tracking.experiment must be an experiment whose files are beside"):
        open_store(uri, "mine")
    run = MlflowClient(uri).create_run(id_, tags={"sweep": "mine", "verdict": "healthy", "order": "0", "cell": "c"})
    MlflowClient(uri).log_text(run.info.run_id, "text", "file.txt")
    before = content(tmp_path / "elsewhere")
    assert clean.main(["mine", "--yes", "--uri", uri]) == 1
    assert "SWEEP must be a sweep whose files are beside the database" in capsys.readouterr().err
    assert "not beside the database" in log_report(load_runs(uri, sweep="mine"), [study / "grid.png"])
    assert content(tmp_path / "elsewhere") == before


def test_a_folder_that_cannot_be_written_to_is_read_where_it_is(study, tmp_path, monkeypatch):
    shutil.copytree(study, tmp_path / "here")

    def refused(*_):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("mlpstudy.tracking.sqlite.rewrite", refused)
    for run in load_runs(uri_of(tmp_path / "here"), experiment="second"):
        assert run.local_folder.is_relative_to(tmp_path / "here")


# ---------------------------------------------------------------- removed, kept


def test_a_removal_that_was_interrupted_goes_on(study, tmp_path, monkeypatch, capsys):
    shutil.copytree(study, tmp_path / "here")
    uri, path, removed = uri_of(tmp_path / "here"), tmp_path / "here" / "mlflow.db", []
    real = inside.remove_row

    def once(*which):
        if removed:
            raise KeyboardInterrupt
        removed.append(which)
        real(*which)

    monkeypatch.setattr(inside, "remove_row", once)
    assert clean.main(["both", "--yes", "--uri", uri]) == 1
    assert rows(path) == 5  # of four cells and two reports
    with pytest.raises(ConfigError):
        load_runs(uri)
    monkeypatch.setattr(inside, "remove_row", real)
    assert clean.main(["both", "--yes", "--uri", uri]) == 0
    assert "Removed: 5 runs" in capsys.readouterr().out
    for table in ("runs", "params", "tags", "metrics", "latest_metrics"):
        assert rows(path, table) == 0, table
    assert not any(path.is_file() for path in (tmp_path / "here" / "mlruns").rglob("*"))


@pytest.mark.parametrize("full", ["here", "everywhere"])
def test_on_a_full_disk_a_run_is_kept_elsewhere_and_nothing_half_is_left(sweep_copy, tmp_path, monkeypatch, full):
    home, here, write = tmp_path / "home", tmp_path / "here", parcel.write
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    (cell,) = cli.cells(TINY)
    log = writing.RunLog(open_store(sweep_copy, "mlpstudy"), cell, "name", "full", 0)

    def refuse(kept, folder):
        if full == "everywhere" or not folder.is_relative_to(home):
            raise OSError(28, "No space left on device")
        write(kept, folder)

    monkeypatch.setattr(parcel, "write", refuse)
    log.finish(Ending("FINISHED"))
    kept, complaint = log.keep("the disk is full")
    assert list(here.iterdir()) == []
    assert not (tmp_path / "mlpstudy-rescued").exists()
    if full == "here":
        assert kept == home / "mlpstudy-rescued"
        assert (kept / "full" / "name" / "run.json").exists()
        assert moving.bring_back(open_store(sweep_copy, "mlpstudy"), "mlpstudy", print) == (["name"], [])
    else:
        assert kept is None
        assert complaint.count("No space left") == 4  # beside the store, here, at home, in a temporary folder
    assert list(home.iterdir()) == []


def test_a_home_that_is_removed_keeps_nothing(monkeypatch, tmp_path, new_uri):
    monkeypatch.setattr(cache, "ensure_home", lambda: None)
    monkeypatch.setenv("HOME", str(tmp_path / f"{cache.TEMPORARY}x"))
    assert cache.home() is None
    assert all(cache.TEMPORARY not in str(place) for place in parcel.rescue_folders(new_uri))


def test_in_the_home_directory_runs_are_found_once(monkeypatch, tmp_path, new_uri):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert parcel.rescue_folders(new_uri) == [Path("mlpstudy-rescued")]
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert [place.resolve() for place in parcel.rescue_folders(new_uri)] == [
        tmp_path / "mlpstudy-rescued", tmp_path / "below" / "mlpstudy-rescued",
    ]  # fmt: skip


def test_a_run_of_two_sweeps_that_was_deleted_in_mlflow_does_not_stop_a_removal(study, tmp_path, capsys):
    shutil.copytree(study, tmp_path / "here")
    uri = uri_of(tmp_path / "here")
    swept(tmp_path / "here", "init=zeros,xavier,he", "tracking.experiment=first", "tracking.sweep=more")
    client = MlflowClient(uri)
    (shared, *_) = [run for run in load_runs(uri, sweep="both", experiment="first") if "more" in run.tags["also_in"]]
    client.delete_run(shared.id)
    assert clean.main(["both", "--yes", "--uri", uri]) == 0
    assert client.get_run(shared.id).info.lifecycle_stage == "deleted"
    assert client.get_run(shared.id).data.tags["sweep"] == "more"
    capsys.readouterr()
    assert clean.main(["both", "--yes", "--uri", uri]) == 1
    assert "SWEEP must be one of more" in capsys.readouterr().err


def test_the_end_of_a_sweep_counts_what_was_kept_and_what_was_lost(new_uri, capsys):
    from mlpstudy.display import console

    kept = Path("mlpstudy-rescued")
    report.say_rescued(console(), open_store(new_uri, "mlpstudy"), [kept, None, kept, None, None])
    told = capsys.readouterr().out
    assert "2 runs are not in MLflow but in mlpstudy-rescued." in told
    assert "3 runs are lost" in told
    assert told.count("mlpstudy.upload") == 1


def test_a_data_set_that_another_sweep_writes_at_the_same_moment_is_no_error(new_uri, tmp_path, monkeypatch):
    store = open_store(new_uri, "mlpstudy")
    real, times = MlflowClient.log_inputs, []

    def conflict(self, *arguments, **named):
        times.append(arguments)
        if len(times) == 1:
            raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.name")
        real(self, *arguments, **named)

    monkeypatch.setattr(MlflowClient, "log_inputs", conflict)
    run = store.client.create_run(store.experiment_id)
    data = {"name": "digits", "digest": "1", "source": "{}", "profile": "{}"}
    kept = parcel.Parcel("", new_uri, "mlpstudy", "name", "FINISHED", 0, 1, {}, {}, [], data)
    parcel.fill(store.client, run.info.run_id, kept, tmp_path / "none", lambda ask: ask())
    (found,) = store.client.get_run(run.info.run_id).inputs.dataset_inputs
    assert found.dataset.digest == "1"
    assert len(times) == 2


def test_what_was_kept_for_a_store_that_was_moved_with_its_folder_belongs_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = uri_of(tmp_path)
    root = Path("mlpstudy-rescued")
    for kept, same in ((here, True), ("sqlite:////gone/mlflow.db", True), ("sqlite:////gone/other.db", False)):
        assert moving._same_store(kept, here, root) is same
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mlflow.db").touch()
    assert not moving._same_store(uri_of(tmp_path / "other"), here, root)  # it is there, and another one
    assert not moving._same_store("http://host:5000", here, root)
    assert moving._same_store("http://me:***@host", "http://me:secret@host", root)


def test_what_depends_on_the_inside_of_mlflow_is_in_one_module_that_knows_this_version():
    """If MLflow is raised: read the functions and tables that `inside` names again, then raise KNOWN."""
    assert version("mlflow").startswith(f"{inside.KNOWN}.")
    private = re.compile(r"mlflow[\w.]*\._|import _|(Store|mlflow_db|\w*[cC]lient)\b(\([^)]*\))?\._")
    with_private = {
        path.stem
        for path in Path(inside.__file__).parent.glob("*.py")
        if private.search(path.read_text(encoding="utf-8"))
    }
    assert with_private == {"inside"}
