# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from tests.model.synthetic.walk import Walk, walk

HEADINGS = {
    "across": np.array([1.0, 0, 0]),
    "nearer": np.array([1.0, -1.0, 0]) / 2**0.5,
    "towards": np.array([0, -1.0, 0]),
}
"""To the right of the picture; to the right and towards the camera; and straight towards it."""


@pytest.fixture(scope="module", params=HEADINGS)
def truth(request: pytest.FixtureRequest) -> Walk:
    return walk(HEADINGS[request.param], np.zeros(3))
