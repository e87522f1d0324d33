#!/usr/bin/env python3
"""What the house costs: the echo entry behind everything, against RESTinio
answering a constant. Same machine, same minutes, alternating.

    bench/http_overhead.py [--build build/release] [--seconds 4] [--rounds 5]

Needs wrk (Debian: apt-get install wrk) and a build with -DMODEL_SERVER_BENCH=ON.
Prints, for 1, 16 and 64 keep-alive connections, medians of requests a second and of
the 99th percentile, and the ratio of the medians.
"""
import argparse, json, os, re, shutil, socket, statistics, subprocess, sys, tempfile, time

BODY = '{"messages":[{"role":"user","content":"hello"}],"seed":1}'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_it_answers(port, path, process):
    deadline = time.monotonic() + 30
    request = (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
               f"Content-Length: {len(BODY)}\r\n\r\n{BODY}").encode()
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with status {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as s:
                s.sendall(request)
                if s.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    sys.exit(f"{process.args[0]} does not answer on port {port}")


def microseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def run_wrk(port, path, connections, seconds, script):
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script,
         f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit("wrk saw errors:\n" + out)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    p99 = microseconds(re.search(r"99%\s+(\S+)", out).group(1))
    return rate, p99


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("http_overhead needs wrk: apt-get install wrk")

    work = tempfile.mkdtemp()
    script = os.path.join(work, "post.lua")
    with open(script, "w") as f:
        f.write(f"wrk.method = 'POST'\nwrk.body = {json.dumps(BODY)}\n")
    config = os.path.join(work, "config.json")
    with open(config, "w") as f:
        json.dump({"echo": {"name": "echo", "params": {}}}, f)

    bare_port, ours_port = free_port(), free_port()
    servers = [
        subprocess.Popen([f"{args.build}/bench/bare_restinio", str(bare_port), "1"]),
        subprocess.Popen([f"{args.build}/model_api", "--config", config, "--model", "echo",
                          "--device", "cpu", "--port", str(ours_port), "--log-level", "warning"]),
    ]
    try:
        ours_path = "/api/v1/echo/call"
        wait_until_it_answers(bare_port, "/", servers[0])
        wait_until_it_answers(ours_port, ours_path, servers[1])
        print(f"machine: {os.cpu_count()} cores; {args.rounds} rounds of {args.seconds} s, alternating; wrk -t1")
        print(f"{'connections':>11} {'bare req/s':>11} {'ours req/s':>11} {'ratio':>6} {'bare p99':>10} {'ours p99':>10}")
        for connections in (1, 16, 64):
            bare, ours = [], []
            for _ in range(args.rounds):
                bare.append(run_wrk(bare_port, "/", connections, args.seconds, script))
                ours.append(run_wrk(ours_port, ours_path, connections, args.seconds, script))
            rate = [statistics.median(r for r, _ in runs) for runs in (bare, ours)]
            p99 = [statistics.median(p for _, p in runs) for runs in (bare, ours)]
            print(f"{connections:>11} {rate[0]:>11.0f} {rate[1]:>11.0f} {rate[1] / rate[0]:>6.2f} "
                  f"{p99[0] / 1000:>7.2f} ms {p99[1] / 1000:>7.2f} ms", flush=True)
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(10)
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
