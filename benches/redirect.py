#!/usr/bin/env python3
"""Redirects a second against a bare actix-web 302 and nginx `return 302` with a buffered access log.

    cargo build --release --bins --examples
    python3 benches/redirect.py [--rounds 5] [--seconds 6] [--close] [--power] [--connections 64] [--database-url URL] [--steady]

With --steady each server is then asked at half the rate of ours, every request at its time: what visitors wait for.

Needs nginx and wrk. The servers and the load generator share the machine's cores. After the run every click that wrk
counted must be in the database, once.
"""

import argparse
import json
import os
import statistics
import time

import bench


def count_rows(server):
    """Clicks in the database, asked until they stop growing."""
    known, since = -1, time.time()
    while time.time() - since < 60:
        report = server.api("/reports", {"from": "2020-01-01", "to": "2099-12-31", "by": ["campaign"], "bots": "include"})
        count = report["totals"]["clicks"]
        if count == known:
            return count
        known = count
        time.sleep(1.5)
    return known


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=6)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--close", action="store_true")
    options.add_argument("--power", action="store_true")
    options.add_argument("--database-url")
    options.add_argument("--steady", action="store_true")
    options.add_argument("--json")
    chosen = options.parse_args()
    env = {"CLICKLEDGER_DURABILITY": "power" if chosen.power else "process"}
    if chosen.database_url:
        env["DATABASE_URL"] = chosen.database_url
    with bench.temporary_folder() as folder:
        os.mkdir(os.path.join(folder, "data"))
        ours = bench.Clickledger(os.path.join(folder, "data"), env=env)
        idle = bench.rss_mib(ours.process.pid)
        servers = [bench.bare(), bench.nginx(folder), ours]
        how = {"connections": chosen.connections, "close": chosen.close}
        for server in servers:
            bench.wrk(server.url, 1, **how)
        ours_requests = 0
        rounds = []
        for number in range(chosen.rounds):
            # Another order each round, so that nobody always runs after the same neighbour.
            turn = number % len(servers)
            order = servers[turn:] + servers[:turn]
            results = {server.name: bench.measure(server, chosen.seconds, **how) for server in order}
            rounds.append(results)
            ours_requests += results[ours.name]["requests"]
        full = bench.rss_mib(ours.process.pid)
        report(rounds, servers)
        if chosen.steady:
            ours_requests += report_steady(rounds, servers, ours, chosen)
        print(f"memory of ours: {idle:.0f} MiB idle, {full:.0f} MiB after the load")
        stored = count_rows(ours)
        print(f"clicks counted by wrk in the rounds: {ours_requests:,}; stored, warm-up included: {stored:,}")
        for server in servers:
            server.stop()
        if chosen.json:
            with open(chosen.json, "w", encoding="utf-8") as out:
                json.dump(rounds, out, indent=1)


def report_steady(rounds, servers, ours, chosen):
    """Waits at half of what ours answers at most; returns the measured requests that ours was sent."""
    rate = round(statistics.median(results[ours.name]["per_second"] for results in rounds) / 2)
    runs = {server.name: [] for server in servers}
    for number in range(chosen.rounds):
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            runs[server.name].append(bench.steady(server, rate, chosen.seconds, chosen.connections))
    print(f"at a steady {rate:,} requests a second, {chosen.connections} connections, in ms:")
    for server in servers:
        waits = "   ".join(
            f"{name} {bench.spread([run[name] for run in runs[server.name]])}" for name in ("p50", "p99", "p999", "longest")
        )
        print(f"{server.name:34}{waits}")
    return sum(run["requests"] for run in runs[ours.name])


def report(rounds, servers):
    """Medians with minimum and maximum, and the ratios round by round."""
    print(f"{'':34}{'requests/s':>32}{'CPU us/request':>24}{'p50 ms':>22}{'p99 ms':>24}")
    for server in servers:
        runs = [results[server.name] for results in rounds]
        print(
            f"{server.name:34}{bench.spread([run['per_second'] for run in runs]):>32}"
            f"{bench.spread([run['cpu_us'] for run in runs]):>24}"
            f"{bench.spread([run['p50'] for run in runs]):>22}{bench.spread([run['p99'] for run in runs]):>24}"
        )
        bad = sum(run["bad"] for run in runs)
        if bad:
            print(f"  answers that were no redirect: {bad}")
    ours = servers[-1].name
    for other in servers[:-1]:
        ratios = [results[ours]["per_second"] / results[other.name]["per_second"] for results in rounds]
        cpu = [results[ours]["cpu_us"] / results[other.name]["cpu_us"] for results in rounds]
        print(f"ours / {other.name}: requests {bench.spread(ratios)}, CPU a request {bench.spread(cpu)}")


if __name__ == "__main__":
    main()
