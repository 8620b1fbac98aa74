"""What pyproject.toml cannot say: the repository's `data/` travels inside the package.

Trained weights and committed logs lie in `data/`, where a reader finds them. A wheel carries the
same files as `specdifftree/data/`; `specdifftree.machine.results.shipped_file` finds both.
"""

from setuptools import find_packages, setup

SHIPPED = ["weights/*.safetensors", "results/*.json"]

setup(
    packages=[*find_packages(include=["specdifftree*"]), "specdifftree.data"],
    package_dir={"specdifftree.data": "data"},
    package_data={"specdifftree.data": SHIPPED},
    include_package_data=False,
)
