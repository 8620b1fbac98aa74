"""Faults that use from outside has shown, each with the small input that showed it, by its number.

S: storage, N: numbers, P: packaging, T: series, V: what is shown, M: lines that could be broken
with every test green. The right value is the test. S5, T12, V3, V6 and the trainer's half of T11
are in the notebooks of the trainer.
"""

import datetime
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import specdifftree
from specdifftree import (
    Example,
    ForecastPrior,
    GaussianMixture,
    Recipe,
    Series,
    Signal,
    Trainer,
    amortised,
    dts,
    known_total,
    load_forecaster,
    snis,
    spectral_reward,
    train_forecaster,
    windows,
)
from specdifftree.figures.command import main as command
from specdifftree.language.examples import describe_signal, standardise
from specdifftree.language.parts import TrainError
from specdifftree.language.toy import Toy, toy_items
from specdifftree.machine import results, storage
from specdifftree.machine.shards import Shards, run_alone
from specdifftree.prior import train_denoiser
from specdifftree.prior.denoiser import Config
from specdifftree.prior.forecast import sample_windows
from specdifftree.prior.noise_schedule import cosine_alpha_bar
from specdifftree.prior.protocol import check_prior
from specdifftree.search import adaptive, batched, lockstep, reference, token_tree, tree_arrays
from specdifftree.search.result import Result, pareto_khat, tail_length
from specdifftree.series.metrics import coverage, crps, paired_ratio, pit, quantile
from specdifftree.value import amortised as amortised_module
from specdifftree.value.proposal import twisted

import numpy as np
import pytest

resource = pytest.importorskip("resource")  # not on Windows
ROOT = Path(__file__).resolve().parents[1]
PRIOR = GaussianMixture([0.5, 0.5], [[-1, -1], [1, 1]], 0.4, cosine_alpha_bar(10))
STREAM = np.random.default_rng(0)
HOURS = np.datetime64("2000-01-01T00") + np.arange(2000)
TABLE = STREAM.random((2000, 1))
NAN = float("nan")


def total(x):
    """A reward of samples [n, D]."""
    return -((x.sum(1) - 1) ** 2)


def told(call, kind=ValueError, longest=300):
    """The message of an error, which is one short line."""
    with pytest.raises(kind) as found:
        call()
    text = str(found.value)
    assert text and "\n" not in text and len(text) <= longest, text
    return text


# --- storage ---------------------------------------------------------------------------------


def search(path, rollouts=0):
    """A search with a journal."""
    found = batched.Search(PRIOR, [total], 1.0, 0, journal=path, walkers=4)
    for _ in found.run(rollouts) if rollouts else ():
        pass
    return found


def test_S1_a_disk_that_is_full_for_a_while(tmp_path):
    run = search(tmp_path / "full")
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, before[1]))
    try:
        text = told(lambda: [0 for _ in run.run(200)], OSError)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "full.journal" in text
    assert "anew" in told(lambda: [0 for _ in run.run(400)], OSError)  # it refuses to go on
    again = search(tmp_path / "full")
    assert 0 < again.rollouts < 200
    for _ in again.run(400):
        pass
    kept, whole = search(tmp_path / "full"), search(None, 400)
    assert kept.rollouts == 400
    assert (kept.results()[0].samples == whole.results()[0].samples).all()


@pytest.mark.parametrize(("byte", "kept"), [(60, 0), (-100, 396)], ids=["head", "further in"])
def test_S2_one_flipped_bit_in_a_journal(tmp_path, byte, kept):
    search(tmp_path / "bit", 400)
    journal = tmp_path / "bit.journal"
    data = bytearray(journal.read_bytes())
    data[byte] ^= 1
    journal.write_bytes(data)
    with pytest.warns(UserWarning, match=r"bit.journal.*damaged"):
        again = search(tmp_path / "bit")
    assert again.rollouts == kept
    assert (tmp_path / "bit.journal.damaged").read_bytes() == data


@pytest.mark.parametrize("words", ["not a journal\n", "", "\x00" * 500, "{}\n"])
def test_S3_a_foreign_file_under_the_name_of_a_journal(tmp_path, words):
    journal = tmp_path / "notes.journal"
    journal.write_text(words)
    if words:
        assert "notes.journal" in told(lambda: search(tmp_path / "notes"))
    assert journal.read_text() == words


def test_S3_a_foreign_log_of_lines(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("my notes\n")
    assert "metrics.jsonl" in told(lambda: storage.lines(path))
    recipe, items = Recipe(steps=1), toy_items(4)
    begin = lambda: Trainer(Toy(), recipe, items, folder=tmp_path)  # noqa: E731
    assert "metrics.jsonl" in told(begin, TrainError)
    assert path.read_text() == "my notes\n"


DEEP = json.loads("[" * 50 + "]" * 50)
CLAIM = dict(id="a.b", claim="It is.", paper=1, measured=2, interval=[1, 3], verdict="holds")
WRONG_CLAIMS = {
    "null": None,
    "a number": 3,
    "a text": "holds",
    "a list of nothing": [None],
    "an unknown field": [CLAIM | {"colour": "red"}],
    "a missing field": [{"id": "a.b"}],
    "depth": [CLAIM | {"paper": DEEP}],
    "a list for a number": [CLAIM | {"measured": [1]}],
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_S4_a_log_with_wrong_claims(tmp_path, claims):
    log = json.loads(results.shipped_file("results", "collapse.json").read_text())
    path = tmp_path / "a.json"
    path.write_text(json.dumps(log | {"claims": claims}))
    assert "claim" in told(lambda: results.read_result(path))


@pytest.mark.parametrize("wrong", [None, "x", -1, [1], {"a": NAN}, True], ids=repr)
def test_S4_a_log_with_a_wrong_type(tmp_path, wrong):
    """No key takes all of them, and each that is refused is named."""
    log = json.loads(results.shipped_file("results", "collapse.json").read_text())
    path, refused = tmp_path / "a.json", 0
    for key in log:
        path.write_text(json.dumps(log | {key: wrong}))
        try:
            results.read_result(path)
        except ValueError as error:
            assert len(str(error).splitlines()) == 1 and (key in str(error) or "NaN" in str(error))
            refused += 1
    assert refused >= len(log) - 3


def test_S4_a_log_of_endless_depth(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[" * 100_000)
    assert "a.json" in told(lambda: results.read_result(path))


def one_array(i):
    """The work of a shard."""
    return {"a": np.arange(3.0) + i}


DAMAGES = {
    "other keys": lambda good: np.savez,
    "a flipped bit": lambda good: good[:-1] + bytes([good[-1] ^ 1]),
    "cut short": lambda good: good[: len(good) // 2],
    "empty": lambda good: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_S6_a_shard_that_is_none_is_computed_again(tmp_path, damage):
    store = Shards(tmp_path / "shards")
    good = run_alone(store, 2, one_array)
    file, made = store.path(1), damage(store.path(1).read_bytes())
    with open(file, "wb") as out:
        np.savez(out, zzz=[1]) if callable(made) else out.write(made)
    with pytest.warns(UserWarning, match="computed again"):
        again = run_alone(store, 2, one_array)
    assert all((a["a"] == b["a"]).all() for a, b in zip(good, again))


def test_S6_a_bare_array_is_no_shard(tmp_path):
    store = Shards(tmp_path)
    with open(store.path(1), "wb") as out:
        np.save(out, np.arange(3))
    with pytest.warns(UserWarning, match="computed again"):
        assert list(run_alone(store, 1, one_array)[0]) == ["a"]


@pytest.mark.parametrize("work", [lambda i: None, lambda i: [1, 2], lambda i: {i: 1}])
def test_S6_work_that_returns_no_dictionary(tmp_path, work):
    told(lambda: run_alone(Shards(tmp_path), 1, work))


def test_S6_a_key_named_file_and_parts_of_killed_runs(tmp_path):
    store = Shards(tmp_path)
    found = run_alone(store, 1, lambda i: {"file": np.arange(3)})
    assert (found[0]["file"] == np.arange(3)).all()
    part = tmp_path / f".{store.path(1).name}.999999999-1.part"
    part.write_bytes(b"half a shard")
    os.utime(part, (0, 0))  # no writer has touched it for long
    run_alone(store, 1, one_array)
    assert not part.exists()


def test_S7_a_record_with_impossible_content(tmp_path):
    search(tmp_path / "odd", 40).records.append(b"no arrays at all")
    assert "odd.journal" in told(lambda: search(tmp_path / "odd"))


def test_S7_a_head_that_is_no_json(tmp_path):
    search(tmp_path / "odd", 40)
    journal = tmp_path / "odd.journal"
    first, rest = journal.read_bytes().split(b"\n", 1)
    journal.write_bytes(first[: len(first) // 2] + b"\n" + rest)
    with pytest.warns(UserWarning, match="damaged"):
        assert search(tmp_path / "odd").rollouts == 0


# --- numbers ---------------------------------------------------------------------------------


def test_N1_a_list_with_NaN():
    from specdifftree.series.spectrum import log_bias_sd

    told(lambda: quantile([1.0, NAN, 3.0], 0.9))
    told(lambda: pareto_khat(np.r_[np.zeros(50), NAN]))
    told(lambda: log_bias_sd([1.0, NAN]))


def test_N2_a_schedule_that_is_none():
    told(lambda: cosine_alpha_bar(4, -1.0))


def test_N3_complex_numbers():
    z = np.array([1 + 9j, 2, 3, 4])
    told(lambda: crps(z, 1.0))
    told(lambda: pit(z, 1.0))
    told(lambda: coverage(z))
    told(lambda: paired_ratio(z, z, np.arange(4), 1))
    told(lambda: Series.from_array(np.resize(z, 100)))


def test_N4_what_a_prior_is():
    text = told(lambda: snis(3, len, 5), TypeError)
    assert "prior" in text and "steps" in text and "dim" in text and "3 has no" in text
    assert check_prior(PRIOR) is PRIOR


@pytest.mark.parametrize("search", [snis, dts], ids=["snis", "dts"])
def test_N5_ragged_and_large_arguments(search):
    wrong = (ValueError, TypeError)
    for setting in (dict(lam=[[1, 2], [3]]), dict(seed=np.eye(3)), dict(lam=np.eye(100))):
        assert next(iter(setting)) in told(lambda s=setting: search(PRIOR, total, 5, **s), wrong)


def test_N6_sizes_as_int8():
    series = Series.from_array(TABLE[:, 0])
    small = [np.int8(100), np.int8(100), np.int8(100)]
    found, same = windows(series, "test", *small), windows(series, "test", 100, 100, 100)
    assert found.history.shape == (len(same), 100) and (found.target == same.target).all()


def test_N7_a_description_of_a_signal():
    told(lambda: describe_signal(Signal([1.0, 2.0], "a"), "a", 1.0), TypeError)


def test_N8_huge_whole_numbers():
    for call in (lambda n: snis(PRIOR, total, n), lambda n: dts(PRIOR, total, n)):
        text = told(lambda c=call: c(2**40), ValueError)
        assert "rollouts=1,099,511,627,776 needs" in text and "GiB" in text
    told(lambda: Config(width=2**31))


# --- packaging -------------------------------------------------------------------------------


def test_P1_an_empty_folder_is_as_good_as_a_clone(tmp_path):
    """The wheel itself is built and searched in test_package.py."""
    code = "from specdifftree import load_forecaster; print(load_forecaster().config.horizon)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "96\n" and os.listdir(tmp_path) == []


# --- series ----------------------------------------------------------------------------------


def masked(n=64):
    """A sine with a missing value that hides a number."""
    x = np.sin(np.arange(n) / 3)
    x[5] = -9999
    return np.ma.masked_equal(x, -9999)


def test_T1_a_mask():
    history = masked(336)
    for call in (
        lambda: Signal(masked()),
        lambda: crps(np.zeros((3, 64)), masked()),
        lambda: Series.from_array(masked()),
        lambda: windows(masked(2000), "test"),
        lambda: spectral_reward(history),
        lambda: ForecastPrior(load_forecaster(), history),
    ):
        assert "mask" in told(call)


def test_T2_sizes_that_do_not_fit_each_other():
    text = told(lambda: Config(history=7, horizon=7))
    assert "history" in text
    text = told(lambda: Config(history=14, horizon=7, bands=10))
    assert "bands" in text and "history" in text


def test_T2_two_weeks_of_daily_history():
    values = np.sin(np.arange(600) * 0.9) + 0.3 * np.random.default_rng(0).standard_normal(600)
    sizes = dict(bands=3, updates=4, batch=8, width=8, blocks=1, embed=8)
    config = Config(history=14, horizon=7, **sizes)
    parts = [windows(values, part, 14, 7) for part in ("train", "validation")]
    model, log = train_forecaster(config, *parts, checks=2)
    assert all(np.isfinite(line["validation"]) for line in log)
    assert np.isfinite(sample_windows(model, parts[1].history[:1], 3)).all()


STUCK = HOURS.copy()
STUCK[7] = np.datetime64("NaT")
TIMES = {"falling": HOURS[::-1], "equal": np.repeat(HOURS[:1], 2000), "a NaT": STUCK}


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_T3_times_that_do_not_rise(times):
    text = told(lambda: Series("a", TABLE, times, ("c",), (1200, 400, 400)))
    assert "row" in text


@pytest.mark.parametrize("step", [0, -1, "0h", np.timedelta64(-1, "h"), np.timedelta64("NaT")])
def test_T3_a_step_that_does_not_rise(step):
    assert "step" in told(lambda: Series.from_array(TABLE, step=step))


def test_T4_steps_and_times_in_other_words():
    for step in (datetime.timedelta(minutes=15), "15min", np.timedelta64(15, "m")):
        times = Series.from_array(TABLE, step=step).times
        assert times[4] - times[0] == np.timedelta64(1, "h")
    months = Series.from_array(TABLE[:24], start="2000-01", step=np.timedelta64(1, "M")).times
    assert str(months[-1]).startswith("2001-12")
    texts = [str(t) for t in HOURS]
    assert (Series("a", TABLE, texts, ("c",), (1200, 400, 400)).times == HOURS).all()
    assert "times" in told(lambda: Series("a", TABLE, ["noon"] * 2000, ("c",), (1200, 400, 400)))


def test_T5_two_channels_with_one_name():
    two = STREAM.random((1500, 2))
    text = told(lambda: Series("a", two, HOURS[:1500], ("c", "c"), (900, 300, 300)))
    assert "'c' is there twice" in text


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_T6_magnitudes_whose_squares_are_lost(factor):
    x = np.random.default_rng(0).standard_normal(1500)
    assert "another unit" in told(lambda: windows(x * factor, "train", 28, 7))
    z, mean, std = standardise(Signal(x * factor))
    assert np.allclose(z, standardise(Signal(x))[0], atol=1e-5)
    assert std == pytest.approx(x.std() * factor)


def test_T7_a_history_in_raw_units():
    model, history = load_forecaster(), 1e-6 * STREAM.standard_normal((1, 336))
    with pytest.warns(UserWarning, match="not in train-standardised units; use .*from_raw"):
        sample_windows(model, history, 2)
    raw = ForecastPrior.from_raw(model, history[0])
    found = snis(raw, lambda x: np.zeros(len(x)), 50).samples
    assert 0.2e-6 < found.std() < 5e-6


def test_T8_several_histories_in_a_search_of_one():
    prior = ForecastPrior(load_forecaster(), STREAM.standard_normal((3, 336)), 3)
    for call in (snis, dts):
        assert "3" in told(lambda c=call: c(prior, lambda x: -(x[:, 0] ** 2), 20))


PARTS = {
    "two": dict(parts=(1600, 400)),
    "no integers": dict(parts=(1200.0, 400.0, 400.0)),
    "a text": dict(parts="all"),
}


@pytest.mark.parametrize("wrong", PARTS.values(), ids=PARTS)
def test_T9_parts_that_are_none(wrong):
    assert "parts" in told(lambda: Series.from_array(TABLE, **wrong), (ValueError, TypeError))


def test_T9_few_rows_and_one_name():
    for rows in (0, 3):
        told(lambda n=rows: Series.from_array(TABLE[:n]))
    assert Series("a", TABLE, HOURS, "load", (1200, 400, 400)).channels == ("load",)


def test_T10_training_never_returns_worse_than_it_began():
    values = 1e-3 * np.random.default_rng(0).standard_normal(600)
    values[100] = 50.0
    sizes = dict(bands=3, updates=6, batch=8, width=8, blocks=1, embed=8, rate=0.3)
    parts = [windows(values, part, 24, 8) for part in ("train", "validation")]
    model, log = train_forecaster(Config(history=24, horizon=8, **sizes), *parts, checks=3)
    best = min(line["validation"] for line in log)
    assert log[0]["update"] == 0 and log[0]["validation"] >= best
    held = train_denoiser._draw_batch(
        train_denoiser._prepare(model, parts[1]),
        train_denoiser.VALIDATION_ROWS,
        model.config.last,
        specdifftree.machine.seeds.rng(0, "validation"),
    )
    weights = model.trainable_parameters()
    assert train_denoiser._validation_loss(model, weights, held) == pytest.approx(best, rel=1e-4)


class NoNoise:
    """A prior without `noise_dim`."""

    steps, dim = 3, 2

    def step(self, x, t, z):
        return x


def test_T11_the_words_of_the_layer_that_was_asked():
    assert "None" in told(lambda: Signal([1.0, None, 2.0]))
    assert "surrogate" in told(lambda: Example(pre="a\ud800", signals=Signal([1.0, 2.0])))
    data = windows(TABLE, "test", 336, 96)
    assert "history" in told(lambda: ForecastPrior(load_forecaster(), data))
    wrong = told(lambda: ForecastPrior(load_forecaster(), data.history[0], steps=10.0), TypeError)
    assert "steps must be one integer" in wrong
    assert "noise_dim" in told(lambda: snis(NoNoise(), total, 5), TypeError)


# --- what is shown ---------------------------------------------------------------------------


def test_V1_the_picture_of_a_tree_of_ten_steps_and_more():
    for steps in (9, 10, 14):
        bar = cosine_alpha_bar(steps)
        prior = GaussianMixture([0.5, 0.5], [[-1, -1], [1, 1]], 0.4, bar)
        assert dts(prior, total, 40).tree._repr_png_()[:4] == b"\x89PNG"


def test_V2_what_a_cell_shows():
    model = load_forecaster()
    run = snis(PRIOR, total, 50)
    for thing in (model, ForecastPrior(model, np.sin(np.arange(336))), run, PRIOR):
        text = repr(thing)
        assert "object at 0x" not in text and len(text.splitlines()) == 1 and len(text) < 200
    assert "Pareto k̂" in run._repr_html_() and f"{run.khat:.2f}" in run._repr_html_()


def test_V4_each_example_of_the_readme_stands_by_itself():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        exec(compile(short(block), "README", "exec"), {})  # noqa: S102


def short(code):
    """An example with fewer steps of its training."""
    return re.sub(r"steps=\d+", "steps=1", code)


def test_V5_a_reward_of_ones_own():
    prior = ForecastPrior(load_forecaster(), np.sin(np.arange(336) * np.pi / 12))
    run = amortised(prior, lambda x: -(x[:, 0] ** 2), 50, pilot=200)
    assert "no method evidence" in run.tree.note and len(run.rewards) >= 50


def test_V7_no_warning_when_a_module_is_compiled():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in Path(specdifftree.__file__).parent.rglob("*.py"):
            compile(path.read_text(encoding="utf-8"), path, "exec")


def test_V8_the_command_answers(capsys):
    def said(*argv):
        try:
            status = command(list(argv))
        except SystemExit as end:
            status = end.code or 0
        return status, "".join(capsys.readouterr())

    assert said("--version") == (0, f"specdifftree {specdifftree.__version__}\n")
    status, text = said("device", "--help")
    assert status == 0 and "specdifftree device" in text and "Measure this machine" in text
    status, text = said("collpse")
    assert status == 2 and "did you mean 'collapse'?" in text and text.count("\n") == 1


# --- lines that could be broken --------------------------------------------------------------


def test_M_the_length_of_the_tail():
    assert [tail_length(n) for n in (25, 100, 225, 10_000)] == [5, 20, 45, 300]


def test_M_slopes_of_coordinates_of_several_sizes():
    x = np.random.default_rng(0).standard_normal((20_000, 2)) * [1.0, 3.0]
    a = np.full(20_000, 1 / 20_000)
    assert adaptive.regress(a, x, x @ [1.0, 1.0]) == pytest.approx([1.0, 1.0], rel=0.05)


def test_M_rewards_that_exp_cannot_take():
    values = np.array([1e4, 1e4 - 1.0])
    picks = [reference.boltzmann_choice(values, 1.0, u) for u in np.linspace(0, 0.999, 500)]
    assert 1 - np.mean(picks) == pytest.approx(1 / (1 + np.exp(-1)), abs=0.01)
    x = np.zeros((30, 2))
    run = Result(x, 1e4 + np.zeros(30), np.zeros(30), 0, 0.0, "toy")
    assert run.ess == pytest.approx(30) and run.log_z == pytest.approx(1e4)


def test_M_a_uniform_at_the_last_edge():
    assert reference.boltzmann_choice(np.zeros(3), 1.0, 1.0) == 2


def test_M_rooms_grow_when_they_are_full_and_not_before():
    full = np.zeros(64)
    assert tree_arrays.doubled(full, 64) is full
    assert len(tree_arrays.doubled(full, 65)) == 128 and len(tree_arrays.doubled(full, 500)) == 500


DEFAULTS = {
    snis: dict(lam=1.0, seed=0),
    dts: dict(lam=1.0, seed=0),
    lockstep.SearchState: dict(lam=1.0, c=2.0, alpha=0.8, walkers=16, batch=512),
    token_tree.tree_proposal: dict(lam=1.0, seed=0, epsilon=0.2, kappa=2.0),
    adaptive.grow_then_draw: dict(lam=1.0, seed=0, epsilon=0.3, rounds=5),
    twisted: dict(lam=1.0, seed=0, candidates=64, endings=128, epsilon=0.05, first=0.1),
    amortised_module.amortised: dict(lam=1.0, seed=0, pilot=4000),
    paired_ratio: dict(block=192, level=0.95, resamples=4999, seed=0),
    spectral_reward: dict(gamma=1.0, horizon=96, eps=1.0),
}


@pytest.mark.parametrize("call", DEFAULTS, ids=lambda call: call.__name__)
def test_M_documented_defaults(call):
    known = inspect.signature(call).parameters
    assert {name: known[name].default for name in DEFAULTS[call]} == DEFAULTS[call]


def test_M_the_width_of_a_branch_shows_its_visits():
    tree = dts(PRIOR, total, 100).tree
    edge = np.arange(1, len(tree))
    widths, visits = tree_arrays.line_widths(tree, edge), tree.visits[edge]
    order = np.argsort(visits, kind="stable")
    assert (np.diff(widths[order]) >= 0).all() and widths[order[-1]] > widths[order[0]]


def test_M_a_lambda_near_zero_gives_back_the_prior():
    run = twisted(PRIOR, total, 128, 1e-9)
    assert run.tree.ess == pytest.approx(128, rel=1e-6)
    rounds = adaptive.grow_then_draw(PRIOR, total, 500, 1e-9)
    assert rounds.ess == pytest.approx(500 * 9 / 11, rel=1e-3)  # the docstring says why


def test_M_a_huge_lambda_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for search in (snis, dts, adaptive.grow_then_draw, twisted):
            run = search(PRIOR, known_total(1.0, 1.0, horizon=2), 60, 1e200)
            assert np.isfinite(run.weights).all()
