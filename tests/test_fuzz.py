"""A wrong argument gets an answer or one line that says what is wrong, at every public door.

Each call has good arguments but for one or two, which are hostile. Allowed is a result without NaN
(or with NaN, if the docstring says "NaN where ..."), or an error that a `raise` of this package
made, told in one short line. Not allowed are an error of NumPy, MLX or
Python itself, a message of many lines, NaN, a call that does not come back, and one that runs out
of memory. A door is what the package offers by name, and each public function, class or method
whose docstring promises an error; the parts of inner loops promise none.

    FUZZ_CALLS=10000 python -m pytest tests/test_fuzz.py      # more calls than the usual 2,000
"""

import ast
import contextlib
import dataclasses
import dis
import os
import re
import signal
import tempfile
import traceback
import warnings
import zlib
from pathlib import Path

import specdifftree
from specdifftree.machine import checks

import numpy as np
import pytest
from fuzz_doors import DOORS, LEFT_OUT, OPEN, REFUSED
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

resource = pytest.importorskip("resource")  # not on Windows
PACKAGE = Path(specdifftree.__file__).parent
CHAPTERS = ("machine", "series", "prior", "reward", "search", "value", "language", "curriculum")
CALLS = int(os.environ.get("FUZZ_CALLS", 2000))
SECONDS, GIGABYTES, LONGEST = 5, 4, 400  # a call's time, its memory, characters of a message
RAISE = dis.opmap["RAISE_VARARGS"]
set_hypothesis_home_dir(tempfile.gettempdir())  # it keeps notes, which do not belong here


class Column:
    """What a data frame gives for a column: no array, but convertible to one."""

    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0, 3.0], dtype)

    def __len__(self):
        return 3


def column():
    """A column of pandas where that is installed."""
    try:
        import pandas
    except ImportError:
        return Column()
    return pandas.Series([1.0, 2.0, 3.0], index=[7, 8, 9])


def masked():
    """An array with a missing value that hides a number."""
    return np.ma.masked_equal([1.0, -9999.0, 2.0], -9999.0)


HOSTILE = {
    "None": lambda: None,
    "a text": lambda: "hourly",
    "an empty text": lambda: "",
    "half of a surrogate pair": lambda: "\ud800",
    "a text of many lines": lambda: "first\nsecond\n" * 200,
    "bytes": lambda: b"\x00abc",
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "minus infinity": lambda: float("-inf"),
    "minus one": lambda: -1,
    "zero": lambda: 0,
    "one half": lambda: 0.5,
    "a billion": lambda: 10**9,
    "2 to the 70": lambda: 2**70,
    "ten to the 400": lambda: 10**400,
    "huge": lambda: 1e200,
    "minus huge": lambda: -1e200,
    "tiny": lambda: 1e-200,
    "True": lambda: True,
    "complex": lambda: 1j,
    "an int8": lambda: np.int8(100),
    "a float32": lambda: np.float32(0.5),
    "an empty list": list,
    "an empty array": lambda: np.empty(0),
    "an array without rows": lambda: np.empty((0, 3)),
    "an array without axes": lambda: np.array(1.5),
    "a vector": lambda: np.arange(1.0, 6.0),
    "a matrix": lambda: np.eye(3),
    "a cube": lambda: np.ones((2, 2, 2)),
    "a masked array": masked,
    "a vector of NaN": lambda: np.full(5, np.nan),
    "a vector of infinities": lambda: np.full(5, np.inf),
    "a vector of minus infinities": lambda: np.full(5, -np.inf),
    "a vector of huge numbers": lambda: np.full(5, 1e200),
    "a vector of tiny numbers": lambda: np.full(5, 1e-200),
    "a vector of complex numbers": lambda: np.full(5, 1 + 2j),
    "a vector of objects": lambda: np.array([object(), None, 3.0, "x"], object),
    "a vector of texts": lambda: np.array(["a", "b", "c"]),
    "a vector of booleans": lambda: np.array([True, False, True]),
    "a vector of int8": lambda: np.arange(-3, 3, dtype=np.int8),
    "a vector of dates": lambda: np.array(["2000-01-01", "NaT"], "M8[D]"),
    "a column": column,
    "a list of None": lambda: [None, 1.0],
    "a ragged list": lambda: [[1, 2], [3]],
    "a list of texts": lambda: ["a", "b"],
    "a tuple": lambda: (1.0, 2.0),
    "a dictionary": lambda: {"a": 1.0, 2: None},
    "an empty dictionary": dict,
    "a set": lambda: {1, 2},
    "a range": lambda: range(3),
    "an object": object,
    "a function of anything": lambda: lambda *given, **named: None,
    "a generator": lambda: (i for i in range(3)),
}
BAD = {"NaN", "a vector of NaN", "a vector of dates"}  # NaN in, so that NaN out may be right


# ---------------------------------------------------------------------------------------------
# What is a door


def promises(node):
    """Whether a docstring says which error a wrong argument gets."""
    return bool(re.search(r"Error\b|\b[Rr]aises?\b", ast.get_docstring(node) or ""))


def doors_of(path):
    """module.name and module.Class.method of what promises an error."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), set()
    stem = f"{path.parent.name}.{path.stem}"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            error = isinstance(node, ast.ClassDef) and node.name.endswith(("Error", "Damaged"))
            found |= {f"{stem}.{node.name}"} if promises(node) and not error else set()
            for part in node.body if isinstance(node, ast.ClassDef) else []:
                public = isinstance(part, ast.FunctionDef) and not part.name.startswith("_")
                called = isinstance(part, ast.FunctionDef) and part.name == "__call__"
                if (public or called) and promises(part):
                    found.add(
                        f"{stem}.{node.name}.{part.name}".removesuffix(".__call__") + "()" * called
                    )
    return found


def offered():
    """Every door there is."""
    found = {f"{module}.{name}" for name, module in specdifftree.PLACE.items()}
    for chapter in CHAPTERS:
        for path in sorted((PACKAGE / chapter).glob("*.py")):
            found |= doors_of(path)
    return found


def test_every_door_is_tried_or_left_out_for_a_reason():
    tried = {door.split(" ")[0] for door in DOORS}
    excused = {d for d in offered() for part in LEFT_OUT if d == part or d.startswith(part + ".")}
    missing = sorted(offered() - tried - excused)
    assert not missing, f"write good arguments for them in fuzz_doors.py: {missing}"
    assert tried & excused == set()


# ---------------------------------------------------------------------------------------------
# What is allowed


class Late(BaseException):
    """A call took too long."""


def _late(*_):
    raise Late


@contextlib.contextmanager
def within(seconds):
    """An alarm that ends what is inside."""
    before = signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def holds_nan(value, given=(), depth=0):
    """Whether there is NaN in a number, an array, or what holds some; not in what was given."""
    if any(value is one for one in given):
        return False
    if type(value).__module__.startswith("mlx") and hasattr(value, "dtype"):
        value = np.array(value.astype(value.dtype) if "bfloat16" not in str(value.dtype) else 0)
    if isinstance(value, float | complex | np.ndarray | np.generic):
        found = np.asarray(value)
        return found.dtype.kind in "fc" and bool(np.isnan(found).any())
    if depth > 4 or isinstance(value, type | str | bytes):
        return False
    if isinstance(value, dict):
        return any(holds_nan(v, given, depth + 1) for v in value.values())
    if isinstance(value, list | tuple | set):
        return any(holds_nan(v, given, depth + 1) for v in value)
    if dataclasses.is_dataclass(value):
        parts = [getattr(value, f.name, None) for f in dataclasses.fields(value)]
        return any(holds_nan(v, given, depth + 1) for v in parts)
    return False


def complaint(error):
    """Why an error is not allowed; empty where it is one of ours, in one line."""
    place = error.__traceback__
    while place.tb_next:
        place = place.tb_next
    code, text = place.tb_frame.f_code, str(error)
    where = f"{Path(code.co_filename).name}:{place.tb_lineno}"
    told = f"{type(error).__name__} at {where}: {text[:90]!r}"
    if not Path(code.co_filename).is_relative_to(PACKAGE):
        return f"raised elsewhere, {told}"
    if code.co_code[place.tb_lasti] != RAISE:
        return f"not our own words, {told}"
    if not text or len(text.splitlines()) > 1 or len(text) > LONGEST:
        return f"no short line ({len(text)} characters), {told}"
    return ""


def outcome(call, arguments, nan_allowed):
    """What is wrong with how a call ends; empty where nothing is."""
    try:
        with warnings.catch_warnings(), within(SECONDS):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            result = call(**arguments)
    except Late:
        return f"not back after {SECONDS} s"
    except MemoryError as error:
        return f"out of memory, {traceback.extract_tb(error.__traceback__)[-1].line}"
    except (Exception, SystemExit) as error:
        return complaint(error)
    found = holds_nan(result, list(arguments.values()))
    return "NaN without a word" if found and not nan_allowed else ""


# ---------------------------------------------------------------------------------------------
# The calls


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Whatever is written is written into an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPECDIFFTREE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module", autouse=True)
def small_machine():
    """Little memory, so that what asks for more is refused and not granted."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if os.path.exists("/proc") else 0
    before = resource.getrlimit(resource.RLIMIT_AS)
    if pages:
        room = pages * resource.getpagesize() + GIGABYTES * 2**30
        resource.setrlimit(resource.RLIMIT_AS, (room, before[1]))
    known, checks.total_memory = checks.total_memory, lambda: 2**30
    yield
    checks.total_memory = known
    resource.setrlimit(resource.RLIMIT_AS, before)


def calls(names):
    """Strategy: which arguments are hostile, and how."""
    most = min(2, len(names))
    which = st.lists(st.sampled_from(names), min_size=1, max_size=most, unique=True)
    value = st.sampled_from(list(HOSTILE))
    return which.flatmap(lambda chosen: st.tuples(*(st.tuples(st.just(n), value) for n in chosen)))


def tried(door, hostile):
    """The complaint about one call, with the call."""
    call, good = DOORS[door]()
    arguments = dict(good) | {name: HOSTILE[value]() for name, value in hostile}
    words = (call.__doc__ or "") + str(getattr(type(call), "__doc__", ""))
    had = any(value in BAD for _, value in hostile)
    told = "NaN where" in words or (had and "nan" in words.lower())
    wrong = outcome(call, arguments, told)
    shown = ", ".join(f"{name}={value}" for name, value in hostile)
    return f"{door}({shown}): {wrong}" if wrong else ""


def test_good_arguments_are_good():
    """Otherwise a door refuses everything and the calls below show nothing."""
    found = {}
    for door in set(DOORS) - REFUSED:
        try:
            call, good = DOORS[door]()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call(**good)
        except Exception as error:
            found[door] = f"{type(error).__name__}: {str(error)[:200]}"
    assert not found, "\n".join(f"{door}: {why}" for door, why in found.items())


@pytest.mark.parametrize("door", [door for door in DOORS if OPEN[door]])
def test_a_hostile_argument_gets_an_answer(door):
    found = []

    def one(hostile):
        found.append(tried(door, hostile))

    number = -(-CALLS // sum(bool(names) for names in OPEN.values()))
    options = settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(zlib.crc32(door.encode()))(options(given(calls(OPEN[door]))(one)))()
    wrong = [line for line in found if line]
    assert found and not wrong, "\n".join(wrong)
