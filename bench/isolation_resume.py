"""Streams whose worker is killed in the middle, and how long their clients saw nothing.

On one thread: whoever reads also kills, so that a time is of no other event than the one it stands beside.
"""
import json, os, signal, socket, statistics, time
from dataclasses import dataclass
from isolation_servers import attempts, wait_until
from serving_load import HttpAnswer


@dataclass
class Broken:
    """A reply whose worker was killed."""
    pieces: list  # when each event with text came
    killed: float
    tokens: int   # as the server counts them

    def pause(self):
        """The longest time without text that ended after the kill, wherever it began."""
        return max(b - a for a, b in zip(self.pieces, self.pieces[1:]) if b > self.killed)

    def usual(self):
        """The median one that ended before."""
        return statistics.median(b - a for a, b in zip(self.pieces, self.pieces[1:]) if b <= self.killed)


def chat_message(model, text):
    body = json.dumps({"messages": [{"role": "user", "content": text}], "stream": True}).encode()
    return (f"POST /api/v1/{model}/call HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def named(message, request_id):
    """The same request, to be found in the log."""
    return message.replace(b"\r\n", f"\r\nx-request-id: {request_id}\r\n".encode(), 1)


def events(address, message):
    """The time and the value of each event of the answer, to its [DONE]."""
    answer = HttpAnswer()
    with socket.create_connection(address, 60) as connection:
        connection.sendall(message)
        while data := connection.recv(65536):
            now = time.perf_counter()
            for event in answer.feed(data):
                if event == b"[DONE]":
                    return
                yield now, json.loads(event)
    raise SystemExit(f"a stream ended without [DONE]: status {answer.status}, {bytes(answer.body)!r}")


def has_text(event):
    """In OpenAI's dialect of /v1/completions, and in our own."""
    if "error" in event:
        raise SystemExit(f"error in a stream: {event['error']}")
    piece = (event.get("choices") or [event])[0]
    return bool(piece.get("text") or piece.get("delta", {}).get("content"))


def broken_stream(server, message, kill_after):
    """Kills the worker after so many events with text. It is looked up well before, while nothing is measured."""
    pieces, worker, killed, tokens = [], None, 0.0, 0
    for now, event in events(server.address, message):
        tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
        if not has_text(event):
            continue
        pieces.append(now)
        if not worker and len(pieces) >= kill_after // 4:
            worker = server.serving_worker()
        if worker and not killed and len(pieces) >= kill_after:
            killed = time.perf_counter()
            os.kill(worker, signal.SIGKILL)
    return Broken(pieces, killed, tokens)


def why_missed(server, broken, request_id):
    """Empty for a reply that another worker went on with."""
    wait_until(lambda: attempts(server.logged(), request_id), f"the end of {request_id} in the log", server)
    if not broken.killed:
        return "the status told the worker too late"
    if attempts(server.logged(), request_id) < 2:
        return "the worker had none of the reply left to make"  # it may be ahead of its client
    return "" if broken.pieces[-1] > broken.killed else "all of the reply was there before the kill"


def break_streams(server, kills, message_of, tokens, kill_after, prepare):
    """`kills` replies that another worker went on with, and why others did not; `prepare` is called before each."""
    found, missed = [], []
    while len(found) < kills:
        number = len(found) + len(missed)
        prepare(number)
        request_id = f"kill-{number}"
        broken = broken_stream(server, named(message_of(number), request_id), kill_after)
        if broken.tokens != tokens:
            raise SystemExit(f"{server.name}: a reply of {broken.tokens} tokens, expected {tokens}\n{server.said()}")
        if why := why_missed(server, broken, request_id):
            missed.append(why)
        else:
            found.append(broken)
        if len(missed) > kills:
            raise SystemExit(f"{server.name}: {missed}\n{server.said()}")
        server.wait_until_all_are_ready(2)
    return found, missed
