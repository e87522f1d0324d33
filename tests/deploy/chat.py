"""Starts an installed program and chats with tiny-chat.

    chat.py PROGRAM     in the folder of the call, with no settings but a free port
"""
import json
import subprocess
import sys
import urllib.request

program = sys.argv[1]
server = subprocess.Popen([program, "--model", "tiny-chat", "--device", "cpu", "--port", "0"],
                          stdout=subprocess.PIPE, text=True)
try:
    origin = server.stdout.readline().split()[-1]
    ready = server.stdout.readline().strip()
    assert ready == "tiny-chat is ready on cpu", ready
    body = json.dumps({"messages": [{"role": "user", "content": "How do I add a device?"}],
                       "temperature": 0}).encode()
    with urllib.request.urlopen(f"{origin}/api/v1/tiny-chat/call", body) as answer:
        text = json.load(answer)["message"]["content"]
    assert "/api/v1/" in text, text
    health = [program, "health", "--url", origin]
    assert subprocess.run(health).returncode == 0
finally:
    server.terminate()
assert server.wait(30) == 0
print(f"{program}: {text}")
