#!/usr/bin/env python3
"""Tests of what bench/serving.py computes, without servers: answers, traces, prompts, figures."""
import asyncio, json, math, sys, tempfile, unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from serving_load import (Exchange, HttpAnswer, Outcome, Request, closed_loop, open_loop,
                          take_events)
from serving_report import figures, median_ratio, percentile
from serving_workload import (Arrival, at_rate, from_trace, long_prompt, ordinary_tokens, poisson, read_trace, scaled, shared_prefix,
                              unique_prompts)

VOCABULARY = list(range(1000))


def chunked(*pieces):
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces + (b"",))
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: Chunked\r\n\r\n" + body


class HttpAnswerTest(unittest.TestCase):
    def test_gives_the_same_events_wherever_the_bytes_are_cut(self):
        text = chunked(b"data: one\n", b"\ndata: two\n\nda", b"ta: [DONE]\n\n")
        for cut in range(len(text) + 1):
            answer = HttpAnswer()
            events = answer.feed(text[:cut]) + answer.feed(text[cut:])
            self.assertEqual(events, [b"one", b"two", b"[DONE]"])
            self.assertTrue(answer.complete)

    def test_gives_an_event_as_soon_as_it_is_whole(self):
        text = chunked(b"data: one\n\n", b"data: two\n\n")
        answer = HttpAnswer()
        self.assertEqual(answer.feed(text[:text.index(b"data: two")]), [b"one"])
        self.assertFalse(answer.complete)

    def test_reads_a_refusal_to_its_length(self):
        answer = HttpAnswer()
        answer.feed(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nfu")
        self.assertFalse(answer.complete)
        answer.feed(b"ll")
        self.assertTrue(answer.complete)
        self.assertEqual((answer.status, bytes(answer.body)), (429, b"full"))

    def test_a_stream_without_its_last_chunk_is_not_complete(self):
        answer = HttpAnswer()
        answer.feed(chunked(b"data: one\n\n")[:-5])
        self.assertFalse(answer.complete)


class TakeEventsTest(unittest.TestCase):
    def test_leaves_what_is_not_whole(self):
        text = bytearray(b"data: a\n\ndata: b\n")
        self.assertEqual(take_events(text), [b"a"])
        self.assertEqual(bytes(text), b"data: b\n")

    def test_passes_over_comments_and_other_fields(self):
        self.assertEqual(take_events(bytearray(b": ping\n\nid: 3\ndata:x\n\n")), [b"x"])

    def test_joins_the_lines_of_one_event(self):
        self.assertEqual(take_events(bytearray(b"data: a\ndata: b\n\n")), [b"a\nb"])


def event(text="", finish=None, **more):
    choices = [] if "usage" in more else [{"index": 0, "text": text, "finish_reason": finish}]
    return b"data: " + json.dumps({"choices": choices, **more}).encode() + b"\n\n"


class Connection:
    """Stands for the transport of an exchange."""
    closed = False

    def write(self, data):
        self.sent = data

    def close(self):
        self.closed = True


class ExchangeTest(unittest.IsolatedAsyncioTestCase):
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    reply = (event("a"), event("b"), event(finish="length"), event(usage=usage), b"data: [DONE]\n\n")

    def exchange(self, *pieces, closes=True):
        exchange, self.connection = Exchange(b"ask", Request([1, 2, 3], 2)), Connection()
        exchange.connection_made(self.connection)
        for piece in pieces:
            exchange.data_received(piece)
        if closes:
            exchange.connection_lost(None)
        return exchange

    async def test_a_whole_reply_ends_with_done(self):
        exchange = self.exchange(chunked(*self.reply), closes=False)
        self.assertTrue(exchange.done.done() and self.connection.closed)
        self.assertEqual(self.connection.sent, b"ask")
        self.assertEqual(exchange.outcome.failure, "")
        self.assertEqual((len(exchange.outcome.pieces), exchange.outcome.usage), (2, self.usage))

    async def test_nothing_is_decided_before_the_end(self):
        self.assertFalse(self.exchange(chunked(*self.reply[:-1])[:-5], closes=False).done.done())

    async def test_what_is_less_than_asked_for_is_a_failure(self):
        for name, wrong in (("completion_tokens", 1), ("prompt_tokens", 4)):
            reply = self.reply[:3] + (event(usage=self.usage | {name: wrong}),) + self.reply[4:]
            self.assertIn(f"{name} is {wrong}", self.exchange(chunked(*reply)).outcome.failure)
        stopped = self.reply[:2] + (event(finish="stop"),) + self.reply[3:]
        self.assertIn("finish_reason is stop", self.exchange(chunked(*stopped)).outcome.failure)
        silent = self.exchange(chunked(*self.reply[2:]))
        self.assertEqual(silent.outcome.failure, "no event had text")

    async def test_a_refusal_is_a_failure_with_its_text(self):
        answer = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nfull"
        self.assertEqual(self.exchange(answer, closes=False).outcome.failure, "status 429: full")

    async def test_a_stream_that_breaks_off_is_a_failure(self):
        for text in (chunked(*self.reply[:-1]), chunked(*self.reply[:-1])[:-5]):
            self.assertEqual(self.exchange(text).outcome.failure, "the stream ended without [DONE]")
        self.assertEqual(self.exchange().outcome.failure, "status missing: ")

    async def test_an_error_in_the_stream_is_a_failure(self):
        failed = self.exchange(chunked(event("a"), b'data: {"error": {"code": "worker_lost"}}\n\n'))
        self.assertIn("worker_lost", failed.outcome.failure)

    async def test_nonsense_is_a_failure(self):
        for text in (b"what?\r\n\r\n", chunked(b"data: {\n\n"), chunked(b"data: [1]\n\n")):
            self.assertIn("not understood", self.exchange(text).outcome.failure)


class LoopTest(unittest.IsolatedAsyncioTestCase):
    async def test_a_closed_loop_keeps_as_many_running_as_there_are_clients(self):
        running, most = 0, 0

        async def send_one(request):
            nonlocal running, most
            running, most = running + 1, max(most, running + 1)
            await asyncio.sleep(0)
            running -= 1
            return request

        outcomes = await closed_loop(send_one, range(10), 3)
        self.assertEqual((sorted(outcomes), most), (list(range(10)), 3))

    async def test_an_open_loop_sends_whether_or_not_others_have_ended(self):
        requests, sent = [Request([1], 1, at) for at in (0, 0, 0)], []

        async def send_one(request):
            sent.append(request)
            while len(sent) < len(requests):
                await asyncio.sleep(0)
            return request

        self.assertEqual(await open_loop(send_one, requests), requests)


class TraceTest(unittest.TestCase):
    def read(self, name, text, count=10):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(text)
            return read_trace(path, count)

    def test_reads_times_with_seven_digits(self):
        arrivals = self.read("a.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n"
                                      "2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:05.0319600,3180,8\n")
        self.assertEqual([(a.prompt, a.reply) for a in arrivals], [(4808, 10), (3180, 8)])
        self.assertEqual(arrivals[0].at, 0)
        self.assertAlmostEqual(arrivals[1].at, 1.052, places=6)

    def test_reads_blocks_and_milliseconds(self):
        text = ('{"timestamp": 1500, "input_length": 700, "output_length": 3, "hash_ids": [0, 7]}\n'
                '{"timestamp": 4000, "input_length": 20, "output_length": 1, "hash_ids": [0]}\n')
        self.assertEqual(self.read("a.jsonl", text), [Arrival(0, 700, 3, (0, 7)), Arrival(2.5, 20, 1, (0,))])

    def test_reads_lengths_without_times(self):
        text = "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n3772,54,3826,69.85\n"
        self.assertEqual(self.read("a.csv", text), [Arrival(None, 3772, 54)])

    def test_reads_no_more_than_asked_for(self):
        line = '{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": []}\n'
        self.assertEqual(len(self.read("a.jsonl", line * 5, count=3)), 3)

    def test_refuses_a_trace_without_arrivals(self):
        with self.assertRaises(ValueError):
            self.read("a.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n")

    def test_stretches_times_to_the_rate(self):
        arrivals = at_rate([Arrival(0, 1, 1), Arrival(1, 1, 1), Arrival(4, 1, 1)], rate=0.25, seed=1)
        self.assertEqual([a.at for a in arrivals], [0, 2, 8])

    def test_arrivals_at_one_time_stay_so(self):
        self.assertEqual([a.at for a in at_rate([Arrival(0, 1, 1)] * 2, rate=3, seed=1)], [0, 0])

    def test_draws_times_where_there_are_none(self):
        times = [a.at for a in at_rate([Arrival(None, 1, 1)] * 5, rate=2, seed=1)]
        self.assertEqual(times, poisson(1, 5, 2))

    def test_scaled_lengths_are_never_zero(self):
        self.assertEqual(scaled([Arrival(0, 1000, 3)], 0.1, 0.1), [Arrival(0, 100, 1)])

    def test_a_block_of_one_name_has_the_same_tokens(self):
        arrivals = [Arrival(0, 100, 1, (0, 7)), Arrival(1, 100, 1, (0, 8)), Arrival(2, 30, 1, (0,))]
        first, second, third = (r.prompt for r in from_trace("s", VOCABULARY, arrivals, 0.1))
        self.assertEqual([len(first), len(second), len(third)], [100, 100, 30])
        self.assertEqual(first[:51], second[:51])
        self.assertEqual(first[:30], third)
        self.assertNotEqual(first[51:], second[51:])


class PromptTest(unittest.TestCase):
    def test_the_same_seed_gives_the_same_requests(self):
        self.assertEqual(unique_prompts("s", VOCABULARY, 4, 32, 8), unique_prompts("s", VOCABULARY, 4, 32, 8))

    def test_unique_prompts_begin_differently_in_and_between_rounds(self):
        requests = unique_prompts("s/1", VOCABULARY, 8, 32, 8) + unique_prompts("s/2", VOCABULARY, 8, 32, 8)
        self.assertEqual(len({tuple(r.prompt[:8]) for r in requests}), 16)
        self.assertEqual({(len(r.prompt), r.tokens) for r in requests}, {(32, 8)})

    def test_a_shared_prefix_is_all_that_is_shared(self):
        requests = shared_prefix("s/1", VOCABULARY, 8, 64, 16, 8)
        self.assertEqual(len({tuple(r.prompt[:64]) for r in requests}), 1)
        self.assertEqual(len({tuple(r.prompt[64:]) for r in requests}), 8)
        self.assertNotEqual(requests[0].prompt[:64], shared_prefix("s/2", VOCABULARY, 1, 64, 16, 8)[0].prompt[:64])

    def test_a_long_prompt_comes_later(self):
        (request,) = long_prompt("s/1", VOCABULARY, 4000, 8, 2.5)
        self.assertEqual((len(request.prompt), request.tokens, request.at), (4000, 8, 2.5))

    def test_ordinary_tokens_leave_the_added_ones_out(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "tokenizer.json").write_text(
                '{"added_tokens": [{"id": 0}, {"id": 9}], "model": {"vocab": {"<s>": 0, "b": 2, "a": 1}}}')
            self.assertEqual(ordinary_tokens(folder), [1, 2])

    def test_poisson_arrivals_keep_their_rate(self):
        times = poisson(1, 5000, 4)
        self.assertEqual(times[0], 0)
        self.assertEqual(times, sorted(times))
        self.assertLess(abs(len(times) / times[-1] - 4), 0.3)


class FiguresTest(unittest.TestCase):
    def test_percentiles_are_values_that_occurred(self):
        values = list(range(100, 0, -1))
        self.assertEqual([percentile(values, p) for p in (0, 50, 99, 100)], [1, 50, 99, 100])
        self.assertEqual(percentile([7], 99), 7)
        self.assertTrue(math.isnan(percentile([], 50)))

    def test_tokens_are_the_servers_count_and_gaps_lie_between_events(self):
        reply = Outcome(10.0, [10.5, 10.6, 10.9], 11.0, {"completion_tokens": 4})
        other = Outcome(10.0, [11.0], 12.0, {"completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}})
        result = figures([reply, other])
        self.assertEqual((result["tokens"], result["pieces"], result["seconds"]), (6, 4, 2.0))
        self.assertEqual(result["tokens_per_s"], 3)
        self.assertAlmostEqual(result["first_p50"], 500)
        self.assertAlmostEqual(result["first_p99"], 1000)
        self.assertAlmostEqual(result["gap_p50"], 100)
        self.assertAlmostEqual(result["gap_p99"], 300)
        self.assertAlmostEqual(result["gap_max"], 300)
        self.assertEqual(result["cached_mean"], 4)

    def test_a_failure_is_counted_and_not_measured(self):
        good = Outcome(0.0, [1.0], 2.0, {"completion_tokens": 2})
        bad = Outcome(0.0, [0.1], 9.0, {}, "status 429")
        result = figures([good, bad])
        self.assertEqual((result["requests"], result["failures"]), (2, ["status 429"]))
        self.assertEqual((result["tokens_per_s"], result["first_p50"]), (1, 1000))

    def test_nothing_but_failures_gives_no_figures(self):
        result = figures([Outcome(0.0, failure="no connection")])
        self.assertTrue(math.isnan(result["tokens_per_s"]))
        self.assertTrue(math.isnan(result["first_p50"]))

    def test_the_ratio_is_the_median_over_neighbouring_rounds(self):
        ours, theirs = [{"x": 2}, {"x": 30}, {"x": 4}], [{"x": 1}, {"x": 10}, {"x": 4}]
        self.assertEqual(median_ratio(ours, theirs, "x"), 2)


if __name__ == "__main__":
    unittest.main()
