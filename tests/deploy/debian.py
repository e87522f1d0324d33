#!/usr/bin/env python3
"""Installs the packages into a fresh Debian that runs systemd, and uses them there as
docs/deployment.md says.

    tests/deploy/debian.py BUILD [FOLDER]

BUILD is the folder of a build; FOLDER keeps the Debian for another run. Needs root, debootstrap,
systemd-container and apt's sources of this machine.
"""
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

QUESTION = {"messages": [{"role": "user", "content": "How do I add a device?"}], "temperature": 0}
NEXT_VERSION = "9.9.9"
UNIT = "model-server.service"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run([str(word) for word in command], check=True, text=True, **options)


def output(*command):
    return subprocess.run([str(word) for word in command], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def check(is_so, what):
    print("ok" if is_so else "FAILED", "-", what, flush=True)
    if not is_so:
        sys.exit(1)


class Debian:
    """A machine in a folder, with the network of this one."""

    def __init__(self, root):
        self.root = root
        if not (root / "var/lib/dpkg/status").exists():
            mirror = output("apt-get", "indextargets", "--format", "$(REPO_URI)").split()[0]
            run("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus",
                "bookworm", root, mirror)
        (root / "etc/apt/sources.list").unlink(missing_ok=True)
        for place in ("etc/apt/sources.list.d", "etc/apt/apt.conf.d"):
            shutil.copytree(Path("/") / place, root / place, dirs_exist_ok=True)
        self.boot = subprocess.Popen(
            ["systemd-nspawn", "--quiet", f"--directory={root}", "--register=no", "--keep-unit",
             "--resolv-conf=copy-host", "--boot", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.enter = ["false"]
        while self.say("systemctl", "is-system-running") not in ("running", "degraded"):
            time.sleep(0.5)
            self.find_init()

    def find_init(self):
        """Its first process, of which there are several while it is made."""
        children = Path(f"/proc/{self.boot.pid}/task/{self.boot.pid}/children").read_text().split()
        if children:
            self.enter = ["nsenter", "--target", children[0], "--all", "env", "-i",
                          f"PATH={PATH}", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"]

    def run(self, *command, **options):
        return run(*self.enter, *command, **options)

    def say(self, *command):
        return subprocess.run([*self.enter, *command], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.strip()

    def show(self, name):
        return self.say("systemctl", "show", "--value", f"--property={name}", UNIT)

    def apt(self, *command):
        self.run("apt-get", *command, "-y", "-q", "--no-install-recommends",
                 "-o", "Dpkg::Options::=--force-confold", stdout=subprocess.DEVNULL)

    def install(self, package):
        shutil.copy(package, self.root / "root")
        self.apt("install", f"/root/{package.name}")

    def stop(self):
        self.say("systemctl", "poweroff")
        self.boot.wait(60)


def chat(origin):
    request = urllib.request.Request(f"{origin}/api/v1/tiny-chat/call", json.dumps(QUESTION).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["message"]["content"]


class Clients:
    """Streams all the time; whatever is not the expected reply is kept."""

    def __init__(self, origin, expected, size=4):
        self.origin, self.expected = origin, expected
        self.is_over = False
        self.replies, self.failures = 0, []
        self.threads = [threading.Thread(target=self.work) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def work(self):
        body = json.dumps({**QUESTION, "stream": True}).encode()
        while not self.is_over:
            try:
                with urllib.request.urlopen(f"{self.origin}/api/v1/tiny-chat/call", body,
                                            timeout=60) as stream:
                    events = [line[6:] for line in stream.read().decode().splitlines()
                              if line.startswith("data: ")]
                text = "".join(json.loads(event)["delta"].get("content", "")
                               for event in events[:-1])
                if events[-1] != "[DONE]" or text != self.expected:
                    self.failures.append(events)
                self.replies += 1
            except Exception as problem:
                self.failures.append(repr(problem))

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def make_package(build, folder):
    run("cpack", "--config", build / "CPackConfig.cmake", "-B", folder, stdout=subprocess.DEVNULL)
    return next(folder.glob("model-server_*.deb"))


def newer(package, folder):
    """The same package under the next version."""
    shutil.rmtree(folder, ignore_errors=True)
    run("dpkg-deb", "--raw-extract", package, folder)
    control = folder / "DEBIAN/control"
    lines = control.read_text().splitlines(keepends=True)
    control.write_text("".join(f"Version: {NEXT_VERSION}\n" if line.startswith("Version:") else line
                               for line in lines))
    result = folder.with_suffix(".deb")
    run("dpkg-deb", "-Znone", "--build", folder, result, stdout=subprocess.DEVNULL)
    return result


def check_service(debian, origin):
    check(debian.show("ActiveState") == "active" and debian.show("NRestarts") == "0",
          "the service runs, and was never started again")
    main = debian.show("MainPID")
    status = debian.say("cat", f"/proc/{main}/status").split("\n")
    has = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    check(has["Uid"].split()[0] != "0" and int(has["CapEff"], 16) == 0
          and has["NoNewPrivs"] == "1" and has["Seccomp"] == "2", "it has no rights")
    for place in ("/usr", "/etc", "/var/lib/model-server/models"):
        tried = debian.say("nsenter", "--target", main, "--mount", "sh", "-c",
                           f"touch {place}/x 2>&1")
        check("Read-only file system" in tried, f"it cannot write in {place}")
    program = debian.say("readlink", f"/proc/{main}/exe")
    check(program == "/usr/bin/model_api", "it runs what is installed")
    debian.run("model_api", "health", "--url", origin)
    return main


def check_keys(debian, origin):
    """A key that is taken out of the file is no key after a reload."""
    file = debian.root / "etc/model-server/api-keys.json"

    def give(key):
        file.write_text(json.dumps({"keys": [{"name": "a", "role": "call", "key": key}]}))
        debian.run("chown", "root:model-server", "/etc/model-server/api-keys.json")
        debian.run("chmod", "640", "/etc/model-server/api-keys.json")

    def opens(key):
        request = urllib.request.Request(f"{origin}/v1/models",
                                         headers={"Authorization": f"Bearer {key}"})
        try:
            return urllib.request.urlopen(request, timeout=10).status == 200
        except urllib.error.HTTPError as refused:
            return refused.code != 401

    defaults = debian.root / "etc/default/model-server"
    before = defaults.read_text()
    old, new = "a-key-of-the-first-day", "a-key-of-the-second-day"
    give(old)
    defaults.write_text(before + "MODEL_SERVER_API_KEY_FILE=/etc/model-server/api-keys.json\n")
    debian.run("systemctl", "restart", UNIT)
    check(opens(old) and not opens(new), "its key opens the service")
    give(new)
    debian.run("systemctl", "reload", UNIT)
    for _ in range(100):
        if opens(new):
            break
        time.sleep(0.1)
    check(opens(new) and not opens(old), "another key does so after a reload")
    defaults.write_text(before)
    debian.run("systemctl", "restart", UNIT)
    file.unlink()


def use(debian, current, following):
    root = debian.root
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    defaults = root / "etc/default/model-server"
    defaults.write_text(f"MODEL_SERVER_MODEL=tiny-chat\nMODEL_SERVER_PORT={port}\n")

    debian.run("apt-get", "update", "-qq")
    before = int(output("du", "-sm", root).split()[0])
    debian.install(current)
    after = int(output("du", "-sm", root).split()[0])
    print(f"package and what it needs: {after - before} MB")
    check(not list((root / "usr/lib").rglob("libtorch*")), "libtorch is not needed")
    check(debian.say("systemctl", "is-enabled", UNIT) == "enabled", "the service is enabled")
    debian.run("systemctl", "start", UNIT)
    old = check_service(debian, origin)
    expected = chat(origin)
    print("   ", expected)

    clients = Clients(origin, expected)
    debian.install(following)
    while (now := debian.show("MainPID")) in (old, "0"):
        time.sleep(0.1)
    while debian.say("ls", f"/proc/{old}"):
        time.sleep(0.1)
    seen = clients.replies
    while clients.replies < seen + 20:
        time.sleep(0.1)
    clients.stop()
    check(not clients.failures, f"none of {clients.replies} streams broke during the upgrade"
          + "".join(f"\n{failure}" for failure in clients.failures[:3]))
    check(check_service(debian, origin) == now, "the second process is the service")
    debian.run("systemctl", "restart", UNIT)
    check(chat(origin) == expected, "it restarts")
    check_keys(debian, origin)

    debian.apt("remove", "model-server")
    check(debian.show("ActiveState") == "inactive", "it stops when it is removed")
    check((root / "etc/model-server/config.json").exists(), "settings stay then")
    (root / "var/lib/model-server/models/mine").mkdir(parents=True, exist_ok=True)
    debian.apt("purge", "model-server")
    check(not (root / "etc/model-server").exists(), "settings go when it is purged")
    check((root / "var/lib/model-server/models/mine").exists(), "models stay")
    shutil.rmtree(root / "var/lib/model-server")


def main():
    build = Path(sys.argv[1]).resolve()
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    current = make_package(build, folder / "packages")
    following = newer(current, folder / "next")
    debian = Debian(folder / "root")
    try:
        use(debian, current, following)
    finally:
        debian.stop()
    if len(sys.argv) < 3:
        shutil.rmtree(folder)


main()
