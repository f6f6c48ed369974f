# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of moving people for the training: rendered, seen by the real detector, kept as shards of what it saw."""
