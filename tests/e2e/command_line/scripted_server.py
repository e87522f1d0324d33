"""Answers as a test tells it, where a real server would not do so."""
import json, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def events(*texts, finish="stop"):
    """A streamed reply of these pieces."""
    deltas = [{"delta": {"content": text}, "finish_reason": None} for text in texts]
    deltas.append({"delta": {}, "finish_reason": finish,
                   "usage": {"prompt_tokens": 3, "completion_tokens": len(texts), "cached_tokens": 0}})
    lines = [f"id: {number}\ndata: {json.dumps(delta)}\n\n" for number, delta in enumerate(deltas, 1)]
    return "".join(lines) + "data: [DONE]\n\n"


def error(message, code):
    return json.dumps({"error": {"message": message, "type": "t", "param": None, "code": code}})


class ScriptedServer:
    """`answers`: a path, and a list of (status, body), of which each request takes one and the last stays."""

    def __init__(self, answers):
        self.answers = {path: list(given) for path, given in answers.items()}
        self.seen = []  # (path, fields, body)
        self.lock = threading.Lock()
        handler = type("Handler", (ScriptedHandler,), {"script": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ScriptedHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.script.lock:
            self.script.seen.append((self.path, dict(self.headers), body.decode()))
            left = self.script.answers[self.path]
            status, text = left.pop(0) if len(left) > 1 else left[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_GET
