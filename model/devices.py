# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to compute on, found without importing torch: that would take seconds."""

import ctypes
import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

MB = 1 << 20


@dataclass(frozen=True)
class Device:
    """kind: "cuda", AMD's cards too, or "cpu", as torch calls it. memory_mb: its whole memory in MiB, 0 if unknown."""

    kind: str
    name: str
    memory_mb: int


def best_device() -> Device:
    """The GPU, where torch is a build that can use it and its driver answers; else the CPU."""
    gpu = (_torch_has("torch_cuda") and _cuda_device()) or (_torch_has("torch_hip") and _amd_device())
    return gpu or Device("cpu", _cpu_name(), _system_memory_mb())


def _torch_has(name: str) -> bool:
    torch = importlib.util.find_spec("torch")
    folders = torch.submodule_search_locations if torch else None
    library = f"{name}.dll" if sys.platform == "win32" else f"lib{name}.so"
    return any((Path(folder) / "lib" / library).exists() for folder in folders or ())


def _cuda_device() -> Device | None:
    """The first GPU, as the NVIDIA driver names it; None if there is no driver or no GPU."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    name = ctypes.create_string_buffer(256)
    memory = ctypes.c_size_t()
    calls = (
        (driver.cuInit, 0),
        (driver.cuDeviceGetName, name, len(name), 0),
        (driver.cuDeviceTotalMem_v2, ctypes.byref(memory), 0),
    )
    if any(function(*arguments) for function, *arguments in calls):
        return None
    return Device("cuda", name.value.decode(errors="replace"), memory.value // MB)


def _amd_device() -> Device | None:
    """The AMD card with the most memory; None if ROCm's driver is not there for this user."""
    if not os.access("/dev/kfd", os.R_OK | os.W_OK):
        return None
    sizes = [int(file.read_text()) for file in Path("/sys/class/drm").glob("card*/device/mem_info_vram_total")]
    return Device("cuda", "AMD graphics card", max(sizes, default=0) // MB)


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _system_memory_mb() -> int:
    if sys.platform == "win32":
        installed_kb = ctypes.c_ulonglong()
        ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(installed_kb))
        return installed_kb.value // 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MB


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, or the machine, has too little memory: torch raises several kinds."""
    text = str(error).lower()
    told = ("out of memory", "can't allocate memory", "alloc_failed")
    named = type(error).__name__ in ("MemoryError", "OutOfMemoryError")
    return named or any(words in text for words in told)
