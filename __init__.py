# SPDX-License-Identifier: GPL-3.0-or-later
"""Reel to Rig: motion capture from ordinary video, inside Blender."""

from .addon import registration


def register() -> None:
    registration.register()


def unregister() -> None:
    registration.unregister()
