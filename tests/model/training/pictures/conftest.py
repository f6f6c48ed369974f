# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio under a grey sky, with the real detector; skipped where nothing can be drawn."""

import numpy as np
import pytest

from model.body.files import load_body
from model.network.registry import COARSE_LEVEL
from model.people import blazepose
from model.people.runtime import open_network
from model.training.motions import Motions
from model.training.pictures.people import Figures
from model.training.pictures.renderer import Renderer
from model.training.pictures.stage import Studio
from model.training.pictures.surroundings import panorama


@pytest.fixture(scope="session")
def sky():
    return [panorama(np.ones((16, 32, 3), np.float32))]


@pytest.fixture(scope="session")
def studio(folder, sky):
    figures = Figures(Motions(folder, "*.npz"), load_body(None), COARSE_LEVEL)
    try:
        return Studio(figures, sky)
    except Exception as error:  # moderngl has no exceptions of its own.
        pytest.skip(f"OpenGL through EGL is not to be had here ({error})")


@pytest.fixture(scope="session")
def network():
    return open_network(blazepose.WEIGHTS["full"], "cpu")


@pytest.fixture(scope="session")
def renderer(studio) -> Renderer:
    return studio.renderer
