# SPDX-License-Identifier: GPL-3.0-or-later
"""Where shots with a known truth come from: one file for each kind of data."""
