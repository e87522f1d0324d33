"""What is asked, and the answer that must come: the terms that all the other files share."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """The fields of a call; those that are None or empty are left out."""
    prompt: str
    seed: int
    stream: bool = True
    n: int = 1
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    logprobs: bool = False

    def body(self) -> dict:
        body = {"messages": [{"role": "user", "content": self.prompt}], "seed": self.seed, "stream": self.stream}
        if self.n != 1:
            body["n"] = self.n
        if self.stop:
            body["stop"] = list(self.stop)
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.logprobs:
            body |= {"logprobs": True, "top_logprobs": 2}
        return body


@dataclass(frozen=True)
class TrueReply:
    """One choice as it must come."""
    text: str
    tokens: int
    finish_reason: str
    seed: int
    # Characters of `text` that have gone out when token k has. Where k is missing, it is not known.
    sent_with: dict[int, int] = field(default_factory=dict)
    logprobs: tuple = ()


@dataclass(frozen=True)
class Truth:
    replies: tuple[TrueReply, ...]
    prompt_tokens: int


@dataclass(frozen=True)
class Question:
    request: Request
    truth: Truth
