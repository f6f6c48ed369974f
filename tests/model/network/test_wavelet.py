# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import pywt
import torch

from model.network.wavelet import Axis, LatentInfoExtractor, Wavelet

WAVELETS = ["haar", "db2", "db4", "sym4", "coif1"]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("name", WAVELETS)
@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("frames", [1, 2, 3, 8, 9, 16, 27])
def test_reconstruction_is_perfect(name: str, levels: int, frames: int) -> None:
    wavelet, x = Wavelet(name, levels).double(), torch.randn(3, frames, 5, dtype=torch.float64)
    bands = wavelet(x)
    assert len(bands) == levels + 1
    torch.testing.assert_close(wavelet.inverse(bands, frames), x, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", WAVELETS)
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_energy_is_kept(name: str, levels: int) -> None:
    x = torch.randn(3, 16, 5)
    torch.testing.assert_close(sum(band.square().sum() for band in Wavelet(name, levels)(x)), x.square().sum())


@pytest.mark.parametrize("name", WAVELETS)
def test_bands_are_those_of_pywavelets(name: str) -> None:
    """Up to where the periodic signal is said to begin, which the two count differently."""
    x = np.random.default_rng(0).normal(size=16)
    ours = torch.stack(Wavelet(name).double()(torch.from_numpy(x)[None, :, None]))[..., 0].numpy()[:, 0]
    candidates = [
        np.roll(pywt.dwt(np.roll(x, begin), name, mode="periodization"), shift, axis=1)
        for begin in (0, 1)
        for shift in range(8)
    ]
    assert min(np.abs(ours - theirs).max() for theirs in candidates) < 1e-6


def test_levels_are_those_of_pywavelets() -> None:
    """Haar needs no shift: its pairs do not overlap."""
    x = np.random.default_rng(0).normal(size=24)
    theirs = pywt.wavedec(x, "haar", mode="periodization", level=3)
    ours = Wavelet("haar", 3).double()(torch.from_numpy(x)[None, :, None])
    for mine, his in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine[0, :, 0].numpy(), his, atol=1e-6)


@pytest.mark.parametrize("name", WAVELETS)
@pytest.mark.parametrize("frames", [8, 11])
def test_what_does_not_change_has_no_high_bands(name: str, frames: int) -> None:
    _, *high = Wavelet(name, 2).double()(torch.ones(1, frames, 2, dtype=torch.float64))
    assert all(band.abs().max() < 1e-6 for band in high)


@pytest.mark.parametrize("name", WAVELETS)
def test_what_alternates_has_no_low_band(name: str) -> None:
    low, high = Wavelet(name).double()(torch.tensor([1.0, -1.0] * 6, dtype=torch.float64)[None, :, None])
    assert low.abs().max() < 1e-6
    assert high.abs().min() > 0.5


@pytest.mark.parametrize(("name", "levels", "reason"), [("bior2.2", 1, "orthogonal"), ("haar", 0, "level")])
def test_what_cannot_be_is_refused(name: str, levels: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Wavelet(name, levels)
    with pytest.raises(ValueError, match=r"one level"):
        LatentInfoExtractor(32, 16, 4, levels=2, axis="channel")


VARIANTS: list[tuple[str, int, Axis]] = [
    ("haar", 1, "time"),
    ("db2", 2, "time"),
    ("sym4", 3, "time"),
    ("haar", 1, "channel"),
    ("db4", 1, "channel"),
]


@pytest.mark.parametrize(("name", "levels", "axis"), VARIANTS)
@pytest.mark.parametrize("frames", [1, 3, 16])
def test_extractor_starts_as_the_identity(name: str, levels: int, axis: Axis, frames: int) -> None:
    x, time_s = torch.randn(2, frames, 32), torch.arange(frames).expand(2, frames) / 30
    assert (LatentInfoExtractor(32, 16, 4, name, levels, axis)(x, time_s) - x).abs().max() < 1e-5


@pytest.mark.parametrize(("name", "levels", "axis"), VARIANTS)
@pytest.mark.parametrize("frames", [11, 16])
def test_gradients_reach_both_branches(name: str, levels: int, axis: Axis, frames: int) -> None:
    extractor = LatentInfoExtractor(32, 16, 4, name, levels, axis)
    x, time_s = torch.randn(2, frames, 32, requires_grad=True), torch.arange(frames).expand(2, frames) / 30
    extractor(x, time_s).square().sum().backward()
    assert extractor.low_gate.grad.abs().max() > 0  # what opens the gates
    assert extractor.high_gate.grad.abs().max() > 0
    for gate in (extractor.low_gate, extractor.high_gate):
        torch.nn.init.ones_(gate)
    extractor(x, time_s).square().sum().backward()
    assert x.grad.abs().min() > 0
    assert [name for name, p in extractor.named_parameters() if not p.grad.abs().max() > 0] == []


def test_each_branch_changes_its_own_band_only() -> None:
    extractor = LatentInfoExtractor(32, 16, 4)
    x, time_s = torch.randn(2, 16, 32), torch.arange(16).expand(2, 16) / 30
    for gate, band in ((extractor.low_gate, 0), (extractor.high_gate, 1)):
        torch.nn.init.ones_(gate)
        changes = [a - b for a, b in zip(extractor.wavelet(extractor(x, time_s)), extractor.wavelet(x), strict=True)]
        torch.nn.init.zeros_(gate)
        assert changes[band].abs().max() > 1e-2
        assert changes[1 - band].abs().max() < 1e-5
