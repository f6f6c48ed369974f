# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
import pywt
import torch

from model.network.wavelet import LatentInfoExtractor, Wavelet

torch.manual_seed(0)


@pytest.mark.parametrize("name", ["haar", "db2", "sym4", "coif1"])
@pytest.mark.parametrize("frames", [8, 9, 16, 31])
def test_reconstruction_is_perfect(name: str, frames: int) -> None:
    wavelet, x = Wavelet(name).double(), torch.randn(3, frames, 5, dtype=torch.float64)
    torch.testing.assert_close(wavelet.inverse(*wavelet(x), frames), x, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["haar", "db2", "sym4"])
def test_energy_is_kept(name: str) -> None:
    x = torch.randn(3, 16, 5)
    low, high = Wavelet(name)(x)
    torch.testing.assert_close(low.square().sum() + high.square().sum(), x.square().sum())


@pytest.mark.parametrize("name", ["haar", "db2", "sym4"])
def test_bands_are_those_of_pywavelets(name: str) -> None:
    """Up to where the periodic signal is said to begin, which the two count differently."""
    x = np.random.default_rng(0).normal(size=16)
    low, high = Wavelet(name).double()(torch.from_numpy(x)[None, :, None])
    ours = torch.stack([low, high])[..., 0].numpy()[:, 0]
    candidates = [
        np.roll(pywt.dwt(np.roll(x, begin), name, mode="periodization"), shift, axis=1)
        for begin in (0, 1)
        for shift in range(8)
    ]
    assert min(np.abs(ours - theirs).max() for theirs in candidates) < 1e-6


def test_what_does_not_change_has_no_high_band_and_what_alternates_no_low_one() -> None:
    wavelet = Wavelet("haar")
    assert wavelet(torch.ones(1, 8, 2))[1].abs().max() < 1e-6
    alternating = torch.tensor([1.0, -1.0] * 4)[None, :, None]
    assert wavelet(alternating)[0].abs().max() < 1e-6


def test_only_orthogonal_wavelets_are_taken() -> None:
    with pytest.raises(ValueError, match="orthogonal"):
        Wavelet("bior2.2")


def test_extractor_starts_as_the_identity_and_learns_in_both_bands() -> None:
    extractor = LatentInfoExtractor(32, 16, 4)
    x, time_s = torch.randn(2, 11, 32), torch.arange(11).expand(2, 11) / 30
    torch.testing.assert_close(extractor(x, time_s), x, atol=1e-5, rtol=0)
    extractor(x, time_s).square().sum().backward()
    assert extractor.low_gate.grad is not None
    assert extractor.low_gate.grad.abs().max() > 0
    assert extractor.high_gate.grad is not None
    assert extractor.high_gate.grad.abs().max() > 0
