#!/usr/bin/env python3
"""Accepted postbacks a second, each answered after its commit, against a bare actix-web 302.

    cargo build --release --example bare && cargo build --release
    python3 benches/postbacks.py [--rounds 5] [--seconds 6] [--demo 10000000 [--data-dir FOLDER]] [--clicks 20000] [--database-url URL]

Needs wrk, and psql for PostgreSQL. With `--demo` the database holds a made-up month of so many clicks first;
with `--data-dir` that month is there already and is added to. The
postbacks are for clicks spread over all that are there, with many transactions of each, so that every postback makes a
new conversion. The server and the load generator share the machine's cores.
"""

import argparse
import http.client
import os
import sqlite3
import subprocess
import time

import bench

SCRIPT = """
local ids, n = {}, 0
for line in io.lines("%s") do ids[#ids + 1] = line end
local thread_id = 0
function setup(thread) thread:set("id", thread_id); thread_id = thread_id + 1 end
function init(args) n = 0 end
function request()
  n = n + 1
  local to = ids[(n * 2 + id) %% #ids + 1]
  return wrk.format("GET", "/postback/" .. to .. "&payout=1.25&txid=%s-" .. id .. "-" .. n)
end
"""


def make_clicks(server, count):
    """Clicks over one connection; their ids out of the redirects."""
    ids = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for number in range(count):
        connection.request("GET", f"/c/bench1?zone={number % 50}", headers={"User-Agent": bench.AGENT})
        answer = connection.getresponse()
        answer.read()
        cid = answer.getheader("Location").split("ref=")[1].split("&")[0]
        ids.append(f"{server.key}?cid={cid}")
    connection.close()
    return ids


ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

# Clicks of people within the window, spread over the table in no order, with the offer each reached.
SPREAD = """select {hex}, coalesce(last_offer_id, offer_id) from clicks where not is_bot and not is_test
 and clicked_at_ms > {since} and coalesce(last_offer_id, offer_id) is not null and {sample}"""


def demo_clicks(server, url, all_clicks, count):
    """Some of a demo's clicks, each with the key of the advertiser whose offer it reached."""
    since, every = int((time.time() - 25 * 86_400) * 1_000), max(all_clicks // count, 1)
    if url and url.startswith("postgres"):
        share = min(100.0, 200.0 * count / all_clicks)
        query = SPREAD.format(hex="encode(id, 'hex')", since=since, sample="true")
        query = query.replace("from clicks", f"from clicks tablesample bernoulli ({share})")
        done = subprocess.run(["psql", url, "-AtF", ",", "-c", query], capture_output=True, text=True, check=True)
        rows = [line.split(",") for line in done.stdout.split()]
    else:
        query = SPREAD.format(hex="lower(hex(id))", since=since, sample=f"rowid % {every} = 0")
        with sqlite3.connect(os.path.join(server.folder, "clickledger.db")) as database:
            rows = database.execute(query).fetchall()
    keys = {one["id"]: one["postback_key"] for one in server.api("/advertisers?page_size=200")["items"]}
    offers = {one["id"]: keys[one["advertiser_id"]] for one in server.api("/offers?page_size=200")["items"]}
    ids = []
    for text, offer in rows:
        value = int(text, 16)
        cid = "".join(ALPHABET[value >> 5 * at & 31] for at in reversed(range(26)))
        ids.append(f"{offers[int(offer)]}?cid={cid}")
    # In no order of time: networks do not report in the order of clicks.
    ids.sort(key=lambda to: to[::-1])
    return ids[:count]


def conversions(server):
    """Conversions by the reports, tests left out."""
    asked = {"from": "2020-01-01", "to": "2099-12-31", "by": ["campaign"]}
    return server.api("/reports", asked)["totals"]["conversions"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=6)
    options.add_argument("--clicks", type=int, default=20_000)
    options.add_argument("--demo", type=int, default=0)
    options.add_argument("--data-dir")
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--database-url")
    chosen = options.parse_args()
    env = {"DATABASE_URL": chosen.database_url} if chosen.database_url else {}
    with bench.temporary_folder() as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        if chosen.data_dir:
            data = chosen.data_dir
        elif chosen.demo:
            began = time.time()
            data = bench.demo(data, chosen.demo, env)
            print(f"demo of {chosen.demo:,} clicks made in {time.time() - began:.0f} s")
        ours = bench.Clickledger(data, env=env)
        bare = bench.bare()
        ids = os.path.join(folder, "ids")
        with open(ids, "w", encoding="ascii") as out:
            if chosen.demo:
                lines = demo_clicks(ours, chosen.database_url, chosen.demo, chosen.clicks)
            else:
                lines = make_clicks(ours, chosen.clicks)
            out.write("\n".join(lines) + "\n")
        time.sleep(2)
        postback_url = f"http://127.0.0.1:{ours.port}"
        before = conversions(ours)
        # Every run has transactions of its own, also on a database that was used before.
        run = os.urandom(4).hex()
        sent, rounds = 0, []
        for number in range(chosen.rounds):
            script = os.path.join(folder, f"round{number}.lua")
            with open(script, "w", encoding="ascii") as out:
                out.write(SCRIPT % (ids, f"{run}-{number}"))
            how = {"connections": chosen.connections}
            base = bench.measure(bare, chosen.seconds, **how)
            ours.url = postback_url
            own = bench.measure(ours, chosen.seconds, query="/", script=script, **how)
            sent += own["requests"]
            rounds.append((base, own))
        ratio = [own["per_second"] / base["per_second"] for base, own in rounds]
        print(f"postbacks/s: {bench.spread([own['per_second'] for _, own in rounds])}")
        print(f"bare actix-web 302/s: {bench.spread([base['per_second'] for base, _ in rounds])}")
        print(f"ratio: {bench.spread(ratio)}; p99 ms: {bench.spread([own['p99'] for _, own in rounds])}")
        print(f"answers that were no 2xx: {sum(own['bad'] for _, own in rounds)}")
        time.sleep(1)
        print(f"postbacks answered: {sent:,}; conversions stored: {conversions(ours) - before:,}")
        ours.stop()
        bare.stop()


if __name__ == "__main__":
    main()
