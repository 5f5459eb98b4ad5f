#!/usr/bin/env python3
"""Clicks through faults: how many were answered, how many are stored, how long visitors waited.

    cargo build --release
    sudo python3 benches/faults.py disk [--size 320]            a small file system runs full, and gets room again
    python3 benches/faults.py file                              the SQLite file is taken away, and put back
    python3 benches/faults.py postgres --pg-data FOLDER --database-url URL [--seconds 60]
                                                                PostgreSQL is stopped, and started again

Every id that a visitor was given must be in the database once when all is well again; a click that could not be kept has no
id. `disk` mounts a tmpfs and needs root for it; `postgres` stops and starts the server in FOLDER by pg_ctl, as the owner of
that folder. Everything listens on 127.0.0.1 and ends by itself.
"""

import argparse
import collections
import http.client
import os
import pwd
import re
import sqlite3
import subprocess
import threading
import time

import bench

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Visitors:
    """Threads that click until they are told to end, and note what they were given."""

    def __init__(self, server, count=8):
        self.server, self.is_over = server, False
        self.ids, self.without, self.failed, self.waits = [], 0, collections.Counter(), []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.click, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def click(self, lane):
        ids, waits, without, failed, n = [], [], 0, collections.Counter(), 0
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        while not self.is_over:
            n += 1
            began = time.monotonic()
            try:
                connection.request("GET", f"/c/bench1?ext={lane}-{n}&bid=0.01&zone=z{n % 40}", headers={"User-Agent": bench.AGENT})
                answer = connection.getresponse()
                answer.read()
            except OSError as error:
                failed[type(error).__name__] += 1
                connection.close()
                continue
            waits.append(time.monotonic() - began)
            found = re.search(r"ref=([0-9a-z]*)", answer.getheader("Location") or "")
            if answer.status != 302 or not found:
                failed[answer.status] += 1
            elif found.group(1):
                ids.append(found.group(1))
            else:
                without += 1
        with self.lock:
            self.ids += ids
            self.waits += waits
            self.without += without
            self.failed += failed

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def number(text):
    """A click id as the database's bytes."""
    value = 0
    for letter in text:
        value = value * 32 + ALPHABET.index(letter)
    return value.to_bytes(17, "big")[-16:]


def stored(url, folder):
    """Every stored click id with how often it is there."""
    if url:
        text = subprocess.run(["psql", url, "-At", "-c", "select encode(id, 'hex') from clicks"], capture_output=True, text=True, check=True).stdout
        return collections.Counter(bytes.fromhex(line) for line in text.split())
    with sqlite3.connect(f"file:{folder}/clickledger.db?mode=ro", uri=True) as database:
        return collections.Counter(row[0] for row in database.execute("select id from clicks"))


def report(visitors, server, url, began):
    """Waits until everything is stored, and says what was seen."""
    wanted = {number(text) for text in visitors.ids}
    end = time.time() + 120
    while True:
        there = stored(url, server.folder)
        missing = sum(1 for one in wanted if one not in there)
        if missing == 0 or time.time() > end:
            break
        time.sleep(0.5)
    waits = sorted(visitors.waits)
    print(f"clicks answered with an id: {len(visitors.ids):,} (different: {len(wanted):,})")
    print(f"clicks answered without an id: {visitors.without:,}; not answered by a redirect: {dict(visitors.failed)}")
    print(f"stored: {sum(there.values()):,}; of the ids given out missing: {missing:,}; stored twice: {sum(1 for n in there.values() if n > 1):,}")
    print(f"a visitor waited p50 {waits[len(waits) // 2] * 1000:.1f} ms, p99 {waits[len(waits) * 99 // 100] * 1000:.1f} ms, at most {waits[-1] * 1000:.0f} ms")
    print(f"all was stored {time.time() - began:.1f} s after the mending")
    metrics(server)


def metrics(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {server.token}"})
    for line in connection.getresponse().read().decode().splitlines():
        if line.startswith(("clickledger_journal_", "clickledger_ingest_failures", "clickledger_quarantined")):
            print("  ", line)


def disk(chosen, folder):
    """Room for the database and a little more, then none at all, then room again."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={chosen.size}m", "tmpfs", folder], check=True)
    try:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        server = bench.Clickledger(data)
        visitors = Visitors(server)
        time.sleep(3)
        ballast = os.path.join(folder, "ballast")
        with open(ballast, "wb") as out:
            try:
                while True:
                    out.write(b"\0" * 65_536)
                    out.flush()
            except OSError:
                pass
        print("the disk is full")
        time.sleep(chosen.seconds)
        # What is set aside lasts for about 150,000 clicks: the load generator uses it up.
        bench.wrk(server.url, chosen.seconds)
        time.sleep(2)
        os.remove(ballast)
        began = time.time()
        print("the disk has room again")
        time.sleep(5)
        visitors.end()
        report(visitors, server, None, began)
        server.stop()
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def file(chosen, folder):
    """The database file is renamed and renamed back."""
    server = bench.Clickledger(folder)
    visitors = Visitors(server)
    time.sleep(3)
    path = os.path.join(folder, "clickledger.db")
    os.rename(path, path + ".aside")
    time.sleep(chosen.seconds)
    os.rename(path + ".aside", path)
    began = time.time()
    time.sleep(3)
    visitors.end()
    report(visitors, server, None, began)
    server.stop()


def postgres(chosen, folder):
    """The database's server is stopped and started again."""
    owner = pwd.getpwuid(os.stat(chosen.pg_data).st_uid).pw_name
    binary = next(path for path in ["/usr/lib/postgresql/15/bin/pg_ctl", "/usr/bin/pg_ctl"] if os.path.exists(path))

    def pg_ctl(*words):
        command = " ".join([binary, "-D", chosen.pg_data, "-w", *words])
        subprocess.run(["su", owner, "-c", command + " >/dev/null 2>&1"], check=True)

    server = bench.Clickledger(folder, env={"DATABASE_URL": chosen.database_url})
    visitors = Visitors(server)
    time.sleep(3)
    with open(os.path.join(chosen.pg_data, "postmaster.opts"), encoding="utf-8") as opts:
        options = opts.read().split(None, 1)[1].strip().replace('"', "")
    pg_ctl("-m", "fast", "stop")
    print("PostgreSQL is stopped")
    time.sleep(chosen.seconds)
    pg_ctl("-o", f"'{options}'", "start")
    began = time.time()
    print("PostgreSQL is there again")
    time.sleep(3)
    visitors.end()
    report(visitors, server, chosen.database_url, began)
    server.stop()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("fault", choices=["disk", "file", "postgres"])
    options.add_argument("--size", type=int, default=320)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--pg-data")
    options.add_argument("--database-url")
    chosen = options.parse_args()
    with bench.temporary_folder() as folder:
        {"disk": disk, "file": file, "postgres": postgres}[chosen.fault](chosen, folder)


if __name__ == "__main__":
    main()
