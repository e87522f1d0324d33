"""Drives a headless Chromium over its DevTools protocol, with nothing but Python's own library."""
import base64, json, os, shutil, socket, struct, subprocess, tempfile, time, urllib.request
from collections.abc import Callable
from pathlib import Path

PATIENCE = 30.0  # seconds
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowUp": 38}


def find_browser() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class WebSocket:
    """As much of RFC 6455 as a local browser needs: texts, whole or in fragments, and no extensions."""

    def __init__(self, url: str):
        host, path = url.removeprefix("ws://").split("/", 1)
        name, port = host.split(":")
        self._socket = socket.create_connection((name, int(port)), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self._bytes = self._socket.makefile("rb")
        if b" 101 " not in self._bytes.readline():
            raise RuntimeError("the browser takes no WebSocket")
        while self._bytes.readline() != b"\r\n":
            pass

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        size = len(data)
        head = bytes([0x81, 0x80 | size]) if size < 126 else (
            struct.pack(">BBH", 0x81, 0xFE, size) if size < 1 << 16 else struct.pack(">BBQ", 0x81, 0xFF, size))
        pad = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
        self._socket.sendall(head + mask + masked)

    def receive(self) -> str:
        text = b""
        while True:
            first, size = self._read(2)
            if size == 126:
                size = struct.unpack(">H", self._read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self._read(8))[0]
            data = self._read(size)
            if first & 0x0F == 8:
                raise RuntimeError("the browser has hung up")
            if first & 0x0F < 8:
                text += data
                if first & 0x80:
                    return text.decode()

    def _read(self, size: int) -> bytes:
        data = self._bytes.read(size)
        if len(data) < size:
            raise RuntimeError("the browser is gone")
        return data

    def close(self) -> None:
        self._bytes.close()
        self._socket.close()


class Browser:
    """One tab. Errors of scripts, and what the policy forbids, are in `complaints`; statuses of answers are not."""

    def __init__(self, program: str):
        self._folder = tempfile.TemporaryDirectory(prefix="page-browser-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--remote-debugging-port=0", f"--user-data-dir={self._folder.name}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._last_id = 0
        try:
            self._socket = WebSocket(self._tab_address())
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def _tab_address(self) -> str:
        port_file = Path(self._folder.name) / "DevToolsActivePort"
        port = self._until(lambda: port_file.exists() and port_file.read_text().split("\n")[0], "a port")
        def tab() -> str | None:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE) as answer:
                return next((each["webSocketDebuggerUrl"] for each in json.load(answer) if each["type"] == "page"), None)
        return self._until(tab, "a tab")

    @staticmethod
    def _until(question: Callable, what: str):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if answer := question():
                return answer
            time.sleep(0.05)
        raise RuntimeError(f"the browser has not come to {what}")

    # -- protocol ---------------------------------------------------------------

    def call(self, method: str, **params) -> dict:
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.receive())
            if message.get("id") == self._last_id:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._note(message)

    def _note(self, message: dict) -> None:
        params = message.get("params", {})
        if message["method"] == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif message["method"] == "Log.entryAdded":
            if params["entry"]["level"] == "error" and params["entry"]["source"] != "network":
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif message["method"] == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.complaints.append(str([each.get("value") for each in params["args"]]))
        elif message["method"] == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif message["method"] == "Page.javascriptDialogOpening":
            self.complaints.append(f"a dialog: {params['message']}")
            self._last_id += 1
            self._socket.send(json.dumps({"id": self._last_id, "method": "Page.handleJavaScriptDialog",
                                          "params": {"accept": True}}))

    # -- what a person does -----------------------------------------------------

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, expression: str):
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def wait(self, expression: str, patience: float = PATIENCE):
        """Until the expression is true; gives its value."""
        deadline = time.monotonic() + patience
        question = f"(() => {{ try {{ const it = {expression}; return it instanceof Node || it; }} catch {{}} }})()"
        while not (value := self.run(question)):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {patience:g} s: {expression}\n{self.run('document.body.innerText')}")
            time.sleep(0.03)
        return value

    def click(self, selector: str) -> None:
        """Presses the mouse in the middle of it, as it lies on the screen."""
        where = self.wait(f"""(() => {{
          const element = document.querySelector({json.dumps(selector)});
          if (!element || element.disabled) return null;
          element.scrollIntoView({{block: 'nearest', behavior: 'instant'}});
          const box = element.getBoundingClientRect();
          const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
          return element.contains(document.elementFromPoint(x, y)) ? [x, y] : null;
        }})()""")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left",
                      clickCount=int(kind != "mouseMoved"))

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def press(self, key: str, shift: bool = False) -> None:
        common = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": 8 if shift else 0}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    # -- what a person has ------------------------------------------------------

    def set_screen(self, width: int, height: int, phone: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def prefer(self, **features: str) -> None:
        self.call("Emulation.setEmulatedMedia", features=[{"name": name.replace("_", "-"), "value": value}
                                                          for name, value in features.items()])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()
