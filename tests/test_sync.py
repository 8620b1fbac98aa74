"""What is committed belongs together: modules and README come from notebooks that are clean."""

import filecmp
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbdev.clean import clean_nb
from nbdev.config import get_config

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(
    p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts
)
MOST_CELLS = 45
FOLDERS = ["tmp", "work", "root", "home", "Users"]
HOSTS = ["pypi" + ".org", "python" + "hosted"]
WIDGETS = ["widget" + "-view", "widget" + "-state"]
PIECES = [f"/{folder}/" for folder in FOLDERS] + HOSTS + WIDGETS  # put together: not found here


def committed():
    """The text files that git knows, or would with the next `git add`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [p for p in paths if p.is_file() and b"\0" not in p.read_bytes()[:4096]]


def modules(folder):
    """Relative path -> file of every module below a folder."""
    return {p.relative_to(folder).as_posix(): p for p in Path(folder).rglob("*.py")}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A copy of the repository in which the notebooks have been exported into an empty package."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("settings.ini", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "nbs", copy / "nbs")
    for path in (ROOT / "specdifftree").rglob("__*__.py"):  # written by hand
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    done = subprocess.run(
        [sys.executable, "-c", "import nbdev; nbdev.nbdev_export()"],
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return copy / "specdifftree"


def test_every_module_comes_from_a_notebook(exported):
    assert set(modules(ROOT / "specdifftree")) == set(modules(exported)), (
        "run nbdev_export; delete modules that have no notebook"
    )


def test_modules_are_in_step_with_notebooks(exported):
    here = modules(ROOT / "specdifftree")
    stale = [
        name
        for name, path in modules(exported).items()
        if name not in here or not filecmp.cmp(path, here[name], shallow=False)
    ]
    assert not stale, f"run nbdev_export, then commit: {stale}"


def test_readme_is_in_step_with_index():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from readme import readme
    finally:
        sys.path.pop(0)
    assert (ROOT / "README.md").read_text(encoding="utf-8") == readme(), (
        "run python scripts/readme.py, then commit"
    )


def test_readme_shows_the_committed_claims():
    from specdifftree.machine.claims import claims_table
    from specdifftree.machine.results import logged

    table = claims_table(logged("paper")).splitlines()
    head, rows = table[0], table[2:]
    blocks = (ROOT / "README.md").read_text(encoding="utf-8").split(head)[1:]
    tables = [block.split("\n\n")[0].splitlines()[2:] for block in blocks]  # below the dashes
    shown = [row for block in tables for row in block]
    assert rows and sorted(shown) == sorted(rows), "run nbs/index.ipynb, then scripts/readme.py"


def test_readme_has_the_two_commands():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    install = "python3 -m pip install -e '.[dev]' && python3 -m "
    assert [line for line in lines if re.match(r"[$ ]*python3? -m pip install ", line)] == [
        install + "specdifftree",
        install + "pytest",
    ]


@pytest.mark.parametrize(
    "link",
    sorted(set(re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))),
)
def test_readme_links_to_what_exists(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_clean_and_short(path):
    config, found = get_config(path=ROOT), json.loads(path.read_text(encoding="utf-8"))
    clean = json.loads(json.dumps(found))
    clean_nb(
        clean,
        config.clear_all,
        config.get("allowed_metadata_keys", "").split(),
        config.get("allowed_cell_metadata_keys", "").split(),
        config.clean_ids,
    )
    assert found == clean, "run nbdev_clean"
    assert not found["metadata"].get("widgets"), "a progress bar was saved as a widget"
    assert len(found["cells"]) <= MOST_CELLS
    code = [c for c in found["cells"] if c["cell_type"] == "code"]
    assert not any(o["output_type"] == "error" for c in code for o in c["outputs"])
    nbformat.validate(nbformat.read(path, as_version=4))


def test_committed_files_name_no_machine():
    """No path of the machine that made them, no package host, no widget: it works anywhere."""
    found = [
        f"{p.relative_to(ROOT)}: {piece}"
        for p in committed()
        for piece in PIECES
        if piece in p.read_text(encoding="utf-8")
    ]
    assert not found


def test_quick_results_are_not_committed():
    names = [p.relative_to(ROOT).as_posix() for p in committed()]
    assert not [n for n in names if "/quick/" in n or n.startswith(("data/cache/", "data/runs/"))]
