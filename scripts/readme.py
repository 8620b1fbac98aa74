"""Write README.md from nbs/index.ipynb: `python scripts/readme.py`.

The notebook's saved outputs are taken as they are; run the notebook first if the claims have
changed. A cell with `#| hide` is left out, one with `#| echo: false` shows its output alone, and
other `#|` lines are dropped.
"""

import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]


def directives(source):
    """The `#|` lines of a cell, and the rest."""
    lines = source.splitlines()
    marks = [line.removeprefix("#|").strip() for line in lines if line.startswith("#|")]
    return marks, "\n".join(line for line in lines if not line.startswith("#|")).strip("\n")


def prepared(cell):
    """The cell as a reader of the README sees it, or None."""
    if cell.cell_type != "code":
        return cell
    marks, source = directives(cell.source)
    if "hide" in marks:
        return None
    if "echo: false" not in marks:
        return nbformat.v4.new_code_cell(source, outputs=cell.outputs)
    return nbformat.v4.new_markdown_cell("\n\n".join(o.data["text/markdown"] for o in cell.outputs))


def readme(path=ROOT / "nbs" / "index.ipynb"):
    """The text of README.md. Paths out of nbs/ become paths from the root."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [new for cell in notebook.cells if (new := prepared(cell))]
    notebook.metadata.language_info = {"name": "python"}
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    text = re.sub(r"[ \t]+$", "", text, flags=re.M)
    text = text.replace("](../", "](").replace('src="../', 'src="')
    text = re.sub(r"\]\(([\w./]+\.ipynb)\)", r"](nbs/\1)", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
