#!/usr/bin/env python3
"""Runs a command in a terminal of fixed size and writes what it showed as one animated SVG.

    deploy/record.py --output demo.svg -- deploy/tour.sh build/linux/bin

The SVG stands alone: no script, no font, no link; CSS moves it, so it also plays where a page shows it as an image.
A viewer that plays nothing, or whose user asked for less motion, shows the last screen. The text of the whole recording
is in <desc>. The timing is that of the run, with long pauses cut and, if asked for, time to read each line.

Understood of a terminal: text, CR, LF, BS, TAB, bold, dim, italic, underline, inverse, colours, erasing in a line. All
else (moving the cursor, alternate screens) is dropped: it is made for programs whose output scrolls.

Nothing is written when the command fails, runs longer than --max-seconds, shows what --replace should have
removed, or when the SVG would be larger than --max-bytes. Exit code: the command's, or 1.
"""
import argparse
import bisect
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from typing import NamedTuple, Optional
from xml.sax.saxutils import escape, quoteattr

FRAME_SECONDS = 0.04  # output that arrives closer together is one change
MAX_OUTPUT = 4 << 20  # of the command, in bytes
MAX_ESCAPE = 4096     # an escape that does not end after so many characters is none
DESC_LIMIT = 30000    # of the text for those who do not see it

CELL_WIDTH = 8.4
CELL_HEIGHT = 18
FONT_SIZE = 14
PADDING = 16
TITLE_HEIGHT = 34
FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"

BACKGROUND = "#0d1117"
FOREGROUND = "#e6edf3"
FRAME = "#30363d"
TITLE = "#9198a1"
# The 16 colours, chosen to be read on BACKGROUND (contrast 4.5 or more, but for black, which is a background).
PALETTE = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#d0d7de",
           "#8b949e", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#ffffff"]

ESCAPE = re.compile(
    r"\x1b(?:"
    r"\[(?P<arguments>[0-?]*)[ -/]*(?P<final>[@-~])"  # control sequence
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"                 # title, link, ...
    r"|[PX^_][^\x1b]*\x1b\\"                          # strings to the terminal
    r"|[ -/]*[0-OQ-WYZ`-~\\])")                       # all shorter ones
ILLEGAL_IN_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


class Style(NamedTuple):
    """How a character looks. Colours are "#rrggbb", or None for the terminal's own."""
    colour: Optional[str] = None
    background: Optional[str] = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False


PLAIN = Style()


class Run(NamedTuple):
    """Characters of one style side by side; `column` and `width` are in cells."""
    column: int
    width: int
    text: str
    style: Style


def colour_256(number):
    if number < 16:
        return PALETTE[number]
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return f"#{levels[number // 36]:02x}{levels[number // 6 % 6]:02x}{levels[number % 6]:02x}"


def select_graphics(style, arguments):
    """`style` after the SGR sequence with these arguments."""
    codes = [int(part) if part.isdigit() else 0 for part in arguments.replace(":", ";").split(";")]
    flags = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse"}
    off = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",)}
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = PLAIN
        elif code in flags:
            style = style._replace(**{flags[code]: True})
        elif code in off:
            style = style._replace(**dict.fromkeys(off[code], False))
        elif code in (38, 48):
            place = "colour" if code == 38 else "background"
            kind = codes.pop(0) if codes else 0
            if kind == 5 and codes:
                style = style._replace(**{place: colour_256(min(codes.pop(0), 255))})
            elif kind == 2 and len(codes) >= 3:
                red, green, blue = (min(value, 255) for value in codes[:3])
                style = style._replace(**{place: f"#{red:02x}{green:02x}{blue:02x}"})
                del codes[:3]
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = style._replace(colour=PALETTE[code - 30 if code < 90 else code - 82])
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = style._replace(background=PALETTE[code - 40 if code < 100 else code - 92])
        elif code == 39:
            style = style._replace(colour=None)
        elif code == 49:
            style = style._replace(background=None)
    return style


class Terminal:
    """A terminal of unlimited height: what scrolls out of sight stays in `lines`."""

    def __init__(self, columns):
        self.columns = columns
        self.lines = [[]]  # of cells (character, style); None is the right half of a wide character
        self.column = 0
        self.style = PLAIN
        self.dirty = {0}
        self.pending = ""  # the beginning of an escape

    def feed(self, text):
        text = self.pending + text
        self.pending = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
                continue
            match = ESCAPE.match(text, at)
            if match and match.end() - at <= MAX_ESCAPE:
                self.control(match)
                at = match.end()
            elif not match and len(text) - at < MAX_ESCAPE:
                self.pending = text[at:]
                return
            else:
                at += 1

    def control(self, match):
        arguments = match["arguments"]
        if match["final"] == "m" and not arguments.startswith((">", "?", "<", "=")):
            self.style = select_graphics(self.style, arguments)
        elif match["final"] == "K":
            line = self.lines[-1]
            if arguments in ("", "0"):
                del line[self.column:]
            elif arguments == "1":
                line[:self.column + 1] = [(" ", PLAIN)] * min(self.column + 1, len(line))
            else:
                line.clear()
            self.dirty.add(len(self.lines) - 1)

    def put(self, character):
        if character == "\n":
            self.lines.append([])
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(0, min(self.column, self.columns) - 1)
        elif character == "\t":
            self.column = min((self.column // 8 + 1) * 8, self.columns - 1)
        elif unicodedata.category(character) not in ("Cc", "Cf", "Cs"):
            self.put_glyph(ILLEGAL_IN_XML.sub("\ufffd", character))

    def put_glyph(self, character):
        line = self.lines[-1]
        if unicodedata.combining(character):
            if 0 < self.column <= len(line) and line[self.column - 1]:
                before, style = line[self.column - 1]
                line[self.column - 1] = (before + character, style)
                self.dirty.add(len(self.lines) - 1)
            return
        width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if self.column + width > self.columns:
            self.lines.append([])
            self.column = 0
            line = self.lines[-1]
        line.extend([(" ", PLAIN)] * (self.column - len(line)))
        line[self.column:self.column + width] = [(character, self.style)] + [None] * (width - 1)
        self.column += width
        self.dirty.add(len(self.lines) - 1)

    def runs(self, row):
        """The line as a tuple of Run; plain blanks between and after them are left out."""
        runs = []
        for column, cell in enumerate(self.lines[row]):
            if cell is None:
                continue
            text, style = cell
            width = 2 if self.lines[row][column + 1:column + 2] == [None] else 1
            last = runs[-1] if runs else None
            if last and last.style == style and last.column + last.width == column:
                runs[-1] = last._replace(text=last.text + text, width=last.width + width)
            else:
                runs.append(Run(column, width, text, style))
        return tuple(trimmed for trimmed in map(trim, runs) if trimmed.text)

    def used(self):
        """How many lines there are, without the empty one that the cursor waits in."""
        return len(self.lines) if self.lines[-1] else len(self.lines) - 1

    def text(self, row):
        return "".join(cell[0] for cell in self.lines[row] if cell).rstrip()


def trim(run):
    """Without the blanks at its ends, unless they show: a background, an underline."""
    if run.style.background or run.style.underline or run.style.inverse:
        return run
    text = run.text.rstrip(" ")
    width = run.width - (len(run.text) - len(text))
    begin = len(text) - len(text.lstrip(" "))
    return run._replace(column=run.column + begin, width=width - begin, text=text[begin:])


class Version(NamedTuple):
    """What a line showed from `begin` to `end` (seconds; None: to the last)."""
    row: int
    begin: float
    end: Optional[float]
    runs: tuple


class Recording(NamedTuple):
    columns: int
    rows: int       # of the window
    seconds: float  # of one round
    versions: list
    scrolls: list   # (seconds, row that is at the top from then on)
    text: str


def replace_all(chunks, rules):
    """`chunks` (seconds, text) with each match of a rule (pattern, text) replaced, also across chunks."""
    for pattern, new in rules:
        whole = "".join(text for _, text in chunks)
        ends = []
        for _, text in chunks:
            ends.append((ends[-1] if ends else 0) + len(text))
        out = []

        def keep(begin, end):
            while begin < end:
                index = bisect.bisect_right(ends, begin)
                stop = min(end, ends[index])
                out.append((chunks[index][0], whole[begin:stop]))
                begin = stop

        at = 0
        for match in pattern.finditer(whole):
            if match.end() > match.start():
                keep(at, match.start())
                out.append((chunks[bisect.bisect_left(ends, match.end())][0], match.expand(new)))
                at = match.end()
        keep(at, len(whole))
        chunks = out
    return chunks


def pace(chunks, max_pause, line_seconds):
    """Chunks (seconds of the run, text) to chunks (seconds of the recording, text)."""
    out = []
    now = 0.0
    before = chunks[0][0] if chunks else 0.0
    for real, text in chunks:
        now += min(real - before, max_pause)
        before = real
        for piece in re.findall(r"[^\n]*\n|[^\n]+", text):
            out.append((now, piece))
            now += line_seconds if piece.endswith("\n") else 0.0
    return out


def interpret(chunks, columns, rows, end_seconds):
    """Chunks of output to a Recording."""
    terminal = Terminal(columns)
    current = {}  # row: index of its version that is not over
    versions = []
    scrolls = [(0.0, 0)]
    now = 0.0
    index = 0
    while index < len(chunks):
        now = chunks[index][0]
        while index < len(chunks) and chunks[index][0] - now < FRAME_SECONDS:
            terminal.feed(chunks[index][1])
            index += 1
        for row in sorted(terminal.dirty):
            runs = terminal.runs(row)
            if row in current:
                last = versions[current[row]]
                if last.runs == runs:
                    continue
                versions[current[row]] = last._replace(end=now)
            current[row] = len(versions)
            versions.append(Version(row, now, None, runs))
        terminal.dirty.clear()
        top = max(0, terminal.used() - rows)
        if top != scrolls[-1][1]:
            scrolls.append((now, top))
    text = "\n".join(terminal.text(row) for row in range(len(terminal.lines))).strip("\n")
    height = min(rows, max(1, terminal.used()))
    return Recording(columns, height, now + end_seconds, [version for version in versions if version.runs], scrolls,
                     text)


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Painter:
    """A Recording to SVG."""

    def __init__(self, recording):
        self.recording = recording
        self.classes = {}    # Style: name of its class
        self.keyframes = {}  # (begin, end): name

    def percent(self, seconds):
        return number(100 * seconds / self.recording.seconds) + "%"

    def style_class(self, style):
        return self.classes.setdefault(style, f"s{len(self.classes)}")

    @staticmethod
    def colours(style):
        """(text, background) of a style, inverse taken in."""
        if style.inverse:
            return style.background or BACKGROUND, style.colour or FOREGROUND
        return style.colour, style.background

    def run(self, run, row):
        x = number(run.column * CELL_WIDTH)
        width = number(run.width * CELL_WIDTH)
        out = ""
        background = self.colours(run.style)[1]
        if background:
            out += (f'<rect x="{x}" y="{row * CELL_HEIGHT}" width="{width}" height="{CELL_HEIGHT}" '
                    f'fill="{background}"/>')
        if run.text.strip(" ") or run.style.underline:
            style = run.style._replace(background=None) if not run.style.inverse else run.style
            name = f' class="{self.style_class(style)}"' if style != PLAIN else ""
            # the exact width keeps columns in line whatever font the viewer has
            length = f' textLength="{width}"' if run.width > 1 else ""
            y = row * CELL_HEIGHT + CELL_HEIGHT - 5
            out += f'<text x="{x}" y="{y}"{length}{name}>{escape(run.text)}</text>'
        return out

    def content(self):
        """Lines, those that come and go together in one group."""
        groups = {}
        for version in self.recording.versions:
            groups.setdefault((version.begin, version.end), []).append(version)
        out = []
        for (begin, end), versions in groups.items():
            body = "".join(self.run(run, version.row) for version in versions for run in version.runs)
            if begin == 0 and end is None:
                out.append(f"<g>{body}</g>")
                continue
            name = self.keyframes.setdefault((begin, end), f"k{len(self.keyframes)}")
            hidden = ' visibility="hidden"' if end is not None else ""
            out.append(f'<g class="a"{hidden} style="animation-name:{name}">{body}</g>')
        return "\n".join(out)

    def css(self):
        rules = [f"text{{font:{FONT_SIZE}px {FONTS};fill:{FOREGROUND};white-space:pre}}"]
        for style, name in self.classes.items():
            colour = self.colours(style)[0]
            parts = [f"fill:{colour}"] if colour else []
            parts += ["font-weight:bold"] if style.bold else []
            parts += ["opacity:.7"] if style.dim else []
            parts += ["font-style:italic"] if style.italic else []
            parts += ["text-decoration:underline"] if style.underline else []
            if parts:
                rules.append(f".{name}{{{';'.join(parts)}}}")
        for (begin, end), name in self.keyframes.items():
            steps = "0%{visibility:hidden}" if begin > 0 else ""
            steps += f"{self.percent(begin)}{{visibility:visible}}"
            steps += f"{self.percent(end)}{{visibility:hidden}}" if end is not None else ""
            rules.append(f"@keyframes {name}{{{steps}}}")
        scrolls = "".join(f"{self.percent(seconds)}{{transform:translateY({-top * CELL_HEIGHT}px)}}"
                          for seconds, top in self.recording.scrolls)
        rules.append(f"@keyframes scroll{{{scrolls}}}")
        # without this rule, or where it is not understood, the last screen is what is seen
        seconds = number(self.recording.seconds)
        rules.append("@media (prefers-reduced-motion:no-preference){"
                     f".a{{animation-duration:{seconds}s;animation-timing-function:step-end;"
                     "animation-iteration-count:infinite}.scroll{animation-name:scroll}}")
        return "\n".join(rules)

    def svg(self, title, description):
        content = self.content()
        room = self.recording.columns
        shown = title if len(title) <= room else title[:room - 3] + "..."
        inner_width = self.recording.columns * CELL_WIDTH
        inner_height = self.recording.rows * CELL_HEIGHT
        width, height = number(inner_width + 2 * PADDING), number(inner_height + TITLE_HEIGHT + PADDING)
        top = self.recording.scrolls[-1][1]
        return f'''<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" \
viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">
<title id="title">{escape(title)}</title>
<desc id="desc">{escape(description)}</desc>
<style>
{self.css()}
</style>
<rect x=".5" y=".5" width="{number(inner_width + 2 * PADDING - 1)}" \
height="{number(inner_height + TITLE_HEIGHT + PADDING - 1)}" rx="8" fill="{BACKGROUND}" stroke="{FRAME}"/>
<path d="M1 {TITLE_HEIGHT - 8}h{number(inner_width + 2 * PADDING - 2)}" stroke="{FRAME}"/>
<text x="{number(inner_width / 2 + PADDING)}" y="18" text-anchor="middle" style="font-size:12px;fill:{TITLE}" \
aria-hidden="true">{escape(shown)}</text>
<svg x="{PADDING}" y="{TITLE_HEIGHT}" width="{number(inner_width)}" height="{inner_height}" overflow="hidden">
<g class="a scroll" transform={quoteattr(f"translate(0,{-top * CELL_HEIGHT})")}>
{content}
</g>
</svg>
</svg>
'''


class Failure(Exception):
    """Why there is no recording."""


def start_in_terminal(command, columns, rows):
    """The process, and the file descriptor of the terminal's other side."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = dict(os.environ, TERM="xterm-256color", COLUMNS=str(columns), LINES=str(rows))
    environment.pop("NO_COLOR", None)
    try:
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
                                   start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    except OSError as error:
        os.close(ours)
        raise Failure(f"'{command[0]}' cannot be started: {error.strerror}") from error
    finally:
        os.close(theirs)
    return process, ours


def run_in_terminal(command, columns, rows, max_seconds, echo):
    """Runs the command: (exit code, [(seconds since its start, text)])."""
    process, terminal = start_in_terminal(command, columns, rows)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    chunks = []
    size = 0
    begin = time.monotonic()
    try:
        while True:
            left = begin + max_seconds - time.monotonic()
            if left <= 0:
                raise Failure(f"the command did not end within {max_seconds:g} seconds")
            if not select.select([terminal], [], [], min(left, 0.2))[0]:
                if process.poll() is not None:
                    break  # what it left in the background may keep the terminal open
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:  # EIO: nobody has the terminal any more
                data = b""
            if not data:
                break
            size += len(data)
            if size > MAX_OUTPUT:
                raise Failure(f"the command wrote more than {MAX_OUTPUT} bytes")
            chunks.append((time.monotonic() - begin, decoder.decode(data)))
            if echo:
                sys.stdout.buffer.write(data)
                sys.stdout.flush()
        return process.wait(timeout=max(1.0, begin + max_seconds - time.monotonic())), chunks
    except subprocess.TimeoutExpired as error:
        raise Failure(f"the command did not end within {max_seconds:g} seconds") from error
    finally:
        os.close(terminal)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # lets it clean up
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def parse_rule(text, is_pattern):
    old, equals, new = text.partition("=")
    if not old or not equals:
        raise Failure(f"'{text}' is not OLD=NEW")
    try:
        return (re.compile(old), new) if is_pattern else (re.compile(re.escape(old)), new.replace("\\", r"\\"))
    except re.error as error:
        raise Failure(f"'{old}' is not a regular expression: {error}") from error


def check_replaced(text, rules):
    """Terminals wrap and programs colour: what was to be replaced may stand there in pieces."""
    flat = text.replace("\n", "")
    for pattern, new in rules:
        for where in (text, flat):
            if pattern.search(where) and not pattern.search(new):
                raise Failure(f"'{pattern.pattern}' is still in the recording")


def describe(text):
    if len(text) > DESC_LIMIT:
        text = text[:DESC_LIMIT] + "\n(the rest is left out)"
    return "A recording of a terminal that plays in a loop. All of its text:\n" + text


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description="Records a command in a terminal as an animated SVG.",
                                     usage="%(prog)s --output FILE [options] -- COMMAND [ARGUMENT...]")
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--title", help="for the frame and for <title> (the command)")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--max-pause", type=float, default=2.0, metavar="S", help="longer pauses are cut to this (2)")
    parser.add_argument("--line-seconds", type=float, default=0.0, metavar="S", help="time added for each new line (0)")
    parser.add_argument("--end-seconds", type=float, default=6.0, metavar="S", help="how long the end stays (6)")
    parser.add_argument("--max-seconds", type=float, default=600, metavar="S", help="of the command (600)")
    parser.add_argument("--max-bytes", type=int, default=300000, metavar="N", help="of the SVG (300000)")
    parser.add_argument("--replace", action="append", default=[], metavar="OLD=NEW", help="in all text; repeatable")
    parser.add_argument("--replace-re", action="append", default=[], metavar="RE=NEW",
                        help="the same by regular expression (without '='), done first")
    parser.add_argument("--quiet", action="store_true", help="do not show the command's output meanwhile")
    parser.add_argument("command", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if not 20 <= options.columns <= 300 or not 2 <= options.rows <= 200:
        parser.error("20 to 300 columns and 2 to 200 rows")
    return options


def record(options):
    rules = [parse_rule(text, True) for text in options.replace_re]
    rules += [parse_rule(text, False) for text in options.replace]
    code, chunks = run_in_terminal(options.command, options.columns, options.rows, options.max_seconds,
                                   not options.quiet)
    if code != 0:
        print(f"record.py: the command ended with {code}: nothing is written", file=sys.stderr)
        return code if code > 0 else 128 - code
    chunks = pace(replace_all(chunks, rules), options.max_pause, options.line_seconds)
    recording = interpret(chunks, options.columns, options.rows, max(options.end_seconds, 0.1))
    title = options.title or "".join(text for _, text in replace_all([(0.0, " ".join(options.command))], rules))
    check_replaced(title + "\n" + recording.text, rules)
    svg = Painter(recording).svg(title, describe(recording.text)).encode("utf-8")
    if len(svg) > options.max_bytes:
        raise Failure(f"the SVG would have {len(svg)} bytes, more than {options.max_bytes}")
    with open(options.output, "wb") as file:
        file.write(svg)
    return 0


def main(argv=None):
    try:
        return record(parse_arguments(argv))
    except (Failure, OSError) as failure:
        print(f"record.py: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
