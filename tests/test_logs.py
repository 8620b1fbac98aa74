"""A committed log belongs to the code that is beside it: neither may change without the other."""

import ast
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

from specdifftree.machine.code_hash import PACKAGE, code_hash
from specdifftree.machine.results import KEYS, parted, read_result

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
LOGS = sorted((ROOT / "data" / "results").glob("*.json"))

sys.path.insert(0, str(ROOT / "scripts"))
import carry_logs  # noqa: E402

sys.path.pop(0)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_log_and_code_have_not_parted(path):
    result = read_result(path)
    assert result["name"] == path.stem and set(KEYS) <= set(result)
    assert parted(result) == "", "compute it again, or see scripts/carry_logs.py"


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_steps_of_a_log_lead_from_its_own_hash(path):
    result = read_result(path)
    stands = result["code_hash"]
    for step in result.get("carried", []):
        assert step["from"] == stands and step["evidence"]
        stands = step["to"]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_log_stands_for_the_modules_that_made_it(path):
    result = read_result(path)
    assert result["modules"] == carry_logs.NOW[path.stem]


@pytest.mark.parametrize(
    ("module", "function", "logs"),
    [
        ("language/train", "one_step", {"step", "train"}),
        ("language/model", "_laid_out", {"step", "train"}),
        ("prior/train_denoiser", "_denoising_loss", {"diffusion"}),
        ("value/learned", "learn", {"flow"}),
        ("search/particles", "fk_difference", {"rollouts", "speedup", "table", "exactness"}),
        ("search/lockstep", "add_wave", {"rollouts", "speedup", "table", "exactness", "collapse"}),
    ],
)
def test_another_function_parts_the_logs_that_it_made(tmp_path, module, function, logs):
    package = shutil.copytree(PACKAGE, tmp_path / PACKAGE.name)
    changed = package / f"{module}.py"
    tree = ast.parse(changed.read_text(encoding="utf-8"))
    found = [n for n in ast.walk(tree) if getattr(n, "name", None) == function]
    for node in found:
        node.body.insert(0, ast.parse("print()").body[0])
    changed.write_text(ast.unparse(tree), encoding="utf-8")
    results = [read_result(path) for path in LOGS]
    apart = {r["name"] for r in results if parted(r, lambda names: code_hash(names, package))}
    assert found and logs <= apart


def arrays(**values):
    """Arrays as the other process sends them."""
    return {"what": "test"} | {f"array {name}": np.array(value) for name, value in values.items()}


def test_equal_arrays_carry_a_log():
    old = arrays(a=[1.0, np.nan, np.inf], name=["x"], time=0.1)
    again, new = arrays(a=[1.0, np.nan, np.inf], name=["x"], time=0.2), {**old}
    assert carry_logs.compare(old, again, new, 1e-9) == (5, 1, 0.0)
    near = {**new, "array a": np.array([1 + 1e-12, np.nan, np.inf])}
    assert 0 < carry_logs.compare(old, again, near, 1e-9)[2] < 1e-11


def test_seconds_are_times_even_where_two_clocks_agree():
    old = arrays(seconds=[0.1, 0.2], a=[1.0, 2.0, 3.0])
    new = arrays(seconds=[0.3, 0.4], a=[1.0, 2.0, 3.0])
    assert carry_logs.compare(old, old, new, 1e-9) == (5, 2, 0.0)


@pytest.mark.parametrize(
    ("new", "why"),
    {
        "another number": (arrays(a=[1.0, 2.1], b=[1, 2]), "array a differs by 5.0e-02"),
        "a number that is missing": (arrays(a=[1.0, np.nan], b=[1, 2]), "array a differs by inf"),
        "an infinity": (arrays(a=[1.0, np.inf], b=[1, 2]), "array a differs by inf"),
        "another integer": (arrays(a=[1.0, 2.0], b=[1, 3]), "array b differs"),
        "another shape": (arrays(a=[1.0], b=[1, 2]), "array a: shape"),
        "another name": (arrays(a=[1.0, 2.0], c=[1, 2]), "other names"),
    }.values(),
)
def test_other_arrays_do_not(new, why):
    old = arrays(a=[1.0, 2.0], b=[1, 2])
    with pytest.raises(carry_logs.Differs, match=why):
        carry_logs.compare(old, old, new, 1e-9)


def test_a_computation_that_never_repeats_shows_nothing():
    with pytest.raises(carry_logs.Differs, match="2 of 3 numbers differ between two runs"):
        old, again = arrays(a=[1.0, 2.0, 3.0]), arrays(a=[1.0, 2.5, 3.5])
        carry_logs.compare(old, again, old, 1e-9)


def test_shards_are_taken_from_the_first_to_the_last():
    assert carry_logs.spread(30, 2) == [1, 30] and carry_logs.spread(31, 3) == [1, 16, 31]
    assert carry_logs.spread(1, 3) == [1] and carry_logs.spread(9, 1) == [1]


def test_a_figure_is_listened_to():
    def compute():
        toy.run_shards(None, 4, lambda i: {"x": i * 10}, iter)
        raise AssertionError("the run went on")

    toy, found = SimpleNamespace(run_shards=None, compute=compute), {}
    toy.run_shards = compute  # any function, which is replaced
    carry_logs.listen(2, found, [toy])
    with pytest.raises(carry_logs.Enough):
        toy.compute()
    assert found == {"count": 4, 1: {"x": 10}, 4: {"x": 40}}
