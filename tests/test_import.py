"""`import specdifftree` is light: it must load a BLAS before MLX is imported, and cost next to nothing."""

import subprocess
import sys

import pytest

HEAVY = ["mlx", "mlx.core", "numpy", "scipy", "matplotlib", "pandas", "transformers"]


def loaded(statement):
    """Which of the heavy packages a statement imports, in a Python of its own."""
    code = f"{statement}\nimport sys; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "module",
    [
        "specdifftree",
        "specdifftree.machine.device",
        "specdifftree.machine.plotting",
        "specdifftree.machine.results",
        "specdifftree.figures.command",
    ],
)
def test_imports_nothing_heavy(module):
    assert loaded(f"import {module}") == []


def test_the_test_can_fail():
    assert "numpy" in loaded("import numpy")


def test_blas_is_ready_before_mlx():
    """On Linux without CUDA, MLX's products run on a fast BLAS after nothing but these two imports."""
    code = "import specdifftree, mlx.core\nfrom specdifftree.machine.device import REFERENCE, fast_blas\nassert fast_blas() != REFERENCE, fast_blas()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
