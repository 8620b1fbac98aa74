"""How the house is built: imports run downwards, lines can be read, names are said once."""

import ast
import json
import re
import statistics
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "specdifftree"
CHAPTERS = sorted(path.name for path in (ROOT / "nbs").glob("[0-9]_*"))
RANK = {chapter.split("_", 1)[1]: int(chapter[0]) for chapter in CHAPTERS}
MODULES = sorted(path for path in PACKAGE.glob("*/*.py") if path.name != "__init__.py")
NOTEBOOKS = sorted((ROOT / "nbs").rglob("*.ipynb"))
LONGEST_LINE, LONGEST_CELL, LONGEST_BODY, MEDIAN_BODY = 100, 40, 30, 8
# Each figure module has these.
FIGURE = {"TITLE", "SCALES", "MODULES", "announce", "compute", "details", "figure", "plot", "spent"}


def name_of(path):
    """chapter.module"""
    return f"{path.parent.name}.{path.stem}"


def tree_of(path):
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """(module, name) of every import from this package, as dotted names without the package."""
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = ["specdifftree", path.parent.name, path.stem][: -node.level]
            stem = ".".join(parts[1:] + ([node.module] if node.module else []))
            found += [(stem, a.name) for a in node.names if a.name != "__version__"]
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("specdifftree."):
            found += [(node.module.removeprefix("specdifftree."), a.name) for a in node.names]
    return found


def code_cells(path):
    """Sources of the code cells of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def functions(path):
    """Every function and method of a module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, kinds)]


def body_lines(function):
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.end_lineno - body[0].lineno + 1 if body else 0


def public(path):
    """Public functions and classes at the top of a module."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    found = [node for node in tree_of(path).body if isinstance(node, kinds)]
    return [node for node in found if not node.name.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_downwards(path):
    own = RANK[path.parent.name]
    for stem, name in imported(path):
        chapter = stem.split(".")[0] or name
        assert chapter in RANK, f"{name_of(path)} imports {stem}.{name}"
        assert RANK[chapter] <= own, f"{name_of(path)} imports upwards: {stem}.{name}"


def test_modules_import_no_circle():
    """Within a chapter too: the modules can be sorted so that each imports only earlier ones."""
    names = {name_of(path) for path in MODULES}
    needs = {}
    for path in MODULES:
        stems = {stem for stem, _ in imported(path)} | {f"{s}.{n}" for s, n in imported(path)}
        needs[name_of(path)] = stems & names
    while needs:
        free = {name for name, needed in needs.items() if not needed & set(needs)}
        assert free, f"these import each other: {sorted(needs)}"
        needs = {name: needed for name, needed in needs.items() if name not in free}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_private_name_is_imported(path):
    private = [f"{stem}.{name}" for stem, name in imported(path) if name.startswith("_")]
    assert not private


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lines_can_be_read(path):
    for source in code_cells(path):
        long = [line for line in source.splitlines() if len(line) > LONGEST_LINE]
        assert not long
        exported = source.lstrip().startswith("#| export")
        short = len(source.splitlines()) <= LONGEST_CELL
        assert short or not exported, source[:200]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_statement_is_a_tuple_of_calls(path):
    for source in code_cells(path):
        if not re.search(r"^[%!]", source, re.M):
            tree = ast.parse(source)
            shown = tree.body[-1] if tree.body else None  # a cell may end in what it shows
            for node in ast.walk(tree):
                tuples = isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple)
                assert node is shown or not tuples, ast.unparse(node)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path):
    long = {f.name: body_lines(f) for f in functions(path) if body_lines(f) > LONGEST_BODY}
    assert not long


def test_the_median_function_is_short():
    assert (
        statistics.median(body_lines(f) for path in MODULES for f in functions(path)) <= MEDIAN_BODY
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_objects_have_docstrings(path):
    bare = [node.name for node in public(path) if not ast.get_docstring(node)]
    for node in public(path):
        if isinstance(node, ast.ClassDef):
            methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
            bare += [
                f"{node.name}.{method.name}"
                for method in methods
                if not method.name.startswith("_") and not ast.get_docstring(method)
            ]
    assert not bare


def test_public_names_are_said_once():
    """A name in two modules has two meanings, and a reader must guess which one is meant."""
    places = defaultdict(list)
    for path in MODULES:
        for node in public(path):
            places[node.name].append(name_of(path))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert not {n: found for n, found in twice.items() if n not in FIGURE}


def test_every_module_has_a_notebook_of_its_name():
    notebooks = {
        (path.parent.name.split("_", 1)[1], path.stem)
        for path in NOTEBOOKS
        if path.parent.name != "nbs"
    }
    assert {(path.parent.name, path.stem) for path in MODULES} <= notebooks


def test_the_reading_order_names_every_notebook():
    order = yaml.safe_load((ROOT / "nbs" / "order.yml").read_text(encoding="utf-8"))
    listed = {(chapter, name) for chapter, names in order.items() for name in names}
    assert listed == {(p.parent.name, p.stem) for p in NOTEBOOKS if p.parent.name != "nbs"}


@pytest.mark.parametrize("path", [*NOTEBOOKS, ROOT / "README.md"], ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
    broken = [target for target in targets if not (path.parent / target).exists()]
    assert not broken
