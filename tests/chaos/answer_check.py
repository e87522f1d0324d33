"""Holds an answer against the truth while it comes, and stops at the first thing that is wrong."""
import json, os.path
from event_stream import Event
from question import Question, Request, TrueReply

LOST, DOUBLED, CHANGED = "lost", "doubled", "changed"
# Errors before the first token that ask the client to come again.
PASSING = {"queue_full", "model_loading", "model_not_active", "shutting_down", "too_many_connections",
           "too_many_body_bytes"}


class Deviation(Exception):
    """The answer is not the true one; `kind` is LOST, DOUBLED or CHANGED."""

    def __init__(self, kind: str, remark: str):
        super().__init__(remark)
        self.kind = kind


class BrokenOff(Deviation):
    """The connection ended before the answer did, which is no fault where the client closed it."""

    def __init__(self, remark: str):
        super().__init__(LOST, remark)


class Refusal(Exception):
    """The server asks to come again, and has sent nothing of the answer."""


def difference(received: str, expected: str, content: str) -> str | None:
    """How `content` differs from `expected`, where `received` came before; None if it does not."""
    if content == expected:
        return None
    same = len(os.path.commonprefix([expected, content]))
    missing, extra = expected[same:], content[same:]
    if len(extra) < len(missing) and missing.endswith(extra):
        return LOST
    if len(extra) > len(missing) and extra.endswith(missing) \
            and extra[:len(extra) - len(missing)] in received + content[:same]:
        return DOUBLED
    return CHANGED


def around_difference(*texts: str) -> list[str]:
    """The part of each text where they begin to differ, quoted."""
    begin = max(0, len(os.path.commonprefix(texts)) - 12)
    return [("..." if begin else "") + repr(text[begin:begin + 60]) for text in texts]


def require(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Deviation(CHANGED, f"{what} is {found!r}, expected {expected!r}")


class ChoiceCheck:
    """One of the replies of an answer."""

    def __init__(self, truth: TrueReply, with_logprobs: bool):
        self.text = ""
        self.tokens = 0  # number of the last one that came
        self.has_ended = False
        self._truth = truth
        self._with_logprobs = with_logprobs
        self._logprobs: list = []
        self._role: str | None = "agent"  # what the next part must have

    def take(self, number: int, part: dict, message: dict) -> None:
        """A part that goes up to token `number`: an event, or all there is; `message` is what it says."""
        if self.has_ended:
            raise Deviation(DOUBLED, f"token {number} comes after the end: {json.dumps(part)}")
        require("role", message.get("role"), self._role)
        self._role = None
        is_end, content = part.get("finish_reason") is not None, message.get("content", "")
        if content or not is_end:
            self._take_text(number, content)
        self._logprobs += (part.get("logprobs") or {}).get("content", [])
        if is_end:
            self._take_end(number, part)

    def _take_text(self, number: int, content: str) -> None:
        truth, at = self._truth, len(self.text)
        end = truth.sent_with.get(number, at + len(content))
        # What was held back comes with the end, under the number of the last token again.
        if number == truth.tokens and content == truth.text[at:]:
            end = len(truth.text)
        kind = difference(self.text, truth.text[at:end], content)
        if kind:
            raise Deviation(kind, f"token {number} after {self.tokens} brings "
                                  + " instead of ".join(around_difference(content, truth.text[at:end])))
        if number < self.tokens or number == self.tokens and number != truth.tokens:
            raise Deviation(DOUBLED, f"token {number} comes after {self.tokens}")
        self.text += content
        self.tokens = number

    def _take_end(self, number: int, part: dict) -> None:
        truth = self._truth
        if len(self.text) < len(truth.text):
            raise Deviation(LOST, f"the reply ends ({part['finish_reason']}) after token {number} of {truth.tokens} "
                                  f"and {len(self.text)} of {len(truth.text)} characters")
        require("the number of the end", number, truth.tokens)
        require("finish_reason", part["finish_reason"], truth.finish_reason)
        require("seed", part.get("seed"), truth.seed)
        if self._with_logprobs:
            require("logprobs", self._logprobs, list(truth.logprobs))
        self.tokens = number
        self.has_ended = True


class AnswerCheck:
    """A whole answer, as a stream of events or in one piece. Its methods throw Deviation and Refusal."""

    def __init__(self, question: Question):
        self._question = question
        self._choices = [ChoiceCheck(reply, question.request.logprobs) for reply in question.truth.replies]
        self._has_usage = False
        self._is_done = False

    @property
    def tokens(self) -> int:
        return sum(choice.tokens for choice in self._choices)

    @property
    def texts(self) -> list[str]:
        return [choice.text for choice in self._choices]

    def take(self, event: Event) -> None:
        if self._is_done:
            raise Deviation(DOUBLED, f"after [DONE] comes {event.data}")
        if event.data == "[DONE]":
            self._require_all("[DONE]")
            self._is_done = True
            return
        part = json.loads(event.data)
        if "error" in part:
            raise error_of(part["error"], self.tokens > 0)
        if part.get("usage"):
            self._take_usage(part["usage"])
        if "delta" in part:
            index, number = place_of(event.id, part, self._question.request)
            self._choices[index].take(number, part, part["delta"])

    def take_whole(self, answer: dict) -> None:
        parts = answer["choices"] if self._question.request.n > 1 else [answer]
        require("the number of choices", len(parts), len(self._choices))
        for choice, reply, part in zip(self._choices, self._question.truth.replies, parts):
            choice.take(reply.tokens, part, part["message"])
        self._take_usage(answer["usage"])
        self._is_done = True

    def close(self) -> None:
        """The answer has no more."""
        if not self._is_done:
            raise BrokenOff(f"the stream ended without [DONE], after {self.tokens} tokens")

    def _take_usage(self, usage: dict) -> None:
        if self._has_usage:
            raise Deviation(DOUBLED, "usage comes twice")
        truth = self._question.truth
        require("prompt_tokens", usage["prompt_tokens"], truth.prompt_tokens)
        require("completion_tokens", usage["completion_tokens"], sum(reply.tokens for reply in truth.replies))
        self._has_usage = True

    def _require_all(self, what: str) -> None:
        for index, choice in enumerate(self._choices):
            if not choice.has_ended:
                raise Deviation(LOST, f"{what} comes before choice {index} has ended")
        if not self._has_usage:
            raise Deviation(LOST, f"{what} comes without usage")


def place_of(event_id: str, part: dict, request: Request) -> tuple[int, int]:
    """The choice that an event belongs to, and the number of its last token: `12`, or `1:12` of several."""
    index, colon, number = event_id.rpartition(":")
    require("whether the id names a choice", bool(colon), request.n > 1)
    require("index", part.get("index"), int(index) if colon else None)
    return int(index or 0), int(number)


def error_of(error: dict, has_begun: bool) -> Exception:
    """What an error of the server means to this answer."""
    if not has_begun and error["code"] in PASSING:
        return Refusal(error["code"])
    return Deviation(LOST, f"{error['code']}: {error['message']}")
