"""The page of the real program in a headless Chromium, as a person would use it.

    python3 page_test.py --program build/release/model_api --pictures FOLDER

Needs Debian's package `chromium` (or CHROMIUM names another one); exits with 77, and says so, where there is none.
"""
import argparse, json, re, subprocess, sys, tempfile, time, unittest, urllib.request
from pathlib import Path
from browser import Browser, find_browser

MODELS = {
    "parrot": {"name": "echo", "params": {"delay_ms": 5}},
    "org/slow": {"name": "echo", "params": {"delay_ms": 20}},
    "lazy": {"name": "echo", "load": "on_demand"},
    "broken": {"name": "fault", "params": {"enable": True, "load_throw": "no such weights"}},
}
SAMPLE = """A device is added **while the server runs**. Replies in progress go on.

## In three steps

1. Look at what there is: `cpu`, `cuda:0`
2. Add it:

```sh
curl -s http://127.0.0.1:9999/api/v1/tiny-chat/add \\
  -d '{"device":"cuda:0"}'
```

3. See it in the [status](https://example.org/status)

| state | meaning |
| --- | --- |
| `loading` | its weights are being read |
| `ready` | it serves |

> The client sees a pause, *nothing else*."""
ATTACKS = """<script>window.pwned = 1</script><img src=x onerror="window.pwned = 2">
<svg onload="window.pwned = 3"></svg><iframe srcdoc="<script>parent.pwned = 4</script>"></iframe>
<style>* { display: none }</style><base href="https://evil.example/"><form action="https://evil.example/"></form>
[a](javascript:window.pwned=5) [b](JaVaScRiPt&colon;window.pwned=6) [c](data:text/html,<script>alert(7)</script>)
![d](https://evil.example/tracker.png) ![e](x" onerror="window.pwned=8) <javascript:window.pwned=9>
[f](https://example.org/" onclick="window.pwned=10) `<script>window.pwned=11</script>`

```"><script>window.pwned=12</script>
<script>window.pwned=13</script>
```

| <script>window.pwned=14</script> | x |
| --- | --- |
| <img src=x onerror=window.pwned=15> | ${window.pwned=16} {{7*7}} |

</code></pre></div><script>window.pwned=17</script>"""
METRICS = """
model_server_generation_tokens_total{model="parrot",device="cpu"} %d
model_server_requests_waiting{model="parrot",device="cpu"} 3
model_server_requests_running{model="parrot",device="cpu"} 6
model_server_batch_capacity{model="parrot",device="cpu"} 8
model_server_time_to_first_token_seconds_bucket{model="parrot",le="0.1"} %d
model_server_time_to_first_token_seconds_bucket{model="parrot",le="+Inf"} %d
"""
LAST = ".message.agent:last-child"
DONE = f"document.querySelector('{LAST}:not(.running) .facts')"


class Server:
    def __init__(self, program: str, folder: Path):
        config = folder / "config.json"
        config.write_text(json.dumps(MODELS))
        self._log = open(folder / "server.log", "wb")
        self.process = subprocess.Popen(
            [program, "--config", str(config), "--model", "parrot", "--device", "cpu", "--model", "org/slow",
             "--device", "cpu", "--virtual-devices", "2", "--port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True)
        self.origin, ready = "", 0
        while not self.origin or ready < 2:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"the server does not start:\n{(folder / 'server.log').read_text()}")
            if found := re.match(r"listening on (\S+)", line):
                self.origin = found[1]
            ready += " is ready on " in line

    def status(self) -> dict:
        with urllib.request.urlopen(f"{self.origin}/api/v1/", timeout=20) as answer:
            return json.load(answer)

    def running(self, model: str) -> int:
        return sum(each["running"] for each in self.status()["models"][model]["entities"])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()
        self._log.close()


class PageTest(unittest.TestCase):
    server: Server
    browser: Browser
    pictures: Path | None

    def setUp(self):
        self.browser.set_screen(1280, 800)
        self.browser.prefer(prefers_color_scheme="light")
        self.browser.open("about:blank")
        self.browser.open(f"{self.server.origin}/")
        self.browser.run("localStorage.clear()")
        self.browser.complaints.clear()
        self.browser.requests.clear()
        self.go("chat")
        self.browser.call("Page.reload")
        self.browser.wait("document.querySelector('.suggestion')")

    def tearDown(self):
        self.assertEqual(self.browser.complaints, [])
        elsewhere = [each for each in self.browser.requests if not each.startswith(self.server.origin)]
        self.assertEqual(elsewhere, [])

    # -- helpers ----------------------------------------------------------------

    def go(self, view: str) -> None:
        self.browser.run(f"location.hash = '{view}'")
        self.browser.wait(f"document.querySelector('#view-{view}:not([hidden])')")

    def say(self, text: str) -> None:
        self.browser.click("#say")
        self.browser.type(text)
        self.browser.press("Enter")

    def choose(self, model: str) -> None:
        self.browser.wait(f"[...document.querySelectorAll('#model option')].some(each => each.value === '{model}')")
        self.browser.run(f"(() => {{ const it = document.querySelector('#model'); it.value = '{model}';"
                         "it.dispatchEvent(new Event('change')); })()")

    def text(self, selector: str = f"{LAST} .markdown") -> str:
        return self.browser.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def picture(self, name: str) -> None:
        if self.pictures:
            time.sleep(0.3)  # what moves comes to rest
            self.browser.picture(self.pictures / f"{name}.png")

    def comes_true(self, question) -> None:
        deadline = time.monotonic() + 20
        while not question():
            self.assertLess(time.monotonic(), deadline)

    # -- chat -------------------------------------------------------------------

    def test_a_reply_streams_in(self):
        self.choose("org/slow")
        self.say("one two three four five six seven")
        self.browser.wait(f"document.querySelector('{LAST}.running .markdown').innerText.startsWith('one')")
        self.assertNotIn("seven", self.text())
        self.browser.wait(DONE)
        self.assertEqual(self.text(), "one two three four five six seven")
        self.assertIn("33 tokens", self.text(f"{LAST} .foot"))
        self.assertEqual(self.text(f"{LAST} .trail"), "cpu")
        # It was read out, once.
        self.assertEqual(self.browser.run("document.querySelector('#announcer').textContent"),
                         "one two three four five six seven")

    def test_shift_and_enter_begin_a_line(self):
        self.browser.click("#say")
        self.browser.type("a")
        self.browser.press("Enter", shift=True)
        self.browser.type("b")
        self.browser.press("Enter")
        self.browser.wait(DONE)
        self.assertEqual(self.text(".message.user .said"), "a\nb")

    def test_escape_stops_a_reply_and_it_goes_on_when_asked(self):
        self.choose("org/slow")
        self.say("x" * 40 + "y")
        self.browser.wait(f"document.querySelector('{LAST}.running .markdown').innerText.length > 2")
        self.browser.press("Escape")
        self.browser.wait(DONE)
        self.assertNotIn("y", self.text())
        self.assertIn("stopped", self.text(f"{LAST} .foot"))
        self.comes_true(lambda: self.server.running("org/slow") == 0)
        self.browser.click(f"{LAST} [aria-label='Continue']")
        self.browser.wait(f"document.querySelector('{LAST} .markdown').innerText === '{'x' * 40 + 'y'}'")

    def test_again_and_otherwise(self):
        self.say("first")
        self.browser.wait(DONE)
        self.browser.click(f"{LAST} [aria-label='Regenerate']")
        self.browser.wait(f"{DONE} && document.querySelectorAll('.message').length === 2")
        self.browser.press("ArrowUp")
        self.browser.wait("document.activeElement.matches('.editing textarea')")
        self.browser.type(" and more")
        self.browser.press("Enter")
        self.browser.wait(f"document.querySelector('{LAST} .markdown').innerText === 'first and more'")
        self.assertEqual(self.browser.run("document.querySelectorAll('.message').length"), 2)

    def test_markdown_is_shown(self):
        self.say(SAMPLE)
        self.browser.wait(DONE)
        of_last = f"document.querySelector('{LAST} .markdown')"
        self.assertEqual(self.browser.run(f"{of_last}.querySelector('pre code').textContent.split('\\n').length"), 2)
        for tag in ("strong", "h4", "ol", "table", "blockquote em", "a[rel~=noopener]"):
            self.assertTrue(self.browser.run(f"!!{of_last}.querySelector('{tag}')"), tag)
        self.picture("chat-light")
        self.browser.click("[aria-label='Switch between light and dark']")
        self.picture("chat-dark")
        self.browser.set_screen(390, 844, phone=True)
        self.picture("chat-phone")

    def test_no_text_becomes_a_script(self):
        for text in ATTACKS, "".join(f"<img src=x{i} onerror=window.pwned=1>\n\n" for i in range(3)):
            self.say(text)
            self.browser.wait(f"{DONE} && document.querySelectorAll('.message.running').length === 0")
        self.assertIsNone(self.browser.run("window.pwned"))
        made = self.browser.run("[...document.querySelectorAll('.messages .markdown *')].map(each => each.nodeName)")
        self.assertLessEqual(set(made), {"P", "BR", "CODE", "A", "DIV", "SPAN", "PRE", "TABLE", "THEAD", "TBODY", "TR",
                                         "TH", "TD", "BUTTON", "svg", "path", "EM", "STRONG"})
        links = self.browser.run("[...document.querySelectorAll('.messages a')].map(each => each.href)")
        self.assertTrue(all(each.startswith("https://") for each in links), links)
        events = self.browser.run("[...document.querySelectorAll('.messages *')].flatMap(each =>"
                                  "[...each.attributes].map(it => it.name)).filter(name => /^on|^style$/.test(name))")
        self.assertEqual(events, [])
        # The last line of defence: the browser itself refuses.
        refused = self.browser.run("(() => { try { document.body.innerHTML = '<b>x</b>'; } "
                                   "catch (error) { return error.name; } })()")
        self.assertEqual(refused, "TypeError")
        self.browser.complaints.clear()  # the refusal is one

    def test_chats_are_kept(self):
        self.say("remember me")
        self.browser.wait(DONE)
        self.browser.call("Page.reload")
        self.browser.wait(f"document.querySelector('{LAST} .markdown')?.innerText === 'remember me'")
        self.browser.click(".new-chat")
        self.browser.wait("document.querySelector('.start:not([hidden])')")
        self.browser.run("document.querySelector('[aria-label^=\"Delete the chat\"]').click()")
        self.browser.wait("document.querySelectorAll('.chat-name').length === 0")
        self.browser.click(".notice .link-button")
        self.browser.wait(f"document.querySelector('{LAST} .markdown')?.innerText === 'remember me'")

    def test_an_error_is_told_where_it_belongs(self):
        self.browser.click("[aria-label='Settings of this chat']")
        self.browser.click("#set-temperature")
        self.browser.type("3")
        self.say("hi")
        told = self.browser.wait(f"document.querySelector('{LAST} .trouble:not([hidden]) p')?.innerText")
        self.assertIn("temperature", told)
        self.assertIn("2", told)
        self.browser.wait("document.querySelector('#set-temperature').ariaInvalid === 'true'")
        self.picture("error")
        self.browser.run("document.querySelector('#set-temperature').value = ''")
        self.browser.run("document.querySelector('#set-temperature').dispatchEvent(new Event('change'))")
        self.browser.click(f"{LAST} .trouble .button")
        self.browser.wait(f"document.querySelector('{LAST} .markdown').innerText === 'hi'")

    def test_a_key_is_asked_for_and_sent(self):
        self.browser.run("""(() => {
          const real = window.fetch;
          window.fetch = (url, how) => {
            window.sent = how.headers.Authorization;
            return window.sent ? real(url, how) : Promise.resolve(new Response(
              JSON.stringify({error: {message: 'This server wants a key.', code: 'no_key', param: null}}),
              {status: 401}));
          };
        })()""")
        self.assertEqual(self.browser.wait("document.querySelector('dialog[open] .trouble')?.innerText"),
                         "This server wants a key.")
        self.browser.wait("document.activeElement.id === 'key'")
        self.browser.type("secret")
        self.browser.press("Enter")
        self.browser.wait("window.sent === 'Bearer secret'")
        self.assertEqual(self.browser.run("document.querySelectorAll('dialog[open]').length"), 0)
        self.assertIsNone(self.browser.run("localStorage.getItem('model-server.key')"))
        self.browser.run("sessionStorage.clear()")

    def test_enter_closes_the_dialog_that_a_button_opened(self):
        self.browser.click("[aria-label='API key']")
        self.browser.wait("document.activeElement.id === 'key'")
        self.browser.type("secret")
        self.browser.press("Enter")
        self.browser.wait("sessionStorage.getItem('model-server.key') === 'secret'")
        self.browser.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        self.assertEqual(self.browser.run("document.querySelectorAll('dialog[open]').length"), 0)
        self.browser.run("sessionStorage.clear()")

    def test_a_model_is_loaded_by_the_first_message(self):
        self.choose("lazy")
        self.say("hi")
        self.browser.wait(DONE)
        self.assertEqual(self.text(), "hi")

    def test_a_key_that_may_only_call_can_chat(self):
        self.browser.run("""(() => {
          const real = window.fetch;
          window.fetch = (url, how) => new URL(url).pathname === '/api/v1/' ? Promise.resolve(new Response(
            JSON.stringify({error: {message: 'This key may not do that.', code: 'forbidden', param: null}}),
            {status: 403})) : real(url, how);
        })()""")
        self.go("models")
        self.browser.wait("document.querySelector('.problem:not([hidden])')?.innerText === 'This key may not do that.'")
        self.assertTrue(self.browser.run("document.querySelector('#view-models .all').hidden"))
        self.go("chat")
        self.choose("org/slow")
        self.say("hi")
        self.browser.wait(DONE)
        self.assertEqual(self.text(), "hi")

    # -- models -----------------------------------------------------------------

    def entity(self, model: str, device: str) -> str:
        return f"article[data-key='{model}'] .entity[data-key='{device}']"

    def press(self, action: str, model: str, device: str = "") -> None:
        of_device = f"[data-device='{device}']" if device else ""
        self.browser.click(f"button[data-action={action}][data-model='{model}']{of_device}")

    def test_a_reply_moves_when_its_device_is_removed(self):
        self.choose("org/slow")
        text = "W" * 300 + "".join(f" {i}" for i in range(150))
        self.say(text)
        self.browser.wait(f"document.querySelector('{LAST}.running .markdown').innerText.length > 9")
        self.go("models")
        self.browser.wait("document.querySelector('.live .words')?.innerText.length > 75")
        self.assertTrue(self.browser.run("(({scrollWidth, clientWidth}) => scrollWidth <= clientWidth)"
                                         "(document.querySelector('#view-models'))"))
        self.press("add", "org/slow", "virtual:0")
        self.browser.wait(f"document.querySelector(\"{self.entity('org/slow', 'virtual:0')}.ready\")")
        self.press("remove", "org/slow", "cpu")
        self.browser.wait("[...document.querySelectorAll('.notice')].some(each =>"
                          "each.innerText.includes('removed from cpu; 1 reply moved'))")
        self.browser.wait("document.querySelector('.live .trail')?.innerText.includes('virtual:0')")
        self.picture("models-light")
        self.go("chat")
        self.picture("chat-moved")
        self.browser.wait(DONE, 60)
        self.assertEqual(self.text(), text.strip())
        self.assertEqual(self.text(f"{LAST} .trail").split(), ["cpu", "→", "virtual:0"])
        self.go("models")
        self.press("add", "org/slow", "cpu")
        self.browser.wait(f"document.querySelector(\"{self.entity('org/slow', 'cpu')}.ready\")")
        self.press("remove", "org/slow", "virtual:0")
        self.browser.wait(f"!document.querySelector(\"{self.entity('org/slow', 'virtual:0')}\")")

    def test_a_model_that_does_not_load_says_why(self):
        self.go("models")
        self.press("activate", "broken")
        self.browser.wait("document.querySelector('.notice.error')?.innerText.includes('no such weights')")

    def test_models_on_a_phone(self):
        self.browser.set_screen(390, 844, phone=True)
        for view in ("chat", "models", "figures"):
            self.go(view)
            self.browser.wait("document.querySelector('.model')")
            self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), 390, view)
            self.picture(f"{view}-phone-light")
        self.browser.click(".menu")
        self.browser.wait("document.activeElement.id === 'to-chat'")
        self.picture("menu-phone")
        self.browser.press("Escape")
        self.browser.wait("!document.querySelector('.side.open')")

    # -- figures ----------------------------------------------------------------

    def test_figures_are_drawn_and_what_is_missing_has_no_data(self):
        numbers = json.dumps(METRICS)
        # In place before the page asks for the first time.
        script = self.browser.call("Page.addScriptToEvaluateOnNewDocument", source=f"""(() => {{
          const real = window.fetch;
          let asked = 0;
          window.fetch = (url, how) => {{
            if (!String(url).endsWith('/metrics')) return real(url, how);
            ++asked;
            let text = {numbers};
            for (const value of [100 * asked, 10 * asked, 20 * asked]) text = text.replace('%d', value);
            return Promise.resolve(new Response(text));
          }};
        }})()""")
        self.addCleanup(self.browser.call, "Page.removeScriptToEvaluateOnNewDocument", **script)
        self.browser.call("Page.reload")
        self.browser.wait("document.querySelector('.suggestion')")
        self.go("figures")
        self.browser.wait("document.querySelectorAll('path.line').length >= 4")
        names = self.browser.wait("""(() => {
          const plots = [...document.querySelectorAll('.plot svg')].map(each => each.ariaLabel);
          return plots[1].includes('median') && plots[0].includes('cpu') && plots;
        })()""")
        self.assertEqual(names[2:4], ["Queue, now: cpu 3", "Batch fill, now: cpu 75 %"])
        self.assertRegex(names[0], r"^Tokens per second, now: cpu \d+")
        self.assertEqual(names[4:], ["Cache hits: no data", "Memory: no data"])
        self.picture("figures-light")

    # -- for everybody ----------------------------------------------------------

    def test_everything_that_can_be_used_has_a_name(self):
        self.say("hello")
        self.browser.wait(DONE)
        self.browser.click("[aria-label='Settings of this chat']")
        for view in ("chat", "models", "figures"):
            self.go(view)
            self.browser.wait("document.querySelector('.model')")
            nameless = self.browser.run("""[...document.querySelectorAll('button, input, select, textarea, a, nav')]
              .filter(each => !(each.ariaLabel || each.innerText?.trim() || each.labels?.[0]?.innerText))
              .map(each => each.outerHTML)""")
            self.assertEqual(nameless, [], view)
        twice = self.browser.run("""(() => { const ids = [...document.querySelectorAll('[id]')].map(each => each.id);
          return ids.filter((id, i) => ids.indexOf(id) !== i); })()""")
        self.assertEqual(twice, [])

    def test_the_keyboard_is_enough(self):
        self.browser.run("document.activeElement.blur()")
        seen = []
        for _ in range(9):
            self.browser.press("Tab")
            if self.browser.run("document.activeElement === document.body"):
                continue  # once around
            seen.append(self.browser.run("document.activeElement.ariaLabel || document.activeElement.innerText.trim()"))
        self.assertEqual(seen[:5], ["Skip to the content", "Chat", "Models", "Figures", "New chat"])
        self.assertIn("Model", seen)
        outline = self.browser.run("getComputedStyle(document.activeElement).outlineStyle")
        self.assertEqual(outline, "solid")

    def test_nothing_moves_for_who_wants_no_motion(self):
        self.browser.prefer(prefers_reduced_motion="reduce", prefers_color_scheme="dark")
        self.browser.call("Page.reload")
        self.browser.wait("document.querySelector('.suggestion')")
        self.assertEqual(self.browser.run("document.documentElement.dataset.theme"), "dark")
        durations = self.browser.run("[...document.querySelectorAll('*')].map(each =>"
                                     "parseFloat(getComputedStyle(each).transitionDuration))")
        self.assertLess(max(durations), 0.001)

    # The last by name: it ends the server.
    def test_zz_a_stream_that_breaks_off_says_so(self):
        self.choose("org/slow")
        self.say("z" * 500)
        self.browser.wait(f"document.querySelector('{LAST}.running .markdown').innerText.length > 2")
        self.server.process.kill()
        told = self.browser.wait(f"document.querySelector('{LAST} .trouble:not([hidden]) p')?.innerText")
        self.assertIn("broke off", told)
        self.assertTrue(self.text().startswith("zz"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--pictures", type=Path, help="a folder for screenshots, which are taken if it is given")
    options, rest = parser.parse_known_args()
    found = find_browser()
    if not found:
        print("skipped: there is no Chromium; `apt-get install chromium` brings one")
        sys.exit(77)
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="page-test-") as folder:
        PageTest.pictures = options.pictures
        PageTest.server = Server(options.program, Path(folder))
        try:
            PageTest.browser = Browser(found)
            try:
                result = unittest.main(argv=[sys.argv[0], *rest], exit=False, verbosity=2).result
            finally:
                PageTest.browser.close()
        finally:
            PageTest.server.stop()
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
