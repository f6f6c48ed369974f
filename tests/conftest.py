# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as the package that Blender would see.

The root `__init__.py` imports bpy, so it is not executed: `reel_to_rig.addon.retarget.solve` and the like
are imported as parts of a package that is only a name and a path.
"""

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

package = types.ModuleType("reel_to_rig")
package.__path__ = [str(ROOT)]
sys.modules.setdefault("reel_to_rig", package)
