"""Running, reading back, errors, interruption, pictures."""

import copy
import logging
import os
import pathlib
import pickle
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import xarray as xr

import fpsolve


def test_a_run_is_the_record_of_the_command_line(scenario, tmp_path):
    run = fpsolve.run(scenario, progress=False)
    assert run.status == "complete" and run.passed and run.variables == ["x"] and run.name == "well"
    density = run.fokker_planck.density
    assert density.dims == ("time", "x") and density.shape == (3, 100) and density.attrs["units"]
    width = np.diff(run.grid.x_edges)
    assert np.allclose((density * width).sum("x"), 1.0, atol=1e-9)
    file = tmp_path / "well.json"
    file.write_text(__import__("json").dumps(scenario))
    record = tmp_path / "well.h5"
    subprocess.run([sys.executable, "-m", "fpsolve._command", "scenario", str(file), "-o", str(record), "-q"], check=True)
    other = fpsolve.open(record)
    for group in ("fokker_planck", "langevin", "stationary", "problem"):
        xr.testing.assert_identical(other[group].drop_attrs(), run[group].drop_attrs())
    assert other.number("stationary/mean/x") == run.number("stationary/mean/x")


def test_the_whole_tree_is_there(scenario):
    scenario["analysis"] = {"first_passage": [{"name": "over", "from": [-1.0], "target": "x > 0", "walkers": 50}]}
    run = fpsolve.run(scenario, progress=False)
    tree = run.tree
    assert tree["escape/over"].attrs["from_value"] == run["escape/over"].attrs["from_value"] > 0
    assert "landscape" not in run.groups and "fokker_planck" in dir(run)
    with pytest.raises(AttributeError, match="fokker_planck"):
        run.fokker_plank
    with pytest.raises(KeyError, match="no group"):
        run["nothing"]


def test_arrays_share_the_memory_of_the_record(scenario):
    run = fpsolve.run(scenario, progress=False)
    first, _, _, _ = run._record.dataset("fokker_planck", "density")
    second, _, _, _ = run._record.dataset("fokker_planck", "density")
    assert np.shares_memory(first, second) and np.shares_memory(run.fokker_planck.density.values, first)
    assert not first.flags.writeable
    density = run.fokker_planck.density
    del run
    assert np.isfinite(density.sum())


def test_saved_and_read_again(scenario, tmp_path):
    path = tmp_path / "a.h5"
    run = fpsolve.run(scenario, progress=False, output=path)
    again = fpsolve.open(path)
    xr.testing.assert_identical(again.fokker_planck, run.fokker_planck)
    assert again.summary == run.summary and again.verdicts == run.verdicts
    with pytest.raises(fpsolve.RecordError, match="a.h5"):
        run.save(path)
    run.save(path, force=True)
    (tmp_path / "b.h5").write_bytes(b"no record")
    with pytest.raises(fpsolve.RecordError, match="b.h5"):
        fpsolve.open(tmp_path / "b.h5")


def test_a_damaged_record_ends_in_words(scenario, tmp_path):
    path = tmp_path / "a.h5"
    fpsolve.run(scenario, progress=False, output=path)
    whole, dice, refused = path.read_bytes(), random.Random(1), 0
    for _ in range(30):
        mutant = bytearray(whole)
        for _ in range(dice.randint(1, 20)):
            mutant[dice.randrange(len(mutant))] = dice.randrange(256)
        path.write_bytes(mutant)
        try:
            fpsolve.open(path)
        except fpsolve.RecordError as why:
            assert "a.h5" in str(why), why
            refused += 1
    assert refused > 0


def test_errors_name_the_key_as_the_command_line_does(scenario, tmp_path):
    scenario["dynamics"]["temprature"] = 0.1
    with pytest.raises(fpsolve.ScenarioError, match="unknown key `dynamics.temprature`") as caught:
        fpsolve.run(scenario, progress=False)
    assert "did you mean `temperature`?" in str(caught.value) and "temperature" in caught.value.help
    assert caught.value.message == "unknown key `dynamics.temprature`" and isinstance(caught.value, ValueError)
    with pytest.raises(fpsolve.ScenarioError, match="no such file"):
        fpsolve.run(tmp_path / "nothing.toml")
    del scenario["dynamics"]["temprature"]
    scenario["grid"]["axes"][0]["cells"] = 2.5
    with pytest.raises(fpsolve.ScenarioError, match="grid.axes"):
        fpsolve.run(scenario)
    scenario["grid"]["axes"][0]["cells"] = 60000
    with pytest.raises(fpsolve.TooLarge, match="needs at least"):
        fpsolve.run(scenario, memory_limit=1_000_000)


def test_keys_are_set_and_numbers_of_numpy_are_numbers(scenario):
    scenario["initial"]["mean"] = np.array([-1.0])
    scenario["time"] = {"at": (0, np.float64(1.0))}
    run = fpsolve.run(scenario, progress=False, set={"dynamics.temperature": 0.2, "engines": ["fokker-planck"]})
    assert run.attrs["temperature"] == 0.2 and "langevin" not in run.groups


@pytest.mark.parametrize(
    "value, words",
    [
        (float("nan"), "must be a finite number"),
        (np.float32("inf"), "must be a finite number"),
        (np.array(np.nan), "must be a finite number"),
        (None, "has no value, it is None"),
        ({1.0}, "cannot be a value of the type set"),
        (1j, "must be a real number, not a complex one"),
        (np.complex64(1), "must be a real number, not a complex one"),
        (np.ma.masked, "has masked entries"),
        (len, "cannot be a function"),
        (b"1", "cannot be a value of the type bytes"),
    ],
)
def test_values_that_no_scenario_can_have_are_told_with_their_key(scenario, value, words):
    wrong = {**scenario, "dynamics": {"temperature": value}}
    listed = {**scenario, "grid": {"axes": [{"from": -2.5, "to": value, "cells": 100}]}}
    for key, call in (
        ("dynamics.temperature", lambda: fpsolve.run(wrong)),
        ("grid.axes[0].to", lambda: fpsolve.run(listed)),
        ("dynamics.temperature", lambda: fpsolve.run(scenario, set={"dynamics.temperature": value})),
        ("dynamics.temperature", lambda: fpsolve.sweep(wrong, {"seed": [1]}, ["stationary/mean/x"])),
        ("initial.mean[0]", lambda: fpsolve.sweep(scenario, {"seed": [1]}, ["stationary/mean/x"], set={"initial.mean": [value]})),
    ):
        with pytest.raises(fpsolve.ScenarioError) as caught:
            call()
        assert caught.value.message.startswith(f"`{key}` {words}") and caught.value.help and "JSON" not in str(caught.value)


def test_values_of_many_kinds_are_set(scenario):
    temperature = xr.DataArray(0.2)
    mean = np.array([-1.0], dtype=np.longdouble)
    given = {"dynamics": {"temperature": temperature}, "initial": {"kind": "gaussian", "mean": mean, "std": (0.2,)}, "description": "θ 😀 \"\x7f"}
    run = fpsolve.run({**scenario, "engines": ["fokker-planck"]}, progress=False, set=given)
    assert run.attrs["temperature"] == 0.2


def test_a_file_that_is_there_is_told_before_the_run(scenario, tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    path.write_text("mine")
    monkeypatch.setattr("fpsolve._fpsolve.run", lambda *_: pytest.fail("it ran"))
    (tmp_path / "link.h5").symlink_to(tmp_path / "nothing.h5")
    for output, words in (
        (path, f"the output file {path} exists already\n  help: write force=True to replace it, or choose another with output="),
        (tmp_path, f"{tmp_path} is a folder"),
        (tmp_path / "no" / "a.h5", f"cannot write a record into {tmp_path / 'no'}: there is no such folder\n  help: make the folder"),
        (path / "a.h5", "it is not a folder"),
        (tmp_path / "link.h5", "a symbolic link that leads to no file"),
    ):
        with pytest.raises(fpsolve.RecordError) as caught:
            fpsolve.run(scenario, output=output, force=output != path)
        assert words in str(caught.value)
    assert path.read_text() == "mine"


def test_a_file_that_comes_during_the_run_stays(scenario, tmp_path, monkeypatch, caplog):
    path = tmp_path / "a.h5"
    monkeypatch.setattr("fpsolve._run._Progress.__call__", lambda self, steps, doing: path.write_text("mine"))
    run = fpsolve.run(scenario, progress=False, output=path)
    assert path.read_text() == "mine" and run.path == tmp_path / "a-1.h5" and "density" in run.fokker_planck
    assert f"{path}: something has come there during the run; the record is {run.path}" in caplog.text
    assert fpsolve.open(run.path).summary == run.summary
    with pytest.raises(fpsolve.RecordError, match="the output file .*a.h5 exists already\n  help: write force=True to replace it"):
        run.save(path)
    run.save(path, force=True)
    assert run.path == path and fpsolve.open(path).path == path


def test_a_record_that_cannot_be_written_is_kept(scenario, tmp_path, monkeypatch):
    def refused(run, path, force):
        raise fpsolve.RecordError("no space")

    monkeypatch.setattr("fpsolve._run._write", refused)
    with pytest.raises(fpsolve.RecordError, match="no space") as caught:
        fpsolve.run(scenario, progress=False, output=tmp_path / "a.h5")
    caught.value.run.save(tmp_path / "b.h5")
    assert caught.value.run.status == "complete" and fpsolve.open(tmp_path / "b.h5").status == "complete"


def test_a_folder_that_goes_during_the_run_is_told(scenario, tmp_path, monkeypatch, caplog):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fpsolve._run._Progress.__call__", lambda self, steps, doing: folder.exists() and folder.rmdir())
    run = fpsolve.run(scenario, progress=False, output=folder / "a.h5")
    assert "its folder has gone" in caplog.text and (tmp_path / "a.h5").exists() and run.path == pathlib.Path("a.h5")


def test_runs_are_pickled_and_copied(scenario, tmp_path):
    scenario["expect"] = {"stationary/mean/x": {"value": 1.0, "atol": 1e-3}}
    run = fpsolve.run(scenario, progress=False)
    for other in (pickle.loads(pickle.dumps(run)), copy.copy(run), copy.deepcopy(run)):
        assert other.summary == run.summary and other.verdicts == run.verdicts and other.path is None
        xr.testing.assert_identical(other.tree.to_dataset(), run.tree.to_dataset())
        for group in run.groups:
            xr.testing.assert_identical(other[group], run[group])
    interrupted = pickle.loads(pickle.dumps(fpsolve.Interrupted(run)))
    assert interrupted.run.summary == run.summary


def test_verdicts_and_warnings_are_told_and_logged(scenario, caplog):
    scenario["expect"] = {"stationary/mean/x": {"value": 1.0, "atol": 1e-3}}
    scenario["grid"]["axes"][0]["from"] = -1.2
    with caplog.at_level(logging.DEBUG, "fpsolve"):
        run = fpsolve.run(scenario, progress=False)
    assert not run.passed and [v.passed for v in run.verdicts] == [False]
    assert run.verdicts[0].name == "stationary/mean/x" and run.verdicts[0].bound == 1e-3
    assert any("walls" in w or "outermost" in w for w in run.warnings)
    assert any(record.levelname == "WARNING" and "stationary/mean/x" in record.message for record in caplog.records)
    assert any(record.levelname == "DEBUG" and "to t =" in record.message for record in caplog.records)


def test_html_and_words_are_the_summary(scenario):
    run = fpsolve.run(scenario, progress=False)
    assert repr(run) == run.summary and "fokker-planck" in run._repr_html_() and "<pre>" in run._repr_html_()


def test_progress_is_a_bar(scenario, capsys):
    fpsolve.run(scenario, progress=True)
    assert "%|" in capsys.readouterr().err


def long(scenario):
    return {**scenario, "engines": ["langevin"], "langevin": {"walkers": 2_000_000, "step": 1e-4}, "time": {"end": 50.0, "outputs": 26}}


def test_an_interruption_ends_it_within_a_second_and_keeps_what_was_reached(scenario):
    asked = []

    def interrupt():
        time.sleep(0.7)
        asked.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(fpsolve.Interrupted) as caught:
        fpsolve.run(long(scenario), progress=False)
    assert time.monotonic() - asked[0] < 1.0 and isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.run.status == "interrupted" and "loss" in caught.value.run.problem


def test_other_threads_run_meanwhile(scenario):
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    fpsolve.run({**scenario, "langevin": {"walkers": 200_000, "step": 1e-3}}, progress=False)
    done.set()
    thread.join()
    assert len(ticks) > 5


def test_what_a_callback_raises_comes_back(scenario, monkeypatch):
    def told(self, steps, doing):
        raise RuntimeError("told too much")

    monkeypatch.setattr("fpsolve._run._Progress.__call__", told)
    with pytest.raises(RuntimeError, match="told too much"):
        fpsolve.run(scenario)


@pytest.mark.parametrize("variables", [1, 2])
def test_pictures(scenario, variables):
    import matplotlib.pyplot as plt

    if variables == 2:
        scenario["model"] = {"kind": "formula", "variables": ["x", "y"], "loss": "(x^2 - 1)^2/4 + y^2/2"}
        scenario["grid"]["axes"] = [{"from": -2.5, "to": 2.5, "cells": 24}, {"from": -2, "to": 2, "cells": 20}]
        scenario["initial"] = {"kind": "gaussian", "mean": [-1.0, 0.0], "std": [0.3, 0.3]}
        scenario["engines"] = ["fokker-planck"]
    run = fpsolve.run(scenario, progress=False)
    axes = run.plot.landscape()
    assert axes.get_xlabel() == "x" and axes.get_ylabel() == ("loss" if variables == 1 else "y")
    axes = run.plot.density(time=0.9)
    assert "Fokker–Planck, t = 1" in axes.get_title()
    if variables == 2:
        mesh = axes.collections[0].get_array().reshape(20, 24)
        peak = np.unravel_index(np.argmax(mesh), mesh.shape)
        assert run.grid.x[peak[1]] < 0 and abs(run.grid.y[peak[0]]) < 0.5
    else:
        line = axes.lines[0]
        assert np.allclose(line.get_ydata(), run.fokker_planck.density.isel(time=1))
    with pytest.raises(KeyError, match="fokker_planck"):
        run.plot.density(engine="sgd")
    if variables == 1:
        both = run.plot.density(engine="langevin", ax=run.plot.density())
        assert [text.get_text() for text in both.get_legend().get_texts()] == ["Fokker–Planck, t = 2", "Langevin, t = 2"]
    plt.close("all")


def test_a_table_of_xarray_runs(scenario, tmp_path):
    x, y = np.linspace(-2, 2, 17), np.linspace(-2, 2, 17)
    losses = np.stack([(x[:, None] - a) ** 2 / 2 + (2 * y[None, :] - a * x[:, None]) ** 2 / 2 for a in (0.5, -0.5, 1.0)])
    dataset = xr.Dataset({"losses": (("y", "sample", "x"), losses.transpose(2, 0, 1))}, {"x": x, "y": y})
    pytest.importorskip("h5netcdf")
    dataset.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    np.savez(tmp_path / "t.npz", x=x, y=y, losses=losses)
    scenario.update(
        model={"kind": "table", "file": "t.nc", "variables": ["x", "y"]},
        dynamics={"learning_rate": 0.1},
        grid={"axes": [{"from": -2, "to": 2, "cells": 20}] * 2},
        initial={"kind": "uniform"},
        engines=["fokker-planck"],
    )
    a = fpsolve.run(scenario, progress=False, data_folders=[tmp_path])
    scenario["model"]["file"] = "t.npz"
    b = fpsolve.run(scenario, progress=False, data_folders=[tmp_path])
    assert np.allclose(a.problem.drift, b.problem.drift, atol=1e-12)


def test_the_schema_and_the_sweep(scenario):
    schema = fpsolve.scenario_schema()
    assert "table" in schema["properties"]["model"]["properties"]["kind"]["enum"]
    scenario["engines"] = ["fokker-planck"]
    over = {"dynamics.temperature": [0.05, 0.1, -1.0], "grid.axes.0.cells": [50, 100]}
    found = fpsolve.sweep(scenario, over, ["stationary/covariance/x/x"], progress=False)
    variance = found["stationary/covariance/x/x"]
    assert variance.dims == ("dynamics_temperature", "grid_axes_0_cells") and variance.shape == (3, 2)
    assert (variance[1] < variance[0]).all() and np.isnan(variance[2]).all()
    assert (found.status[:2] == "complete").all() and "temperature" in str(found.status.values[2, 0])
    with pytest.raises(fpsolve.ScenarioError):
        fpsolve.sweep(scenario, {"dynamics.temperature": [-1.0]}, ["stationary/mean/x"], progress=False)
    with pytest.raises(fpsolve.ScenarioError, match="did you mean `stationary/mean/x`"):
        fpsolve.sweep(scenario, {"seed": [1, 2]}, ["stationary/maen/x"], progress=False)


def test_a_sweep_takes_numbers_of_numpy_and_ends_with_its_process(scenario, tmp_path):
    scenario["initial"]["mean"] = np.array([-1.0])
    found = fpsolve.sweep(scenario, {"dynamics.temperature": np.array([0.1, 0.2])}, ["stationary/mean/x"], progress=False)
    assert found.sizes == {"dynamics_temperature": 2} and (found.status == "complete").all()
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        fpsolve.sweep(long(scenario), {"dynamics.temperature": [0.1, 0.2]}, ["langevin/mean/-1/x"], progress=False, folder=tmp_path)
    assert not subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True).stdout


def test_the_command_line_program_is_there():
    said = subprocess.run([sys.executable, "-m", "fpsolve._command", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("fpsolve ")
    wrong = subprocess.run([sys.executable, "-m", "fpsolve._command", "scenario", "nothing.toml"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "no such file" in wrong.stderr
