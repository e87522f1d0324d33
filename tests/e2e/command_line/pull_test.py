"""`model_api pull` against a hub of this machine, over real sockets."""
import random, signal
from program import PROJECT, Program, main
from local_hub import LARGE, Hub, Model

CONFIG = b'{"architectures":["LlamaForCausalLM"]}'


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


class PullTest(Program):
    def setUp(self):
        super().setUp()
        (self.folder / "models").mkdir()
        self.weights = noise(10 * LARGE)
        self.model = Model({"config.json": CONFIG, "tokenizer.json": b"{}", "README.md": b"no", "evil.bin": b"pickle",
                            "model.safetensors": self.weights})
        self.hub = Hub({"org/name": self.model})
        self.addCleanup(self.hub.close)
        self.target = self.folder / "models/org/name"

    def pull(self, *arguments, model="org/name", **variables):
        return self.run_command("pull", model, *arguments, **self.variables(**variables))

    def variables(self, **further):
        return {"HF_ENDPOINT": self.hub.url, **further}

    def start_and_stall(self, after):
        """A pull that stands still in the middle of the weights, when so much is on the disk."""
        self.hub.stall_after = after
        process = self.start("pull", "org/name", **self.variables())
        self.until(lambda: self.part().exists() and self.part().stat().st_size == after)
        return process

    def part(self):
        return self.folder / "models/org/.name.pull/model.safetensors.part"

    def names(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def assert_is_there(self):
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            self.assertEqual((self.target / name).read_bytes(), self.model.files[name])
        self.assertEqual(len(self.names()), 4, "and the record, and nothing else anywhere")

    # -- what is fetched ------------------------------------------------------

    def test_fetches_what_a_server_needs(self):
        self.assert_ends(self.pull(), 0, "3 files, 655.4 kB", "org/name is in", "--model org/name")
        self.assert_is_there()
        self.assertEqual(self.hub.asked_for("evil.bin", "hub"), [])

    def test_a_server_serves_what_was_fetched(self):
        source = PROJECT / "models/tiny-chat"
        files = {name: (source / name).read_bytes() for name in (
            "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")}
        self.hub.models["org/tiny"] = Model(files)
        self.assert_ends(self.pull(model="org/tiny"), 0, "It is served as org/tiny")
        self.assert_ends(self.run_command("list", "--local"), 0, "org/tiny", "safetensors BF16")
        packed = self.run_command("quantize", "models/org/tiny", "--to", "int8", "--output", "models/packed")
        self.assert_ends(packed, 0)
        self.assert_ends(self.run_command("list", "--local"), 0, "packed", "safetensors int8")
        self.assert_ends(self.pull("--to", "models/packed", model="org/tiny"), 1, "was not made by model_api pull")
        url = self.start_server("{}", "org/tiny")
        reply = self.run_command("chat", "org/tiny", "How do I add a device?", "--url", url, "--set", "temperature=0")
        self.assert_ends(reply, 0, "device")

    def test_has_nothing_to_do_the_second_time(self):
        self.pull()
        self.hub.seen.clear()
        self.assert_ends(self.pull(), 0, "is up to date")
        self.assertEqual(len(self.hub.seen), 1, "the list of files")
        self.assert_is_there()

    def test_fetches_what_has_changed(self):
        self.pull()
        (self.target / "mine.txt").write_text("mine")
        self.model.files["tokenizer.json"] = b'{"version":"2"}'
        self.model.files["new.tiktoken"] = b"new"
        before = self.hub.sent
        self.assert_ends(self.pull(), 0, "to fetch")
        self.assertEqual(self.hub.sent, before, "the weights are the same")
        self.assertEqual((self.target / "tokenizer.json").read_bytes(), b'{"version":"2"}')
        self.assertEqual((self.target / "new.tiktoken").read_bytes(), b"new")
        self.assertEqual((self.target / "model.safetensors").read_bytes(), self.weights)
        self.assertEqual((self.target / "mine.txt").read_text(), "mine")
        self.assertEqual(len(self.names()), 6)

    def test_fetches_shards_by_their_index(self):
        index = b'{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}'
        shards = {f"model-0000{i}-of-00002.safetensors": noise(LARGE, i) for i in (1, 2)}
        self.hub.models["org/name"] = Model({"config.json": CONFIG, "model.safetensors.index.json": index,
                                             "consolidated.safetensors": noise(LARGE, 3), **shards})
        self.assert_ends(self.pull(), 0, "4 files")
        self.assertEqual((self.target / "model-00002-of-00002.safetensors").read_bytes(), noise(LARGE, 2))
        self.assertFalse((self.target / "consolidated.safetensors").exists())
        self.assert_ends(self.pull(), 0, "is up to date")

    def test_fetches_one_gguf_file_of_several(self):
        self.hub.models["org/name"] = Model({"q/a-Q4_0.gguf": noise(LARGE, 4), "a-Q8_0.gguf": noise(LARGE, 5)})
        self.assert_ends(self.pull(), 1, "--include", "a-Q4_0.gguf", "a-Q8_0.gguf")
        self.assert_ends(self.pull("--include", "*Q4*"), 0, "It is served as org/name:")
        self.assertEqual((self.target / "a-Q4_0.gguf").read_bytes(), noise(LARGE, 4))
        self.assert_ends(self.pull("--include", "*Q8*"), 1, "holds a-Q4_0.gguf already", "--to")
        self.assert_ends(self.pull("--include", "*Q8*", "--to", "else/where"), 0, "No server finds it by itself")
        self.assertEqual((self.folder / "else/where/a-Q8_0.gguf").read_bytes(), noise(LARGE, 5))

    def test_follows_a_model_that_has_moved(self):
        self.hub.moved["old/name"] = "org/name"
        self.assert_ends(self.pull("--to", "models/x", model="old/name"), 0, "It is served as x")

    # -- connections that break -----------------------------------------------

    def test_goes_on_where_the_connection_ended(self):
        self.hub.cuts = [LARGE, 2 * LARGE]
        self.assert_ends(self.pull(), 0, "trying again in 1 s")
        self.assert_is_there()
        self.assertEqual(self.hub.sent, len(self.weights), "no byte was sent twice")
        asked = self.hub.asked_for("model.safetensors")
        self.assertEqual([fields.get("Range") for fields in asked],
                         [None, f"bytes={LARGE}-", f"bytes={3 * LARGE}-"])
        self.assertIn("If-Range", asked[1])

    def test_begins_anew_where_the_hub_cannot_go_on(self):
        self.hub.cuts = [LARGE]
        self.hub.ignores_range = True
        self.assert_ends(self.pull(), 0)
        self.assert_is_there()

    def test_waits_while_the_hub_is_busy(self):
        self.hub.statuses = [(503, {}), (429, {"Retry-After": "0"})]
        self.assert_ends(self.pull(), 0, "status 503", "status 429", "trying again in 0 s")
        self.assert_is_there()

    def test_gives_up_when_it_is_told_to(self):
        self.hub.cuts = [0]
        self.assert_ends(self.pull("--retries", "0"), 1, "model.safetensors")
        self.assertFalse(self.target.exists())

    def test_says_when_there_is_no_hub(self):
        self.hub.close()
        self.assert_ends(self.pull("--retries", "0"), 1, self.hub.url)

    # -- stopped and started again --------------------------------------------

    def test_ctrl_c_leaves_what_has_come(self):
        process = self.start_and_stall(3 * LARGE)
        process.send_signal(signal.SIGINT)
        self.assert_ends(self.wait(process), 130, "stopped")
        self.assert_goes_on(3 * LARGE)

    def test_a_killed_one_goes_on_too(self):
        process = self.start_and_stall(3 * LARGE)
        process.kill()
        process.wait()
        self.assert_goes_on(3 * LARGE)

    def assert_goes_on(self, at):
        self.assertFalse(self.target.exists())
        self.hub.go_on.set()
        self.hub.seen.clear()
        self.assert_ends(self.pull(), 0, "are here")
        self.assertEqual(self.hub.asked_for("model.safetensors")[0]["Range"], f"bytes={at}-")
        self.assertEqual(self.hub.asked_for("config.json", "hub"), [], "it is there")
        self.assert_is_there()

    def test_is_alone_with_its_folder(self):
        self.start_and_stall(LARGE)
        self.assert_ends(self.pull(), 1, "is being fetched by another process")

    # -- what is not as it should be ------------------------------------------

    def test_notices_a_wrong_checksum(self):
        self.model.listed["model.safetensors"] = {
            "rfilename": "model.safetensors", "lfs": {"sha256": "0" * 64, "size": len(self.weights)}}
        self.assert_ends(self.pull(), 1, "checksum", "0" * 64)
        self.assertFalse(self.target.exists())
        self.assertNotIn("models/org/.name.pull/model.safetensors", self.names())

    def test_notices_a_wrong_small_file(self):
        self.model.listed["config.json"] = {"rfilename": "config.json", "size": len(CONFIG), "blobId": "0" * 40}
        self.assert_ends(self.pull(), 1, "config.json", "checksum")

    def test_throws_away_a_part_that_was_damaged(self):
        process = self.start_and_stall(3 * LARGE)
        process.send_signal(signal.SIGINT)
        self.wait(process)
        self.part().write_bytes(b"x" + self.part().read_bytes()[1:])
        self.hub.go_on.set()
        self.assert_ends(self.pull(), 0)
        self.assert_is_there()

    def test_takes_no_more_than_was_listed(self):
        self.model.listed["model.safetensors"] = {
            "rfilename": "model.safetensors", "lfs": {"sha256": "0" * 64, "size": LARGE}}
        self.assert_ends(self.pull(), 1, "65536 bytes that the hub lists")

    def test_writes_nowhere_else(self):
        self.hub.models["org/name"] = Model({"config.json": CONFIG, "model.safetensors": b"", "a/\x1b.tiktoken": b"",
                                             "\x1b.tiktoken": b""})
        ended = self.pull()
        self.assert_ends(ended, 1, "no name that may be written")
        self.assertNotIn("\x1b", ended.out + ended.err)

    def test_looks_at_the_disk_first(self):
        self.model.listed["model.safetensors"] = {
            "rfilename": "model.safetensors", "lfs": {"sha256": "0" * 64, "size": 10 ** 17}}
        self.assert_ends(self.pull(), 1, "100000.0 TB more are needed")
        self.assertEqual(self.hub.asked_for("config.json", "hub"), [])

    def test_leaves_the_web_for_no_redirect(self):
        self.hub.location = "file:///etc"
        self.assert_ends(self.pull("--retries", "0"), 1, "no URL of HTTP")

    # -- who may read it ------------------------------------------------------

    def test_shows_the_token_to_the_hub_alone(self):
        self.hub.token = "hf_secret"
        ended = self.pull(HF_TOKEN="hf_secret")
        self.assert_ends(ended, 0)
        self.assertNotIn("hf_secret", ended.out + ended.err)
        self.assertIn("Authorization", self.hub.asked_for("model.safetensors", "hub")[0])
        self.assertNotIn("Authorization", self.hub.asked_for("model.safetensors")[0])

    def test_says_how_to_be_let_in(self):
        self.hub.token = "hf_secret"
        self.assert_ends(self.pull(), 1, "org/name", "401", "set HF_TOKEN")
        ended = self.pull(HF_TOKEN="hf_wrong")
        self.assert_ends(ended, 1, "account of HF_TOKEN")
        self.assertNotIn("hf_wrong", ended.err)
        self.hub.gated = True
        self.assert_ends(self.pull(), 1, "org/name is gated", "HF_TOKEN")

    def test_names_what_is_not_there(self):
        self.assert_ends(self.pull(model="org/gone"), 1, "no model org/gone")
        self.assert_ends(self.pull("--revision", "v9"), 1, "org/name has no revision v9")
        self.assertEqual(self.names(), [])

    def test_wants_usable_arguments(self):
        self.assert_ends(self.run_command("pull"), 2, "ORG/NAME")
        self.assert_ends(self.run_command("pull", "--help"), 0, "HF_ENDPOINT", "--include GLOB")


if __name__ == "__main__":
    main()
