# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a Blender test that runs inside Blender: calls a script's main() and prints what it returns."""

import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy

from .blender import MARKER, ROOT

MODULE = "bl_ext.user_default.reel_to_rig"


def enable_checkout() -> None:
    """Enable the extension as Blender would, from the checkout itself instead of an installed copy."""
    place = Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions/user_default/reel_to_rig"
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        place.symlink_to(ROOT)
    assert bpy.ops.preferences.addon_enable(module=MODULE) == {"FINISHED"}


def part(name: str) -> Any:
    """A module of the enabled extension, such as `addon.take.build`."""
    return importlib.import_module(f"{MODULE}.{name}")


def empty_scene() -> None:
    """Remove the cube, lamp and camera that Blender starts with."""
    bpy.data.batch_remove(list(bpy.data.objects))


def _main(script: str, arguments: str) -> int:
    spec = importlib.util.spec_from_file_location("script", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        result = module.main(**json.loads(arguments))
    except BaseException:
        traceback.print_exc()
        return 1
    print(f"\n{MARKER}{json.dumps(result)}")
    return 0


if __name__ == "__main__":
    status = _main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # some versions of Blender hang or crash while they end
