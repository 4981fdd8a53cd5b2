"""Running scenarios, and what a run leaves behind."""

from __future__ import annotations

import html
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from . import _fpsolve, _guard

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


class Run:
    """A record: groups as attributes (``run.fokker_planck``) or by path (``run["escape/over"]``), each an xarray Dataset.

    Arrays are read-only and share the memory of the record. Axes: time first, then components, then the variables in their order.
    """

    def __init__(self, record: _fpsolve.Record, verdicts: Iterable[Verdict] = (), failure: str | None = None):
        self._record = record
        self._cache: dict[str, xr.Dataset] = {}
        self.failure = failure
        """Why an engine failed; None if none did."""
        self.verdicts = tuple(verdicts) or _verdicts_of(record)
        """Limits and expectations, judged."""

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
        self._record.save(os.fspath(path), force)

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary)}</pre>"


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


def _toml(value: Any) -> str:
    return json.dumps(_plain(value))


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy, paths and tuples as what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value


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
        Where the record is written as HDF5; without it, it stays in memory. ``force`` replaces a file that is there.
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
    Interrupted
        After Ctrl-C, within a second; a KeyboardInterrupt that holds what was reached.
    """
    if isinstance(scenario, Mapping):
        path, text = "scenario.json", json.dumps(_plain(scenario), indent=2, allow_nan=True)
    else:
        path, text = os.fspath(scenario), None
    overrides = [f"{key}={_toml(value)}" for key, value in (set or {}).items()]
    folders = [os.fspath(folder) for folder in data_folders]
    told = _Progress(progress)
    try:
        finished = _fpsolve.run(path, text, overrides, folders, memory_limit, told)
    finally:
        told.close()
    result = Run(finished.record, (Verdict(*row) for row in finished.verdicts), finished.failure)
    if output is not None:
        result.save(output, force)
    if finished.interruption is not None:
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
    return result


def open(record: str | os.PathLike[str]) -> Run:
    """Reads a record file with all its groups. Raises RecordError: no record, or a damaged one."""
    path = Path(record)
    _guard.check(path)
    return Run(_fpsolve.Record.read(path))


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario."""
    schema: dict[str, Any] = json.loads(_fpsolve.scenario_schema())
    return schema
