# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest

from tests.addon.blender import PYTHONS, Blender


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each of the versions of Blender that are tested; asked here, since the command line may have named more."""
    if "blender_version" in metafunc.fixturenames:
        metafunc.parametrize("blender_version", sorted(PYTHONS), scope="session")


@pytest.fixture
def blender(blender_version: str, tmp_path: Path) -> Blender:
    """A Blender with empty user resources."""
    return Blender(blender_version, tmp_path / "resources")
