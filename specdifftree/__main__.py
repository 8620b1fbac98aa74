"""`python -m specdifftree`, and the command `specdifftree`: `specdifftree.figures.command`."""

import os
import sys


def main() -> int:  # exit status
    "The command line, with figures that are drawn without a screen."
    os.environ["MPLBACKEND"] = "Agg"
    from specdifftree.figures.command import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
