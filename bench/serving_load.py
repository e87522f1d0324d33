"""Sends requests to an OpenAI-compatible server and notes when what comes back.

One thread and one event loop, because the load shares the machine with the server. Each request
has a connection of its own: llama-server closes its side after a stream.
"""
import asyncio, json, time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    prompt: list  # token ids
    tokens: int   # of the reply, exactly
    at: float = 0.0  # seconds after the start; open loop only


@dataclass
class Outcome:
    sent: float
    pieces: list = field(default_factory=list)  # when each event with text came
    ended: float = 0.0
    usage: dict = field(default_factory=dict)
    failure: str = ""  # empty for a reply that came whole


class HttpAnswer:
    """Reads one HTTP/1.1 answer, fed in pieces of any size: event stream or error body."""

    def __init__(self):
        self.status = 0
        self.complete = False
        self.body = bytearray()  # decoded, and not yet taken as events
        self._raw = bytearray()
        self._chunked = False
        self._left = None  # bytes of the body that are still to come, where the head says so

    def feed(self, data):
        """Takes bytes from the connection, gives the data of the events that are whole now."""
        self._raw += data
        if self.status == 0 and not self._read_head():
            return []
        if self._chunked:
            self._read_chunks()
        else:
            self.body += self._raw
            self._raw.clear()
            self.complete = self._left is not None and len(self.body) >= self._left
        return take_events(self.body) if self.status == 200 else []

    def _read_head(self):
        end = self._raw.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = bytes(self._raw[:end]).decode("latin-1").split("\r\n")
        del self._raw[:end + 4]
        self.status = int(first.split()[1])
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if "content-length" in headers:
            self._left = int(headers["content-length"])
        return True

    def _read_chunks(self):
        while not self.complete:
            end = self._raw.find(b"\r\n")
            if end < 0:
                return
            size = int(bytes(self._raw[:end]).split(b";")[0], 16)
            if len(self._raw) < end + 2 + size + 2:
                return
            self.body += self._raw[end + 2:end + 2 + size]
            del self._raw[:end + 2 + size + 2]
            self.complete = size == 0


def take_events(text):
    """Removes the whole server-sent events from `text` (a bytearray); gives the data of those that have any."""
    found = []
    while (end := text.find(b"\n\n")) >= 0:
        lines = [line for line in bytes(text[:end]).split(b"\n") if line.startswith(b"data:")]
        del text[:end + 2]
        if lines:
            found.append(b"\n".join(line[5:].lstrip(b" ") for line in lines))
    return found


class Exchange(asyncio.Protocol):
    """One request and its reply; `done` is set when the reply has ended, however it did."""

    def __init__(self, message, request):
        self.outcome = Outcome(time.perf_counter())
        self.done = asyncio.get_running_loop().create_future()
        self._message = message
        self._request = request
        self._answer = HttpAnswer()
        self._finish_reason = None

    def connection_made(self, transport):
        self._transport = transport
        transport.write(self._message)

    def data_received(self, data):
        now = time.perf_counter()
        try:
            for event in self._answer.feed(data):
                if event == b"[DONE]":
                    return self.finish(self._shortcoming())
                self._take(json.loads(event), now)
            if self._answer.complete:
                self.finish(self._refusal())
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            self.finish(f"not understood: {error!r}")

    def connection_lost(self, error):
        self.finish(f"connection lost: {error}" if error else self._refusal())

    def finish(self, failure):
        if not self.done.done():
            self.outcome.failure = failure
            self.outcome.ended = time.perf_counter()
            self.done.set_result(None)
            self._transport.close()

    def _take(self, event, now):
        if "error" in event:
            return self.finish(f"error in the stream: {event['error']}")
        if event.get("usage"):
            self.outcome.usage = event["usage"]
        for choice in event.get("choices", []):
            if choice.get("text"):
                self.outcome.pieces.append(now)
            self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def _shortcoming(self):
        usage, request = self.outcome.usage, self._request
        if self._finish_reason != "length":
            return f"finish_reason is {self._finish_reason}, expected length"
        for name, expected in (("completion_tokens", request.tokens), ("prompt_tokens", len(request.prompt))):
            if usage.get(name) != expected:
                return f"{name} is {usage.get(name)}, expected {expected}"
        return "" if self.outcome.pieces else "no event had text"

    def _refusal(self):
        if self._answer.status == 200:
            return "the stream ended without [DONE]"
        return f"status {self._answer.status or 'missing'}: {bytes(self._answer.body[:300]).decode(errors='replace')}"


def message_of(request, host, model):
    body = json.dumps({"model": model, "prompt": request.prompt, "max_tokens": request.tokens, "temperature": 0,
                       "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}).encode()
    return (f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


async def send(address, model, request, timeout):
    """Sends one request and waits for its end, at most `timeout` seconds."""
    message = message_of(request, f"{address[0]}:{address[1]}", model)
    exchange = Exchange(message, request)
    try:
        connection = asyncio.get_running_loop().create_connection(lambda: exchange, *address)
        await asyncio.wait_for(connection, timeout)
    except (OSError, asyncio.TimeoutError) as error:
        exchange.outcome.failure = f"no connection: {error!r}"
        return exchange.outcome
    await asyncio.wait([exchange.done], timeout=timeout)
    exchange.finish(f"no end within {timeout} s")  # does nothing to one that has ended
    return exchange.outcome


async def closed_loop(send_one, requests, clients):
    """`clients` at a time: each sends its next request when its last reply has ended."""
    waiting = iter(requests)
    outcomes = []

    async def client():
        for request in waiting:
            outcomes.append(await send_one(request))

    await asyncio.gather(*(client() for _ in range(clients)))
    return outcomes


async def open_loop(send_one, requests):
    """Each request at its own time, whatever has become of those before it."""
    start = time.perf_counter()

    async def arrival(request):
        await asyncio.sleep(start + request.at - time.perf_counter())
        return await send_one(request)

    return await asyncio.gather(*(arrival(request) for request in requests))


def run(server, requests, clients, timeout):
    """All outcomes; `clients` None is the open loop."""
    async def send_one(request):
        return await send(server.address, server.model, request, timeout)

    if clients is None:
        return asyncio.run(open_loop(send_one, requests))
    return asyncio.run(closed_loop(send_one, requests, clients))
