"""Build the documentation site into `_docs/html`: `python scripts/site.py [--check]`.

`--check` also follows every link.

The notebooks are the pages, in the order of their chapters; the first page is the README, and each
module has an API page made from its docstrings and the comments beside its parameters.
"""

import argparse
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import specdifftree  # before MLX is imported by a module below

import nbformat
import yaml
from latex2mathml.converter import convert
from nbdev.showdoc import BasicMarkdownRenderer
from readme import prepared

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "_docs" / "source"
SITE = ROOT / "_docs" / "html"
ORDER = ROOT / "nbs" / "order.yml"
STYLE = """.jp-InputPrompt, .jp-OutputPrompt { display: none }
.jp-InputArea-prompt, .jp-OutputArea-prompt { display: none }
.md-grid { max-width: 90rem }
"""


def chapters() -> dict:
    """Chapter -> names of its notebooks in reading order. Raises ValueError for one left out."""
    order = yaml.safe_load(ORDER.read_text(encoding="utf-8"))
    listed = {f"{chapter}/{name}" for chapter, names in order.items() for name in names}
    found = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "nbs").glob("[0-9]*/*.ipynb")}
    if listed != found:
        raise ValueError(f"{ORDER.name} and the folders differ: {sorted(listed ^ found)}")
    return order


def with_formulas(text: str) -> str:
    """Markdown with its LaTeX turned into MathML, which browsers draw without a script."""
    pieces = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.S)
    for i in range(0, len(pieces), 2):  # code, at the odd places, stays as it is
        pieces[i] = re.sub(r"\$\$(.+?)\$\$", displayed, pieces[i], flags=re.S)
        pieces[i] = re.sub(r"\$([^$\n]+?)\$", inline, pieces[i])
    return "".join(pieces)


def displayed(match: re.Match) -> str:
    """A formula in a line of its own."""
    return convert(match[1], display="block")


def inline(match: re.Match) -> str:
    """A formula within a sentence."""
    return convert(match[1])


def page(path: Path) -> str:
    """A notebook as the site shows it: no hidden or empty cells, links to pages, MathML."""
    notebook = nbformat.read(path, as_version=4)
    shown = [prepared(cell) for cell in notebook.cells]
    notebook.cells = [cell for cell in shown if cell and cell.source.strip()]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"(\]\([\w./-]+)\.ipynb([)#])", r"\1.html\2", cell.source)
            cell.source = with_formulas(cell.source)
            if path.parent == ROOT / "nbs":  # the first page moves up by one folder
                cell.source = cell.source.replace("](../", "](")
    return nbformat.writes(notebook)


def title(path: Path) -> str:
    """The first heading of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")


def api_page(module: str) -> str:
    """Signature, docstring and parameters of every public name of a module, as Markdown."""
    found = importlib.import_module(module)
    parts = [f"# {module}", (found.__doc__ or "").strip()]
    for name in found.__all__:
        symbol = getattr(found, name)
        if callable(symbol):
            parts.append(f"## {name}")
            parts.append(described(symbol))
    return "\n\n".join(parts) + "\n"


def described(symbol) -> str:
    """nbdev's description of a function or a class, without its rule, source link and heading."""
    text = BasicMarkdownRenderer(symbol)._repr_markdown_()
    return text[text.index("```") :] if "```" in text else text


def write(path: Path, text: str) -> None:
    """A file of the site's source."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_source() -> list:
    """Fill the source folder; the navigation, as mkdocs wants it."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for path in (ROOT / "nbs").glob("*.ipynb"):
        write(SOURCE / path.name, page(path))
    write(SOURCE / "site.css", STYLE)
    shutil.copytree(ROOT / "figures", SOURCE / "figures", ignore=shutil.ignore_patterns("quick"))
    navigation, api = [{"SpecDiffTree": ["index.ipynb", "five_changes.ipynb"]}], []
    for chapter, names in chapters().items():
        pages = []
        for name in names:
            path = ROOT / "nbs" / chapter / f"{name}.ipynb"
            write(SOURCE / chapter / path.name, page(path))
            pages.append({title(path): f"{chapter}/{path.name}"})
            module = f"{chapter.split('_', 1)[1]}.{name}"
            if (ROOT / "specdifftree" / f"{module.replace('.', '/')}.py").exists():
                write(SOURCE / "api" / f"{module}.md", api_page(f"specdifftree.{module}"))
                api.append({module: f"api/{module}.md"})
        navigation.append({chapter.replace("_", " ", 1): pages})
    return [*navigation, {"API": api}]


def build(navigation: list) -> None:
    """Run mkdocs on the source folder; a warning is an error."""
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    config |= dict(docs_dir=str(SOURCE), site_dir=str(SITE), nav=navigation)
    write(ROOT / "_docs" / "mkdocs.yml", yaml.safe_dump(config, sort_keys=False))
    command = ["mkdocs", "build", "--strict", "--quiet", "-f", ROOT / "_docs" / "mkdocs.yml"]
    subprocess.run([sys.executable, "-m", *command], check=True)


def check_links() -> None:
    """Follow every link and picture of the site that stays on this machine."""
    command = ["linkchecker", "--no-status", "--no-warnings", str(SITE / "index.html")]
    subprocess.run(command, check=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="follow every link afterwards")
    arguments = parser.parse_args()
    build(write_source())
    if arguments.check:
        check_links()
    print(f"the site is in {SITE.relative_to(ROOT)} (specdifftree {specdifftree.__version__})")


if __name__ == "__main__":
    main()
