"""The real program: its server, and its commands."""
import os, pathlib, subprocess, sys, tempfile, time, unittest

PROJECT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = None  # the path, from the command line of a test
PATIENCE = 60   # seconds


def environment(**further):
    """This process's without what would change the program's behaviour, and with something more."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("MODEL_SERVER_", "HF_")) and not name.lower().endswith("_proxy")}
    return kept | further


class Ended:
    def __init__(self, process, out, err):
        self.status, self.out, self.err = process.returncode, out, err

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Program(unittest.TestCase):
    """A test with a folder of its own, in which commands run."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, *arguments, stdin=subprocess.DEVNULL, **variables):
        process = subprocess.Popen([PROGRAM, *map(str, arguments)], cwd=self.folder, env=environment(**variables),
                                   stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.communicate()

    def wait(self, process, text=None):
        out, err = process.communicate(text if text is None else text.encode(), timeout=PATIENCE)
        return Ended(process, out.decode(), err.decode())

    def run_command(self, *arguments, text=None, **variables):
        process = self.start(*arguments, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE, **variables)
        return self.wait(process, text)

    def start_server(self, config, *models, arguments=()):
        """Its address, once these models are ready."""
        (self.folder / "server.json").write_text(config)
        started = [word for model in models for word in ("--model", model, "--device", "cpu")]
        process = subprocess.Popen([PROGRAM, "--config", "server.json", "--port", "0", *started, *map(str, arguments)],
                                   cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        url = None
        for line in process.stdout:
            if line.startswith("listening on "):
                url = line.split()[-1]
            if "is ready" in line:
                models = models[1:]
            if url and not models:
                return url
        self.fail("the server does not start")

    def until(self, condition):
        """Asks again and again until it is so."""
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, "it takes too long")
            time.sleep(0.01)

    def assert_ends(self, ended, status, *parts):
        self.assertEqual(ended.status, status, ended)
        for part in parts:
            self.assertIn(part, ended.out + ended.err, ended)


def main():
    """Runs the tests of the caller's file with the program that the first argument names."""
    global PROGRAM
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__")
