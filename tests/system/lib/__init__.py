# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""What the system tests stand on; knows no test."""
