# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion and what is done to it after the capture. numpy only: both wings use it."""
