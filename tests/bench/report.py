#!/usr/bin/env python3
"""The table of run.sh, and a chart: medians, ratios, and the bars that hold or do not.

  report.py SAMPLES [CHART]   Markdown to stdout, SVG to CHART; exit 0 whatever the numbers are

SAMPLES has a line "row<TAB>who<TAB>value" for each measurement, and "#<TAB>command<TAB>when" for each run of run.sh.
"""
import html
import math
import os
import platform
import statistics
import sys


def counts(row, title):
    return [(f"{row}_requests", f"{title}: requests", "requests", None, None, None, ""),
            (f"{row}_ru", f"{title}: resource units", "RU", None, None, None, "")]


WRITE_BACK = "rclone begins 5 s after a file was closed (its default)"
# row, title, unit, peer (None: the bar is absolute, and whoever was measured stands beside it), how, bar, note.
# how: "max" - ours, or ours / peer, is at most the bar; "min" - peer / ours (speed) is at least it; "below" - less than it
ROWS = [
    ("warm_answers", "logon with warm state: answers before all drives are visible", "answers", None, "max", 0, ""),
    ("cold_requests", "logon cold: requests", "requests", None, "max", 10, ""),
    ("cold_depth", "logon cold: requests that wait for each other", "deep", None, "max", 8, "handshakes are not counted"),
    ("idle_anon", "all mappings, idle: RssAnon", "KiB", None, "max", 8 * 1024, "rclone: one library"),
    ("idle_rss", "all mappings, idle: RSS", "KiB", None, "max", 24 * 1024, "rclone: one library"),
    ("idle_requests", "idle: requests", "requests", None, "max", 0, "rclone: one library"),
    ("idle_cpu", "idle: processor time", "s", None, "max", 0.01, "one tick is 0.01 s"),
    ("item_bytes", "items visited: bytes each", "bytes", None, "max", 300, "by `mooring status`"),
    ("visited_rss", "items visited: RSS", "KiB", "rclone", "max", 0.25, ""),
    ("visit", "items visited: time", "s", "curl", None, None, "curl: as in find"),
    ("visit", "items visited: time", "s", "rclone", "below", 1, ""),
    *counts("visit", "items visited"),
    ("listing", "first listing of a folder", "s", "curl", "max", 1.2, "names and attributes"),
    ("listing", "first listing of a folder", "s", "rclone", "below", 1, ""),
    *counts("listing", "first listing of a folder"),
    ("listing_again_requests", "again within MetadataSeconds: requests", "requests", None, "max", 0, ""),
    ("listing_again", "again within MetadataSeconds: time", "s", "rclone", "below", 1, ""),
    ("find", "find, cold", "s", "curl", None, None,
     "curl: one request for the children of each folder, 8 at a time, level after level"),
    ("find", "find, cold", "s", "rclone", "max", 0.25, ""),
    *counts("find", "find, cold"),
    ("read_{small}", "sequential read, {small} MB", "s", "curl", "min", 0.9, "ratio of speeds"),
    ("read_{small}", "sequential read, {small} MB", "s", "rclone", "below", 1, ""),
    *counts("read_{small}", "sequential read, {small} MB"),
    ("read_{large}", "sequential read, {large} MB", "s", "curl", "min", 0.9, "ratio of speeds"),
    ("read_{large}", "sequential read, {large} MB", "s", "rclone", "below", 1, ""),
    *counts("read_{large}", "sequential read, {large} MB"),
    ("random", "random 4 KiB reads", "s", "curl", "max", 1.2, ""),
    ("random", "random 4 KiB reads", "s", "rclone", "below", 1, ""),
    *counts("random", "random 4 KiB reads"),
    ("copy", "small files copied in, until cp returns", "s", "script", "max", 1.5,
     "script: copies, fsyncs file and folder, commits a row"),
    ("copy", "small files copied in, until cp returns", "s", "rclone", None, None, "not ranked: rclone's close is not durable"),
    ("copy_all", "small files copied in, all on the server", "s", "curl", "max", 1.3, "looked at every 0.05 s"),
    ("copy_all", "small files copied in, all on the server", "s", "rclone", None, None, WRITE_BACK),
    *counts("copy", "small files copied in"),
    ("save", "Word-style save, until Word is done", "s", "rclone", "below", 1,
     "Mooring's is in its journal then, rclone's in its cache"),
    ("save_all", "Word-style save, on the server", "s", "curl", None, None, "curl: one PUT of the content, whatever is there"),
    ("save_all", "Word-style save, on the server", "s", "rclone", "below", 1, WRITE_BACK),
    ("save_uploads", "Word-style save: uploads", "uploads", None, "max", 1, ""),
    ("save_versions", "Word-style save: new versions", "versions", None, "max", 1, "none where the item is another"),
    ("save_other_ids", "Word-style save: other item ids", "ids", None, "max", 0, ""),
    ("save_ru", "Word-style save: resource units", "RU", None, "max", 4, ""),
    ("save_requests", "Word-style save: requests", "requests", None, None, None, ""),
]


def load_samples(path):
    samples = {}
    commands = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            row, who, value = line.rstrip("\n").split("\t")
            if row == "#":
                commands.append((who.strip(), value))
            else:
                samples.setdefault((row, who), []).append(float(value))
    return samples, commands


def number(value):
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(values):
    low, middle, high = min(values), statistics.median(values), max(values)
    return number(middle) if low == high else f"{number(middle)} ({number(low)} to {number(high)})"


def beside(samples, row, peer):
    """What stands in the peer's column: the one that ours is compared with, or all that were measured."""
    peers = [peer] if peer else sorted(who for key, who in samples if key == row and who != "mooring")
    return ", ".join(f"{who}: {spread(samples[row, who])}" for who in peers)


def judge(how, bar, ours, peer):
    """The ratio (or None), the bar in words, whether it holds."""
    ratio = None
    if peer is not None:
        ratio = peer / ours if how == "min" else ours / peer
    measured = ours if ratio is None else ratio
    if how is None:
        return ratio, "", ""
    words = {"max": "≤ ", "min": "≥ ", "below": "< "}[how] + number(bar)
    holds = {"max": measured <= bar, "min": measured >= bar, "below": measured < bar}[how]
    return ratio, words, "yes" if holds else "NO"


def machine():
    cpu = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                cpu = ", " + line.split(":", 1)[1].strip()
                break
    return f"{len(os.sched_getaffinity(0))} cores{cpu}, {platform.system()} {platform.release()}"


def chart(bars):
    """Each row with a peer: ours as a share of the bar (1 is the bar; less is better), on a logarithmic axis."""
    width, left, top, step = 900, 420, 40, 24
    scale = (width - left - 90) / 3.0  # 0.03 to 30

    def x_of(value):
        return left + (min(max(math.log10(value), -1.5), 1.5) + 1.5) * scale

    height = top + step * len(bars) + 30
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             f'<text x="{x_of(1):.0f}" y="20" text-anchor="middle">the bar</text>',
             f'<text x="{left}" y="20">better</text><text x="{width - 90}" y="20" text-anchor="end">worse</text>']
    for n, (title, share, words) in enumerate(bars):
        y = top + n * step
        begin, end = sorted((x_of(1), x_of(share)))
        colour = "#2e8b57" if share <= 1 else "#c0392b"
        lines.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(title)}</text>')
        lines.append(f'<rect x="{begin:.1f}" y="{y}" width="{max(end - begin, 2):.1f}" height="16" fill="{colour}"/>')
        lines.append(f'<text x="{width - 84}" y="{y + 12}">{html.escape(words)}</text>')
    lines.append(f'<line x1="{x_of(1):.1f}" x2="{x_of(1):.1f}" y1="26" y2="{height - 20}" stroke="black"/>')
    return "\n".join(lines + ["</svg>"]) + "\n"


def share_of_bar(how, bar, ours, peer):
    """What the chart shows; None: nothing to compare."""
    measured = ours if peer is None else (peer / ours if how == "min" else ours / peer)
    if how is None or not bar or not measured:
        return None
    return bar / measured if how == "min" else measured / bar


def main():
    samples, commands = load_samples(sys.argv[1])
    reads = sorted({int(row.split("_")[1]) for row, _ in samples if row.startswith("read_")}) or [""]
    sizes = {"small": reads[0], "large": reads[-1]}
    table = []
    bars = []
    for key, title, unit, peer, how, bar, note in ROWS:
        key = key.format(**sizes)
        ours = samples.get((key, "mooring"))
        theirs = samples.get((key, peer)) if peer else None
        if not ours or (peer and not theirs):
            continue
        ratio, words, holds = judge(how, bar, statistics.median(ours), statistics.median(theirs) if theirs else None)
        table.append((title.format(**sizes), f"{spread(ours)} {unit}", beside(samples, key, peer),
                      f"{ratio:.2f}" if ratio is not None else "", words, holds, note))
        share = share_of_bar(how, bar, statistics.median(ours), statistics.median(theirs) if theirs else None)
        if share:
            title_and_peer = table[-1][0] + (f" ({peer})" if peer else "")
            bars.append((title_and_peer, share, f"{table[-1][3] or number(statistics.median(ours))} ({words})"))
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w", encoding="utf-8") as file:
            file.write(chart(bars))
    runs = sorted({len(values) for values in samples.values()}) or [0]
    print("# Benchmarks\n")
    for command, when in commands:
        print(f"- `{command}`: {when}")
    print(f"- {os.environ.get('MOORING_VERSION', 'mooring')} on {machine()}; {' to '.join(map(str, sorted({runs[0], runs[-1]})))} runs of each")
    print("- median (least to most); ratio: ours to the peer's, of medians; 40 ms and 1 Gbit/s unless `--smoke`\n")
    print("| what | Mooring | peer | ratio | bar | holds | |")
    print("|---|---|---|---|---|---|---|")
    for row in table:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
