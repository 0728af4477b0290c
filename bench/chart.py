"""A bar chart as SVG."""
from xml.sax.saxutils import escape

LABEL, WIDTH, BAR, GAP = 400, 400, 20, 10


def bars(title, rows):
    """rows: (label, value, ours). Bars that are too long for the scale say so."""
    values = sorted(value for label, value, ours in rows)
    # a few that take ten times as long would leave nothing to see of the others
    limit = max(v for v in values if v <= 6 * values[len(values) // 2])
    height = 50 + len(rows) * (BAR + GAP)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
             'font-family="sans-serif" font-size="13">' % (LABEL + WIDTH + 100, height),
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="10" y="24" font-size="15" font-weight="bold">%s</text>'
             % escape(title)]
    for i, (label, value, ours) in enumerate(rows):
        y = 40 + i * (BAR + GAP)
        width = max(WIDTH * min(value, limit) / limit, 1)
        lines += ['<text x="%d" y="%d" text-anchor="end">%s</text>'
                  % (LABEL - 8, y + 15, escape(label)),
                  '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
                  % (LABEL, y, width, BAR, "#2a7de1" if ours else "#b0b7c3"),
                  '<text x="%.1f" y="%d">%.1f%s</text>'
                  % (LABEL + width + 6, y + 15, value,
                     " (bar cut)" if value > limit else "")]
    return "\n".join(lines + ["</svg>"]) + "\n"
