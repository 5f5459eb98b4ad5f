#!/usr/bin/env python3
"""Accepted postbacks a second, each answered after its commit, against a bare actix-web 302.

    cargo build --release --example bare && cargo build --release
    python3 benches/postbacks.py [--rounds 5] [--seconds 6] [--clicks 60000] [--database-url URL]

Needs wrk. Makes clicks first, then sends one postback for each of them and for many transactions of each, so that every
postback makes a new conversion. The server and the load generator share the machine's cores.
"""

import argparse
import http.client
import os
import time

import bench

SCRIPT = """
local ids, n, round = {}, 0, ARG_ROUND
for line in io.lines("%s") do ids[#ids + 1] = line end
local thread_id = 0
function setup(thread) thread:set("id", thread_id); thread_id = thread_id + 1 end
function init(args) n = 0 end
function request()
  n = n + 1
  local cid = ids[(n * 2 + id) %% #ids + 1]
  return wrk.format("GET", "/postback/%s?cid=" .. cid .. "&payout=1.25&txid=%s-" .. id .. "-" .. n)
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
        ids.append(answer.getheader("Location").split("ref=")[1].split("&")[0])
    connection.close()
    return ids


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=6)
    options.add_argument("--clicks", type=int, default=20_000)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--database-url")
    chosen = options.parse_args()
    env = {"DATABASE_URL": chosen.database_url} if chosen.database_url else {}
    with bench.temporary_folder() as folder:
        os.mkdir(os.path.join(folder, "data"))
        ours = bench.Clickledger(os.path.join(folder, "data"), env=env)
        bare = bench.bare()
        ids = os.path.join(folder, "ids")
        with open(ids, "w", encoding="ascii") as out:
            out.write("\n".join(make_clicks(ours, chosen.clicks)) + "\n")
        time.sleep(2)
        postback_url = f"http://127.0.0.1:{ours.port}"
        sent, rounds = 0, []
        for number in range(chosen.rounds):
            script = os.path.join(folder, f"round{number}.lua")
            with open(script, "w", encoding="ascii") as out:
                out.write(SCRIPT.replace("ARG_ROUND", str(number)) % (ids, ours.key, f"r{number}"))
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
        totals = ours.api("/reports", {"from": "2020-01-01", "to": "2099-12-31", "by": ["campaign"]})["totals"]
        print(f"postbacks answered: {sent:,}; conversions stored: {totals['conversions']:,}")
        ours.stop()
        bare.stop()


if __name__ == "__main__":
    main()
