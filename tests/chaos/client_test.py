"""Tests of the client against a socket that says what it is told."""
import json, socket, threading, time, unittest
from answer_check import LOST, AnswerCheck
from client import Call, Server
from fault_model import true_reply
from ledger import LEFT, REFUSED, WHOLE, Record
from question import Question, Request, Truth

QUESTION = Question(Request("len=1", 7), Truth((true_reply(7, 1, (), None),), 6))
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data):
    text = data if isinstance(data, str) else json.dumps(data)
    body = f"id: 1\ndata: {text}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(body), body)


TOKEN = chunk({"delta": {"role": "agent", "content": "1:63cb "}, "finish_reason": None})
END = chunk({"delta": {}, "finish_reason": "stop", "seed": 7, "usage": {"prompt_tokens": 6, "completion_tokens": 1}})
WHOLE_ANSWER = HEAD + TOKEN + END + chunk("[DONE]") + b"0\r\n\r\n"


def refusal(status, code):
    body = json.dumps({"error": {"code": code, "message": "no"}}).encode()
    return b"HTTP/1.1 %d No\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


class Script:
    """A server that answers each connection with the next of `answers`, and the last of them ever after. It closes the
    connection after it, but for `holds`, which keeps it open until the client has gone."""

    def __init__(self, *answers, holds=False):
        self._answers, self._holds = list(answers), holds
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                asked = b""
                while not asked.endswith(b"}"):  # the end of its body
                    asked += connection.recv(65536)
                self.asked.append(asked)
                connection.sendall(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
                while self._holds and connection.recv(65536):
                    pass

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class CallTest(unittest.TestCase):
    def ask(self, *answers, meanwhile=lambda call: None, limit=5.0, patience=0.3, holds=False, sleeps=0.0):
        script = Script(*answers, holds=holds)
        self.addCleanup(script.close)
        call = Call(Server(script.address, "a/b"), Record(1, QUESTION.request.body()), "chaos-1-1", limit, patience)
        call.sleep(sleeps)
        readers = []

        def new_reader():
            readers.append(AnswerCheck(QUESTION))
            return readers[-1]

        thread = threading.Thread(target=call.run, args=(new_reader,))
        thread.start()
        deadline = time.monotonic() + 5
        while holds and not (readers and readers[-1].tokens) and time.monotonic() < deadline:
            time.sleep(0.01)
        meanwhile(call)
        thread.join(10)
        self.assertFalse(thread.is_alive())
        self.asked = script.asked
        return call.record

    def test_a_whole_answer(self):
        record = self.ask(WHOLE_ANSWER)
        self.assertEqual((record.outcome, record.remark, record.tokens, record.texts), (WHOLE, "", 1, ["1:63cb "]))
        self.assertIn(b"POST /api/v1/a/b/call HTTP/1.1\r\n", self.asked[0])
        self.assertIn(b"X-Request-Id: chaos-1-1\r\n", self.asked[0])
        self.assertTrue(self.asked[0].endswith(json.dumps(QUESTION.request.body()).encode()))

    def test_asks_again_after_refusals_and_counts_them(self):
        record = self.ask(refusal(429, "queue_full"), refusal(503, "model_not_active"), WHOLE_ANSWER)
        self.assertEqual((record.outcome, record.refusals), (WHOLE, 2))

    def test_does_not_ask_for_ever(self):
        record = self.ask(refusal(503, "model_not_active"))
        self.assertEqual((record.outcome, record.remark), (REFUSED, "model_not_active for 0.3 s"))
        self.assertGreater(record.refusals, 1)
        self.assertLess(record.seconds, 2)

    def test_other_errors_are_losses(self):
        record = self.ask(refusal(500, "worker_lost"))
        self.assertEqual((record.outcome, record.remark, record.refusals), (LOST, "worker_lost: no", 0))

    def test_what_breaks_off_is_lost(self):
        for text in (HEAD + TOKEN, HEAD + TOKEN + END[:-9], HEAD, b"", WHOLE_ANSWER[:-20]):
            self.assertEqual(self.ask(text).outcome, LOST, text)

    def test_a_server_that_is_not_there_is_a_loss(self):
        script = Script(b"")
        script.close()
        record = Record(1, QUESTION.request.body())
        Call(Server(script.address, "m"), record, "x", 1, 1).run(lambda: AnswerCheck(QUESTION))
        self.assertEqual(record.outcome, LOST)
        self.assertIn("ConnectionRefused", record.remark)

    def test_silence_is_a_loss_at_the_limit(self):
        record = self.ask(HEAD + TOKEN, holds=True, limit=1.0, sleeps=0.9)
        self.assertEqual((record.outcome, record.remark), (LOST, "no end within 1 s, 1 tokens came"))
        self.assertLess(record.seconds, 1.7)

    def test_who_leaves_loses_nothing(self):
        record = self.ask(HEAD + TOKEN, holds=True, meanwhile=Call.leave)
        self.assertEqual((record.outcome, record.tokens), (LEFT, 1))
        self.assertEqual(self.ask(refusal(503, "x"), patience=60, meanwhile=Call.leave).outcome, LEFT)

    def test_what_was_wrong_before_the_client_left_stays_wrong(self):
        record = self.ask(HEAD + TOKEN + chunk({"error": {"code": "worker_lost", "message": "no"}}), holds=True,
                          meanwhile=Call.leave)
        self.assertEqual(record.outcome, LOST)

    def test_who_is_cut_off_has_lost(self):
        record = self.ask(HEAD + TOKEN, holds=True, meanwhile=lambda call: call.cut("too late"))
        self.assertEqual((record.outcome, record.remark), (LOST, "too late"))

    def test_a_slow_client_reads_all_later(self):
        record = self.ask(WHOLE_ANSWER, sleeps=0.5)
        self.assertEqual(record.outcome, WHOLE)
        self.assertGreater(record.seconds, 0.4)


if __name__ == "__main__":
    unittest.main()
