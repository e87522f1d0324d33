"""Tests of the second machine and its network, with processes that only sleep."""
import os, signal, socket, sys, tempfile, time, unittest
from pathlib import Path
from types import SimpleNamespace
import processes
from fault_script import Strike
from faults import Faults, NoTarget
from local_server import adopt_orphans, left_behind
from machine import Machine, Network

SLEEP = "import time; time.sleep(600)"
# A machine with one worker.
PROGRAM = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-S", "-c", "{SLEEP}", "--worker-process", "m", "cpu"])
time.sleep(600)
"""


class MachineTest(unittest.TestCase):
    def setUp(self):
        adopt_orphans()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.machine = Machine([sys.executable, "-S", "-c", PROGRAM], 9, Path(folder.name) / "log")
        self.addCleanup(left_behind)
        self.addCleanup(self.machine.kill)
        self.worker = self.its_worker()

    def its_worker(self):
        processes.wait_until(self.machine.workers, 10, "there is no worker")
        return self.machine.workers()[0]

    def strike(self, verb, state="ready", lasting=0.0):
        faults = Faults(SimpleNamespace(entities=lambda: [{"device": "node-b/cpu", "state": state}]), os.getpid(), list,
                        self.machine)
        faults.strike(Strike(0, verb, lasting, 0.0))
        return faults

    def test_dies_with_all_of_it_and_starts_again(self):
        first = self.machine.process
        faults = self.strike("kill-machine")
        faults.finish(time.monotonic() + 10)
        self.assertEqual((faults.problems, first.returncode), ([], -signal.SIGKILL))
        self.assertIsNone(processes.stat_of(self.worker.pid))
        self.assertNotEqual(self.its_worker(), self.worker)

    def test_freezes_with_all_of_it_and_goes_on(self):
        faults = self.strike("stop-machine", lasting=600)
        for pid in (self.machine.process.pid, self.worker.pid):
            processes.wait_until_stopped(pid, 10)
        faults.finish(time.monotonic() + 10)
        self.assertEqual(faults.problems, [])
        for pid in (self.machine.process.pid, self.worker.pid):
            processes.wait_until(lambda: processes.stat_of(pid)[0] == "S", 10, "it does not go on")

    def test_suffers_one_thing_at_a_time_and_only_while_it_serves(self):
        with self.assertRaisesRegex(NoTarget, "no entity that is ready"):
            self.strike("cut-machine", state="loading")
        faults = self.strike("cut-machine", lasting=600)
        with self.assertRaisesRegex(NoTarget, "not well already"):
            faults.strike(Strike(0, "kill-machine", 0, 0.0))
        faults.finish(time.monotonic() + 10)
        self.strike("kill-machine").finish(time.monotonic() + 10)


class NetworkTest(unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.network = Network(self.listener.getsockname()[1])

    def connect(self):
        near = socket.create_connection(("127.0.0.1", self.network.port), timeout=10)
        far, _ = self.listener.accept()
        far.settimeout(10)
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        return near, far

    def test_passes_on_both_ways_and_ends_with_its_ends(self):
        near, far = self.connect()
        near.sendall(b"there")
        far.sendall(b"back")
        self.assertEqual((far.recv(9), near.recv(9)), (b"there", b"back"))
        near.close()
        self.assertEqual(far.recv(9), b"")

    def test_what_is_sent_while_it_is_cut_never_arrives(self):
        near, far = self.connect()
        self.network.cut()
        near.sendall(b"lost")
        far.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            far.recv(9)
        far.settimeout(10)
        self.network.heal()
        self.assertEqual(far.recv(9), b"")
        near, far = self.connect()
        near.sendall(b"again")
        self.assertEqual(far.recv(9), b"again")


if __name__ == "__main__":
    unittest.main()
