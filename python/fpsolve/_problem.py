"""Problems of Python functions: tabulated on a lattice, interpolated by cubic splines."""

from __future__ import annotations

import inspect
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ._run import Run, run
from ._values import did_you_mean, numbers

Array = npt.NDArray[np.float64]
Function = Callable[[Any], Any]

FIELDS = ("losses", "gradients", "loss", "drift", "gradient", "diffusion")
"""Arrays that a table may have beside the nodes of its variables."""


class CallableError(RuntimeError):
    """A function of the user failed or gave something else than numbers of the right shape; its own error is the cause."""


class Problem:
    """Functions of theta, evaluated in batches at the nodes of a lattice.

    Each function takes points of shape ``(n, d)`` (float64) and gives an array of NumPy, JAX or PyTorch:

    ``samples``
        ``(n, m)``: the loss of each of m samples. Every engine runs. Samples stand alone: their mean is the loss, minus its gradient
        the drift, the covariance of their gradients D; another loss, drift or D beside them would be used nowhere, and is refused.
    ``loss``
        ``(n,)``: the loss; the drift is minus its gradient.
    ``drift``
        ``(n, d)``: the drift b; beside a loss it is compared with its slopes.
    ``diffusion``
        ``(n, d, d)``: the diffusion matrix D (without the temperature), symmetric and >= 0.

    Where a point has one number (any loss; drift and D for d = 1) ``(n,)``, ``(n, 1)`` and ``(n, 1, 1)`` are the same.

    Parameters
    ----------
    variables
        Names of the components of theta, each with its nodes: ``{"x": (-2, 2, 41)}`` for 41 even nodes, or the nodes themselves. At least 4.
    batch
        Points that a function is given at a time.

    Raises
    ------
    CallableError
        A function failed, with its traceback, or gave numbers of another shape, complex, masked, or none that are finite.
    """

    def __init__(
        self,
        variables: Mapping[str, Sequence[float] | Array],
        *,
        drift: Function | None = None,
        diffusion: Function | None = None,
        loss: Function | None = None,
        samples: Function | None = None,
        batch: int = 1024,
        **unknown: NoReturn,
    ):
        _check_keywords("Problem", unknown, ("drift", "diffusion", "loss", "samples", "batch"))
        given = {"loss": loss, "drift": drift, "diffusion": diffusion}
        others = [key for key, function in given.items() if function is not None]
        if samples is not None and others:
            raise ValueError(
                f"samples and {others[0]} are given: the loss is the mean of the samples', the drift minus its gradient, "
                f"D the covariance of their gradients: leave {', '.join(others)} out, or samples"
            )
        if drift is None and loss is None and samples is None:
            raise ValueError("give samples, a loss or a drift")
        batch = whole("batch", batch)
        self.nodes = lattice(variables, FIELDS)
        d = len(self.nodes)
        if not 1 <= d <= 3:
            raise ValueError(f"theta has 1 to 3 components, not {d}")
        points = np.stack([axis.ravel() for axis in np.meshgrid(*self.nodes.values(), indexing="ij")], axis=1)
        shape = tuple(len(nodes) for nodes in self.nodes.values())
        self.arrays: dict[str, Array] = {}
        for key, array, function, trailing in (
            ("samples", "losses", samples, (None,)),
            ("loss", "loss", loss, ()),
            ("drift", "drift", drift, (d,)),
            ("diffusion", "diffusion", diffusion, (d, d)),
        ):
            if function is not None:
                values = _evaluate(key, function, points, trailing, batch, self.place)
                self.arrays[array] = np.ascontiguousarray(np.moveaxis(values, 0, -1)).reshape(values.shape[1:] + shape)

    @staticmethod
    def place(point: Array) -> str:
        """A point in words."""
        return "(" + ", ".join(f"{x:g}" for x in point) + ")"

    @property
    def model(self) -> dict[str, Any]:
        """The table ``[model]`` of a scenario, without its file."""
        return {"kind": "table", "variables": list(self.nodes)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the table as .npz, for scenarios with ``[model] kind = "table"``."""
        save_npz(path, self._contents())

    def _contents(self) -> dict[str, Array]:
        for name in self.arrays:
            if name not in FIELDS:
                raise ValueError(f"a table has no array {name!r}: {did_you_mean(name, FIELDS)}")
        return {**self.nodes, **self.arrays}

    def run(self, scenario: Mapping[str, Any], **options: Any) -> Run:
        """Runs a scenario (a dict without ``"model"``) on these functions; ``options`` as for :func:`fpsolve.run`.

        Without ``"grid"`` the grid is the box of the nodes, with 200 cells on one axis, 100 on each of two, 40 on each of three.
        """
        _check_keywords("run", options, [name for name in inspect.signature(run).parameters if name != "scenario"])
        if not isinstance(scenario, Mapping):
            raise TypeError(f'the scenario must be a dict without "model", not a {type(scenario).__name__}')
        if "model" in scenario:
            raise ValueError('the scenario has a "model": the functions take its place')
        cells = {1: 200, 2: 100, 3: 40}[len(self.nodes)]
        axes = [{"from": float(nodes[0]), "to": float(nodes[-1]), "cells": cells} for nodes in self.nodes.values()]
        with tempfile.TemporaryDirectory(prefix="fpsolve-") as folder:
            self.save(Path(folder) / "problem.npz")
            whole = {"name": "problem", "grid": {"axes": axes}, **scenario, "model": {**self.model, "file": "problem.npz"}}
            folders = [folder, *options.pop("data_folders", ())]
            return run(whole, data_folders=folders, **options)


def lattice(axes: Mapping[str, Sequence[float] | Array], taken: Iterable[str]) -> dict[str, Array]:
    """The nodes of each axis. Raises ValueError: they are none; an axis has the name of another array of the table."""
    for name in axes:
        if name in taken:
            raise ValueError(f"a variable cannot be called {name!r}, as an array of tables is: choose another name")
    return {name: _nodes(name, given) for name, given in axes.items()}


def _nodes(name: str, given: Sequence[float] | Array) -> Array:
    try:
        if isinstance(given, tuple) and len(given) == 3 and isinstance(given[2], Integral):
            ends = numbers(given[:2])
            given = np.linspace(*ends, int(given[2])) if np.isfinite(ends).all() and given[2] >= 4 else ends
        nodes = numbers(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the nodes of {name!r}: {error}") from None
    if nodes.ndim != 1 or len(nodes) < 4:
        raise ValueError(f"the nodes of {name!r} are (from, to, number), or at least 4 numbers on one axis")
    if not (np.isfinite(nodes).all() and (np.diff(nodes) > 0).all()):
        raise ValueError(f"the nodes of {name!r} must be finite and increase")
    return nodes


def whole(name: str, value: Any) -> int:
    """A whole number from 1 on. Raises ValueError: it is none."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1 on, not {value!r}")
    return int(value)


def save_npz(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Writes arrays as .npz. NumPy's ``savez`` takes them as keywords beside its own, ``file`` and ``allow_pickle``."""
    path = Path(path)
    path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)


def _check_keywords(function: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            raise TypeError(f"{function} has no argument {name!r}: {did_you_mean(name, known)}")


def _evaluate(
    key: str,
    function: Function,
    points: Array,
    trailing: tuple[int | None, ...],
    batch: int,
    place: Callable[[Array], str],
) -> Array:
    parts: list[Array] = []
    for first in range(0, len(points), batch):
        here = points[first : first + batch]
        where = f"{key} at points from {place(here[0])} to {place(here[-1])}"
        try:
            given = function(here.copy())
        except Exception as error:
            raise CallableError(f"{where}: {type(error).__name__}: {error}") from error
        try:
            values = numbers(given)
        except Exception as error:
            raise CallableError(f"{where}: {error}") from error
        width = tuple(values.shape[1 + k] if n is None and values.ndim > 1 + k else n for k, n in enumerate(trailing))
        if values.shape[:1] == (len(here),) and values.size == len(here) and all(n == 1 for n in trailing):
            values = values.reshape(len(here), *(1 for _ in trailing))
        if values.shape != (len(here), *width) or (parts and values.shape[1:] != parts[0].shape[1:]):
            wanted = ", ".join([str(len(here)), *("m" if n is None else str(n) for n in trailing)])
            raise CallableError(f"{where}: gave the shape {values.shape}, not ({wanted})")
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise CallableError(f"{key} at {place(here[row])}: not a finite number")
        parts.append(values)
    return np.concatenate(parts)
