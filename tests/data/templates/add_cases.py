#!/usr/bin/env python3
"""Appends cases to jinja_cases.jsonl: reads template sources as JSON strings, one a line, and writes what transformers'
own environment makes of each.

    add_cases.py jinja_cases.jsonl <sources
"""
import json
import sys

from transformers.utils.chat_template_utils import _compile_jinja_template

path = sys.argv[1]
with open(path) as file:
    head = json.loads(file.readline())
    known = {json.loads(line)["template"] for line in file}
with open(path, "a") as file:
    for line in sys.stdin:
        case = {"template": json.loads(line)}
        if case["template"] in known:
            continue
        try:
            case["text"] = _compile_jinja_template(case["template"]).render(
                messages=head["messages"], bos_token=head["bos_token"])
        except Exception as problem:
            case["error"] = type(problem).__name__
        file.write(json.dumps(case) + "\n")
