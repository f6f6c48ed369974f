# SPDX-License-Identifier: GPL-3.0-or-later
import cv2
import numpy as np
import pytest

from model.footage import read


@pytest.fixture(scope="session")
def pictures(demo_clip):
    """Half a second of the demonstration clip: fifteen RGB pictures (360, 640, 3), two people, all in view."""
    size = 640, 360
    return [
        np.asarray(cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA)) for frame in read(demo_clip, 2.0, 2.5)
    ]
