"""Tests of what is done to workers, with processes that only sleep."""
import os, signal, subprocess, sys, time, unittest
from types import SimpleNamespace
import processes
from fault_script import Strike
from faults import Faults, NoTarget
from local_server import left_behind


class ProcessesTest(unittest.TestCase):
    def start(self, *words):
        process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)", *words])
        self.addCleanup(lambda: (process.kill(), process.wait()))
        return process

    def test_workers_are_the_living_children_with_the_option(self):
        worker, _ = self.start("--worker-process", "m", "cpu"), self.start("--worker-processes")
        found = processes.workers(os.getpid())
        self.assertEqual([(process.pid, processes.device_of(process)) for process in found], [(worker.pid, "cpu")])
        worker.send_signal(signal.SIGSTOP)
        self.assertEqual(processes.workers(os.getpid()), found)
        worker.kill()
        os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        self.assertEqual(processes.children(os.getpid())[found[0]], "Z")
        self.assertEqual((processes.workers(os.getpid()), processes.is_alive(found[0])), ([], False))

    def test_what_is_left_behind_is_told_and_ended(self):
        self.assertEqual(left_behind(), [])
        process = self.start()
        self.assertRegex(left_behind()[0], f"1 processes are left, 1 of them still ran.*{process.pid}")
        self.assertIsNone(processes.stat_of(process.pid))

    def faults(self):
        """On two workers, of which the second serves."""
        entities = [{"device": "cpu", "state": "ready", "running": 0}, {"device": "b", "state": "ready", "running": 1}]
        workers = [self.start("--worker-process", "m", entity["device"]) for entity in entities]
        return Faults(SimpleNamespace(entities=lambda: entities), os.getpid(), list), workers

    def test_kills_a_worker_that_serves(self):
        faults, (_, serving) = self.faults()
        faults.strike(Strike(0, "kill-serving", 0, 0.0))
        self.assertEqual(serving.wait(), -signal.SIGKILL)
        self.assertEqual((faults.injected, faults.server_faults), ({"kill-serving": 1}, 1))
        with self.assertRaises(NoTarget):
            faults.strike(Strike(0, "kill-serving", 0, 0.0))
        self.assertEqual(faults.injected.total(), 1)

    def test_waits_for_entities_to_be_ready(self):
        faults, (_, serving) = self.faults()
        with self.assertRaisesRegex(NoTarget, "2 entities are ready, it waits for 3"):
            faults.strike(Strike(0, "kill-serving", 0, 0.0, ready=3))
        faults.strike(Strike(0, "kill-serving", 0, 0.0, ready=2))
        self.assertEqual(serving.wait(), -signal.SIGKILL)

    def test_kills_nobody_twice(self):
        faults, workers = self.faults()
        for _ in workers:
            faults.strike(Strike(0, "kill-worker", 0, 0.0))
        self.assertEqual([worker.wait() for worker in workers], [-signal.SIGKILL] * 2)

    def stop(self, lasting):
        faults, (_, serving) = self.faults()
        faults.strike(Strike(0, "stop-serving", lasting, 0.0))
        os.waitid(os.P_PID, serving.pid, os.WSTOPPED)
        return faults, serving.pid

    def test_a_stopped_worker_goes_on_after_its_time(self):
        _, pid = self.stop(0.1)
        os.waitid(os.P_PID, pid, os.WCONTINUED)
        self.assertNotEqual(processes.stat_of(pid)[0], "T")

    def test_a_stopped_worker_goes_on_at_the_end(self):
        faults, pid = self.stop(600)
        faults.finish(time.monotonic() + 5)
        self.assertEqual(faults.problems, [])
        self.assertNotEqual(processes.stat_of(pid)[0], "T")

    def test_commands_run_with_what_they_need_and_their_failures_are_told(self):
        faults, _ = self.faults()
        faults.strike(Strike(0, "run", 0, 0.25, 'test "$CHAOS_LOT $CHAOS_PID" = "0.250000 %d"' % os.getpid()))
        faults.strike(Strike(0, "run", 0, 0.25, "echo why >&2; exit 3"))
        faults.finish(time.monotonic() + 5)
        self.assertEqual(faults.problems, ["run echo why >&2; exit 3: status 3 why"])


if __name__ == "__main__":
    unittest.main()
