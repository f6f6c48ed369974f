# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension adds to Blender's start, beside what Rigify adds, which comes with Blender. Runs in Blender.

Compiled, as from its second start on; Blender's own manager of extensions is not counted, nor what it imports.
"""

import importlib
import json
import sys
import time

import bpy

from tests.addon.inside import MODULE, enable_checkout

REPEATS = 5
"""Each time is the best of so many: other programs on the machine can only add to it."""


def main() -> int:
    """Measure in the folder that Blender has for its user's files, which ought to be empty."""
    enable_checkout()
    bpy.ops.preferences.addon_enable(module="rigify")
    for name in (MODULE, "rigify"):
        importlib.import_module(name).unregister()
    ours_ms, rigify_ms = start_ms(MODULE), start_ms("rigify")
    print(f"  {ours_ms:8.1f} ms  this extension")
    print(f"  {rigify_ms:8.1f} ms  Rigify")
    print(json.dumps({"start_ms": round(ours_ms, 1), "start_over_rigify": round(ours_ms / rigify_ms, 2)}), flush=True)
    return 0


def start_ms(name: str) -> float:
    """Milliseconds for importing and registering an add-on."""
    costs: list[float] = []
    for _ in range(REPEATS):
        for known in [known for known in sys.modules if known.startswith(name)]:
            del sys.modules[known]
        begun = time.perf_counter()
        module = importlib.import_module(name)
        module.register()
        costs.append(time.perf_counter() - begun)
        module.unregister()
    return 1000 * min(costs)


if __name__ == "__main__":
    sys.exit(main())
