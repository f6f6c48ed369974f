# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as the package that Blender would see.

The root `__init__.py` imports bpy, so it is not executed: `reel_to_rig.addon.retarget.solve` and the like
are imported as parts of a package that is only a name and a path.
"""

import sys
import types
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("everywhere", deadline=None, derandomize=True)  # A busy machine is no fault of ours.
settings.load_profile("everywhere")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

package = types.ModuleType("reel_to_rig")
package.__path__ = [str(ROOT)]
sys.modules.setdefault("reel_to_rig", package)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--blender-python",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="a Python with another bpy, such as 4.2's: the tests in Blender run there too. May be repeated.",
    )


def pytest_configure(config: pytest.Config) -> None:
    from tests.addon.blender import add_python

    for python in config.getoption("--blender-python"):
        try:
            add_python(python)
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"--blender-python {python}: {error}") from error


@pytest.fixture(scope="session")
def demo_clip():
    """The demonstration clip: a man jumps on a low building, a woman walks past below. Seven seconds, 1768 x 994."""
    clip = ROOT / ".cache/sports2d/demo.mp4"
    if not clip.exists():
        pytest.skip("the demonstration clip is not here: scripts/setup.py fetches it")
    return clip
