"""One scenario at many values of its keys: the program's own sweep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ._fpsolve import FpsolveError, ScenarioError, TooLarge
from ._run import Run, Scenario, open
from ._values import plain, toml

_WORDS = {-1: "not computed", 0: "complete", 1: "failed", 2: "refused", 3: "complete", 4: "refused"}


def sweep(
    scenario: Scenario,
    over: Mapping[str, Sequence[Any]],
    collect: Sequence[str],
    *,
    zip: Mapping[str, Sequence[Any]] | None = None,
    set: Mapping[str, Any] | None = None,
    data_folders: Sequence[str | os.PathLike[str]] = (),
    folder: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Runs a scenario at every combination of ``over`` and collects numbers of the records, as ``fpsolve sweep`` does: several cases at
    a time in one process of its own.

    Parameters
    ----------
    over
        Keys with their values: ``{"dynamics.batch_size": [1, 2, 4], "dynamics.learning_rate": [0.05, 0.1]}``.
    collect
        Numbers as in ``[expect]``: ``"stationary/mean/x"``, ``"escape/over/from_value"``.
    zip
        Keys that vary together, from case to case: lists of one length, one dimension named after the first.
    set
        Keys with values for every case.
    data_folders
        Folders for data files beside that of the scenario.
    folder
        Where the table, the picture and the records of the cases stay: the same sweep goes on there where it was stopped.
        By default they are removed.

    Returns
    -------
    xarray.Dataset
        One dimension for each key (its dots as underscores); a variable for each collected path, NaN where a record does not have it, and
        its ``_se`` and ``_error`` where records have them; ``status``: ``"complete"``, ``"failed: …"``, or ``"refused: …"`` where the scenario
        cannot be run with these values; slopes of logarithms as attributes or variables.

    Raises
    ------
    ScenarioError
        A key that no scenario has, a path that no record has, or every combination was refused.
    """
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(folder) if folder is not None else Path(temporary)
        target.mkdir(parents=True, exist_ok=True)
        table = target / "table.h5"
        text = json.dumps(plain(scenario), allow_nan=False) if isinstance(scenario, Mapping) else None
        arguments = ["sweep", "-" if isinstance(scenario, Mapping) else os.fspath(scenario), "-o", str(table)]
        for option, keys in [("--over", over), ("--zip", zip or {})]:
            for key, values in keys.items():
                arguments += [option, f"{key}={', '.join(toml(plain(value, key, finite=False)) for value in values)}"]
        arguments += [part for path in collect for part in ("--collect", path)]
        for key, value in (set or {}).items():
            arguments += ["--set", f"{key}={toml(plain(value, key))}"]
        arguments += [part for path in data_folders for part in ("--data-folder", os.fspath(path))]
        arguments += [] if progress else ["--quiet"]
        _call(arguments, text, progress)
        return _labelled(open(table), list(collect))


def _call(arguments: list[str], text: str | None, progress: bool) -> None:
    """Runs the program; what it says on standard error is shown, and is the message of what it refuses."""
    command = [sys.executable, "-m", "fpsolve._command", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stderr is not None
        said = []
        try:
            with suppress(BrokenPipeError):  # refused before it was read
                process.stdin.write(text or "")
                process.stdin.close()
            for line in process.stderr:
                said.append(line)
                if progress:
                    sys.stderr.write(line)
        except BaseException:
            process.terminate()  # ends within a second; the records of the cases that are done stay
            process.wait()
            raise
    words = "".join(said).strip()
    if process.returncode == 130:
        raise KeyboardInterrupt
    if process.returncode not in (0, 1, 3) or "error:" in words:
        kinds: dict[int, type[Exception]] = {2: ScenarioError, 4: TooLarge}
        kind = kinds.get(process.returncode, FpsolveError)
        raise kind(words or f"no case could be run: the sweep ended with exit code {process.returncode}")


def _labelled(record: Run, collect: list[str]) -> xr.Dataset:
    """The table with the paths as names, and words as status."""
    table = record["sweep"]
    names = str(table.attrs.pop("collected")).split(" ")
    renamed = {}
    for path, name in zip(collect, names):
        ends = ("", "_se", "_error", "_slope", "_slope_se", "_intercept")
        renamed.update({name + end: path + end for end in ends if name + end in table})
    remarks, codes = list(table["remark"].values), table["status"].values
    words = [_WORDS[int(code)] + (f": {remark}" if remark and code not in (0, 3) else "") for code, remark in zip(codes.flat, remarks)]
    status = np.array(words, dtype=object).reshape(codes.shape)
    table = table.drop_vars(["remark", "case"]).rename(renamed)
    return table.assign(status=(table["status"].dims, status))
