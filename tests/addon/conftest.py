# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest

from tests.addon.blender import PYTHONS, Blender


@pytest.fixture(params=sorted(PYTHONS))
def blender(request: pytest.FixtureRequest, tmp_path: Path) -> Blender:
    """Each of the versions of Blender that are tested, with empty user resources."""
    return Blender(request.param, tmp_path / "resources")
