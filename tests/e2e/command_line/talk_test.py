"""`model_api chat`, `list` and `bench` with real servers, and with scripted ones where these would not do."""
import fcntl, json, os, pty, select, signal, struct, subprocess, termios, time
from urllib.request import ProxyHandler, build_opener
import program
from program import PATIENCE, Program, main
from scripted_server import ScriptedServer, error, events

CALL = "/api/v1/m/call"
ECHO = '{"echo":{"name":"echo"},"slow":{"name":"echo","params":{"delay_ms":200}},"idle":{"name":"echo"}}'


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, test, *arguments):
        self.test, self.read = test, ""
        self.screen, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        self.process = subprocess.Popen([program.PROGRAM, *arguments], cwd=test.folder,
                                        env=program.environment(TERM="xterm"), start_new_session=True,
                                        stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        test.addCleanup(os.close, self.screen)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)

    def type(self, text):
        os.write(self.screen, text.encode())

    def expect(self, text):
        """Waits until it shows this, behind all that was expected before."""
        while text not in self.read:
            ready, _, _ = select.select([self.screen], [], [], PATIENCE)
            self.test.assertTrue(ready, f"{text!r} does not come behind {self.read!r}")
            try:
                more = os.read(self.screen, 4096)
            except OSError:  # the end
                more = b""
            self.test.assertTrue(more, f"{text!r} does not come behind {self.read!r}")
            self.read += more.decode(errors="replace")
        before, self.read = self.read.split(text, 1)
        return before

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def wait(self):
        return self.process.wait(PATIENCE)


class TalkTest(Program):
    def status(self, url):
        return build_opener(ProxyHandler({})).open(url + "/api/v1/").read().decode()

    def script_calls(self, *given):
        """A server that answers calls of the model m so, one after the other."""
        server = ScriptedServer({CALL: given, "/tokenize": [(200, '{"count":10}')]})
        self.addCleanup(server.close)
        return server


class ChatTest(TalkTest):
    def test_prints_one_reply(self):
        url = self.start_server(ECHO, "echo")
        self.assertEqual(self.run_command("chat", "echo", "hello", "--url", url).out, "hello\n")
        whole = self.run_command("chat", "echo", "-", "--url", url, text="two\n/quit lines\n")
        self.assertEqual(whole.out, "two\n/quit lines\n")

    def test_answers_line_by_line(self):
        url = self.start_server(ECHO, "echo")
        ended = self.run_command("chat", "echo", "--url", url,
                                 text="one\n\n//two\nthree \\\nand four\n/set max_tokens 2\nfive\n/models\n/quit\nsix")
        self.assert_ends(ended, 0)
        self.assertTrue(ended.out.startswith("one\n/two\nthree \nand four\nfi\nMODEL"), ended)
        self.assertRegex(ended.out, "\nidle +inactive")
        self.assertNotIn("six", ended.out)

    def test_remembers_the_conversation(self):
        server = self.script_calls((200, events("A", "B")), (200, events("C")), (200, events("D")))
        ended = self.run_command("chat", "m", "--url", server.url, "--system", "S", "--set", "temperature=0.5",
                                 text="one\ntwo\n/new\nthree\n")
        self.assertEqual(ended.out, "AB\nC\nD\n", ended)
        bodies = [json.loads(body) for _, _, body in server.seen]
        self.assertEqual(bodies[1], {"messages": [
            {"role": "system", "content": "S"}, {"role": "user", "content": "one"},
            {"role": "agent", "content": "AB"}, {"role": "user", "content": "two"}],
            "temperature": 0.5, "stream": True})
        self.assertEqual([turn["content"] for turn in bodies[2]["messages"]], ["S", "three"])

    def test_does_not_let_a_model_at_the_terminal(self):
        server = self.script_calls((200, events("a\x1b[2J\x9b", "\x1b]0;title\x07\rb")))
        self.assertEqual(self.run_command("chat", "m", "x", "--url", server.url).out, "a[2J]0;titleb\n")
        server = self.script_calls((404, error("no\x1b[31m", "model_not_found")))
        self.assertEqual(self.run_command("chat", "m", "x", "--url", server.url).err, "model_api: no[31m\n")

    def test_says_what_the_server_says(self):
        url = self.start_server(ECHO, "echo")
        self.assert_ends(self.run_command("chat", "none", "x", "--url", url), 1, "none")
        self.assert_ends(self.run_command("chat", "idle", "x", "--url", url), 1, "activate")
        self.assert_ends(self.run_command("chat", "echo", "x", "--set", "temprature=1", "--url", url), 1, "temprature")
        self.assert_ends(self.run_command("chat", "echo", "x", "--set", "stream=0", "--url", url), 2, "stream")

    def test_says_when_there_is_no_server(self):
        server = self.script_calls((200, ""))
        server.close()
        for command in (("chat", "m", "x"), ("list",), ("bench", "m")):
            self.assert_ends(self.run_command(*command, "--url", server.url), 1,
                             f"no server answers at {server.url}", "model_api --model NAME", "--url")

    def test_notices_a_reply_that_is_not_whole(self):
        whole = events("A", "B")
        server = self.script_calls((200, whole.replace("data: [DONE]\n\n", "")))
        ended = self.run_command("chat", "m", "x", "--url", server.url)
        self.assert_ends(ended, 1, "AB\n", "ended in the middle")
        broken = whole.split("id: 2")[0] + f"data: {error('it broke', 'model_failed')}\n\n"
        server = self.script_calls((200, broken))
        self.assert_ends(self.run_command("chat", "m", "x", "--url", server.url), 1, "A\n", "it broke")
        server = self.script_calls((502, "<html>"))
        self.assert_ends(self.run_command("chat", "m", "x", "--url", server.url), 1, "status 502")

    def test_shows_the_server_its_key(self):
        server = self.script_calls((200, events("A")))
        self.run_command("chat", "m", "x", "--url", server.url, MODEL_SERVER_API_KEY="k1")
        self.run_command("chat", "m", "x", "--url", server.url, "--key", "k2", MODEL_SERVER_API_KEY="k1")
        self.run_command("chat", "m", "x", MODEL_SERVER_URL=server.url)
        self.assertEqual([fields.get("Authorization") for _, fields, _ in server.seen],
                         ["Bearer k1", "Bearer k2", None])
        server = self.script_calls((401, error("a key is needed", "invalid_api_key")))
        self.assert_ends(self.run_command("chat", "m", "x", "--url", server.url), 1, "MODEL_SERVER_API_KEY")

    def test_is_not_led_astray_by_a_proxy(self):
        server = self.script_calls((200, events("A")))
        ended = self.run_command("chat", "m", "x", "--url", server.url, http_proxy="http://127.0.0.1:1")
        self.assertEqual(ended.out, "A\n", ended)


class TerminalTest(TalkTest):
    def test_talks_with_a_person(self):
        url = self.start_server(ECHO, "echo", "slow")
        chat = Terminal(self, "chat", "slow", "--url", url)
        chat.expect("/help")
        chat.expect("> ")
        chat.type("wörd\r")
        chat.expect("wörd\r\n")  # what is typed is shown
        chat.expect("wörd\r\n")  # the reply
        chat.expect("> ")
        chat.type("1234567890" * 6 + "\r")  # 12 s
        chat.expect("\r\n1234")
        chat.interrupt()
        chat.expect("> ")
        chat.type("typed and thought better of")
        chat.expect("better of")
        chat.interrupt()
        chat.expect("> ")
        chat.type("two \\\r")
        chat.expect("... ")
        chat.type("lines\r")
        chat.expect("two \r\nlines\r\n")
        chat.expect("> ")
        chat.type("/nonsense\r")
        chat.expect("/nonsense is no command")
        chat.expect("> ")
        chat.type("/quit\r")
        self.assertEqual(chat.wait(), 0)

    def test_ctrl_d_leaves(self):
        url = self.start_server(ECHO, "echo")
        chat = Terminal(self, "chat", "echo", "--url", url)
        chat.expect("> ")
        chat.type("\x04")
        self.assertEqual(chat.wait(), 0)

    def test_ctrl_d_during_a_reply_leaves_after_it(self):
        url = self.start_server(ECHO, "slow")
        chat = Terminal(self, "chat", "slow", "--url", url)
        chat.expect("> ")
        chat.type("one two three\r")
        chat.expect("\none")
        chat.type("\x04")
        chat.expect("three")
        self.assertEqual(chat.wait(), 0)

    def test_a_stopped_reply_leaves_its_place(self):
        url = self.start_server(ECHO, "slow", arguments=["--batch-size", "1"])
        chat = Terminal(self, "chat", "slow", "--url", url)
        chat.expect("> ")
        chat.type("x" * 70 + "\r")  # 14 s
        begin = time.monotonic()
        chat.expect("\r\nxxxx")
        chat.interrupt()
        chat.expect("> ")
        self.until(lambda: '"running":0' in self.status(url))
        self.assertLess(time.monotonic() - begin, 14, "it did not go on to its end")

    def test_says_at_once_what_is_missing(self):
        url = self.start_server(ECHO, "echo")
        chat = Terminal(self, "chat", "none", "--url", url)
        chat.expect("none")
        self.assertEqual(chat.wait(), 1)


class ListTest(TalkTest):
    def test_lists_the_models_of_a_server(self):
        url = self.start_server(ECHO, "echo")
        lines = self.run_command("list", "--url", url, "--models-dir", "x").out.splitlines()
        self.assertEqual(lines[0].split(), ["MODEL", "STATE", "ENTRY", "DEVICES"])
        rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
        self.assertEqual(rows["echo"], ["ready", "echo", "cpu"])
        self.assertEqual(rows["idle"], ["inactive", "echo"])

    def test_lists_with_a_key_that_may_only_call(self):
        cards = {"object": "list", "data": [{"id": "m", "state": "ready", "entry": "echo"}]}
        server = ScriptedServer({"/api/v1/": [(403, error("not for this key", "scope_denied"))],
                                 "/v1/models": [(200, json.dumps(cards))]})
        self.addCleanup(server.close)
        ended = self.run_command("list", "--url", server.url)
        self.assertEqual([line.split() for line in ended.out.splitlines()[1:]], [["m", "ready", "echo"]])

    def test_lists_what_lies_in_a_folder(self):
        self.assert_ends(self.run_command("list", "--local", "--models-dir", "gone"), 2, "gone", "is not there")
        ended = self.run_command("list", "--local", "--models-dir", program.PROJECT / "models")
        self.assertRegex(ended.out, r"(?m)^tiny-chat +causal_lm +4\.\d MB +safetensors BF16$")

    def test_notices_a_full_disk(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([program.PROGRAM, "list", "--local", "--models-dir", program.PROJECT / "models"],
                                  stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, "stdout" in done.stderr), (1, True), done.stderr)


class BenchTest(TalkTest):
    def bench(self, *arguments):
        ended = self.run_command("bench", *arguments, "--json")
        return ended, json.loads(ended.out or "null")

    def test_measures_a_server(self):
        url = self.start_server('{"slow":{"name":"echo","params":{"delay_ms":5}}}', "slow")
        ended, figures = self.bench("slow", "--url", url, "--streams", "3", "--requests", "7", "--prompt-tokens", "100",
                                    "--max-tokens", "20")
        self.assert_ends(ended, 0)
        self.assertEqual((figures["replies"], figures["failures"]), (7, 0))
        self.assertEqual(figures["completion_tokens"], 7 * 20)
        self.assertAlmostEqual(figures["prompt_tokens"] / 7, 100, delta=20)
        # Three streams of tokens that take 5 ms each, and not less
        self.assertLessEqual(figures["tokens_per_second"], 3 / 0.005)
        self.assertGreaterEqual(figures["seconds"], 3 * 20 * 0.005)
        self.assertGreaterEqual(figures["whole_reply"]["p50"], 20 * 0.005)
        self.assertGreater(figures["between_tokens"]["p95"], 0)

    def test_counts_what_fails(self):
        reply = (200, events("A", "B"))
        server = self.script_calls(reply, (429, error("full", "queue_full")), reply)
        ended, figures = self.bench("m", "--url", server.url, "--streams", "1", "--requests", "3")
        self.assert_ends(ended, 1)
        self.assertEqual((figures["replies"], figures["errors"]), (2, {"queue_full": 1}))
        self.assertEqual(figures["completion_tokens"], 4)
        text = self.run_command("bench", "m", "--url", server.url, "--requests", "2").out
        self.assertRegex(text, r"tokens/s +[\d.]+ \(4 tokens in ")

    def test_says_at_once_when_a_model_does_not_answer(self):
        url = self.start_server(ECHO, "echo")
        self.assert_ends(self.run_command("bench", "none", "--url", url), 1, "none")
        self.assert_ends(self.run_command("bench", "idle", "--url", url), 1, "idle")

    def test_ctrl_c_prints_what_there_is(self):
        url = self.start_server(ECHO, "slow")
        process = self.start("bench", "slow", "--url", url, "--streams", "2", "--max-tokens", "10",
                             "--prompt-tokens", "50", "--requests", "1000", "--json")
        self.until(lambda: '"running":2' in self.status(url))
        process.send_signal(signal.SIGINT)
        ended = self.wait(process)
        self.assert_ends(ended, 130)
        self.assertEqual(json.loads(ended.out)["failures"], 0)


if __name__ == "__main__":
    main()
