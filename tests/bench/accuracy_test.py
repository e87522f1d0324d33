#!/usr/bin/env python3
"""Tests of what bench/accuracy.py reads."""
import sys, tempfile, unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from accuracy import logprobs, prompts_of, rows, text_of


class PromptTest(unittest.TestCase):
    def test_finds_the_prompt_of_a_line(self):
        for line in ("What is it?", '{"prompt": "What  is\\nit?"}', '{"turns": ["What is it?", "And then?"]}',
                     '{"question": [[{"role": "user", "content": "What is it?"}]]}', '{"text": "What is it?", "id": 1}'):
            self.assertEqual(text_of(line), "What is it?")

    def test_a_line_without_a_prompt_is_empty(self):
        for line in ("", "{}", '{"prompt": []}', "7", "null"):
            self.assertEqual(text_of(line), "")

    def test_takes_prompts_from_all_of_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "prompts.txt"
            file.write_text("\n".join(f"p{i}" for i in range(9)) + "\n\n")
            self.assertEqual(prompts_of([file], 3), ["p0", "p3", "p6"])
            self.assertEqual(len(prompts_of([file], 100)), 9)


class AnswerTest(unittest.TestCase):
    def answer(self, *ids):
        return {"completion_probabilities": [{"top_logprobs": [{"id": id, "logprob": -1.0 - id} for id in ids]}]}

    def test_probabilities_are_put_in_the_order_of_ids(self):
        self.assertEqual(list(logprobs(self.answer(2, 0, 1), 3)), [-1.0, -2.0, -3.0])

    def test_a_token_that_is_missing_is_an_error(self):
        with self.assertRaises(SystemExit):
            logprobs(self.answer(2, 0), 3)

    def test_a_row_has_percents_and_thousandths(self):
        row = list(rows([{"error": 0.0161, "kl": 0.00076, "kl_p99": 0.0034, "same": 0.975}], ["quantize=int8"]))[1]
        self.assertEqual(row.split(), ["quantize=int8", "1.61%", "0.7600", "3.4000", "97.50%"])


if __name__ == "__main__":
    unittest.main()
