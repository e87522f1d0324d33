#!/usr/bin/env python3
"""Tests of what bench/cpu.py computes and reads, without models and servers."""
import json, sys, tempfile, unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from cpu import folder_of, params_of, questions
from cpu_report import BYTES, COLUMNS, LESS, Cell, Question, as_json, find, from_json, number, table, to_the_limit
from cpu_rival import Rival, parameters, read_batched_bench, read_bench, round_up
from serving_servers import FORMATS

DECODE = Question("decode", 1, 128)


class AnswerTest(unittest.TestCase):
    def test_reads_what_llama_bench_says(self):
        text = 'load_backend: loaded\n[{"n_gen": 8, "avg_ts": 74.5, "model_size": 143025408}]\n'
        self.assertEqual(read_bench(text), (74.5, 143025408))

    def test_more_than_one_test_of_llama_bench_is_an_error(self):
        with self.assertRaises(ValueError):
            read_bench('[{"avg_ts": 1, "model_size": 2}, {"avg_ts": 1, "model_size": 2}]')

    def test_reads_what_llama_batched_bench_says(self):
        text = 'main: n_kv_max = 8192\n\n{"pp": 128, "tg": 32, "pl": 8, "speed_pp": 93.8, "speed_tg": 21.9}\n'
        self.assertEqual(read_batched_bench(text), 21.9)

    def test_a_llama_batched_bench_without_a_line_is_an_error(self):
        with self.assertRaises(ValueError):
            read_batched_bench("failed to initialize the context\n")


class Recorder(Rival):
    """Notes what it would have run."""

    def __init__(self, prefix):
        super().__init__("", prefix, 2)
        self.ran = []

    def run(self, *words):
        self.ran.append(words)
        return '[{"avg_ts": 5, "model_size": 7}]' if words[0] == "llama-bench" else '{"speed_tg": 6}'


class RivalTest(unittest.TestCase):
    def test_one_stream_is_asked_of_llama_bench_at_its_depth(self):
        rival = Recorder("m")
        self.assertEqual(rival.decode("int4", 1, 1024, 32), 5)
        words = " ".join(rival.ran[0])
        self.assertIn("-m m-q4_0.gguf", words)
        self.assertIn("-p 0 -n 32 -d 1024", words)
        self.assertEqual(rival.weights, {"int4": 7})

    def test_many_streams_have_room_for_all_their_tokens(self):
        rival = Recorder("m")
        self.assertEqual(rival.decode("int8", 8, 128, 32), 6)
        self.assertIn("-c 1280 -npp 128 -ntg 32 -npl 8", " ".join(rival.ran[0]))

    def test_makes_the_files_that_are_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            rival = Recorder(f"{folder}/m")
            Path(rival.file("int8")).touch()
            rival.make_files(["int8", "int4", "bf16"], "F", "convert {folder} {type} {file}")
            self.assertEqual(rival.ran, [("convert", "F", "f32", f"{folder}/m-f32.gguf"),
                                         ("llama-quantize", f"{folder}/m-f32.gguf", f"{folder}/m-q4_0.gguf", "Q4_0"),
                                         ("convert", "F", "bf16", f"{folder}/m-bf16.gguf")])

    def test_rounds_up(self):
        self.assertEqual([round_up(number, 256) for number in (1, 256, 257)], [256, 256, 512])


class ParametersTest(unittest.TestCase):
    def test_counts_the_numbers_of_layers_and_of_the_head(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "config.json").write_text(json.dumps({
                "hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
                "intermediate_size": 16, "vocab_size": 100}))
            self.assertEqual(parameters(folder), (3 * (8 * 8 + 2 * 8 * 4 + 8 * 8 + 3 * 8 * 16), 800))

    def test_a_form_has_its_own_params_and_those_of_all(self):
        args = SimpleNamespace(param=["speculation=auto"], bf16="dtype", packed=None)
        self.assertEqual(params_of("int8", args), {"speculation": "auto", "quantize": "int8"})
        self.assertEqual(params_of("bf16", args), {"speculation": "auto", "dtype": "bf16"})

    def test_a_packed_folder_says_its_form_itself(self):
        args = SimpleNamespace(param=[], bf16="quantize", packed="p", model="m")
        self.assertEqual((folder_of("int8", args), params_of("int8", args)), ("p-int8", {}))


class QuestionTest(unittest.TestCase):
    def test_what_two_parts_ask_is_asked_once(self):
        asked = questions(SimpleNamespace(only=["table", "context", "concurrency"]))
        self.assertEqual(len(asked), len(set(asked)))
        self.assertIn(Question("decode", 64, 128), asked)

    def test_servers_are_not_asked_of_the_entry(self):
        self.assertEqual(questions(SimpleNamespace(only=["serving", "start"])), [])


class ReportTest(unittest.TestCase):
    cells = [Cell("int8", DECODE, [20.0, 30.0, 44.0], [10.0, 10.0, 11.0]),
             Cell("int8", Question("prefill", 1, 512), [1000.0], [100.0])]

    def test_a_ratio_is_of_neighbouring_runs(self):
        self.assertEqual(self.cells[0].ratios(), [2.0, 3.0, 4.0])

    def test_the_table_has_medians_ratio_range_and_aim(self):
        text = table(self.cells, ["int8"], COLUMNS, FORMATS)
        for words in ("int8 ours", "Q8_0 llama.cpp", "30.0", "10.0", "3.00 (2.00..4.00)", "2.10"):
            self.assertIn(words, text)

    def test_what_is_not_measured_is_a_dash(self):
        self.assertEqual(table([], ["int4"], LESS[:1], FORMATS).split("\n")[1].split(), ["int4", "ours", "-"])

    def test_without_a_rival_ours_stands_alone(self):
        text = table([Cell("int8", DECODE, [20.0])], ["int8"], COLUMNS, None)
        self.assertIn("20.0", text)
        self.assertNotIn("llama.cpp", text)
        self.assertNotIn("aim", text)

    def test_tells_the_share_of_what_the_machine_gives(self):
        limits = {"form": "avx2", "read": 6e9, "int8": 1e12}
        text = to_the_limit(self.cells, ["int8"], (50_000_000, 50_000_000), limits, {"int8": 150_000_000})
        rate = 30 * 1e8 * BYTES["int8"] / 1e9
        self.assertIn(f"ours {number(rate)} GB/s ({rate / 6:.0%})", text)
        self.assertIn("llama.cpp 1.50 GB/s (25%)", text)
        self.assertIn("prefill 512 ours 100 GOP/s (10%)", text)

    def test_a_limit_that_is_not_known_has_no_share(self):
        text = to_the_limit(self.cells, ["int8"], (50, 50), {"form": "plain", "read": 1e9, "int8": 0}, {})
        self.assertNotIn("%", text.split("prefill")[1])

    def test_cells_survive_the_file(self):
        cells = from_json(json.loads(json.dumps(as_json(self.cells))))
        self.assertEqual(cells, self.cells)
        self.assertIs(find(cells, "int4", DECODE), None)


if __name__ == "__main__":
    unittest.main()
