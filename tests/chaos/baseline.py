"""The truth about a real model: what it answers while nothing is broken."""
import json, random
from client import Call, Server
from event_stream import Event
from answer_check import Deviation, LOST, place_of
from dataclasses import replace
from ledger import WHOLE, Record
from question import Question, Request, TrueReply, Truth

PROMPTS = ("How do I add a device?", "What does activate do?", "Tell me a story about a lighthouse.",
           "Count from one to fifty in words.", "Write a poem about rain.", "Explain how a bicycle stays upright.",
           "What is exact resume?", "List ten animals and what they eat.")
MOST_TOKENS = 160


class TruthRecorder:
    """Takes a stream as it comes and makes a truth of it."""

    def __init__(self, request: Request):
        self._request = request
        self.texts = [""] * request.n
        self._sent_with: list[dict[int, int]] = [{} for _ in range(request.n)]
        self._logprobs: list[list] = [[] for _ in range(request.n)]
        self._ends: dict[int, tuple[int, dict]] = {}
        self._usage: dict = {}

    @property
    def tokens(self) -> int:
        return self._usage.get("completion_tokens", 0)

    def take(self, event: Event) -> None:
        if event.data == "[DONE]":
            return
        part = json.loads(event.data)
        if "error" in part:
            raise Deviation(LOST, f"{part['error']['code']}: {part['error']['message']}")
        self._usage = part.get("usage") or self._usage
        if "delta" not in part:
            return
        index, number = place_of(event.id, part, self._request)
        self._logprobs[index] += (part.get("logprobs") or {}).get("content", [])
        if content := part["delta"].get("content"):
            self.texts[index] += content
            # A second event of one number brings what was held back, and only at the end.
            self._sent_with[index].setdefault(number, len(self.texts[index]))
        if part.get("finish_reason"):
            self._ends[index] = number, part

    def take_whole(self, answer: dict) -> None:
        raise Deviation(LOST, f"expected a stream, this came: {answer}")

    def close(self) -> None:
        if len(self._ends) != self._request.n or not self._usage:
            raise Deviation(LOST, "the stream ended too early")

    def truth(self) -> Truth:
        replies = []
        for index, text in enumerate(self.texts):
            tokens, end = self._ends[index]
            replies.append(TrueReply(text, tokens, end["finish_reason"], end["seed"], self._sent_with[index],
                                     tuple(self._logprobs[index])))
        return Truth(tuple(replies), self._usage["prompt_tokens"])


class Baseline:
    """Asks for each of `size` answers once, one after the other; `question_of` then draws among them."""

    def __init__(self, server: Server, seed: int, size: int):
        self._server = server
        self._seed = seed
        source = random.Random(f"{seed}/baseline")
        has_logprobs = self._has_logprobs()
        self._questions: list[Question] = []
        for _ in range(size):
            request = Request(source.choice(PROMPTS), source.randrange(2**53 - 128), temperature=0.8,
                              n=2 if source.random() < 0.15 else 1, max_tokens=source.randint(8, MOST_TOKENS),
                              logprobs=has_logprobs and source.random() < 0.2)
            question = Question(request, self._learn(request))
            text = question.truth.replies[0].text
            if source.random() < 0.25 and len(text) > 8:
                at = source.randrange(len(text) - 4)
                request = replace(request, stop=(text[at:at + 4],))
                question = Question(request, self._learn(request))
            self._questions.append(question)

    def question_of(self, number: int) -> Question:
        source = random.Random(f"{self._seed}/request/{number}")
        question = source.choice(self._questions)
        return replace(question, request=replace(question.request, stream=source.random() < 0.85))

    def _has_logprobs(self) -> bool:
        request = Request(PROMPTS[0], 1, stream=False, max_tokens=1, logprobs=True)
        return self._server.ask("POST", f"{self._server.path}/call", request.body())[0] == 200

    def _learn(self, request: Request) -> Truth:
        recorder = TruthRecorder(request)
        call = Call(self._server, Record(0, request.body()), "chaos-baseline", limit=300, patience=60)
        call.run(lambda: recorder)
        if call.record.outcome != WHOLE:
            raise SystemExit(f"without any fault: {call.record.outcome}, {call.record.remark}\n{request.body()}")
        return recorder.truth()
