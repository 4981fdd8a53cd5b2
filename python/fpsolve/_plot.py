"""Pictures on matplotlib axes, from a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from ._run import Run


_TITLES = {"fokker_planck": "Fokker–Planck", "langevin": "Langevin", "sgd": "SGD", "transfer_operator": "law of SGD"}


class Plot:
    """Pictures of a run; each takes matplotlib axes or makes them, and gives them back. In three dimensions two are left after summing."""

    def __init__(self, run: Run):
        self._run = run

    def _axes(self, ax: Any) -> Any:
        if ax is not None:
            return ax
        import matplotlib.pyplot as plt

        return plt.subplots()[1]

    def _engine(self, engine: str | None) -> str:
        found = [group for group in self._run.groups if "density" in self._run[group] and "time" in self._run[group]["density"].dims]
        if engine is None and found:
            return found[0]
        if engine is None or engine not in found:
            raise KeyError(f"the record has densities of {', '.join(found) or 'no engine'}, not of {engine!r}")
        return engine

    def _marginal(self, field: xr.DataArray) -> xr.DataArray:
        for name in self._run.variables[2:]:
            edges = self._run.grid[f"{name}_edges"].values
            field = (field * np.diff(edges)).sum(name) if field.name == "density" else field.min(name)
        return field

    def density(self, time: float | None = None, engine: str | None = None, ax: Any = None) -> Any:
        """The density of an engine (the first one) at the output time nearest to ``time`` (the last one).

        In one dimension several on the same axes get a legend."""
        ax, engine = self._axes(ax), self._engine(engine)
        densities = self._run[engine]["density"]
        density = densities.isel(time=-1) if time is None else densities.sel(time=time, method="nearest")
        names, density = self._run.variables, self._marginal(density)
        title = f"{_TITLES.get(engine, engine.replace('_', ' '))}, t = {float(density['time']):g}"
        if len(names) == 1:
            ax.plot(density[names[0]], density, label=title)
            ax.set_xlabel(names[0])
            ax.set_ylabel("density")
            if len(ax.lines) > 1:
                ax.legend()
                title = ""
        else:
            x, y = names[:2]
            ax.pcolormesh(density[x], density[y], density.transpose(y, x), shading="nearest", cmap="magma_r")
            ax.set_xlabel(x)
            ax.set_ylabel(y)
        ax.set_title(title)
        return ax

    def landscape(self, time: float | None = None, engine: str | None = None, ax: Any = None) -> Any:
        """The loss, and over it the density as by :meth:`density`; without a loss the density alone."""
        ax = self._axes(ax)
        problem, names = self._run["problem"], self._run.variables
        loss = self._marginal(problem["loss"]) if "loss" in problem else None
        if len(names) == 1:
            upper = ax.twinx() if loss is not None else ax
            self.density(time, engine, upper)
            if loss is not None:
                ax.plot(loss[names[0]], loss, color="0.4")
                ax.set_xlabel(names[0])
                ax.set_ylabel("loss")
            return ax
        self.density(time, engine, ax)
        if loss is not None:
            x, y = names[:2]
            lowest, highest = float(loss.min()), float(loss.max())
            levels = lowest + (highest - lowest) * np.linspace(0.0, 1.0, 25)[1:] ** 2
            ax.contour(loss[x], loss[y], loss.transpose(y, x), levels=levels, colors="0.4", linewidths=0.6)
        return ax
