"""Opens records with h5py and with xarray (engines h5netcdf and netcdf4) and holds them to the record format.

Usage: read_record.py RECORD...   Warnings are errors (python -W error), so that a phony dimension fails.
"""

import sys

import h5py
import numpy as np
import xarray as xr

ENGINES = ("fokker_planck", "langevin", "sgd")


def check_scales(file):
    """Every axis of every dataset has exactly one dimension scale; every dataset has units and a long name."""

    def visit(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        assert isinstance(item.attrs["units"], str) and item.attrs["units"], name
        assert isinstance(item.attrs["long_name"], str) and item.attrs["long_name"], name
        axes = item.attrs["axes"].split()
        assert len(axes) == item.ndim, name
        if item.is_scale:
            assert axes == [name.rsplit("/", 1)[-1]], name
            return
        for axis, dim in zip(axes, item.dims):
            assert len(dim) == 1, f"{name}: axis {axis} has {len(dim)} scales"
            assert dim[0].name == f"{item.parent.name.rstrip('/')}/{axis}", f"{name}: {dim[0].name}"

    file.visititems(visit)


def check_h5py(path):
    with h5py.File(path) as file:
        assert file.attrs["status"] == "complete" and file.attrs["scenario"].startswith('name = "é"')
        check_scales(file)
        variables = list(file["fokker_planck/component"].asstr())
        shape = tuple(file[f"grid/{v}"].size for v in variables)
        for v, n in zip(variables, shape):
            edges = file[f"grid/{v}_edges"][:]
            assert edges.shape == (n + 1,)
            np.testing.assert_allclose(file[f"grid/{v}"][:], (edges[1:] + edges[:-1]) / 2, rtol=1e-14)
        volume = np.array(1.0)
        for v in variables:
            volume = np.multiply.outer(volume, np.diff(file[f"grid/{v}_edges"][:]))
        d, t = len(variables), file["fokker_planck/time"].size
        for engine in ENGINES:
            density = file[f"{engine}/density"]
            assert density.shape == (t, *shape) and density.dtype == np.float64
            assert density.compression == "gzip" and density.shuffle, engine
            mass = (density[:] * volume).reshape(t, -1).sum(1)
            np.testing.assert_allclose(mass, 1.0, rtol=1e-12)
            assert file[f"{engine}/mean"].shape == (t, d)
            assert file[f"{engine}/covariance"].shape == (t, d, d)
        for engine in ENGINES[1:]:
            quantile, level = file[f"{engine}/quantile"], file[f"{engine}/level"][:]
            assert quantile.shape == (t, d, level.size) and (np.diff(quantile[:], axis=2) > 0).all()
            assert file[f"{engine}/covariance_se"].shape == (t, d, d)
        walkers, rows = file["langevin/walker"].size, file["langevin/trajectory_time"].size
        assert file["langevin/trajectory"].shape == (walkers, rows, d)
        survival = file["escape/out/langevin_survival"][:]
        assert survival[0] == 1 and (np.diff(survival) <= 0).all() and survival[-1] < 0.2
        escape = file["escape/out"]
        assert escape.attrs["langevin_walkers"] == 400 and escape.attrs["kramers"] > 0
        assert escape["mean_first_passage_time"].shape == escape["committor"].shape == shape
        assert ((0 <= escape["committor"][:]) & (escape["committor"][:] <= 1)).all()
        assert " < " in escape.attrs["target"] and " > " in escape.attrs["avoid"]
        assert escape.attrs["langevin_committor"] == 0.75 and escape.attrs["langevin_undecided"] == 0
        assert 0 < escape.attrs["from_committor"] < 1 and escape.attrs["from_committor_error_grid"] == 1e-4
        modes = file["spectrum"]
        assert modes["right"].shape == modes["left"].shape == (4, *shape)
        np.testing.assert_allclose((modes["left"][0] * volume).sum(), 1.0, rtol=1e-12)
        assert file["problem/diffusion"].shape == (d, d, *shape)
        assert file["problem/drift"].shape == (d, *shape)
        parts = [file[f"problem/diffusion_{part}"][:] for part in ("intrinsic", "exploration", "mean_gradient")]
        np.testing.assert_allclose(sum(parts), file["problem/diffusion"][:], rtol=1e-12, atol=1e-14)
        assert file["problem"].attrs["decomposition"].startswith("teacher")
        assert file["decomposition/position"].shape == (file["decomposition/time"].size, d)
        points = file["outliers/points"]
        assert points["sample_loss"].shape == points["outlier"].shape == (2, 3)
        assert points["fitted"].shape == (2, points["input"].size) and points.attrs["target_column"] == "v"
        assert list(file["warnings"].asstr()) == ["langevin: one walker left the grid"]
        floor = file["comparison/langevin_vs_sgd/total_variation_noise_floor"][:]
        assert floor.shape == (t,) and (floor > 0).all()
        assert file["comparison/verdicts/why"].asstr()[0] == "within the bound"


def check_xarray(path, engine):
    with xr.open_dataset(path, group="fokker_planck", engine=engine) as data:
        variables = [str(v) for v in data["component"].values]
        assert data["density"].dims == ("time", *variables), data["density"].dims
        assert {"time", "component", "row", "column", *variables} <= set(data.coords), data.coords
        assert data["mean"].dims == ("time", "component")
        assert data["covariance"].dims == ("time", "row", "column")
        # coordinates work: the mean from the density equals the stored mean
        volume = np.prod([float(data[v][1] - data[v][0]) for v in variables])
        for v in variables:
            mean = (data["density"] * data[v]).sum(variables) * volume
            np.testing.assert_allclose(mean, data["mean"].sel(component=v), rtol=1e-9, atol=1e-12)
        assert data["density"].attrs["units"] == "1"
        nearest = data["density"].sel(time=1.0, method="nearest")
        assert nearest.sizes == {v: data.sizes[v] for v in variables}
    with xr.open_dataset(path, group="problem", engine=engine) as data:
        assert data["diffusion"].dims == ("row", "column", *variables)
        np.testing.assert_array_equal(
            data["diffusion"].sel(row=variables[0], column=variables[-1]),
            data["diffusion"].sel(row=variables[-1], column=variables[0]),
        )
    with xr.open_dataset(path, group="decomposition", engine=engine) as data:
        assert data["trace_intrinsic"].dims == ("time",) and data["position"].dims == ("time", "component")
    with xr.open_dataset(path, group="escape/out", engine=engine) as data:
        assert data["committor"].dims == tuple(variables) and data["survival"].dims == ("time",)
    with xr.open_dataset(path, group="spectrum", engine=engine) as data:
        assert data["right"].dims == ("eigenpair", *variables) and data["eigenvalues_imag"].dims == ("eigenpair",)
    with xr.open_dataset(path, group="outliers", engine=engine) as data:
        assert data["effective_sample_size"].dims == tuple(variables)
    with xr.open_dataset(path, group="outliers/points", engine=engine) as data:
        assert data["residual"].dims == ("point", "sample") and data["fitted"].dims == ("point", "input")
        assert int(data["outlier"].sum()) == 2
        # the share of the loss that the outliers carry, from the losses
        share = (data["sample_loss"] * data["outlier"]).sum("sample") / data["sample_loss"].sum("sample")
        np.testing.assert_allclose(share, data["outlier_share"], rtol=1e-14)
    if not hasattr(xr, "open_datatree"):  # xarray before 2024.10, as Debian 12 has it
        return
    tree = xr.open_datatree(path, engine=engine)
    for node in tree.subtree:
        dims = node.to_dataset(inherit=False).sizes
        assert not any(str(dim).startswith("phony_dim") for dim in dims), f"{node.path}: {dims}"
    assert "density" in tree["langevin"] and "total_variation" in tree["comparison/sgd_vs_stationary"]
    tree.close()


if __name__ == "__main__":
    for record in sys.argv[1:]:
        check_h5py(record)
        for backend in ("h5netcdf", "netcdf4"):
            check_xarray(record, backend)
        print(f"{record}: read by h5py, h5netcdf, netcdf4")
