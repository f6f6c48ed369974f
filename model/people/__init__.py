# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is where in the footage: everybody's track, and one person's keypoints, rough 3D and image features."""

from .observations import Meanwhile, Observations, observe
from .tracks import Track, scan

__all__ = ["Meanwhile", "Observations", "Track", "observe", "scan"]
