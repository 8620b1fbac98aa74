"""Each notebook is one pytest item, run in a Python of its own.

A notebook that sets a seed, an rcParam, an environment variable or a folder, or that imports MLX
before our package, cannot change what the next one sees. Starting Python and importing the package
again costs 1 to 2 s a notebook (measured).
"""

import os
import subprocess
import sys

import pytest

RUN = """
import sys; from pathlib import Path
import specdifftree  # first: it loads the BLAS that MLX will use
from nbdev.test import test_nb
path, root, *force = sys.argv[1:]
done, _ = test_nb(Path(path), skip_flags=["notest", "slow"], force_flags=force, basepath=root)
sys.exit(not done)
"""


class NotebookFailed(Exception):
    """A cell raised; the text is what the notebook printed on stderr, traceback last."""


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the cells marked `#| slow`")


def pytest_collect_file(file_path, parent):
    hidden = file_path.name[0] in "._" or ".ipynb_checkpoints" in file_path.parts
    if file_path.suffix == ".ipynb" and not hidden:
        return NotebookFile.from_parent(parent, path=file_path)


class NotebookFile(pytest.File):
    def collect(self):
        yield NotebookItem.from_parent(self, name=self.path.stem)


class NotebookItem(pytest.Item):
    def runtest(self):
        env = {**os.environ, "MPLBACKEND": "Agg", "IN_TEST": "1"}
        if "PYTEST_XDIST_WORKER" in env:  # two notebooks share the cores: one thread each
            env.setdefault("OPENBLAS_NUM_THREADS", "1")
        force = ["slow"] if self.config.getoption("--slow") else []
        done = subprocess.run(
            [sys.executable, "-c", RUN, self.path, self.config.rootpath, *force],
            cwd=self.config.rootpath,
            env=env,
            capture_output=True,
            text=True,
        )
        if done.stdout:
            self.add_report_section("call", "stdout", done.stdout)
        if done.returncode:
            raise NotebookFailed(done.stderr or f"Python ended with status {done.returncode}")

    def repr_failure(self, excinfo):
        return (
            str(excinfo.value)
            if excinfo.errisinstance(NotebookFailed)
            else super().repr_failure(excinfo)
        )

    def reportinfo(self):
        return self.path, 0, self.path.name
