# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a take's camera see its footage as it was filmed, whatever the shape of the scene's pictures.

Blender shows the whole footage, as large as it fits into the camera's frame. Drivers have the sensor follow: they hold
when somebody changes the scene's resolution, in another scene, after an undo, and without this extension.
"""

from typing import TYPE_CHECKING, Any, Final

import bpy

if TYPE_CHECKING:
    from .geometry import Lens

FORMAT: Final = {"x": "resolution_x", "y": "resolution_y", "u": "pixel_aspect_x", "v": "pixel_aspect_y"}
"""What the shape of a scene's pictures depends on, by the names that expressions have for it."""


def put(camera: bpy.types.Camera, lens: "Lens", width: int, height: int) -> None:
    """Give a camera the lens of footage of width by height pixels."""
    from .geometry import SENSOR_MM

    camera.sensor_fit = "HORIZONTAL"
    camera.lens = lens.focal_mm
    # Beside footage that is narrower than the frame the camera sees more than was filmed.
    wider = f"max(1, x * u * {height} / (y * v * {width}))"
    _drive(camera, "sensor_width", f"{SENSOR_MM!r} * {wider}")
    _drive(camera, "shift_x", f"{lens.shift_x!r} / {wider}")
    _drive(camera, "shift_y", f"{lens.shift_y!r} / {wider}")


def put_upright(camera: bpy.types.Camera, background: int, width: int, height: int) -> None:
    """Size a background image that lies on its side, and was turned by 90 degrees, as if it stood: width by height."""
    shape = "x * u / (y * v)"
    upright, lying = f"min(1, {shape} * {height} / {width})", f"min({shape}, {height} / {width})"
    _drive(camera, f"background_images[{background}].scale", f"{upright} / {lying}")


def _drive(camera: bpy.types.Camera, path: str, expression: str) -> None:
    """Have a property follow the format of whatever scene it is looked at in."""
    camera.driver_remove(path)
    curve: Any = camera.driver_add(path)
    for name, setting in FORMAT.items():
        variable = curve.driver.variables.new()
        variable.name, variable.type = name, "CONTEXT_PROP"
        variable.targets[0].context_property = "ACTIVE_SCENE"
        variable.targets[0].data_path = f"render.{setting}"
    curve.driver.expression = expression
