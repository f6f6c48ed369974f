# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device is chosen, by what there is of torch and of drivers."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from model import devices


@pytest.mark.parametrize(
    ("library", "driver", "kind"),
    [("torch_hip", True, "cuda"), ("torch_hip", False, "cpu"), ("torch_cpu", True, "cpu")],
)
def test_an_amd_card_is_used_where_torch_is_made_for_it(
    library: str, driver: bool, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / f"lib{library}.so").touch()
    torch = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(devices.sys, "platform", "linux")
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda _: torch)
    monkeypatch.setattr(devices.os, "access", lambda *_: driver)
    found = devices.best_device()
    assert found.kind == kind
    assert found.name
    assert ("AMD graphics card" in found.name) == (kind == "cuda")
