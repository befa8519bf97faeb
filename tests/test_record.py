#!/usr/bin/env python3
"""Tests deploy/record.py: what a terminal shows, when it shows it, and the SVG made of it."""
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "deploy", "record.py")
SVG = "{http://www.w3.org/2000/svg}"


def load():
    spec = importlib.util.spec_from_file_location("record", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


record = load()


def screen(text, columns=20):
    """The lines of a terminal that was fed `text` at once, and again one character at a time."""
    whole = record.Terminal(columns)
    whole.feed(text)
    pieces = record.Terminal(columns)
    for character in text:
        pieces.feed(character)
    assert whole.lines == pieces.lines, "the result depends on how the output is cut"
    return [whole.text(row) for row in range(whole.used())]


def styles(text):
    terminal = record.Terminal(80)
    terminal.feed(text)
    return [(run.text, run.style) for run in terminal.runs(0)]


def recording(*chunks, rows=3, end=1.0):
    return record.interpret(list(chunks), 20, rows, end)


class Terminal(unittest.TestCase):
    def test_lines_end_with_cr_lf_and_a_lone_lf_keeps_the_column(self):
        self.assertEqual(screen("one\r\ntwo\nthree"), ["one", "two", "   three"])

    def test_cr_writes_over_and_erases_nothing(self):
        self.assertEqual(screen("10 percent\r99"), ["99 percent"])

    def test_erases_in_the_line(self):
        self.assertEqual(screen("10 percent\r\x1b[Kdone"), ["done"])
        self.assertEqual(screen("abcdef\b\b\x1b[1K"), ["     f"])
        self.assertEqual(screen("abc\x1b[2Kd"), ["   d"])

    def test_backspace_and_tab(self):
        self.assertEqual(screen("abc\bd"), ["abd"])
        self.assertEqual(screen("a\tb"), ["a       b"])

    def test_wraps_at_the_last_column(self):
        self.assertEqual(screen("abcdefgh", columns=5), ["abcde", "fgh"])
        self.assertEqual(screen("abcde\r\nf", columns=5), ["abcde", "f"])

    def test_wide_characters_take_two_columns(self):
        self.assertEqual(screen("abcd\u65e5\u672c", columns=5), ["abcd", "\u65e5\u672c"])
        self.assertEqual(screen("\u65e5\u672cx\rab"), ["ab\u672cx"])

    def test_combining_characters_take_none(self):
        terminal = record.Terminal(20)
        terminal.feed("e\u0301x")
        self.assertEqual(terminal.runs(0), (record.Run(0, 2, "e\u0301x", record.PLAIN),))

    def test_drops_what_it_does_not_know(self):
        self.assertEqual(screen("a\x1b[?25lb\x1b[2;3Hc\x1b]0;title\x07d\x1b]8;;x\x1b\\e\x1b(Bf\x1b7g\x07\x00h\x7f"),
                         ["abcdefgh"])
        self.assertEqual(screen("a\x1bP1;2q####\x1b\\b"), ["ab"])

    def test_an_escape_without_end_is_given_up(self):
        self.assertIn("x", screen("\x1b[" + "1;" * record.MAX_ESCAPE + "x")[-1])

    def test_bold_and_colours(self):
        bold = record.PLAIN._replace(bold=True)
        self.assertEqual(styles("\x1b[1mB\x1b[0mp"), [("B", bold), ("p", record.PLAIN)])
        self.assertEqual(styles("\x1b[1;31mB\x1b[39mp\x1b[22mq"),
                         [("B", bold._replace(colour=record.PALETTE[1])), ("p", bold), ("q", record.PLAIN)])
        self.assertEqual(styles("\x1b[97;44mx")[0][1],
                         record.Style(colour=record.PALETTE[15], background=record.PALETTE[4]))
        self.assertEqual(styles("\x1b[38;5;196mx")[0][1].colour, "#ff0000")
        self.assertEqual(styles("\x1b[48;2;1;2;3mx")[0][1].background, "#010203")
        self.assertEqual(styles("\x1b[38mx\x1b[mx"), [("xx", record.PLAIN)])


class Timing(unittest.TestCase):
    def test_long_pauses_are_cut(self):
        self.assertEqual(record.pace([(7.0, "a"), (8.0, "b"), (60.0, "c")], 2.0, 0.0),
                         [(0.0, "a"), (1.0, "b"), (3.0, "c")])

    def test_lines_get_time_to_be_read(self):
        self.assertEqual(record.pace([(0.0, "a\nb\nc"), (1.0, "d")], 2.0, 0.5),
                         [(0.0, "a\n"), (0.5, "b\n"), (1.0, "c"), (2.0, "d")])

    def test_what_a_line_showed_before_is_kept_with_its_time(self):
        versions = recording((0.0, "one"), (1.0, "\rtwo"), (2.0, "\r\nend")).versions
        self.assertEqual([(v.begin, v.end, v.runs[0].text) for v in versions],
                         [(0.0, 1.0, "one"), (1.0, None, "two"), (2.0, None, "end")])

    def test_changes_close_together_are_one(self):
        versions = recording((0.0, "on"), (0.01, "e")).versions
        self.assertEqual([v.runs[0].text for v in versions], ["one"])

    def test_scrolls_when_the_window_is_full(self):
        made = recording((0.0, "1\r\n2\r\n3\r\n"), (1.0, "4\r\n"), (2.0, "5"))
        self.assertEqual(made.scrolls, [(0.0, 0), (1.0, 1), (2.0, 2)])
        self.assertEqual(made.rows, 3)
        self.assertEqual(made.seconds, 3.0)

    def test_the_window_is_no_higher_than_the_output(self):
        self.assertEqual(recording((0.0, "1\r\n2\r\n")).rows, 2)


class Replacing(unittest.TestCase):
    def replaced(self, chunks, *rules):
        return record.replace_all(chunks, [record.parse_rule(rule, False) for rule in rules])

    def test_replaces_across_chunks_and_keeps_the_times(self):
        self.assertEqual(self.replaced([(1.0, "see /ho"), (2.0, "me/anna/x"), (3.0, "!")], "/home/anna=~"),
                         [(1.0, "see "), (2.0, "~"), (2.0, "/x"), (3.0, "!")])

    def test_replaces_by_nothing_and_with_backslashes(self):
        self.assertEqual(self.replaced([(0.0, "/a/b")], "/a/="), [(0.0, ""), (0.0, "b")])
        self.assertEqual(self.replaced([(0.0, "x")], "x=\\1"), [(0.0, "\\1")])

    def test_replaces_patterns(self):
        rule = record.parse_rule("'?/b/([a-z]+)'?=\\1", True)
        out = record.replace_all([(0.0, "$ '/b/mooring' status")], [rule])
        self.assertEqual("".join(text for _, text in out), "$ mooring status")

    def test_refuses_what_is_no_rule(self):
        for text, is_pattern in (("abc", False), ("=x", False), ("(=x", True)):
            with self.assertRaises(record.Failure):
                record.parse_rule(text, is_pattern)

    def test_refuses_what_is_left_in_pieces(self):
        with self.assertRaises(record.Failure):
            record.check_replaced("wrapped /ho\nme/anna", [record.parse_rule("/home/anna=~", False)])
        record.check_replaced("~/x", [record.parse_rule("/home/anna=~", False)])


class Picture(unittest.TestCase):
    def paint(self, made, title="a title"):
        text = record.Painter(made).svg(title, record.describe(made.text))
        return text, ElementTree.fromstring(text)

    def shown(self, root):
        """The texts that a viewer without animation shows in the window, with their places."""
        window = root.find(SVG + "svg")
        height = float(window.get("height"))
        scroll = window.find(SVG + "g")
        down = float(re.fullmatch(r"translate\(0,(-?[\d.]+)\)", scroll.get("transform")).group(1))
        texts = []
        for group in scroll.findall(SVG + "g"):
            if group.get("visibility") != "hidden":
                texts += [(float(text.get("y")) + down, text.text) for text in group.findall(SVG + "text")]
        return [text for y, text in sorted(texts) if 0 < y < height]

    def test_shows_the_last_screen_without_animation(self):
        _, root = self.paint(recording((0.0, "1\r\n2\r\nprogress"), (1.0, "\rdone    \r\n"), (2.0, "4\r\n5")))
        self.assertEqual(self.shown(root), ["done", "4", "5"])

    def test_moves_only_when_motion_is_welcome(self):
        text, _ = self.paint(recording((0.0, "1"), (1.0, "\r\n2")))
        before, _, inside = text.partition("@media (prefers-reduced-motion:no-preference)")
        self.assertIn("infinite", inside)
        for word in ("infinite", "animation-duration", "animation:"):
            self.assertNotIn(word, before)

    def test_every_animation_has_its_keyframes(self):
        text, _ = self.paint(recording((0.0, "1"), (1.0, "\r2"), (2.0, "\r\n3\r\n4\r\n5")))
        used = set(re.findall(r"animation-name:(\w+)", text))
        self.assertEqual(used, set(re.findall(r"@keyframes (\w+)", text)))
        self.assertIn("@keyframes k0{0%{visibility:visible}33.33%{visibility:hidden}}", text)

    def test_has_title_and_description_and_no_script_or_link(self):
        text, root = self.paint(recording((0.0, "<b>&\x1b[1mx")), title="<ls> & more")
        self.assertEqual(root.get("role"), "img")
        self.assertEqual(root.find(SVG + "title").text, "<ls> & more")
        self.assertIn("<b>&x", root.find(SVG + "desc").text)
        self.assertEqual([e.tag for e in root.iter() if e.tag in (SVG + "script", SVG + "a", SVG + "image")], [])
        self.assertEqual(re.findall(r"https?:|url\(|@import|href", text.replace(SVG[1:-1], "")), [])

    def test_draws_inverse_and_backgrounds(self):
        text, _ = self.paint(recording((0.0, "\x1b[7mX\x1b[0;41m Y ")))
        self.assertIn(f'fill="{record.FOREGROUND}"', text)
        self.assertIn(f'width="{record.number(3 * record.CELL_WIDTH)}" height="18" fill="{record.PALETTE[1]}"', text)

    def test_colours_can_be_read_on_the_background(self):
        def luminance(colour):
            parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
            red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue

        for colour in record.PALETTE[1:] + [record.FOREGROUND, record.TITLE]:
            ratio = (luminance(colour) + 0.05) / (luminance(record.BACKGROUND) + 0.05)
            self.assertGreaterEqual(ratio, 4.5, colour)


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.output = os.path.join(folder.name, "out.svg")

    def run_it(self, command, *options):
        argv = [sys.executable, SCRIPT, "--output", self.output, "--quiet", *options, "--", "sh", "-c", command]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)

    def text(self):
        return ElementTree.parse(self.output).getroot().find(SVG + "desc").text

    def test_records_in_a_terminal_of_that_size(self):
        done = self.run_it("test -t 0 && test -t 1 && stty size && echo $TERM", "--columns", "77", "--rows", "12")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("12 77\nxterm-256color", self.text())

    def test_a_failed_command_is_not_recorded(self):
        done = self.run_it("echo no; exit 3")
        self.assertEqual(done.returncode, 3)
        self.assertFalse(os.path.exists(self.output))

    def test_a_command_that_cannot_be_started(self):
        done = subprocess.run([sys.executable, SCRIPT, "--output", self.output, "--", "/nonexistent/program"],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be started", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_command_that_hangs_is_ended_with_its_children(self):
        marker = self.output + ".pid"
        done = self.run_it(f"sleep 300 & echo $! > '{marker}'; wait", "--max-seconds", "0.5")
        self.assertEqual(done.returncode, 1)
        self.assertIn("did not end", done.stderr)
        with open(marker, encoding="ascii") as file:
            child = int(file.read())
        for _ in range(100):  # it was sent a signal; its new parent reaps it
            try:
                with open(f"/proc/{child}/stat", encoding="ascii") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                        break
            except OSError:
                break
            time.sleep(0.05)
        else:
            self.fail("the child still runs")

    def test_what_stays_in_the_background_does_not_hold_it_up(self):
        done = self.run_it("sleep 300 & echo started $!")
        os.kill(int(re.search(r"started (\d+)", self.text()).group(1)), signal.SIGKILL)
        self.assertEqual(done.returncode, 0)

    def test_replaces_in_text_and_title(self):
        done = self.run_it("echo see /home/anna/x; : /home/anna", "--replace", "/home/anna=~")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.output, encoding="utf-8") as file:
            self.assertNotIn("/home/anna", file.read())
        self.assertIn("see ~/x", self.text())

    def test_writes_nothing_when_a_path_is_left(self):
        done = self.run_it("printf '/home\\033[1m/anna\\n'", "--replace", "/home/anna=~", "--title", "t")
        self.assertEqual(done.returncode, 1)
        self.assertIn("still in the recording", done.stderr)
        self.assertFalse(os.path.exists(self.output))

    def test_refuses_to_grow_beyond_the_limit(self):
        done = self.run_it("seq 1000", "--max-bytes", "20000")
        self.assertEqual(done.returncode, 1)
        self.assertIn("more than 20000", done.stderr)
        self.assertFalse(os.path.exists(self.output))

    def test_the_recording_in_the_readme_is_fit_to_be_shown(self):
        path = os.path.join(os.path.dirname(SCRIPT), "docs", "demo.svg")
        self.assertLess(os.path.getsize(path), 300000)
        text = ElementTree.parse(path).getroot().find(SVG + "desc").text
        self.assertIn("The tour is over", text)
        self.assertEqual(re.findall(r"(?:^|[\s'\"=])/\w+/\S*", text), [])


if __name__ == "__main__":
    unittest.main()
