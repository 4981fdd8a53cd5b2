"""fpsolve beside a hand-written SciPy program on problems as people have them: a markdown table on standard output.

usage: python3 benches/landscapes.py [--program FPSOLVE] [--peer FOLDER WITH peer_scipy.py AND problems.py] [--keep FOLDER] [CASE ...]

Needs numpy, scipy and h5py. Each case is one Fokker-Planck run of one thread, as the program chooses, and one run of SciPy (exponential fitting, central
cross terms; twelve complex LU factorisations and one real one) on the same cells, with drift and noise in the coordinates in which these are equal (Itô's
formula), read from the record of the reference. L1 at the end time and at rest: against the exact Gaussian where there is one, else against the program
itself on cells REFINED times finer (an error of second order seems 1/REFINED² too small). CPU seconds: ours of the whole process, with both error estimates and the record; SciPy's of its two solves alone.
--keep holds the references, which take minutes, from one call to the next.
"""
import argparse, contextlib, io, json, os, resource, runpy, subprocess, sys, tempfile

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # one core each
import h5py
import numpy as np
from scipy.interpolate import CubicSpline, RegularGridInterpolator
from scipy.linalg import expm, solve_continuous_lyapunov

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios")
REFINED = 2
LIMIT = 300  # CPU seconds of a run


class Linear:
    """dθ = −Hθ dt + √(2A) dW from N(mean, variance) to time `end`: everything is known."""

    def __init__(self, h, a, half, mean, variance, end, cells):
        self.h, self.a, self.half, self.mean, self.end, self.cells = np.array(h), np.array(a), half, np.array(mean), end, cells
        self.start = np.diag(variance)

    def scenario(self):
        rows = lambda matrix: [[repr(float(v)) for v in row] for row in matrix]
        drift = [" + ".join(f"({v!r})*{x}" for v, x in zip(row, "xy")) for row in (-self.h).tolist()]
        axes = ", ".join(f"{{ from = {-half}, to = {half}, cells = {self.cells} }}" for half in self.half)
        return f"""
model = {{ kind = "formula", variables = ["x", "y"], drift = {drift} }}
noise = {{ kind = "formula", diffusion = {rows(self.a)} }}
dynamics = {{ temperature = 1.0 }}
grid = {{ axes = [{axes}] }}
initial = {{ kind = "gaussian", mean = {self.mean.tolist()}, std = {np.sqrt(np.diag(self.start)).tolist()} }}
time = {{ at = [0, {self.end}] }}
"""

    def laws(self, edges):
        """Probabilities of the cells at the end and at rest, by 12² Gauss points a cell."""
        rest = solve_continuous_lyapunov(self.h, 2 * self.a)
        flow = expm(-self.h * self.end)
        return [gaussian(edges, m, c) for m, c in ((flow @ self.mean, rest + flow @ (self.start - rest) @ flow.T), (np.zeros(2), rest))]


def gaussian(edges, mean, covariance):
    nodes, weights = np.polynomial.legendre.leggauss(12)
    points = [(e[:-1, None] + np.diff(e)[:, None] * (nodes + 1) / 2).ravel() - m for e, m in zip(edges, mean)]
    wx, wy = [(np.diff(e)[:, None] * weights / 2).ravel() for e in edges]
    p = np.linalg.inv(covariance)
    x, y = points[0][:, None], points[1][None, :]
    density = np.exp(-0.5 * (p[0, 0] * x * x + 2 * p[0, 1] * x * y + p[1, 1] * y * y)) / (2 * np.pi * np.sqrt(np.linalg.det(covariance)))
    return coarsened(density * wx[:, None] * wy, 12)


def coarsened(p, r):
    for axis in range(p.ndim):
        p = p.reshape(p.shape[:axis] + (p.shape[axis] // r, r) + p.shape[axis + 1:]).sum(axis + 1)
    return p


class Scenario:
    """A shipped scenario at one end time, on square grids, which is what the SciPy program can do; `settings` of the reference alone."""

    def __init__(self, name, end, settings=(), cells=None):
        self.name, self.end, self.settings, self.cells = name, end, list(settings), cells


def p5(condition):
    turn = np.array([[3 ** 0.5 / 2, -0.5], [0.5, 3 ** 0.5 / 2]])
    return 0.1 * turn @ np.diag([1, 1 / condition]) @ turn.T


H5 = [[1, 0.5], [0.5, 2]]
EDGES, CHAIN = ["fokker_planck.discretisation=edges"], ["fokker_planck.discretisation=chain"]
CASES = {
    "transient": Scenario("transient", 2, EDGES),
    "transient-2d": Scenario("transient-2d", 4, EDGES),
    "phase-retrieval": Scenario("phase-retrieval", 2, EDGES, 220),
    "deep-linear": Scenario("deep-linear", 8, EDGES),
    "logistic": Scenario("logistic", 10, CHAIN),
    "relu": Scenario("relu", 2, EDGES, 172),
    "matrix-factorisation": Scenario("matrix-factorisation", 5, EDGES),
    "near-singular": Linear([[1, 2], [-1.5, 0.8]], [[0.15, 0.135], [0.135, 0.123]], [2.6, 2.2], [0.5, -0.3], [0.04, 0.0225], 1.5, 64),
    "underdamped": Linear([[0, -1], [1.69, 0.5]], [[0, 0], [0, 0.15]], [2.6, 3.2], [0.8, 0], [0.04, 0.09], 3, 64),
    "rank-one": Linear(H5, p5(np.inf), [2, 2], [0.8, -0.4], [0.05, 0.05], 1, 64),
    **{f"P5, condition {c}": Linear(H5, p5(c), [2, 2], [0.8, -0.4], [0.05, 0.05], 1, 128) for c in (10, 100, 1000)},
}


def run(program, case, cells, settings, output):
    """Runs the program; CPU seconds of the process and, without a record, why."""
    if isinstance(case, Linear):
        path, dimension = "case.toml", 2
        with open(path, "w") as file:
            file.write(case.scenario())
    else:
        path = os.path.join(SCENARIOS, f"{case.name}.toml")
        dimension = 1 if case.name == "transient" else 2
        settings = [f"time.at=[0, {case.end}]", "analysis={}", "expect={}", *settings]
    settings = [*settings, *(f"grid.axes.{axis}.cells={cells}" for axis in range(dimension) if cells)]
    command = [program, "scenario", path, "--engine", "fokker-planck", "--data-folder", SCENARIOS, "--threads", "1", "-q", "-f", "-o", output]
    bound = lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command + [word for s in settings for word in ("--set", s)], capture_output=True, text=True, preexec_fn=bound)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if not os.path.exists(output):
        said = next((line.strip(" ×") for line in done.stderr.splitlines() if line.strip()), "no record")
        return cpu, said if cpu < LIMIT else f"no result within {LIMIT} s"
    return cpu, None


class Record:
    """What this script reads of a record, as probabilities of cells."""

    def __init__(self, path):
        with h5py.File(path) as file:
            names = [n.decode() if isinstance(n, bytes) else n for n in file["problem/component"][()]]
            self.edges = [file[f"grid/{n}_edges"][()] for n in names]
            self.drift, self.noise = file["problem/drift"][()], file["problem/diffusion"][()]
            self.temperature = float(file.attrs["temperature"])
            volume = np.diff(self.edges[0])
            for e in self.edges[1:]:
                volume = np.multiply.outer(volume, np.diff(e))
            self.start, self.end = (file["fokker_planck/density"][k] * volume for k in (0, -1))
            self.rest = file["stationary/density"][()] * volume if "stationary" in file else None
            self.errors = [float(file[g].attrs.get("error_grid", np.nan)) if g in file else np.nan for g in ("fokker_planck", "stationary")]
            self.method = file["fokker_planck"].attrs["discretisation"]


def beside(folder, fine, start, end):
    """SciPy's laws at the end and at rest, and its seconds: `start` on cells that are equal in their numbers s, dθ in them by Itô's formula."""
    d, n = start.ndim, start.shape[0]
    centers = [(e[1:] + e[:-1]) / 2 for e in fine.edges]
    numbers = [np.linspace(0, n, len(e)) for e in fine.edges]
    number = [CubicSpline(e, s) for e, s in zip(fine.edges, numbers)]  # s(θ)
    theta = [CubicSpline(s, e) for e, s in zip(fine.edges, numbers)]
    table = lambda values: RegularGridInterpolator(centers, values, bounds_error=False, fill_value=None)
    drift = [table(fine.drift[k]) for k in range(d)]
    noise = [[table(fine.noise[k, l]) for l in range(d)] for k in range(d)]

    def at(s):
        x = [theta[k](s[k]) for k in range(d)]
        return x, np.stack(x, -1)

    def tensor(k, l):
        def value(*s):
            x, points = at(s)
            entry = number[k](x[k], 1) * number[l](x[l], 1) * fine.temperature * noise[k][l](points)
            # where noise is less than a cell's drift can bear, the fitted scheme goes over into upwind differences
            return np.maximum(entry, abs(velocity(k, *s)) / 400) if k == l else entry
        return value

    def velocity(k, *s):
        x, points = at(s)
        return number[k](x[k], 1) * drift[k](points) + fine.temperature * number[k](x[k], 2) * noise[k][k](points)

    sys.path.insert(0, folder)
    import problems

    p = problems.Problem()
    p.name, p.lo, p.hi, p.N, p.dim, p.h = "case", 0.0, float(n), n, d, 1.0
    p.X = np.meshgrid(*([np.arange(n) + 0.5] * d), indexing="ij")
    p.grad = lambda *s: [-velocity(k, *s) for k in range(d)]
    p.D = [[tensor(k, l) for l in range(d)] for k in range(d)]
    rest = start if fine.rest is None else coarsened(fine.rest, fine.rest.shape[0] // n)
    p.L = lambda *s: -rest  # tells it the cell to hold fixed
    p.rho0, p.t = start, end
    problems.get, problems.transient_ref, problems.report = (lambda name: p), (lambda p: None), (lambda *_: None)
    sys.argv = ["peer_scipy.py", "case", "lu"]
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        seen = runpy.run_path(f"{folder}/peer_scipy.py")
    return seen["u"], seen["s"], seen["ck"].out["cpu_trans"] + seen["ck"].out["cpu_steady"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="target/release/fpsolve")
    parser.add_argument("--peer")
    parser.add_argument("--keep")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    peer = options.peer and os.path.abspath(options.peer)
    number = lambda v: "–" if v is None or np.isnan(v) else f"{v:.1e}"
    both = lambda values: ", ".join(map(number, values))
    print("| case | cells | SciPy: L1 at the end, at rest; smallest | CPU s | fpsolve: L1 | its own estimate | smallest | CPU s | by |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        keep = os.path.abspath(options.keep or temporary)
        os.chdir(temporary)
        for name, case in CASES.items():
            if options.cases and name not in options.cases:
                continue
            print(name, file=sys.stderr, flush=True)
            cpu, failure = run(program, case, case.cells, ["fokker_planck.discretisation=auto"], "case.h5")
            if failure:
                print(f"| {name} | | | | {failure} | | | {cpu:.2f} | |", flush=True)
                continue
            mine = Record("case.h5")
            os.remove("case.h5")
            cells = mine.start.shape[0]
            if isinstance(case, Linear):  # its coefficients are exact between cells too
                fine, exact = mine, case.laws(mine.edges)
            else:
                reference = os.path.join(keep, f"{name}-{REFINED * cells}.h5")
                if not os.path.exists(reference):
                    cpu_of_reference, failure = run(program, case, REFINED * cells, case.settings, reference)
                if failure:
                    print(f"| {name} | {cells} | | | no reference in {cpu_of_reference:.0f} s: {failure} | | | {cpu:.2f} | |", flush=True)
                    continue
                fine = Record(reference)
                exact = [coarsened(law, REFINED) for law in (fine.end, fine.rest)]
            distance = lambda laws: [float(np.abs(a - b).sum()) if a is not None else np.nan for a, b in zip(laws, exact)]
            ours = [mine.end, mine.rest]
            theirs = "| – | – |"
            if peer:
                u, s, seconds = beside(peer, fine, mine.start, case.end)
                theirs = f"| {both(distance([u, s]))}; {number(min(u.min(), s.min()))} | {seconds:.2f} |"
            least = min(float(law.min()) for law in ours if law is not None)
            assert abs(mine.end.sum() - 1) < 1e-12, f"{name}: mass {mine.end.sum()}"
            print(f"| {name} | {cells}{'²' * (mine.start.ndim - 1)} {theirs} {both(distance(ours))} | {both(mine.errors)} "
                  f"| {number(least)} | {cpu:.2f} | {mine.method} |", flush=True)


main()
