"""Installed is as good as cloned: a wheel carries weights and logs, and leaves nothing behind."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "settings.ini")
USE = """
import specdifftree
from specdifftree.machine import results
from specdifftree import load_forecaster
from specdifftree.value.corrections import shipped

assert specdifftree.__file__.startswith(HOME), specdifftree.__file__
assert results.checkout() is None
assert [log["name"] for log in results.logged()] == LOGS
assert results.load_result("collapse")["claims"]
load_forecaster()
assert shipped()
"""


def python(code, folder, home, **env):
    """Run code in a Python that knows the wheel's package first."""
    env = {**os.environ, "PYTHONPATH": str(home), **env}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The files of a wheel that was built from what is here."""
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("building needs setuptools 77: python -m pip install -e '.[dev]'")
    copy = tmp_path_factory.mktemp("copy")
    for name in NEEDED:
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "specdifftree", copy / "specdifftree")
    left_out = shutil.ignore_patterns("cache", "runs", "quick")
    shutil.copytree(ROOT / "data", copy / "data", ignore=left_out)
    (copy / "data" / "results" / "quick").mkdir()
    (copy / "data" / "results" / "quick" / "walk.json").write_text("{}")
    build = "from setuptools.build_meta import build_wheel; build_wheel('out')"
    done = python(build, copy, copy)
    assert done.returncode == 0, done.stderr
    home = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(next((copy / "out").glob("*.whl"))) as archive:
        archive.extractall(home)
    return home


def test_a_wheel_carries_what_is_committed(wheel):
    for kind, ending in (("weights", "safetensors"), ("results", "json")):
        here = {path.name: path for path in (ROOT / "data" / kind).glob(f"*.{ending}")}
        there = {path.name: path for path in (wheel / "specdifftree" / "data" / kind).iterdir()}
        assert here and set(here) == set(there)
        assert all(there[name].read_bytes() == path.read_bytes() for name, path in here.items())


def test_a_wheel_has_every_module_and_the_command(wheel):
    here = {path.relative_to(ROOT) for path in (ROOT / "specdifftree").rglob("*.py")}
    assert here == {path.relative_to(wheel) for path in wheel.rglob("*.py")}
    entries = next(wheel.glob("*.dist-info")) / "entry_points.txt"
    assert "specdifftree = specdifftree.__main__:main" in entries.read_text()


def test_it_finds_weights_and_logs_in_an_empty_folder(wheel, tmp_path):
    names = sorted(path.stem for path in (ROOT / "data" / "results").glob("*.json"))
    code = USE.replace("HOME", repr(str(wheel))).replace("LOGS", repr(names))
    done = python(code, tmp_path, wheel)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_command_lists_the_figures_and_leaves_nothing(wheel, tmp_path):
    code = "import sys; sys.argv = ['specdifftree', '--list']; import specdifftree.__main__ as m"
    done = python(f"{code}\nsys.exit(m.main())", tmp_path, wheel)
    assert done.returncode == 0, done.stderr
    assert "collapse" in done.stdout and list(tmp_path.iterdir()) == []
