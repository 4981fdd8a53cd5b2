"""One scenario at many values of its keys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ._fpsolve import FpsolveError, ScenarioError, TooLarge
from ._run import Scenario, run


def sweep(
    scenario: Scenario,
    over: Mapping[str, Sequence[Any]],
    collect: Sequence[str],
    *,
    progress: bool = True,
    **options: Any,
) -> xr.Dataset:
    """Runs a scenario at every combination of ``over`` and collects numbers of the records.

    Parameters
    ----------
    over
        Keys with their values: ``{"dynamics.batch_size": [1, 2, 4], "dynamics.learning_rate": [0.05, 0.1]}``.
    collect
        Numbers as in ``[expect]``: ``"stationary/mean/x"``, ``"escape/over/from_value"``.
    options
        As for :func:`fpsolve.run`.

    Returns
    -------
    xarray.Dataset
        One dimension for each key (its dots as underscores), one variable for each collected path, NaN where a record does not have it;
        ``status``: ``"complete"``, ``"failed"``, or ``"refused: …"`` where the scenario cannot be run with these values.

    Raises
    ------
    ScenarioError
        Every combination was refused: the first refusal.
    """
    if not over or not collect:
        raise ValueError("name at least one key with values, and one number to collect")
    shape = tuple(len(values) for values in over.values())
    names = [key.replace(".", "_") for key in over]
    numbers = {path: np.full(shape, np.nan) for path in collect}
    status = np.empty(shape, dtype=object)
    refusal: Exception | None = None
    runs = list(itertools.product(*(range(n) for n in shape)))
    bar: Any = runs
    if progress:
        from tqdm import tqdm

        bar = tqdm(runs, leave=False)
    for index in bar:
        values = {key: list(over[key])[i] for key, i in zip(over, index)}
        try:
            found = run(scenario, progress=False, set={**options.get("set", {}), **values}, **_without_set(options))
        except (ScenarioError, TooLarge, FpsolveError) as error:
            status[index] = f"refused: {getattr(error, 'message', error)}"
            refusal = refusal or error
            continue
        status[index] = found.status
        for path in collect:
            try:
                numbers[path][index] = found.number(path)
            except KeyError:
                pass
    if refusal is not None and all(str(entry).startswith("refused") for entry in status.flat):
        raise refusal
    coordinates = {name: list(values) for name, values in zip(names, over.values())}
    fields: dict[str, Any] = {path: (names, values) for path, values in numbers.items()}
    return xr.Dataset({**fields, "status": (names, status)}, coordinates)


def _without_set(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != "set"}
