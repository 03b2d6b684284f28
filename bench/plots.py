"""Bar charts as SVG, in plain Python."""

import html

COLOURS = {"scepgate": "#1b6ca8", "Debian": "#c8553d", "nginx": "#5a8f3c", "wanted": "#999999"}
WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 760, 250, 110, 22, 8, 58


def colour(label):
    return next((code for word, code in COLOURS.items() if label.startswith(word)), "#777777")


def text(x, y, words, **style):
    told = " ".join(f'{key.replace("_", "-")}="{value}"' for key, value in style.items())
    return f'<text x="{x:.0f}" y="{y:.0f}" {told}>{html.escape(words)}</text>'


def bars(title, subtitle, groups, form="{:.1f}"):
    """One chart. `groups`: heading -> [(label, value or None, further words)]; bars share one scale, from 0."""
    values = [value for group in groups.values() for _, value, _ in group if value is not None]
    scale = (WIDTH - LEFT - RIGHT) / max(max(values, default=0), 1e-9)
    y, parts = TOP, []
    for heading, group in groups.items():
        if heading:
            y += 10
            parts.append(text(12, y + 8, heading, font_weight="bold"))
            y += 18
        for label, value, further in group:
            parts.append(text(LEFT - 8, y + BAR * 0.7, label, text_anchor="end"))
            width = (value or 0) * scale
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour(label)}"/>')
            shown = "did not hold them" if value is None else form.format(value)
            parts.append(text(LEFT + width + 6, y + BAR * 0.7, f"{shown} {further}".rstrip()))
            y += BAR + GAP
    head = [text(12, 24, title, font_size="17", font_weight="bold"), text(12, 44, subtitle, fill="#555555")]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 12}" '
            f'viewBox="0 0 {WIDTH} {y + 12}" font-family="sans-serif" font-size="13">\n'
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(head + parts) + "\n</svg>\n")
