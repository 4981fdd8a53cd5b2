"""What stochastic gradient descent does to a loss landscape: Fokker-Planck, Langevin and SGD side by side.

    import fpsolve
    run = fpsolve.run("transient.toml")          # or the same as a dict
    run.fokker_planck.density                    # xarray, time first, axes in the order of the variables
    run.plot.landscape()
    run                                          # the summary, in a notebook too

Own functions, tabulated on a lattice: :class:`fpsolve.Problem`. Networks: :mod:`fpsolve.torch`. Times are t = k·eta, densities are averages
over cells, D is the diffusion matrix without the temperature T = eta/(2 B).
"""

from ._fpsolve import FpsolveError, RecordError, ScenarioError, TooLarge, __version__
from ._problem import CallableError, Problem
from ._run import Interrupted, Run, Verdict, open, run, scenario_schema
from ._sweep import sweep

__all__ = [
    "CallableError",
    "FpsolveError",
    "Interrupted",
    "Problem",
    "RecordError",
    "Run",
    "ScenarioError",
    "TooLarge",
    "Verdict",
    "__version__",
    "open",
    "run",
    "scenario_schema",
    "sweep",
]
