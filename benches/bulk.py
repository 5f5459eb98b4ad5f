#!/usr/bin/env python3
"""Bulk work on conversions: a file imported, postbacks replayed, revenue recalculated, and who waits meanwhile.

    cargo build --release
    python3 benches/bulk.py [--rounds 5] [--rows 50000] [--replays 10000] [--all-at-once 10000]
    python3 benches/bulk.py --database-url postgres://user@host/postgres

Each round makes clicks on a campaign of its own, then

- imports a file with a conversion for each click,
- runs postbacks again that were refused for a status word which nobody knew, after the word has its meaning,
- recalculates what those earned, after their offer's rate has changed,
- imports a file all or nothing while postbacks come one after the other, and says how long the longest of them waited.

The server begins with an empty database: on SQLite in a temporary folder; with `--database-url` in a database that is made on
that server and dropped at the end (needs psql and the right to create databases). What is stored is compared with what was
sent. `--binary` measures another build. Everything listens on 127.0.0.1 and ends by itself.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import bench

# Connections that make clicks.
LANES = 4

# Postbacks of one JSON array.
TOGETHER = 1_000


class Campaign:
    """A campaign with an advertiser and an offer of its own."""

    def __init__(self, server, slug):
        self.server, self.slug = server, slug
        advertiser = server.api("/advertisers", {"name": slug})
        self.advertiser, self.key = advertiser["id"], advertiser["postback_key"]
        url = "https://shop.example/?ref={click_id}"
        offer = {"name": slug, "advertiser_id": self.advertiser, "url": url, "revenue": "1.00"}
        self.offer = server.api("/offers", offer)["id"]
        paths = [{"offers": [{"offer_id": self.offer}]}]
        self.id = server.api("/campaigns", {"name": slug, "slug": slug, "paths": paths})["id"]

    def clicks(self, count):
        """So many click ids."""

        def some(part):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
            ids = []
            for _ in range(part):
                connection.request("GET", f"/c/{self.slug}", headers={"User-Agent": bench.AGENT})
                answer = connection.getresponse()
                answer.read()
                ids.append(answer.getheader("Location").split("ref=")[1].split("&")[0])
            connection.close()
            return ids

        parts = [count // LANES + (lane < count % LANES) for lane in range(LANES)]
        with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            ids = [one for part in lanes.map(some, parts) for one in part]
        self.wait_until("clicks", count)
        return ids

    def figures(self):
        """What the reports say of this campaign."""
        asked = {"from": "2020-01-01", "to": "2099-12-31", "by": ["campaign"], "filters": [{"fact": "campaign", "op": "in", "values": [self.id]}]}
        return self.server.api("/reports", asked)["totals"]

    def wait_until(self, name, count, seconds=120):
        """Waits until a figure is so high."""
        end = time.time() + seconds
        while int(self.figures()[name]) != count:
            if time.time() > end:
                raise SystemExit(f"{self.figures()[name]} {name} of {self.slug} are stored, not {count}")
            time.sleep(0.1)

    def send_file(self, ids, mode):
        """Imports a conversion for each click; comes back when the last row is through."""
        file = "click_id,txid,payout\n" + "".join(f"{one},{at},1.50\n" for at, one in enumerate(ids))
        query = urllib.parse.urlencode({"advertiser_id": self.advertiser, "mode": mode, "file_name": "bench.csv"})
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.port}/api/v1/conversions/import?{query}",
            data=file.encode(),
            headers={"Authorization": f"Bearer {self.server.token}", "Content-Type": "text/csv"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            told = json.load(answer)
        while told["state"] in ("waiting", "running"):
            time.sleep(0.05)
            told = self.server.api(f"/conversions/import/{told['id']}")
        if told["state"] != "done" or told["accepted"] != len(ids):
            raise SystemExit(f"the import came to {told['state']} with {told['accepted']} rows of {len(ids)}")


class Postbacks:
    """A thread that sends a postback after the other until it is told to end, and notes the longest wait."""

    def __init__(self, server, campaign, ids):
        self.server, self.key, self.ids = server, campaign.key, ids
        self.is_over, self.waits = False, []
        self.thread = threading.Thread(target=self.send)
        self.thread.start()

    def send(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        for one in self.ids:
            if self.is_over:
                break
            began = time.monotonic()
            connection.request("GET", f"/postback/{self.key}?cid={one}&payout=1")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"a postback was answered {answer.status}")
            self.waits.append(time.monotonic() - began)
        connection.close()

    def longest(self):
        self.is_over = True
        self.thread.join()
        return max(self.waits)


def post(server, path, body):
    """A JSON body to a public door."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def change(server, path, body):
    """Changes a thing by the API; answers what it is now."""
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/api/v1{path}", data, headers, method="PATCH")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def ask(server, path, body):
    """A deed that may take long."""
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/api/v1{path}", data, headers)
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def timed(deed):
    """What came of a deed, and how long it took."""
    began = time.monotonic()
    outcome = deed()
    return outcome, time.monotonic() - began


def replay(server, campaign, ids):
    """Refused postbacks run again; comes back with the seconds."""
    for at in range(0, len(ids), TOGETHER):
        some = [{"cid": one, "status": "verkauft"} for one in ids[at : at + TOGETHER]]
        post(server, f"/postback/{campaign.key}", json.dumps(some))
    change(server, f"/advertisers/{campaign.advertiser}", {"status_map": {"verkauft": "approved"}})
    filters = {"advertiser_id": campaign.advertiser, "code": "unknown_status"}
    told, seconds = timed(lambda: ask(server, "/postbacks/replay", {"filter": filters}))
    if told["totals"] != [{"from": "unknown_status", "to": "recorded", "count": len(ids)}]:
        raise SystemExit(f"the replay came to {told['totals']}")
    return seconds


def recalculate(server, campaign, count):
    """Revenue counted anew by the offer's new rate; comes back with the seconds."""
    change(server, f"/offers/{campaign.offer}", {"revenue": "2.50"})
    days = [time.strftime("%Y-%m-%d", time.gmtime(time.time() + off)) for off in (-86_400, 86_400)]
    body = {"offer_id": campaign.offer, "from": days[0], "to": days[1], "time_zone": "UTC", "terms": True, "why": "bench"}
    told, seconds = timed(lambda: ask(server, "/recalculations", body))
    if told["changed"] != count:
        raise SystemExit(f"{told['changed']} conversions were changed, not {count}")
    return seconds


def one_round(server, number, chosen):
    """Rows a second of import, replay, recalculation and of an import at once, and the longest wait in seconds."""
    run = os.urandom(3).hex()
    imported, mended, whole = (Campaign(server, f"{name}-{run}-{number}") for name in ("import", "replay", "whole"))
    ids = imported.clicks(chosen.rows)
    _, import_seconds = timed(lambda: imported.send_file(ids, "good_rows"))
    imported.wait_until("conversions", chosen.rows)
    ids = mended.clicks(chosen.replays)
    replay_seconds = replay(server, mended, ids)
    recalculate_seconds = recalculate(server, mended, chosen.replays)
    if float(mended.figures()["revenue"]) != 2.5 * chosen.replays:
        raise SystemExit(f"recalculated revenue is {mended.figures()['revenue']}")
    ids = whole.clicks(chosen.all_at_once)
    others = Campaign(server, f"others-{run}-{number}")
    postbacks = Postbacks(server, others, others.clicks(chosen.all_at_once))
    _, whole_seconds = timed(lambda: whole.send_file(ids, "all_or_nothing"))
    return {
        "import": chosen.rows / import_seconds,
        "replay": chosen.replays / replay_seconds,
        "recalculation": chosen.replays / recalculate_seconds,
        "all or nothing": chosen.all_at_once / whole_seconds,
        "wait": postbacks.longest(),
    }


class Database:
    """An empty database on a PostgreSQL server, dropped at the end."""

    def __init__(self, url):
        self.admin, self.name = url, f"clickledger_bulk_{os.urandom(4).hex()}"
        self.tell(f"create database {self.name}")
        parts = urllib.parse.urlsplit(url)
        self.url = urllib.parse.urlunsplit(parts._replace(path=f"/{self.name}"))

    def tell(self, statement):
        subprocess.run(["psql", self.admin, "-qc", statement], check=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--replays", type=int, default=10_000)
    options.add_argument("--all-at-once", type=int, default=10_000)
    options.add_argument("--database-url")
    options.add_argument("--binary")
    chosen = options.parse_args()
    bench.BINARY = chosen.binary or bench.BINARY
    database = Database(chosen.database_url) if chosen.database_url else None
    env = {"DATABASE_URL": database.url} if database else {}
    env["CLICKLEDGER_POSTBACKS_PER_SECOND"] = "1000000"
    with bench.temporary_folder() as folder:
        server = bench.Clickledger(folder, env=env)
        try:
            rounds = [one_round(server, number, chosen) for number in range(chosen.rounds)]
        finally:
            server.stop()
            if database:
                database.tell(f"drop database {database.name}")
    print(f"{'PostgreSQL' if database else 'SQLite'}, {chosen.rounds} rounds: median (minimum-maximum)")
    for name in ("import", "replay", "recalculation", "all or nothing"):
        print(f"{name}, rows/s: {bench.spread([one[name] for one in rounds])}")
    waits = bench.spread([one["wait"] * 1_000 for one in rounds])
    print(f"longest wait of a postback beside {chosen.all_at_once:,} rows at once, ms: {waits}")


if __name__ == "__main__":
    main()
