"""The client of OpenAI for Python against the real program.

By hand: MODEL_SERVER_ORIGIN=http://127.0.0.1:9999 python3 openai_client.py
"""

import json
import os
import time
import unittest
import urllib.request

import openai

ORIGIN = os.environ["MODEL_SERVER_ORIGIN"]
KEY = os.environ.get("MODEL_SERVER_TEST_KEY", "none")
CHAT = {
    "model": "tiny-chat",
    "messages": [{"role": "user", "content": "What does activate do?"}],
    "seed": 7,
    "max_completion_tokens": 12,
}
client = openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key=KEY, max_retries=0)


def running(model):
    """How many replies of a model run now."""
    status = urllib.request.Request(f"{ORIGIN}/api/v1/", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(status) as response:
        entities = json.load(response)["models"][model]["entities"]
    return sum(each["running"] for each in entities)


class ChatTest(unittest.TestCase):
    def test_whole(self):
        reply = client.chat.completions.create(**CHAT)
        self.assertEqual(reply.object, "chat.completion")
        self.assertEqual(reply.choices[0].message.role, "assistant")
        self.assertTrue(reply.choices[0].message.content)
        self.assertIn(reply.choices[0].finish_reason, ("stop", "length"))
        usage = reply.usage
        self.assertEqual(
            usage.total_tokens, usage.prompt_tokens + usage.completion_tokens
        )
        self.assertGreaterEqual(usage.prompt_tokens_details.cached_tokens, 0)
        self.assertEqual(usage.completion_tokens_details.reasoning_tokens, 0)

    def test_stream_is_the_whole(self):
        whole = client.chat.completions.create(**CHAT)
        chunks = list(client.chat.completions.create(**CHAT, stream=True))
        text = "".join(each.choices[0].delta.content or "" for each in chunks)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(len({(each.id, each.created) for each in chunks}), 1)
        roles = [each.choices[0].delta.role for each in chunks]
        self.assertEqual(roles, ["assistant"] + [None] * (len(chunks) - 1))
        self.assertTrue(all(each.usage is None for each in chunks))
        self.assertEqual(
            chunks[-1].choices[0].finish_reason, whole.choices[0].finish_reason
        )

    def test_stream_helper_puts_the_message_together(self):
        # The helper takes no reply that is cut off.
        chat = {**CHAT, "max_completion_tokens": 300}
        whole = client.chat.completions.create(**chat)
        with client.chat.completions.stream(
            **chat, stream_options={"include_usage": True}
        ) as stream:
            final = stream.get_final_completion()
        self.assertEqual(final.choices[0].message.role, "assistant")
        self.assertEqual(
            final.choices[0].message.content, whole.choices[0].message.content
        )
        self.assertEqual(
            final.usage.completion_tokens, whole.usage.completion_tokens
        )

    def test_several_choices(self):
        chat = {**CHAT, "temperature": 1, "max_completion_tokens": 300}
        request = {**chat, "n": 3}
        whole = client.chat.completions.create(**request)
        self.assertEqual([c.index for c in whole.choices], [0, 1, 2])
        texts = [c.message.content for c in whole.choices]
        second = client.chat.completions.create(
            **{**chat, "seed": chat["seed"] + 1}
        )
        self.assertEqual(texts[1], second.choices[0].message.content)
        with client.chat.completions.stream(**request) as stream:
            final = stream.get_final_completion()
        self.assertEqual([c.message.content for c in final.choices], texts)

    def test_stream_with_usage(self):
        chunks = list(
            client.chat.completions.create(
                **CHAT, stream=True, stream_options={"include_usage": True}
            )
        )
        self.assertEqual(chunks[-1].choices, [])
        self.assertGreater(chunks[-1].usage.completion_tokens, 0)
        for each in chunks[:-1]:
            self.assertIsNone(each.usage)
            self.assertIn("usage", each.model_fields_set)

    def test_logprobs(self):
        reply = client.chat.completions.create(
            **CHAT, logprobs=True, top_logprobs=3
        )
        content = reply.choices[0].logprobs.content
        self.assertEqual(len(content), reply.usage.completion_tokens)
        for each in content:
            self.assertLessEqual(each.logprob, 0)
            self.assertEqual(len(each.top_logprobs), 3)

    def test_extra_sampling_fields(self):
        greedy = client.chat.completions.create(**CHAT, temperature=0)
        one = client.chat.completions.create(**CHAT, extra_body={"top_k": 1})
        self.assertEqual(
            one.choices[0].message.content, greedy.choices[0].message.content
        )

    def test_abort_frees_the_place(self):
        stream = client.chat.completions.create(
            model="fault",
            messages=[{"role": "user", "content": "len=30000 sleep_ms=10"}],
            stream=True,
        )
        next(iter(stream))
        stream.close()
        until = time.monotonic() + 20
        while running("fault") != 0:
            self.assertLess(time.monotonic(), until)


class CompletionTest(unittest.TestCase):
    REQUEST = {
        "model": "tiny-chat",
        "prompt": "How do I add a device?",
        "max_tokens": 6,
        "temperature": 0,
    }

    def test_whole_and_streamed(self):
        whole = client.completions.create(**self.REQUEST, logprobs=2)
        self.assertEqual(whole.object, "text_completion")
        logprobs = whole.choices[0].logprobs
        self.assertEqual(len(logprobs.tokens), whole.usage.completion_tokens)
        stream = client.completions.create(**self.REQUEST, stream=True)
        text = "".join(each.choices[0].text for each in stream)
        self.assertEqual(text, whole.choices[0].text)

    def test_echo(self):
        reply = client.completions.create(**self.REQUEST, echo=True)
        self.assertTrue(
            reply.choices[0].text.startswith(self.REQUEST["prompt"])
        )


class ErrorTest(unittest.TestCase):
    def test_unknown_model(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            client.chat.completions.create(**{**CHAT, "model": "nobody"})
        self.assertEqual(caught.exception.code, "model_not_found")
        self.assertTrue(caught.exception.request_id)

    def test_wrong_field(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client.chat.completions.create(**CHAT, temperature=9)
        self.assertEqual(caught.exception.param, "temperature")

    def test_context_overflow(self):
        for stream in (False, True):
            with self.assertRaises(openai.BadRequestError) as caught:
                client.chat.completions.create(
                    model="short",
                    messages=[{"role": "user", "content": "x" * 99}],
                    stream=stream,
                )
            self.assertEqual(caught.exception.code, "context_length_exceeded")
            self.assertEqual(caught.exception.param, "messages")
            self.assertRegex(str(caught.exception), "100 tokens.*16")

    def test_error_in_mid_stream(self):
        stream = client.chat.completions.create(
            model="fault",
            messages=[{"role": "user", "content": "len=9 nan@5"}],
            stream=True,
        )
        with self.assertRaisesRegex(openai.APIError, "NaN"):
            list(stream)

    def test_model_out_of_service(self):
        with self.assertRaises(openai.InternalServerError) as caught:
            client.chat.completions.create(**{**CHAT, "model": "idle"})
        self.assertEqual(caught.exception.status_code, 503)
        self.assertIn("retry-after", caught.exception.response.headers)


class ModelsTest(unittest.TestCase):
    def test_list_and_retrieve(self):
        names = {each.id for each in client.models.list()}
        self.assertEqual(
            names, {"fault", "idle", "org/echo", "short", "tiny-chat"}
        )
        self.assertEqual(client.models.retrieve("org/echo").id, "org/echo")
        with self.assertRaises(openai.NotFoundError):
            client.models.retrieve("nobody")


if __name__ == "__main__":
    unittest.main()
