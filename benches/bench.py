"""Shared parts of the benchmarks: servers on loopback, load by wrk, CPU from the operating system's accounting.

Everything listens on 127.0.0.1 and ends by itself. Rounds alternate between the servers, so that a machine that
drifts drifts for all of them; quote medians and ratios, not single figures.
"""

import atexit
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.path.join(TARGET, "release", "clickledger")
BARE = os.path.join(TARGET, "release", "examples", "bare")
STEADY = os.path.join(TARGET, "release", "examples", "steady")
AGENT = (
    "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Mobile Safari/537.36"
)
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    """User and system time of some processes with all their threads."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss_mib(pid):
    """Resident memory of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def wait_for(url, seconds=20):
    """Waits until a server answers at all."""
    end = time.time() + seconds
    while time.time() < end:
        try:
            urllib.request.build_opener(NoRedirect).open(url, timeout=1)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing answers at {url}")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects are what is measured: they are not followed."""

    def redirect_request(self, *_):
        return None


class Server:
    """A process that is ended with the benchmark."""

    def __init__(self, name, command, url, env=None):
        self.name, self.url = name, url
        self.process = subprocess.Popen(
            command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Also where the benchmark fails: nothing is left running, its own children neither.
        atexit.register(self.end)
        wait_for(url)

    def pids(self):
        children = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        return [self.process.pid, *map(int, children)]

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=60)


def bare(port=18301):
    """The bare actix-web server."""
    return Server("bare actix-web 302", [BARE, f"127.0.0.1:{port}"], f"http://127.0.0.1:{port}/c/bench1")


def nginx(folder, port=18302):
    """nginx with `return 302` and a buffered access log."""
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w", encoding="utf-8") as out:
        out.write(
            f"""worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log combined buffer=64k flush=1s; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; location / {{ return 302 https://shop.example/?ref=0; }} }}
}}"""
        )
    path = shutil.which("nginx") or "/usr/sbin/nginx"
    return Server("nginx return 302, buffered log", [path, "-c", config, "-p", folder], f"http://127.0.0.1:{port}/c/bench1")


class Clickledger(Server):
    """Our server with a campaign at /c/bench1, on a database of its own."""

    def __init__(self, folder, port=18303, env=None, name="clickledger"):
        self.folder, self.port = folder, port
        self.env = {
            "CLICKLEDGER_DATA_DIR": folder,
            "CLICKLEDGER_LISTEN": f"127.0.0.1:{port}",
            "RUST_LOG": "warn",
            **(env or {}),
        }
        self.token = self.prepare()
        super().__init__(name, [BINARY], f"http://127.0.0.1:{port}/healthz", self.env)
        self.make_campaign()
        self.url = f"http://127.0.0.1:{port}/c/bench1"

    def command(self, *words, stdin=""):
        done = subprocess.run(
            [BINARY, *words], env={**os.environ, **self.env}, input=stdin, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def prepare(self):
        email, self.password = f"bench-{os.urandom(4).hex()}@example.com", os.urandom(16).hex()
        self.email = email
        self.command("user", "create", "--email", email, "--role", "admin", "--password-stdin", stdin=self.password)
        return self.command("token", "create", "--email", email, "--scope", "write")

    def sign_in(self):
        """A session's cookie, as a browser gets it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        body = urllib.parse.urlencode({"email": self.email, "password": self.password})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        connection.request("POST", "/sign-in", body, headers)
        answer = connection.getresponse()
        cookie = answer.getheader("Set-Cookie")
        if answer.status != 303 or not cookie:
            raise SystemExit(f"signing in was answered {answer.status}")
        return cookie.split(";")[0]

    def api(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def make_campaign(self):
        advertiser = self.api("/advertisers", {"name": "Bench"})
        self.key = advertiser["postback_key"]
        offer = self.api(
            "/offers",
            {
                "name": "Bench",
                "advertiser_id": advertiser["id"],
                "url": "https://shop.example/?ref={click_id}&zone={sub1}",
                "revenue": "1.00",
            },
        )
        source = self.api(
            "/sources",
            {
                "name": "Bench",
                "external_id_param": "ext",
                "cost_param": "bid",
                "cost_model": "param",
                "tokens": [{"slot": 1, "param": "zone", "label": "Zone"}],
            },
        )
        paths = [{"offers": [{"offer_id": offer["id"]}]}]
        try:
            self.api("/campaigns", {"name": "Bench", "slug": "bench1", "source_id": source["id"], "paths": paths})
        except urllib.error.HTTPError as error:
            # A database that a benchmark has used before has its campaign.
            if error.code != 409:
                raise


def demo(folder, clicks, env=None):
    """A made-up month; returns the data folder that it is in."""
    env = {**os.environ, "CLICKLEDGER_DATA_DIR": folder, "RUST_LOG": "warn", **(env or {})}
    subprocess.run([BINARY, "demo", "--clicks", str(clicks), "--no-serve"], env=env, capture_output=True, check=True)
    return os.path.join(folder, "demo")


def wrk(url, seconds, connections=64, query="?ext=abc123&bid=0.0125&zone=z77", close=False, script=None):
    """One run of wrk: requests a second, p50 and p99 in ms, requests, and answers that were no 2xx or 3xx."""
    command = ["wrk", f"-t{min(2, connections)}", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"User-Agent: {AGENT}"]
    if close:
        command += ["-H", "Connection: close"]
    if script:
        command += ["-s", script]
    text = subprocess.run([*command, url + query], capture_output=True, text=True, check=True).stdout
    if "nan" in text:
        raise SystemExit(f"no request to {url} was answered:\n{text}")
    per_second = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "per_second": per_second,
        "p50": milliseconds(re.search(r"^ +50% +(\S+)", text, re.M).group(1)),
        "p99": milliseconds(re.search(r"^ +99% +(\S+)", text, re.M).group(1)),
        "requests": requests,
        "bad": int(bad.group(1)) if bad else 0,
    }


def steady(server, rate, seconds, connections=64):
    """One run at a steady rate: p50, p99, p99.9 and the longest in ms, waiting for one's turn included."""
    parts = urllib.parse.urlsplit(server.url)
    target = parts.path + "?ext=abc123&bid=0.0125&zone=z77"
    command = [STEADY, parts.netloc, target, str(rate), str(connections), str(seconds)]
    run = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {
        "requests": run["requests"],
        **{name: run[f"{name}_us"] / 1000 for name in ("p50", "p99", "p999", "longest")},
    }


def milliseconds(text):
    """wrk's 950.00us, 2.10ms, 1.02s."""
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def measure(server, seconds, **how):
    """One run, with the CPU time each request took of the server."""
    before = cpu_seconds(server.pids())
    run = wrk(server.url, seconds, **how)
    run["cpu_us"] = (cpu_seconds(server.pids()) - before) / max(run["requests"], 1) * 1e6
    return run


def spread(values):
    """Median (minimum-maximum)."""
    return f"{statistics.median(values):,.2f} ({min(values):,.2f}-{max(values):,.2f})"


def temporary_folder():
    """A folder that is removed at the end."""
    return tempfile.TemporaryDirectory(prefix="clickledger-bench-")
