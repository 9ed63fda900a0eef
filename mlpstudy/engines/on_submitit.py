"""Batches as jobs of a Slurm array, by submitit; or as processes that it starts, to try the same without Slurm.

A job writes its events to files in a folder that all nodes share, where they are read as they come. squeue says which
jobs still exist: without Slurm's accounting, submitit would wait for a killed job for ever.
"""

import contextlib
import itertools
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlpstudy.cells.events import Draw
from mlpstudy.cells.one_cell import Job, available_cores
from mlpstudy.engines import event_files, worker
from mlpstudy.engines.batches import BatchEnd
from mlpstudy.engines.launcher import Launcher
from mlpstudy.errors import ConfigError

PATIENCE = 10  # seconds for Slurm to answer
MOMENT = 0.5  # seconds between two looks at the files
LOCAL_MINUTES = 60  # after which submitit ends a process of this machine
ASK = 3.0  # seconds between two questions about which jobs exist
GONE = 2  # times in a row that a job was not there: it has ended, and its file is complete


@dataclass
class _Running:
    """A batch that was handed over."""

    job: Any  # of submitit
    events: event_files.Reader
    missed: int = 0  # times in a row that the job was not there


class OnSubmitit:
    """A Slurm cluster, whose jobs are batches."""

    def __init__(self, launcher: Launcher, draw: Draw | None) -> None:
        """Raises ImportError, and ConfigError if Slurm does not answer."""
        import submitit

        self._slurm, self._draw = launcher.engine == "slurm", draw
        if self._slurm:
            _answers()
        self._settings, self._numbers = launcher.settings, itertools.count()
        self._folder = Path(self._settings["folder"]).absolute() / uuid.uuid4().hex[:8]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._executor = submitit.AutoExecutor(self._folder / "%j", cluster="slurm" if self._slurm else "local")
        self._executor.update_parameters(name="mlpstudy", timeout_min=self._settings.get("minutes", LOCAL_MINUTES))
        if self._slurm:
            memory, at_once = self._settings["memory_gb"], self._settings["at_once"]
            self._executor.update_parameters(cpus_per_task=1, mem_gb=memory, slurm_array_parallelism=at_once)
            site = {key: self._settings[key] for key in ("partition", "account", "setup")}
            self._executor.update_parameters(**{f"slurm_{key}": value for key, value in site.items() if value})
        self._running: dict[int, _Running] = {}
        self._asked = 0.0

    @property
    def slots(self) -> int:
        """Slurm has a queue of its own; processes of this machine are as many as its cores."""
        return int(self._settings["at_once"]) if self._slurm else available_cores()

    @property
    def start(self) -> float:
        """Each job is a new process, which imports this package."""
        return 4.0

    @property
    def about(self) -> str:
        """Where jobs run."""
        if not self._slurm:
            return f"submitit, {self.slots} processes"
        partition = self._settings["partition"]
        where = f"partition {partition}" if partition else "its default partition"
        return f"Slurm, {where}, {self.slots} jobs at a time"

    def submit(self, batches: Sequence[Sequence[Job]]) -> list[int]:
        """One array with a job for each batch."""
        new: dict[int, _Running] = {}
        with self._executor.batch():
            for batch, number in zip(batches, self._numbers, strict=False):
                path = self._folder / str(number)
                job = self._executor.submit(to_file, path, worker.code(), list(batch), self._draw)
                new[number] = _Running(job, event_files.Reader(path))
        self._running |= new
        return list(new)

    def events(self) -> list[tuple[int, worker.Numbered | BatchEnd]]:
        """What the jobs have written since."""
        gone = self._gone()
        news: list[tuple[int, worker.Numbered | BatchEnd]] = []
        for number, running in list(self._running.items()):
            events = list(running.events.new())
            for event in events:
                if isinstance(event, worker.OtherCode):
                    raise ConfigError("every node", f"of the same code: {event}", "another")
            if number in gone and BatchEnd() not in events:
                events.append(BatchEnd(_reason(running.job)))
            news += [(number, event) for event in events]
            if any(isinstance(event, BatchEnd) for event in events):
                self._running.pop(number).events.remove()
        if not news:
            time.sleep(MOMENT)
        return news

    def _gone(self) -> set[int]:
        """The batches whose jobs have ended some time ago."""
        if time.monotonic() - self._asked < ASK:
            return set()
        self._asked = time.monotonic()
        there = _queued() if self._slurm else None
        for running in self._running.values():
            ended = running.job.job_id not in there if there is not None else running.job.done(force_check=True)
            running.missed = running.missed + 1 if ended else 0
        return {number for number, running in self._running.items() if running.missed >= GONE}

    def close(self) -> None:
        """Cancel what runs, and remove the files of jobs that ended well. It may be called again."""
        jobs = [running.job for running in self._running.values()]
        if jobs and self._slurm:  # all at once, before a second Ctrl-C
            subprocess.run(["scancel", *(job.job_id for job in jobs)], capture_output=True, check=False)
        elif jobs:
            for job in jobs:
                with contextlib.suppress(Exception):
                    job.cancel()
        else:
            shutil.rmtree(self._folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # another sweep uses it
                self._folder.parent.rmdir()


def to_file(path: Path, expected: str, batch: Sequence[Job], draw: Draw | None) -> None:
    """Train a batch; each event goes to a file when it comes, and BatchEnd after the last."""
    _end_at_the_signal()
    with event_files.new(path) as file:
        try:
            for event in worker.work(expected, batch, draw):
                event_files.put(file, event)
        except worker.OtherCode as error:
            event_files.put(file, error)  # trying again would not help
            raise
        event_files.put(file, BatchEnd())


def _end_at_the_signal() -> None:
    """End the job when submitit says that its time is over: its error would count as a failure of the cell."""
    from submitit.core.job_environment import JobEnvironment

    number = signal.Signals[f"SIG{JobEnvironment.USR_SIG}"]
    if not callable(of_submitit := signal.getsignal(number)):  # not in a job
        return

    def end(*signal_and_frame: Any) -> None:
        try:
            of_submitit(*signal_and_frame)  # starts the job again if it makes way for another one
        except Exception as error:
            raise SystemExit(str(error)) from error

    signal.signal(number, end)


def _reason(job: Any) -> str:
    """How a job ended that did not say so itself."""
    with contextlib.suppress(Exception):
        if text := (job.stderr() or "").strip():
            return f"job {job.job_id}: {text.splitlines()[-1]}"
    return f"job {job.job_id} was killed, or its time was over"


def _answers() -> None:
    """Raise ConfigError unless Slurm answers."""
    try:
        done = subprocess.run(["sinfo", "-h"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        wrong = " ".join(done.stderr.split()) if done.returncode else None
    except FileNotFoundError:
        wrong = "no sinfo here"
    except subprocess.TimeoutExpired:
        wrong = f"no answer in {PATIENCE} s"
    if wrong is not None:
        raise ConfigError("hydra/launcher", "slurm where sbatch is and the controller answers (sinfo)", wrong)


def _queued() -> set[str]:
    """The jobs that wait or run, such as 12_3. If Slurm does not answer, the question is asked again later."""
    while True:
        done = subprocess.run(["squeue", "--me", "-h", "-r", "-o", "%i"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return set(done.stdout.split())
        time.sleep(ASK)
