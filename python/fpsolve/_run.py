"""Running scenarios, and what a run leaves behind."""

from __future__ import annotations

import html
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from . import _fpsolve, _guard
from ._values import plain, toml

if TYPE_CHECKING:
    from ._plot import Plot

logger = logging.getLogger("fpsolve")

Scenario = Mapping[str, Any] | str | os.PathLike[str]


class Verdict(NamedTuple):
    """A limit of ``[compare]`` or a number of ``[expect]``, judged."""

    name: str
    value: float
    bound: float
    passed: bool
    why: str


class Interrupted(KeyboardInterrupt):
    """A run that was interrupted; ``run`` holds what was reached."""

    def __init__(self, run: Run):
        super().__init__("interrupted; what was reached is in the attribute `run` of this exception")
        self.run = run

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.run,)


class Run:
    """A record: groups as attributes (``run.fokker_planck``) or by path (``run["escape/over"]``), each an xarray Dataset.

    Arrays are read-only and share the memory of the record. Axes: time first, then components, then the variables in their order.
    """

    def __init__(
        self,
        record: _fpsolve.Record,
        verdicts: Iterable[Verdict] = (),
        failure: str | None = None,
        path: Path | None = None,
    ):
        self._record = record
        self._cache: dict[str, xr.Dataset] = {}
        self.failure = failure
        """Why an engine failed; None if none did."""
        self.verdicts = tuple(verdicts) or _verdicts_of(record)
        """Limits and expectations, judged."""
        self.path = path
        """The file of the record; None while it is in memory alone."""

    @property
    def attrs(self) -> dict[str, float | int | str]:
        """Attributes of the record: ``temperature``, ``learning_rate``, ``seed``, ``scenario`` (the TOML as run), …"""
        return self._record.attributes("")

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.attrs.get("name", ""))

    @property
    def status(self) -> str:
        """``"complete"``, ``"interrupted"`` or ``"failed"``."""
        return str(self.attrs.get("status", ""))

    @property
    def passed(self) -> bool:
        """Whether the run is complete and every verdict passed."""
        return self.status == "complete" and all(verdict.passed for verdict in self.verdicts)

    @property
    def warnings(self) -> list[str]:
        """Sentences on where the run may not be trusted."""
        if "warnings" not in self._record.datasets(""):
            return []
        return list(self._record.dataset("", "warnings")[0])

    @property
    def summary(self) -> str:
        """What the command line prints."""
        return self._record.summary()

    @property
    def groups(self) -> list[str]:
        """Names of the groups."""
        return self._record.groups("")

    @property
    def variables(self) -> list[str]:
        """Names of the components of theta."""
        names = self._record.datasets("grid")
        return [name for name in names if f"{name}_edges" in names]

    @property
    def tree(self) -> xr.DataTree:
        """The whole record as an xarray DataTree."""
        return xr.DataTree.from_dict({path or "/": self[path] for path in self._paths("")})

    @property
    def plot(self) -> Plot:
        """Pictures on matplotlib axes: ``run.plot.landscape()``."""
        from ._plot import Plot

        return Plot(self)

    def _paths(self, path: str) -> Iterator[str]:
        yield path
        for name in self._record.groups(path):
            yield from self._paths(f"{path}/{name}".lstrip("/"))

    def __getitem__(self, path: str) -> xr.Dataset:
        """The group at a path, such as ``"fokker_planck"`` or ``"escape/over"``. Raises KeyError: there is none."""
        path = path.strip("/")
        if path not in self._cache:
            self._cache[path] = _dataset(self._record, path)
        return self._cache[path]

    def __getattr__(self, name: str) -> xr.Dataset:
        if not name.startswith("_") and name in self._record.groups(""):
            return self[name]
        groups = "" if name.startswith("_") else f"; the record has {', '.join(self._record.groups(''))}"
        raise AttributeError(f"a run has no {name!r}{groups}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.groups]

    def number(self, path: str) -> float:
        """The number at a path with selectors, as in ``[expect]``: ``"stationary/mean/x"``, ``"sgd/mean/-1/x"``."""
        return self._record.number(path)

    def save(self, path: str | os.PathLike[str], force: bool = False) -> None:
        """Writes the record as HDF5. Raises RecordError: a file is there and ``force`` is false; the system refuses."""
        chosen = _choose(path, force, "another file")
        self._record.save(chosen, force)
        self.path = chosen

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles as the bytes of its file."""
        with tempfile.TemporaryDirectory(prefix="fpsolve-") as folder:
            file = Path(folder) / "record.h5"
            self._record.save(file, False)
            return _unpickled, (file.read_bytes(), self.verdicts, self.failure, self.path)

    def __copy__(self) -> Run:
        return Run(self._record, self.verdicts, self.failure, self.path)  # nobody can write to the record

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        return self.__copy__()

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary)}</pre>"


def _unpickled(content: bytes, verdicts: Iterable[Verdict], failure: str | None, path: Path | None) -> Run:
    with tempfile.TemporaryDirectory(prefix="fpsolve-") as folder:
        file = Path(folder) / "record.h5"
        file.write_bytes(content)
        return Run(_fpsolve.Record.read(file), verdicts, failure, path)


def _choose(output: str | os.PathLike[str], force: bool, other: str) -> Path:
    """Where a record is written. Raises RecordError: a file is there that stays, or none can be made; the advice is to choose ``other``."""

    def refused(what: str, help: str = "") -> _fpsolve.RecordError:
        return _fpsolve.RecordError(f"{what}\n  help: {help}choose {other}")

    path = Path(output)
    try:
        path = path.resolve(strict=True) if path.is_symlink() else path
    except (OSError, RuntimeError):  # to nothing, or in a circle
        raise refused(f"{path} is a symbolic link that leads to no file", "remove the link, or ") from None
    if path.is_dir():
        raise refused(f"{path} is a folder")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        words = {FileNotFoundError: "there is no such folder", NotADirectoryError: "it is not a folder"}
        why = words.get(type(error), error.strerror)
        raise refused(f"cannot write a record into {path.parent}: {why}", "make the folder, or ") from None
    if path.exists() and not path.is_file():
        raise refused(f"{path} is not a file")
    if path.exists() and not force:
        raise refused(f"the output file {path} exists already", "write force=True to replace it, or ")
    return path


def _write(run: Run, path: Path, force: bool) -> None:
    """Writes a record where :func:`_choose` said; where something has come there since that stays, under the next free name, and where
    the folder has gone, into the working folder."""
    gone = not path.parent.is_dir()
    if not gone and (not os.path.lexists(path) or (force and path.is_file())):
        try:
            run.save(path, force)
            return
        except _fpsolve.RecordError:
            if force or not os.path.lexists(path):  # nothing is in the way
                raise
    folder = Path() if gone else path.parent
    names = [path.name, *(f"{path.stem}-{k}.h5" for k in range(1, 10_000))]
    other = next((folder / name for name in names if not os.path.lexists(folder / name)), folder / names[-1])
    run.save(other)
    why = "its folder has gone" if gone else "something has come there during the run"
    logger.warning("%s: %s; the record is %s", path, why, other)


def _verdicts_of(record: _fpsolve.Record) -> tuple[Verdict, ...]:
    if "comparison" not in record.groups("") or "verdicts" not in record.groups("comparison"):
        return ()
    rows = {name: record.dataset("comparison/verdicts", name)[0] for name in record.datasets("comparison/verdicts")}
    columns = [rows[name] for name in ("name", "value", "bound", "passed", "why") if name in rows]
    if len(columns) != 5:
        return ()
    return tuple(Verdict(str(n), float(v), float(b), bool(p), str(w)) for n, v, b, p, w in zip(*columns))


def _dataset(record: _fpsolve.Record, path: str) -> xr.Dataset:
    coordinates: dict[str, xr.Variable] = {}
    fields: dict[str, xr.Variable] = {}
    for name in record.datasets(path):
        values, axes, units, long_name = record.dataset(path, name)
        if isinstance(values, list):
            values = np.array(values, dtype=object)
        variable = xr.Variable(axes, values, {"units": units, "long_name": long_name})
        (coordinates if axes == [name] else fields)[name] = variable
    return xr.Dataset(fields, coordinates, record.attributes(path))


class _Progress:
    """A bar of tqdm that counts engines times output times."""

    def __init__(self, shown: bool):
        self._shown, self._bar = shown, None  # type: bool, Any

    def __call__(self, steps: int | None, doing: str) -> None:
        logger.debug("%s", doing)
        if not self._shown or steps is None:
            return
        if self._bar is None:
            self._bar = _tqdm()(total=steps, leave=False)
        self._bar.set_description_str(doing, refresh=False)
        if " to t = " in doing:
            self._bar.update()
        else:
            self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _tqdm() -> Callable[..., Any]:
    if "ipykernel" in sys.modules:
        try:
            import ipywidgets  # noqa: F401
            from tqdm.notebook import tqdm as notebook

            return notebook  # type: ignore[no-any-return]
        except ImportError:
            pass
    from tqdm import tqdm

    return tqdm  # type: ignore[no-any-return]


def run(
    scenario: Scenario,
    *,
    progress: bool = True,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    set: Mapping[str, Any] | None = None,
    data_folders: Iterable[str | os.PathLike[str]] = (),
    memory_limit: int | None = None,
) -> Run:
    """Runs a scenario.

    Parameters
    ----------
    scenario
        Path of a scenario file (TOML, JSON, YAML), or the same tables as a dict; data files of a dict are looked up from the working
        directory.
    progress
        Whether a bar shows how far the run is.
    output
        Where the record is written as HDF5; without it, it stays in memory. ``force`` replaces a file that is there. Where a file
        comes there during the run, the record takes the next free name beside it: ``Run.path``, and the log, say which.
    set
        Keys that are written otherwise: ``{"dynamics.learning_rate": 0.1}``.
    data_folders
        Folders beside that of the scenario in which data files may lie.
    memory_limit
        Bytes above which the run is refused; half of what is available.

    Returns
    -------
    Run
        The record. A verdict that failed or an engine that failed is in it, and in the log (``logging.getLogger("fpsolve")``).

    Raises
    ------
    ScenarioError
        The scenario cannot be right; the message names the key and its place, as the command line does.
    TooLarge
        More memory or steps than there are.
    RecordError
        Before the run: no record can be written to ``output``. After it: the system refuses; the attribute ``run`` holds the run.
    Interrupted
        After Ctrl-C, within a second; a KeyboardInterrupt that holds what was reached.
    """
    file = None if output is None else _choose(output, force, "another with output=FOLDER/NAME.h5")
    if isinstance(scenario, Mapping):
        path, text = "scenario.json", json.dumps(plain(scenario), indent=2, allow_nan=False)
    else:
        path, text = os.fspath(scenario), None
    overrides = [f"{key}={toml(plain(value, key))}" for key, value in (set or {}).items()]
    folders = [os.fspath(folder) for folder in data_folders]
    told = _Progress(progress)
    try:
        finished = _fpsolve.run(path, text, overrides, folders, memory_limit, told)
    finally:
        told.close()
    result = Run(finished.record, (Verdict(*row) for row in finished.verdicts), finished.failure)
    unwritten = None
    if file is not None:
        try:
            _write(result, file, force)
        except _fpsolve.RecordError as error:
            error.run, unwritten = result, error
    if finished.interruption is not None:
        if unwritten is not None:
            logger.error("%s", unwritten)
        if isinstance(finished.interruption, KeyboardInterrupt):
            raise Interrupted(result) from finished.interruption
        raise finished.interruption
    if finished.failure is not None:
        logger.error("%s", finished.failure)
    for warning in result.warnings:
        logger.warning("%s", warning)
    for verdict in result.verdicts:
        if not verdict.passed:
            logger.warning("%s failed: %s", verdict.name, verdict.why)
    if unwritten is not None:
        raise unwritten
    return result


def open(record: str | os.PathLike[str]) -> Run:
    """Reads a record file with all its groups. Raises RecordError: no record, or a damaged one."""
    path = Path(record)
    _guard.check(path)
    return Run(_fpsolve.Record.read(path), path=path)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario."""
    schema: dict[str, Any] = json.loads(_fpsolve.scenario_schema())
    return schema
