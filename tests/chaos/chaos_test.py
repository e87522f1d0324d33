#!/usr/bin/env python3
"""Tests of scripts, the fault model, books and verdicts. Called as a program it runs all tests of this folder."""
import io, json, sys, unittest
from itertools import islice
from pathlib import Path
import fault_model
from answer_check import CHANGED, DOUBLED, LOST
from campaign import Result
from fault_script import ScriptError, Span, parse_script
from faults import Faults, NoTarget, pick
from ledger import WHOLE, Ledger, Record, attempts_in
from report import report, verdict


class ScriptTest(unittest.TestCase):
    def test_reads_verbs_weights_times_and_pauses(self):
        script = parse_script("# soft\npause 10ms..1.5s\nready 2\n\nkill-worker 10\nstop-worker 2 for=300ms\n"
                              "remove-add 0.5\nrun 1 echo  'a b' for=1s\n")
        self.assertEqual((script.pause, script.ready), (Span(0.01, 1.5), (2, 2)))
        self.assertEqual([(kind.verb, kind.weight, kind.lasting, kind.command) for kind in script.kinds],
                         [("kill-worker", 10, Span(0, 0), ""), ("stop-worker", 2, Span(0.3, 0.3), ""),
                          ("remove-add", 0.5, Span(0, 0), ""), ("run", 1, Span(0, 0), "echo  'a b' for=1s")])

    def test_what_is_not_said_is_usual(self):
        script = parse_script("stop-worker 1")
        self.assertEqual((script.pause, script.ready, script.kinds[0].lasting),
                         (Span(0.02, 0.2), (0, 0), Span(1.5, 1.5)))

    def test_refuses_what_it_does_not_understand_and_names_the_line(self):
        for line in ("burn-worker 1", "kill-worker", "kill-worker 0", "kill-worker -1", "kill-worker x", "run 1",
                     "kill-worker 1 for=1s", "run", "stop-worker 1 for=1", "stop-worker 1 1s",
                     "stop-worker 1 for=2s..1s", "leave-client 2", "pause", "pause 1s 2s", "pause 1h", "ready",
                     "ready x", "ready 2..1"):
            with self.assertRaisesRegex(ScriptError, "line 2: ", msg=line):
                parse_script(f"leave-client 1\n{line}")
        with self.assertRaisesRegex(ScriptError, "line 3: pause has a line already"):
            parse_script("run 1 a\npause 1s\npause 1s")
        with self.assertRaisesRegex(ScriptError, "no fault"):
            parse_script("pause 1s\n# kill-worker 1")

    def test_several_commands_may_run(self):
        self.assertEqual([kind.command for kind in parse_script("run 1 a\nrun 1 b").kinds], ["a", "b"])

    def test_a_seed_gives_one_schedule_with_the_weights_of_the_script(self):
        script = parse_script("pause 10ms..30ms\nready 1..3\nkill-worker 3\nslow-client 1 for=1s..2s")
        strikes = list(islice(script.schedule(1), 4000))
        self.assertEqual(strikes, list(islice(script.schedule(1), 4000)))
        self.assertNotEqual(strikes[:20], list(islice(script.schedule(2), 20)))
        self.assertAlmostEqual(sum(strike.verb == "kill-worker" for strike in strikes) / 4000, 0.75, delta=0.03)
        self.assertTrue(all(0.01 <= strike.pause <= 0.03 and 0 <= strike.lot < 1 for strike in strikes))
        self.assertEqual({strike.ready for strike in strikes}, {1, 2, 3})
        lasting = [strike.lasting for strike in strikes if strike.verb == "slow-client"]
        self.assertTrue(1 <= min(lasting) < 1.1 and 1.9 < max(lasting) <= 2)


class FaultModelTest(unittest.TestCase):
    def test_says_what_the_program_says(self):
        # curl: len=5 with seed 7, and with seed 8, from the program itself.
        self.assertEqual("".join(fault_model.fault_texts(7, 5)), "1:63cb 2:044c 3:e698 4:953a 5:73d3 ")
        self.assertEqual("".join(fault_model.fault_texts(8, 5)), "1:9e56 2:9ca8 3:b064 4:893e 5:1056 ")

    def test_the_sum_before_the_mixing_wraps_at_64_bits(self):
        self.assertEqual(fault_model.fault_check(2**64 - 1, 3), fault_model.fault_check(-1 + 2**65, 3))

    def reply(self, *stops, length=5, max_tokens=None):
        reply = fault_model.true_reply(7, length, stops, max_tokens)
        return reply.text, reply.tokens, reply.finish_reason, reply.sent_with

    def test_a_reply_ends_by_itself_or_at_its_limit(self):
        self.assertEqual(self.reply(length=2), ("1:63cb 2:044c ", 2, "stop", {1: 7, 2: 14}))
        self.assertEqual(self.reply(max_tokens=1), ("1:63cb ", 1, "length", {1: 7}))
        self.assertEqual(self.reply(length=2, max_tokens=2)[1:3], (2, "length"))
        self.assertEqual(self.reply(length=0), ("", 0, "stop", {}))

    def test_a_stop_string_cuts_and_its_beginning_waits(self):
        self.assertEqual(self.reply("b 2:0"), ("1:63c", 2, "stop", {1: 5, 2: 5}))
        self.assertEqual(self.reply("b ?", length=1), ("1:63cb ", 1, "stop", {1: 5}))
        self.assertEqual(self.reply("44c", "2:0")[:2], ("1:63cb ", 2))
        self.assertEqual(self.reply("0", "2:0")[:2], ("1:63cb ", 2))
        self.assertEqual(self.reply("1:", max_tokens=1)[:3], ("", 1, "stop"))

    def test_the_same_number_is_the_same_question(self):
        questions = [fault_model.question_of(1, number) for number in range(400)]
        self.assertEqual(questions, [fault_model.question_of(1, number) for number in range(400)])
        self.assertEqual(len({question.request.seed for question in questions}), 400)
        self.assertNotEqual(questions[0], fault_model.question_of(2, 0))
        requests = [question.request for question in questions]
        for what in ({r.stream for r in requests}, {r.n for r in requests}, {bool(r.stop) for r in requests},
                     {r.max_tokens is None for r in requests}):
            self.assertEqual(len(what), 2)


class LedgerTest(unittest.TestCase):
    def test_knows_what_is_missing_and_what_is_there_twice(self):
        ledger = Ledger()
        numbers = [ledger.open() for _ in range(3)]
        self.assertEqual((numbers, ledger.unaccounted), ([1, 2, 3], 3))
        for number in numbers:
            ledger.close(Record(number, {}, WHOLE))
        self.assertEqual(ledger.unaccounted, 0)
        ledger.close(Record(2, {}, WHOLE))
        self.assertEqual(ledger.unaccounted, 1)

    def test_writes_every_answer(self):
        file = io.StringIO()
        ledger = Ledger(file)
        ledger.close(Record(ledger.open(), {"seed": 3}, "lost", "why", ["1:"]))
        written = json.loads(file.getvalue())
        self.assertEqual((written["request"], written["outcome"], written["texts"]), ({"seed": 3}, "lost", ["1:"]))

    def test_finds_its_own_replies_in_the_log(self):
        log = ("T info request_done request_id=chaos-1-7 model=fault finish=stop attempts=3 duration_ms=1\n"
               "T info request_done request_id=chaos-11-7 model=fault attempts=2\n"
               "T info request_refused request_id=chaos-1-9 attempts=9\n"
               "T info request_done request_id=chaos-1-8 attempts=1")
        self.assertEqual(attempts_in(log, "chaos-1-"), [3, 1])


class VerdictTest(unittest.TestCase):
    def result(self, *outcomes, faults=1):
        result = Result(Ledger(), Faults(None, None, list))
        result.faults.injected["kill-worker"] = faults
        for outcome in outcomes:
            result.ledger.close(Record(result.ledger.open(), {}, outcome, "because", faults=1))
        return result

    def test_passes_when_nothing_is_wrong(self):
        result = self.result(WHOLE, "left", "refused")
        self.assertEqual(verdict(result), [])
        self.assertIn("verdict: passed", report(result, [1, 3]))

    def test_fails_for_each_kind(self):
        for kind in (LOST, DOUBLED, CHANGED):
            result = self.result(WHOLE, kind)
            self.assertEqual(verdict(result), [f"1 {kind}"])
            self.assertRegex(report(result, None), f"answer 2 {kind}: because(.|\n)*verdict: FAILED: 1 {kind}")

    def test_fails_when_nothing_was_shown(self):
        self.assertRegex(verdict(self.result("refused"))[0], "no answer came whole")
        self.assertRegex(verdict(self.result(WHOLE, faults=0))[0], "no fault")

    def test_fails_when_the_faults_ended_early_or_something_is_not_healed(self):
        early, ill, short = self.result(WHOLE), self.result(WHOLE), self.result(WHOLE)
        early.ended_early = True
        ill.not_healed.append("cpu has no entity any more")
        short.ledger.open()
        for result, reason in ((early, "ended early"), (ill, "not healed"), (short, "not in the books")):
            self.assertEqual(len(verdict(result)), 1)
            self.assertIn(reason, verdict(result)[0])

    def test_resumed_replies_are_those_with_several_workers(self):
        self.assertRegex(report(self.result(WHOLE), [1, 3, 1, 2]), r"resumed +2 .* 3 losses in all, at most 2 for")


class PickTest(unittest.TestCase):
    def test_every_candidate_has_its_share(self):
        self.assertEqual([pick("abc", lot, "") for lot in (0, 0.34, 0.99)], ["a", "b", "c"])
        with self.assertRaisesRegex(NoTarget, "nobody"):
            pick([], 0.5, "nobody")


if __name__ == "__main__":
    folder = str(Path(__file__).parent)
    unittest.main(module=None, argv=[sys.argv[0], "discover", "-s", folder, "-p", "*_test.py", *sys.argv[1:]])
