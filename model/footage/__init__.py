# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage: probing and reading any video as upright RGB pictures with their real times, and writing video."""

from .ahead import ahead
from .reader import FootageInfo, Frame, probe, read
from .writer import write_video

__all__ = ["FootageInfo", "Frame", "ahead", "probe", "read", "write_video"]
