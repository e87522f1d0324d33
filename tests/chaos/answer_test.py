"""Tests of what holds an answer against the truth: event streams, differences, checks, recorded truths."""
import io, json, unittest
import fault_model
from answer_check import CHANGED, DOUBLED, LOST, AnswerCheck, BrokenOff, Deviation, Refusal, difference
from baseline import TruthRecorder
from event_stream import Event, events_of
from question import Question, Request, TrueReply, Truth


class EventStreamTest(unittest.TestCase):
    def test_gives_ids_and_passes_over_comments(self):
        lines = io.BytesIO(b": ping\n\nid: 1:3\ndata: {}\n\nevent: x\ndata:a\ndata: b\n\n")
        self.assertEqual(list(events_of(lines)), [Event("1:3", "{}"), Event("", "a\nb")])

    def test_what_is_cut_off_is_no_event(self):
        self.assertEqual(list(events_of(io.BytesIO(b"data: a\n\ndata: b\n"))), [Event("", "a")])


class DifferenceTest(unittest.TestCase):
    def test_tells_what_is_missing_from_what_comes_again_from_what_is_wrong(self):
        for received, expected, content, kind in (
                ("", "1:a ", "1:a ", None), ("1:a ", "2:b 3:c ", "3:c ", LOST), ("1:a ", "2:b ", "", LOST),
                ("1:a ", "2:b 3:c ", "2:b ", LOST), ("1:a ", "2:b ", "1:a 2:b ", DOUBLED),
                ("1:a ", "", "1:a ", DOUBLED), ("", "1:a 2:b ", "1:a 1:a 2:b ", DOUBLED),
                ("1:a ", "2:b ", "2:c ", CHANGED), ("1:a ", "2:b ", "2:b x", CHANGED), ("1:a ", "2:b ", "9", CHANGED)):
            self.assertEqual(difference(received, expected, content), kind, (received, expected, content))


REPLY = fault_model.true_reply(7, 3, (), None)  # 1:63cb 2:044c 3:e698
USAGE = {"prompt_tokens": 6, "completion_tokens": 3, "cached_tokens": 0}
END = {"delta": {}, "finish_reason": "stop", "seed": 7, "usage": USAGE}
DONE = Event("", "[DONE]")


def event(number, content=None, **more):
    delta = {} if content is None else {"content": content} | ({"role": "agent"} if number == 1 else {})
    return Event(str(number), json.dumps({"delta": delta, "finish_reason": None} | more))


ONE, TWO, THREE = event(1, "1:63cb "), event(2, "2:044c "), event(3, "3:e698 ")
LAST = event(3, **END)


class AnswerCheckTest(unittest.TestCase):
    def check(self, *events, question=Question(Request("len=3", 7), Truth((REPLY,), 6))):
        check = AnswerCheck(question)
        for one in events:
            check.take(one)
        check.close()
        return check

    def deviation(self, *events, **more):
        with self.assertRaises(Deviation) as caught:
            self.check(*events, **more)
        return caught.exception.kind

    def test_the_truth_passes_in_single_tokens_and_in_bursts(self):
        check = self.check(ONE, TWO, THREE, LAST, DONE)
        self.assertEqual((check.tokens, check.texts), (3, [REPLY.text]))
        burst = Event("2", json.dumps({"delta": {"role": "agent", "content": "1:63cb 2:044c "}, "finish_reason": None}))
        self.check(burst, THREE, LAST, DONE)

    def test_what_is_missing_is_lost(self):
        for events in ((ONE, THREE, LAST, DONE), (ONE, TWO, LAST, DONE), (ONE, TWO, THREE, DONE),
                       (ONE, TWO, THREE, LAST), (ONE, TWO), (ONE, event(3, "2:044c "), LAST, DONE), ()):
            self.assertEqual(self.deviation(*events), LOST, events)
        without_usage = event(3, **{name: value for name, value in END.items() if name != "usage"})
        self.assertEqual(self.deviation(ONE, TWO, THREE, without_usage, DONE), LOST)

    def test_what_comes_again_is_doubled(self):
        for events in ((ONE, TWO, TWO, THREE, LAST, DONE), (ONE, TWO, event(3, "2:044c 3:e698 "), LAST, DONE),
                       (ONE, TWO, THREE, LAST, LAST, DONE), (ONE, TWO, THREE, LAST, DONE, DONE),
                       (ONE, TWO, THREE, LAST, DONE, LAST), (ONE, TWO, THREE, THREE, LAST, DONE),
                       (ONE, TWO, THREE, LAST, THREE, DONE)):
            self.assertEqual(self.deviation(*events), DOUBLED, events)
        usage = Event("", json.dumps({"usage": USAGE}))
        self.assertEqual(self.deviation(ONE, TWO, THREE, LAST, usage, DONE), DOUBLED)

    def test_what_is_other_is_changed(self):
        for changed in ({"finish_reason": "length"}, {"seed": 8}, {"usage": USAGE | {"prompt_tokens": 7}},
                        {"usage": USAGE | {"completion_tokens": 2}}, {"index": 0}):
            self.assertEqual(self.deviation(ONE, TWO, THREE, event(3, **END | changed), DONE), CHANGED, changed)
        for events in ((ONE, event(2, "2:044d "), THREE, LAST, DONE), (ONE, TWO, THREE, event(4, **END), DONE),
                       (ONE, Event("0:2", TWO.data)), (ONE, TWO, event(1, "3:e698 "))):
            self.assertEqual(self.deviation(*events), CHANGED, events)
        again = Event("2", json.dumps({"delta": {"role": "agent", "content": "2:044c "}, "finish_reason": None}))
        self.assertEqual(self.deviation(ONE, again), CHANGED)

    def test_a_number_that_does_not_rise_is_doubled_though_its_text_is_right(self):
        reply = TrueReply("abc", 3, "stop", 7, {})
        question = Question(Request("x", 7), Truth((reply,), 6))
        b = event(1, "b", delta={"content": "b"})
        self.assertEqual(self.deviation(event(1, "a"), b, question=question), DOUBLED)

    def test_what_was_held_back_comes_with_the_end(self):
        reply = fault_model.true_reply(7, 1, ("b ?",), None)
        question = Question(Request("x", 7, stop=("b ?",)), Truth((reply,), 6))
        end = event(1, **END | {"usage": USAGE | {"completion_tokens": 1}})
        rest = event(1, "b ", delta={"content": "b "})
        self.check(event(1, "1:63c"), rest, end, DONE, question=question)
        self.assertEqual(self.deviation(event(1, "1:63c"), end, DONE, question=question), LOST)
        self.assertEqual(self.deviation(event(1, "1:63c"), rest, rest, end, DONE, question=question), DOUBLED)

    def test_errors_before_the_first_token_may_be_refusals(self):
        full = Event("", '{"error":{"code":"queue_full","message":"full"}}')
        with self.assertRaises(Refusal):
            self.check(full)
        self.assertEqual(self.deviation(ONE, full), LOST)
        self.assertEqual(self.deviation(Event("", '{"error":{"code":"worker_lost","message":"x"}}')), LOST)

    def test_only_an_end_of_the_connection_may_be_the_clients_doing(self):
        with self.assertRaises(BrokenOff):
            self.check(ONE, TWO)
        with self.assertRaises(Deviation) as caught:
            self.check(ONE, TWO, LAST)
        self.assertNotIsInstance(caught.exception, BrokenOff)

    def choices(self):
        replies = tuple(fault_model.true_reply(seed, 1, (), None) for seed in (7, 8))
        question = Question(Request("len=1", 7, n=2), Truth(replies, 6))
        events = []
        for index, reply in enumerate(replies):
            for part in ({"delta": {"role": "agent", "content": reply.text}, "finish_reason": None},
                         {"delta": {}, "finish_reason": "stop", "seed": reply.seed}):
                events.append(Event(f"{index}:1", json.dumps({"index": index} | part)))
        return question, events, Event("", json.dumps({"usage": USAGE | {"completion_tokens": 2}}))

    def test_each_choice_has_its_own_truth(self):
        question, (a, a_end, b, b_end), usage = self.choices()
        self.check(b, a, a_end, b_end, usage, DONE, question=question)
        self.assertEqual(self.deviation(a, a_end, b, usage, DONE, question=question), LOST)
        self.assertEqual(self.deviation(a, a_end, a_end, b, b_end, usage, DONE, question=question), DOUBLED)
        self.assertEqual(self.deviation(a, Event("1:1", a.data), question=question), CHANGED)

    def test_a_whole_answer_is_held_against_the_same_truth(self):
        question = Question(Request("len=3", 7, stream=False), Truth((REPLY,), 6))
        answer = {"finish_reason": "stop", "seed": 7, "usage": USAGE}
        for content, kind in ((REPLY.text, None), (REPLY.text[:-7], LOST), (REPLY.text[7:], LOST),
                              (REPLY.text[:7] + REPLY.text, DOUBLED), (REPLY.text.replace("e", "f"), CHANGED)):
            check, found = AnswerCheck(question), None
            try:
                check.take_whole(answer | {"message": {"role": "agent", "content": content}})
                check.close()
            except Deviation as deviation:
                found = deviation.kind
            self.assertEqual(found, kind, content)


class TruthRecorderTest(unittest.TestCase):
    def test_what_it_has_recorded_passes_and_nothing_else(self):
        request = Request("x", 7, logprobs=True)
        scored = [event(number, text, logprobs={"content": [{"token": text, "logprob": -number}]})
                  for number, text in ((1, "a"), (3, "bc"))]
        recorder = TruthRecorder(request)
        for one in (*scored, LAST, DONE):
            recorder.take(one)
        recorder.close()
        question = Question(request, recorder.truth())
        self.assertEqual(question.truth.replies[0].sent_with, {1: 1, 3: 3})
        check = AnswerCheckTest()
        check.check(*scored, LAST, DONE, question=question)
        c = event(3, "c", logprobs={"content": [{"token": "bc", "logprob": -3}]})
        check.check(scored[0], event(2, "b"), c, LAST, DONE, question=question)
        self.assertEqual(check.deviation(scored[0], event(3, "bc"), LAST, DONE, question=question), CHANGED)
        self.assertEqual(check.deviation(scored[0], event(3, "b"), question=question), LOST)

    def test_a_stream_that_breaks_off_is_no_truth(self):
        recorder = TruthRecorder(Request("x", 7))
        recorder.take(ONE)
        self.assertRaises(Deviation, recorder.close)


if __name__ == "__main__":
    unittest.main()
