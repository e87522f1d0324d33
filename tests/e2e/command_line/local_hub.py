"""A Hugging Face hub of this machine, which can misbehave.

`local_hub.py FOLDER [PORT]` serves every FOLDER/ORG/NAME as a model, to try `model_api pull` with:

    HF_ENDPOINT=http://127.0.0.1:PORT model_api pull ORG/NAME
"""
import hashlib, json, pathlib, socket, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = 64 << 10  # files from here on are "LFS" files, with a sha256 and on another host


class Model:
    """The files of a model at one commit, and which of them lie."""

    def __init__(self, files):
        self.files = dict(files)  # name -> bytes
        self.listed = {}          # name -> what the list says in place of the truth

    @property
    def commit(self):
        whole = hashlib.sha1()
        for name, data in sorted(self.files.items()):
            whole.update(name.encode() + b"\0" + data)
        return whole.hexdigest()

    def siblings(self):
        return [self.listed.get(name) or describe(name, data) for name, data in self.files.items()]


def describe(name, data):
    entry = {"rfilename": name, "size": len(data), "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
    if len(data) >= LARGE:
        entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


class Hub:
    """Serves models on one port and their large files on another, where a redirect leads.

    What is asked for is noted in `seen`: (host, path, fields). Whatever shall go wrong is put into the
    public fields before it is asked for.
    """

    def __init__(self, models, port=0):
        self.models = models
        self.token = None          # needed if it is set
        self.gated = False
        self.moved = {}            # old name of a model -> new one
        self.cuts = []             # each ends one answer of a large file after so many bytes
        self.stall_after = None    # an answer of a large file stands still there until `go_on`
        self.ignores_range = False
        self.statuses = []         # each answers one request for a large file: (status, fields)
        self.location = None       # where large files are, if not on the other port
        self.go_on = threading.Event()
        self.seen = []
        self.sent = 0              # bytes of large files
        self.front = self._serve("hub", port)
        self.store = self._serve("store", 0)
        self.url = f"http://127.0.0.1:{self.front.server_port}"

    def _serve(self, role, port):
        handler = type("Handler", (HubHandler,), {"hub": self, "role": role})
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # clients that leave are what this is for
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def close(self):
        self.go_on.set()
        for server in (self.front, self.store):
            server.shutdown()
            server.server_close()

    def asked_for(self, name, role="store"):
        """The fields of the requests for a file."""
        return [fields for host, path, fields in self.seen if host == role and unquote(path).endswith("/" + name)]


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        hub, path = self.hub, urlsplit(self.path).path
        hub.seen.append((self.role, self.path, dict(self.headers)))
        parts = [unquote(part) for part in path.split("/")[1:]]
        if self.role == "store":
            return self.send_large(hub.models["/".join(parts[:2])].files["/".join(parts[2:])])
        if parts[:2] == ["api", "models"]:
            return self.send_list("/".join(parts[2:parts.index("revision")]), parts[-1])
        at = parts.index("resolve")
        self.send_file("/".join(parts[:at]), parts[at + 1], "/".join(parts[at + 2:]))

    def refuses(self, model):
        if self.hub.token and self.headers.get("Authorization") != "Bearer " + self.hub.token:
            return self.send_text(401, "", {"X-Error-Code": "GatedRepo"} if self.hub.gated else {})
        if model not in self.hub.models:
            return self.send_text(404, "", {"X-Error-Code": "RepoNotFound"})
        return False

    def send_list(self, model, revision):
        if model in self.hub.moved:
            return self.send_text(307, "", {"Location": self.path.replace(model, self.hub.moved[model])})
        if self.refuses(model):
            return
        found = self.hub.models[model]
        if revision not in ("main", found.commit):
            return self.send_text(404, "", {"X-Error-Code": "RevisionNotFound"})
        self.send_text(200, json.dumps({"id": model, "sha": found.commit, "siblings": found.siblings()}))

    def send_file(self, model, commit, name):
        model = self.hub.moved.get(model, model)
        if self.refuses(model):
            return
        found = self.hub.models[model]
        if commit != found.commit or name not in found.files:
            return self.send_text(404, "", {"X-Error-Code": "EntryNotFound"})
        data = found.files[name]
        if len(data) < LARGE:
            return self.send_bytes(200, data)
        store = self.hub.location or f"http://localhost:{self.hub.store.server_port}"
        self.send_text(302, "moved there", {"Location": f"{store}/{model}/{name}"})

    def send_large(self, data):
        if self.hub.statuses:
            status, fields = self.hub.statuses.pop(0)
            return self.send_text(status, "", fields)
        tag = f'"{hashlib.sha256(data).hexdigest()}"'
        begin = 0
        wanted = self.headers.get("Range")
        if wanted and not self.hub.ignores_range and self.headers.get("If-Range", tag) == tag:
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        fields = {"ETag": tag}
        if begin:
            fields["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        self.send_bytes(206 if begin else 200, data[begin:], fields)

    def send_bytes(self, status, data, fields={}):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.role == "store":
            if self.hub.stall_after is not None:
                self.write(data[:self.hub.stall_after])
                data = data[self.hub.stall_after:]
                self.hub.stall_after = None
                self.hub.go_on.wait()
            if self.hub.cuts:
                self.write(data[:self.hub.cuts.pop(0)])
                self.close_connection = True
                return self.connection.shutdown(socket.SHUT_RDWR)
        self.write(data)

    def write(self, data):
        try:
            self.wfile.write(data)
            self.wfile.flush()
            if self.role == "store":
                self.hub.sent += len(data)
        except OSError:
            self.close_connection = True  # the client has left

    def send_text(self, status, text, fields={}):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
        return True


def models_below(folder):
    models = {}
    for path in sorted(pathlib.Path(folder).glob("*/*/")):
        files = {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}
        models[f"{path.parent.name}/{path.name}"] = Model(files)
    return models


if __name__ == "__main__":
    hub = Hub(models_below(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(f"HF_ENDPOINT={hub.url}", *hub.models, sep="\n", flush=True)
    threading.Event().wait()
