#!/usr/bin/env python3
"""Tests of the drawings of bench/plots.py."""
import sys, unittest
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from cpu_report import Cell, Question
from plots import Scale, WIDTH, context_of, drawings, points, ticks, x_name


def cells(*contexts, theirs=()):
    return [Cell("int8", Question("decode", 1, context), [1000.0 / context], list(theirs)) for context in contexts]


class PlotsTest(unittest.TestCase):
    def test_points_are_medians_in_order(self):
        found = [Cell("int8", Question("decode", 1, 512), [1.0, 9.0, 2.0]), Cell("int8", Question("decode", 1, 128), [4.0]),
                 Cell("int8", Question("decode", 8, 128), [5.0]), Cell("int4", Question("decode", 1, 256), [6.0]),
                 Cell("int8", Question("prefill", 1, 2048), [7.0])]
        self.assertEqual(points(found, "int8", "ours", context_of, lambda rate: rate), [(128, 4.0), (512, 2.0)])

    def test_ticks_are_round_and_hold_all(self):
        self.assertEqual(ticks(462), [0, 100, 200, 300, 400, 500])
        for most in (0.013, 1, 7.2, 10, 99, 1234):
            self.assertTrue(ticks(most)[-1] >= most and 3 <= len(ticks(most)) <= 6, most)

    def test_a_doubling_is_always_as_wide(self):
        scale = Scale([1, 2, 4], 10)
        self.assertEqual([scale.x(x) for x in (1, 2, 4)], [0, WIDTH / 2, WIDTH])

    def test_lengths_are_named_shortly(self):
        self.assertEqual([x_name(number) for number in (1, 128, 1024, 4096, 8000)], ["1", "128", "1k", "4k", "8k"])

    def test_draws_one_line_a_side(self):
        found = drawings(cells(128, 1024, theirs=[5.0]))
        self.assertEqual(list(found), ["context.svg"])
        root = xml.fromstring(found["context.svg"])
        lines = root.findall(".//{http://www.w3.org/2000/svg}polyline")
        self.assertEqual([line.get("class") for line in lines], ["ours", "theirs"])
        self.assertIn("prefers-color-scheme:dark", found["context.svg"])

    def test_without_a_rival_its_name_is_not_there(self):
        self.assertNotIn("llama.cpp", drawings(cells(128, 1024))["context.svg"])

    def test_a_single_place_is_no_drawing(self):
        self.assertEqual(drawings(cells(128)), {})


if __name__ == "__main__":
    unittest.main()
