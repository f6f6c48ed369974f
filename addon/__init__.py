# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender wing: the form, the job, the take and the rig. Knows of the engine only what the protocol says."""

EXTENSION = __name__.rpartition(".")[0]
"""The module name under which the extension was installed."""
