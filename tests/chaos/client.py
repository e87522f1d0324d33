"""Asks for one answer over a connection of its own, and lets a fault reach its client meanwhile."""
import http.client, json, socket, threading, time, urllib.parse
from typing import Protocol
from answer_check import CHANGED, LOST, BrokenOff, Deviation, Refusal, error_of
from event_stream import Event, events_of
from ledger import LEFT, REFUSED, WHOLE, Record

RETRY_PAUSE = 0.1
# Bytes: so few that the server soon feels a client that does not read, and enough for TCP to flow; with 4096 it
# sends 500 tokens a second.
RECEIVE_BUFFER = 32768


class AnswerReader(Protocol):
    """What takes an answer: AnswerCheck, or TruthRecorder before there is a truth."""
    tokens: int
    texts: list[str]

    def take(self, event: Event) -> None: ...
    def take_whole(self, answer: dict) -> None: ...
    def close(self) -> None: ...


class Server:
    """Where the server is, and short exchanges with it."""

    def __init__(self, address: str, model: str):
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.model = model
        self.path = f"/api/v1/{urllib.parse.quote(model)}"

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def ask(self, method: str, path: str, body: dict | None = None, timeout: float = 90) -> tuple[int, dict]:
        """Status and answer."""
        connection = self.connect(timeout)
        try:
            connection.request(method, path, json.dumps(body or {}))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def entities(self) -> list[dict]:
        """Of the model, as the status tells them; `device` as in `add`, with the node if that is another."""
        status, answer = self.ask("GET", "/api/v1/", timeout=10)
        if status != 200 or self.model not in answer["models"]:
            raise ValueError(f"{self.model} is no model of {self.host}:{self.port}: {answer}")
        return [entity | {"device": full_device(entity["node"], entity["device"])}
                for entity in answer["models"][self.model]["entities"]]


def full_device(node: str, device: str) -> str:
    return device if node == "local" else f"{node}/{device}"


class Call:
    """One request until it has its outcome. `run` works on one thread; the rest may be called on others."""

    def __init__(self, server: Server, record: Record, request_id: str, limit: float, patience: float):
        """`limit` is for the answer, and `patience` for being taken; both in seconds."""
        self.record = record
        self._server = server
        self._request_id = request_id
        self._limit = limit
        self._patience = patience
        self._socket: socket.socket | None = None
        self._reads_on = 0.0  # when it reads again
        self._has_left = False
        self._cut_remark = ""
        self._wake = threading.Event()

    def run(self, new_reader) -> None:
        """Fills the record; `new_reader` makes an AnswerReader for each attempt."""
        started = time.monotonic()
        while not self.record.outcome:
            reader = new_reader()
            try:
                self._attempt(reader, started + self._limit)
                self._end(WHOLE, "")
            except Refusal as refusal:
                self.record.refusals += 1
                if self._has_left:
                    self._end(LEFT, "while it was refused")
                elif time.monotonic() > started + self._patience:
                    self._end(REFUSED, f"{refusal} for {self._patience:g} s")
                self._wake.wait(RETRY_PAUSE)
            except BrokenOff as problem:
                self._end(LEFT if self._has_left else LOST, self._cut_remark or str(problem))
            except Deviation as deviation:
                self._end(deviation.kind, str(deviation))
            self.record.texts, self.record.tokens = reader.texts, reader.tokens
        self.record.seconds = time.monotonic() - started

    def sleep(self, seconds: float) -> None:
        """Reads nothing for so long."""
        self._reads_on = time.monotonic() + seconds

    def leave(self) -> None:
        """Closes the connection, as a client that has gone does."""
        self._has_left = True
        self._shut()

    def cut(self, remark: str) -> None:
        """Waits no longer: without an end by now, the answer is lost."""
        self._cut_remark = remark
        self._shut()

    def _shut(self) -> None:
        self._wake.set()
        try:
            if self._socket:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # closed already

    def _end(self, outcome: str, remark: str) -> None:
        self.record.outcome, self.record.remark = outcome, remark

    def _attempt(self, reader: AnswerReader, deadline: float) -> None:
        connection = self._server.connect(max(0.01, deadline - time.monotonic()))
        try:
            connection.connect()
            self._socket = connection.sock
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if self._wake.is_set():
                raise BrokenOff("ended before it was sent")
            connection.request("POST", f"{self._server.path}/call", json.dumps(self.record.request),
                               {"Content-Type": "application/json", "X-Request-Id": self._request_id})
            self._read(connection.getresponse(), reader, deadline)
        except TimeoutError:
            raise Deviation(LOST, f"no end within {self._limit:g} s, {reader.tokens} tokens came") from None
        except (OSError, http.client.HTTPException) as error:
            raise BrokenOff(f"the connection broke after {reader.tokens} tokens: {error!r}") from None
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise Deviation(CHANGED, f"not understood: {error!r}") from error
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse, reader: AnswerReader, deadline: float) -> None:
        if answer.status != 200:
            error = json.loads(answer.read())["error"]
            raise Refusal(error["code"]) if answer.status in (429, 503) else error_of(error, False)
        if answer.getheader("content-type") != "text/event-stream":
            return reader.take_whole(json.loads(answer.read()))
        for event in events_of(self._lines(answer, deadline)):
            reader.take(event)
        reader.close()

    def _lines(self, answer: http.client.HTTPResponse, deadline: float):
        while True:
            self._wake.wait(max(0.0, self._reads_on - time.monotonic()))
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            line = answer.readline()
            if not line:
                return
            yield line
