"""`python -m specdifftree`: the command line of `specdifftree.figures.command`."""
import os
import sys

if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"
    from specdifftree.figures.command import main

    sys.exit(main())
