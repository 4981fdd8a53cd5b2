"""Values of a scenario in Python as the program reads them, and words for those that it cannot read."""

from __future__ import annotations

import difflib
import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ._fpsolve import ScenarioError


def plain(value: Any, key: str = "", *, finite: bool = True) -> Any:
    """Numbers and arrays of NumPy and the like, paths and tuples as what JSON has. Raises ScenarioError: a value that no scenario has."""
    if isinstance(value, Mapping):
        within = f"{key}." if key else ""
        return {str(name): plain(entry, f"{within}{name}", finite=finite) for name, entry in value.items()}
    if np.ma.is_masked(value):
        help = "write numbers in their place (`.filled(…)`), or leave them out (`.compressed()`)"
        raise _refused(f"`{key}` has masked entries", help)
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().tolist()
    elif hasattr(value, "__array__"):
        value = np.asarray(value).tolist()
    if isinstance(value, list | tuple | range):
        return [plain(entry, f"{key}[{place}]", finite=finite) for place, entry in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, float | np.floating):
        if finite and not math.isfinite(value):
            help = "write a finite number; nan and inf are not allowed anywhere in a scenario"
            raise _refused(f"`{key}` must be a finite number", help)
        return float(value)
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if value is None:
        help = "leave the key out, then its default holds, or write a value"
        raise _refused(f"`{key}` has no value, it is None", help)
    if isinstance(value, complex | np.complexfloating):
        raise _refused(f"`{key}` must be a real number, not a complex one", "write its real part (`.real`)")
    if callable(value):
        help = "write a formula as a string, or give functions to fpsolve.Problem"
        raise _refused(f"`{key}` cannot be a function", help)
    help = "a scenario has numbers, strings, True and False, lists and dicts"
    help += "; a set has no order: write a list" if isinstance(value, set | frozenset) else ""
    raise _refused(f"`{key}` cannot be a value of the type {type(value).__name__}", help)


def _refused(message: str, help: str) -> ScenarioError:
    error = ScenarioError(f"{message}\n  help: {help}")
    error.message, error.help = message, help
    return error


def toml(value: Any) -> str:
    """A plain value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml(name)} = {toml(entry)}" for name, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(entry) for entry in value) + "]"
    return repr(value)


def numbers(value: Any) -> npt.NDArray[np.float64]:
    """An array of NumPy, JAX or PyTorch, or nested lists, in double precision. Raises TypeError: None, complex or masked numbers."""
    if value is None:
        raise TypeError("None in place of numbers: is there a `return`?")
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu()
        if not value.is_complex():
            value = value.double()  # NumPy has no bfloat16
        value = value.numpy()
    if np.ma.is_masked(value):
        raise TypeError("masked entries in place of numbers: fill them (`.filled(…)`), or choose nodes that have numbers")
    array = np.asarray(value)
    if np.iscomplexobj(array):
        raise TypeError("complex numbers: give their real part (`.real`)")
    return array.astype(np.float64)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Advice on a word that is none of those known."""
    known = list(known)
    close = difflib.get_close_matches(str(word), known, 1)
    return (f"did you mean {close[0]!r}? " if close else "") + "There are " + ", ".join(known)
