#!/usr/bin/env python3
"""Tests of what bench/isolation.py computes and reads, without servers."""
import os, subprocess, sys, threading, unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from isolation import ratio
from isolation_resume import Broken, chat_message, has_text, named
from isolation_servers import attempts, children, cluster_port, worker_of

LOG = """\
2026-11-25T09:56:39.368Z info cluster_listening address=127.0.0.1 port=46423
listening on http://127.0.0.1:18099
2026-11-25T09:56:39.370Z info listening address=127.0.0.1 port=18099
2026-11-25T09:56:41.600Z info request_done request_id=kill-1 device=cpu finish=stop attempts=2 duration_ms=37
2026-11-25T09:56:42.600Z info request_done request_id=kill-10 device=cpu finish=stop attempts=1 duration_ms=37
"""


class BrokenTest(unittest.TestCase):
    def test_the_pause_is_the_longest_that_ended_after_the_kill(self):
        broken = Broken([0.0, 9.0, 10.0, 11.0, 12.0, 15.0, 16.0], killed=11.5, tokens=7)
        self.assertEqual(broken.pause(), 3)
        self.assertEqual(broken.usual(), 1)

    def test_a_token_that_was_on_its_way_does_not_hide_the_pause(self):
        self.assertEqual(Broken([0.0, 1.0, 2.0, 5.0], killed=1.5, tokens=4).pause(), 3)


class StreamTest(unittest.TestCase):
    def test_knows_text_in_both_dialects(self):
        self.assertTrue(has_text({"choices": [{"index": 0, "text": "a"}]}))
        self.assertTrue(has_text({"delta": {"role": "agent", "content": "a"}}))
        for event in ({"choices": [{"index": 0, "text": "", "finish_reason": "length"}]}, {"choices": [], "usage": {}},
                      {"delta": {}, "finish_reason": "stop"}):
            self.assertFalse(has_text(event))

    def test_an_error_in_the_stream_ends_the_run(self):
        with self.assertRaises(SystemExit):
            has_text({"error": {"code": "worker_lost"}})

    def test_a_name_goes_into_the_head_once(self):
        head, body = named(chat_message("m", "a\r\nb"), "kill-3").split(b"\r\n\r\n")
        self.assertEqual(head.count(b"\r\nx-request-id: kill-3\r\n"), 1)
        self.assertTrue(head.startswith(b"POST /api/v1/m/call HTTP/1.1\r\n"))
        self.assertIn(f"Content-Length: {len(body)}".encode(), head)


class LogTest(unittest.TestCase):
    def test_finds_the_port_of_the_cluster_and_no_other(self):
        self.assertEqual(cluster_port(LOG), 46423)

    def test_finds_the_attempts_of_one_reply(self):
        self.assertEqual([attempts(LOG, f"kill-{number}") for number in (1, 10, 0)], [2, 1, None])


class ProcessTest(unittest.TestCase):
    def start(self, device):
        words = [sys.executable, "-c", "print(flush=True); input()", "--worker-process", "m", device]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate, b"\n")
        process.stdout.readline()  # now /proc has its words
        return process.pid

    def test_finds_a_worker_by_its_whole_device(self):
        longer, wanted = self.start("virtual:10"), self.start("virtual:1")
        self.assertLessEqual({longer, wanted}, set(children(os.getpid())))
        self.assertEqual(worker_of(os.getpid(), "m", "virtual:1"), wanted)
        with self.assertRaises(SystemExit):
            worker_of(os.getpid(), "m", "virtual:")

    def test_finds_what_another_thread_has_started(self):
        found = []

        def start():
            found.append(self.start("cpu"))
            found.append(set(children(os.getpid())))

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        self.assertIn(found[0], found[1])


class RatioTest(unittest.TestCase):
    def test_neighbours_are_compared(self):
        self.assertEqual(ratio([2, 30, 4], [1, 10, 4]), "2.000 (1.00..3.00)")


if __name__ == "__main__":
    unittest.main()
