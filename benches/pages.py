#!/usr/bin/env python3
"""How long the pages that are looked at all day take, on a made-up month of clicks.

    cargo build --release
    python3 benches/pages.py [--demo 1000000] [--data-dir FOLDER] [--rounds 15] [--database-url URL]

Each page is asked for over one connection, one after the other, in turn; the first round is not counted. With
`--data-dir` the month is there already.
"""

import argparse
import http.client
import json
import os
import time

import bench

PAGES = {
    "dashboard, 30 days": "/?range=last_30_days",
    "dashboard, today": "/",
    "campaigns, 30 days": "/campaigns?range=last_30_days",
    "click log, 30 days": "/clicks?range=last_30_days",
    "conversion log, 30 days": "/conversions?range=last_30_days",
    "postback log, 30 days": "/postbacks?range=last_30_days",
}


def ask(connection, path, headers, body=None):
    """Milliseconds until the last byte, and the bytes."""
    began = time.perf_counter()
    connection.request("POST" if body else "GET", path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path} was answered {answer.status}")
    return (time.perf_counter() - began) * 1_000, len(text)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--demo", type=int, default=1_000_000)
    options.add_argument("--data-dir")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--database-url")
    chosen = options.parse_args()
    env = {"DATABASE_URL": chosen.database_url} if chosen.database_url else {}
    with bench.temporary_folder() as folder:
        data = chosen.data_dir
        if not data:
            began = time.time()
            data = bench.demo(folder, chosen.demo, env)
            print(f"demo of {chosen.demo:,} clicks made in {time.time() - began:.1f} s")
        if not chosen.database_url:
            print(f"database: {os.path.getsize(os.path.join(data, 'clickledger.db')) / 1e6:,.0f} MB")
        ours = bench.Clickledger(data, env=env)
        connection = http.client.HTTPConnection("127.0.0.1", ours.port)
        page = {"Cookie": ours.sign_in(), "Accept-Encoding": "gzip"}
        api = {"Authorization": f"Bearer {ours.token}", "Content-Type": "application/json"}
        today = time.strftime("%Y-%m-%d", time.gmtime())
        since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 29 * 86_400))
        asked = {f"report by {by}, 30 days": json.dumps({"from": since, "to": today, "by": [by]}) for by in ("campaign", "day")}
        taken, sizes = {}, {}
        for number in range(chosen.rounds + 1):
            for name, path in PAGES.items():
                ms, sizes[name] = ask(connection, path, page)
                taken.setdefault(name, []).append(ms)
            for name, body in asked.items():
                ms, sizes[name] = ask(connection, "/api/v1/reports", api, body)
                taken.setdefault(name, []).append(ms)
            if number == 0:
                taken = {}
        for name, runs in taken.items():
            print(f"{name:28}{bench.spread(runs):>28} ms {sizes[name]:>9,} bytes")
        ours.stop()


if __name__ == "__main__":
    main()
