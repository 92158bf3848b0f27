# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""Horizontal bars, one group a comparison, as a plain SVG."""

from html import escape

WIDTH, LEFT, BAR, GAP = 860, 230, 16, 4


def write(path, chart):
    """chart: (comparison, contender, MB/s) in the order of the table."""
    most = max((speed for _, _, speed in chart), default=1) or 1
    scale = (WIDTH - LEFT - 90) / most
    parts, y, title = [], 10, None
    for group, name, speed in chart:
        if group != title:
            title = group
            y += 26
            parts.append(f'<text x="10" y="{y - 6}" font-weight="bold">'
                         f"{escape(group)}</text>")
        ours = "mnt/" in name or "s3zip" in name
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + BAR - 4}" text-anchor="end">'
            f"{escape(name)}</text>"
            f'<rect x="{LEFT}" y="{y}" width="{speed * scale:.1f}" '
            f'height="{BAR}" fill="{"#2a6f97" if ours else "#b8c4cc"}"/>'
            f'<text x="{LEFT + speed * scale + 5:.1f}" y="{y + BAR - 4}">'
            f"{speed:.0f} MB/s</text>")
        y += BAR + GAP
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
                f'height="{y + 10}" font-family="sans-serif" '
                f'font-size="12">\n' + "\n".join(parts) + "\n</svg>\n")
