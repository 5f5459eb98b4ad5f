#!/usr/bin/env python3
"""What a large catalog costs the redirect: 10,000 campaigns of 20 paths and 10 rules each, against one campaign.

    cargo build --release
    python3 benches/catalog.py [--campaigns 10000] [--rounds 5] [--seconds 4]

Two servers of ours on SQLite, in alternating runs, both asked for the same kind of campaign (no rules); then the large one
for a campaign with ten rules, of which the last one matches. Every campaign has a regular expression of its own. Prints
also how long a start takes to the first redirect, and the memory. Needs wrk.
"""

import argparse
import os
import sqlite3
import time

import bench

# The first nine look at the country, a sub value and the device; the tenth takes everybody.
RULE = (
    '{"any":[{"all":[{"fact":"country","op":"in","values":["DE","AT","CH"]},'
    '{"fact":"sub1","op":"matches","values":["^zone-\' || c.id || \'-\\d+$"]},'
    '{"fact":"device","op":"is","values":["tablet"]}]}]}'
)
LAST = '{"any":[{"all":[{"fact":"device","op":"is","values":["mobile"]}]}]}'


def numbers(count):
    return f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {count})"


def fill(folder, campaigns):
    """Campaigns with the benchmark's own offer, as the server keeps them."""
    with sqlite3.connect(os.path.join(folder, "clickledger.db")) as database:
        offer = database.execute("select max(id) from offers").fetchone()[0]
        targets = f'[{{"id":{offer},"weight":1}}]'
        database.executescript(
            f"""begin;
            insert into campaigns (name, slug, append_query, redirect, unique_window_hours, fallback_url, status, is_test,
              created_at_ms, updated_at_ms) {numbers(campaigns)} select 'Many ' || i, 'many' || i, false, '302', 24, '', 'active',
              false, 1, 1 from n;
            insert into rules (campaign_id, position, name, conditions, status) {numbers(9)} select c.id, i, 'Rule',
              '{RULE}', 'active' from campaigns c, n where c.slug like 'many%';
            insert into rules (campaign_id, position, name, conditions, status) select c.id, 10, 'Last', '{LAST}', 'active'
              from campaigns c where c.slug like 'many%';
            insert into paths (campaign_id, rule_id, position, name, weight, status, landers, offers) select campaign_id, id, 0,
              'Path', 1, 'active', '[]', '{targets}' from rules;
            insert into paths (campaign_id, position, name, weight, status, landers, offers) {numbers(10)} select c.id, i, 'Path',
              1, 'active', '[]', '{targets}' from campaigns c, n where c.slug like 'many%';
            commit;"""
        )


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--campaigns", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=4)
    chosen = options.parse_args()
    with bench.temporary_folder() as folder:
        small, large = os.path.join(folder, "small"), os.path.join(folder, "large")
        os.mkdir(small)
        os.mkdir(large)
        bench.Clickledger(large, port=18304).stop()
        fill(large, chosen.campaigns)
        one = bench.Clickledger(small, name="one campaign")
        many = bench.Clickledger(large, port=18304, name=f"{chosen.campaigns:,} campaigns")
        many.stop()
        began = time.time()
        many = bench.Server(many.name, [bench.BINARY], f"http://127.0.0.1:18304/c/bench1", many.env)
        print(f"start to the first redirect: {time.time() - began:.2f} s; memory {bench.rss_mib(many.process.pid):.0f} MiB, with one campaign {bench.rss_mib(one.process.pid):.0f} MiB")
        rounds = []
        for number in range(chosen.rounds):
            plain, ruled = f"http://127.0.0.1:18304/c/bench1", f"http://127.0.0.1:18304/c/many{chosen.campaigns // 2}"
            tasks = [(one, one.url), (many, plain), (many, ruled)]
            order = tasks[number % 3 :] + tasks[: number % 3]
            found = {}
            for server, url in order:
                server.url = url
                found[url] = bench.measure(server, chosen.seconds)
            rounds.append([found[url] for _, url in tasks])
        for at, name in enumerate([one.name, many.name, "ten rules, the last matches"]):
            runs = [found[at] for found in rounds]
            print(f"{name:30}{bench.spread([run['per_second'] for run in runs]):>34}/s  CPU us {bench.spread([run['cpu_us'] for run in runs])}")
        for at, name in [(1, "many / one"), (2, "ten rules / one")]:
            ratio = [found[at]["per_second"] / found[0]["per_second"] for found in rounds]
            cpu = [found[at]["cpu_us"] / found[0]["cpu_us"] for found in rounds]
            print(f"{name}: requests {bench.spread(ratio)}, CPU a request {bench.spread(cpu)}")
        one.stop()
        many.stop()


if __name__ == "__main__":
    main()
