"""`import specdifftree` is light, loads a BLAS before MLX, and is the one door for users"""

import importlib
import subprocess
import sys

import specdifftree

import pytest

HEAVY = ["mlx", "mlx.core", "scipy", "matplotlib", "pandas", "transformers"]
LIGHT = ["machine.blas", "machine.checks", "machine.plotting", "machine.results", "figures.command"]


def loaded(statement, packages=HEAVY):
    """Which of the heavy packages a statement imports, in a Python of its own."""
    code = f"{statement}\nimport sys; print(*[m for m in {packages} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_package_imports_nothing_heavy():
    assert loaded("import specdifftree", [*HEAVY, "numpy"]) == []


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_imports_nothing_heavy(module):
    assert loaded(f"import specdifftree.{module}") == []


def test_the_test_can_fail():
    assert "scipy" in loaded("import scipy")


@pytest.mark.parametrize("statement", ["import mlx.core", "from specdifftree import TSLM, snis"])
def test_blas_is_ready_before_mlx(statement):
    """On Linux without CUDA, MLX's products run on a fast BLAS whatever is imported first of us."""
    code = f"""import specdifftree
{statement}
from specdifftree.machine.blas import REFERENCE, fast_blas
assert fast_blas() != REFERENCE, fast_blas()"""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", specdifftree.PLACE)
def test_the_door_leads_to_the_module(name):
    module = importlib.import_module(f"specdifftree.{specdifftree.PLACE[name]}")
    assert getattr(specdifftree, name) is getattr(module, name)
    assert name in dir(specdifftree)
    assert name in specdifftree.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="^module 'specdifftree' has no attribute 'snus'$"):
        getattr(specdifftree, "snus")  # noqa: B009
