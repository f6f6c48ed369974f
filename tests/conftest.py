# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as the package that Blender would see.

The root `__init__.py` imports bpy, so it is not executed: `reel_to_rig.addon.retarget.solve` and the like
are imported as parts of a package that is only a name and a path.
"""

import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

package = types.ModuleType("reel_to_rig")
package.__path__ = [str(ROOT)]
sys.modules.setdefault("reel_to_rig", package)


@pytest.fixture(scope="session")
def demo_clip():
    """The demonstration clip: a man jumps on a low building, a woman walks past below. Seven seconds, 1768 x 994."""
    clip = ROOT / ".cache/sports2d/demo.mp4"
    if not clip.exists():
        pytest.skip("the demonstration clip is not here: scripts/setup.py fetches it")
    return clip
