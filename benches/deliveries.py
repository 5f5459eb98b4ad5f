#!/usr/bin/env python3
"""How fast due deliveries drain to a host that takes 50 ms for each, and what the redirect feels of it.

    cargo build --release --bins --examples
    python3 benches/deliveries.py [--deliveries 10000] [--rate 2000] [--database-url URL]

The ideal is 16 calls at one time without a pause between them. The redirect is asked at a steady rate before, during and
after. The host stands in this process, and shares the machine's cores with everything else.
"""

import argparse
import asyncio
import http.client
import os
import statistics
import threading
import time

import bench

TOGETHER = 16
ANSWER_SECONDS = 0.05
# All are due before the first is sent: recording them takes a while.
DELAY_SECONDS = 60


class Host:
    """Answers each request after 50 ms, and remembers when which key came."""

    def __init__(self):
        self.keys, self.times, self.running, self.running_max = {}, [], 0, 0
        self.ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True).start()
        self.ready.wait()

    async def serve(self):
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        async with server:
            await server.serve_forever()

    async def answer(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.running += 1
                self.running_max = max(self.running_max, self.running)
                lines = head.decode().lower().split("\r\n")
                key = next(line.split(": ")[1] for line in lines if line.startswith("idempotency-key"))
                self.keys[key] = self.keys.get(key, 0) + 1
                await asyncio.sleep(ANSWER_SECONDS)
                self.times.append(time.time())
                self.running -= 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass


def click_ids(server, count):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for number in range(count):
        connection.request("GET", f"/c/bench1?ext=e{number}", headers={"User-Agent": bench.AGENT})
        answer = connection.getresponse()
        answer.read()
        yield answer.getheader("Location").split("ref=")[1].split("&")[0]


def record(server, count):
    """Conversions of so many clicks, by files."""
    ids = list(click_ids(server, count))
    time.sleep(2)
    for start in range(0, count, 10_000):
        rows = "".join(f"{click},1.00,t{click}\n" for click in ids[start : start + 10_000])
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "text/csv"}
        path = "/api/v1/conversions/import?advertiser_id=1&mode=all_or_nothing&tell=true"
        connection.request("POST", path, "click_id,payout,txid\n" + rows, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 300:
            raise SystemExit(f"the import was answered {answer.status}: {text[:300]}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--deliveries", type=int, default=10_000)
    options.add_argument("--rate", type=int, default=2_000)
    options.add_argument("--database-url")
    chosen = options.parse_args()
    env = {"CLICKLEDGER_ALLOW_PRIVATE_DESTINATIONS": "true"}
    if chosen.database_url:
        env["DATABASE_URL"] = chosen.database_url
    with bench.temporary_folder() as folder:
        host = Host()
        server = bench.Clickledger(folder, env=env)
        url = f"http://127.0.0.1:{host.port}/told?click={{external_id}}&sum={{payout}}"
        server.api("/destinations", {"name": "Slow", "url": url, "delay_seconds": DELAY_SECONDS})
        record(server, chosen.deliveries)
        waits = {"before": [], "during": [], "after": []}
        while not host.times:
            waits["before"].append(bench.steady(server, chosen.rate, 4))
        while len(host.times) < chosen.deliveries:
            run, left = bench.steady(server, chosen.rate, 4), chosen.deliveries - len(host.times)
            # A run that outlasts the draining measures neither.
            if left > 0:
                waits["during"].append(run)
        for _ in range(5):
            waits["after"].append(bench.steady(server, chosen.rate, 4))
        took = host.times[-1] - host.times[0] + ANSWER_SECONDS
        ideal = chosen.deliveries * ANSWER_SECONDS / TOGETHER
        once = sum(1 for count in host.keys.values() if count == 1)
        print(f"{chosen.deliveries:,} deliveries in {took:.1f} s; ideal {ideal:.1f} s: {ideal / took:.0%}")
        print(f"at most {host.running_max} at one time; {once:,} keys came once, {len(host.keys) - once} more often")
        for when, runs in waits.items():
            p50, p99 = (bench.spread([run[name] for run in runs]) for name in ("p50", "p99"))
            print(f"redirect at {chosen.rate:,}/s {when:7} p50 {p50} ms, p99 {p99} ms, {len(runs)} runs")
        quiet = statistics.median([run["p99"] for run in waits["before"] + waits["after"]])
        during = statistics.median([run["p99"] for run in waits["during"]])
        print(f"p99 during against before and after: {during / quiet:.2f}")
        server.stop()


if __name__ == "__main__":
    main()
