#!/usr/bin/env python3
"""Bring the user agent patterns up to date from the npm packages uap-core and crawler-user-agents.

    npm pack uap-core crawler-user-agents       (and unpack both)
    python3 static/agents/make.py UAP_CORE_DIR CRAWLER_USER_AGENTS_DIR

Needs Python 3.9 and nothing beyond its standard library. `regexes.yaml` is copied as it is, after a check that it
keeps to the few forms of line that the program reads. `crawlers.txt` is the patterns only, one to a line, corrected
where the list would take people for machines (see below). Then set the versions in README.md and run the tests.
"""

import json
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent

# People, not machines: the build number of an Android release, and the marks of in-app browsers and of a desktop
# program that shows web pages. A tracker that called them bots would take clicks from whoever brought them.
DROPPED = {r"AP3A\.240617\.008", "MetaIAB Facebook", "Fluid", r"Trae\/", r"Code\/1\.", r"mail\.ru"}

# Names of apps whose servers fetch links under the app's name, while the app's own browser, with a person before it,
# carries the name at the end of a browser's agent. A machine only where the agent begins with the name, or says
# "(compatible; name": no app's browser does either.
APPS = {
    "008\\/", "AddThis", "Asana\\/", "BW\\/", "Bluesky\\/", "CapitalOneShopping", "Daum\\/", "Disqus", "Feedly", "Fever",
    "Goodreads", "GoPay", "Grammarly\\/", "Hatena", "Hello World", "Instapaper\\/", "Jumio", "Klaviyo\\/", "Lemmy", "Make\\/",
    "Mastodon", "NING\\/", "Netvibes", "NewsBlur", "Notion\\/", "Operator\\/", "Overcast\\/", "PayPal\\/", "PocketCasts\\/",
    "Podimo", "RED\\/", "Retool\\/", "Salesforce\\.com", "Sogou", "Sonic", "Splunk", "Stripe\\/", "Tumblr\\/", "Viber",
    "WhatsApp", "YaK\\/", "inoreader", "upday\\/",
}


def check_yaml(path):
    """Every line is a comment, empty, a section or `key: 'value'` without a quote inside."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        bare = line.strip()
        if not bare or bare.startswith("#") or re.fullmatch(r"[a-z_]+_parsers:", line):
            continue
        if not re.fullmatch(r"  (- |  )[a-z_0-9]+: '[^']*'", line.rstrip()):
            sys.exit(f"{path}:{number}: a form that the program does not read: {line}")


def crawlers(entries):
    known = {entry["pattern"] for entry in entries}
    for missing in sorted((DROPPED | APPS) - known):
        sys.exit(f"no longer in the list, so take it out of this script: {missing}")
    for entry in entries:
        pattern = entry["pattern"]
        if pattern in DROPPED or "\n" in pattern:
            continue
        if pattern in APPS:
            pattern = f"^{pattern}|compatible; {pattern}"
        yield pattern


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    uap, crawler = map(pathlib.Path, sys.argv[1:])
    check_yaml(uap / "regexes.yaml")
    shutil.copyfile(uap / "regexes.yaml", HERE / "regexes.yaml")
    shutil.copyfile(uap / "LICENSE", HERE / "LICENSE.uap-core")
    shutil.copyfile(crawler / "LICENSE", HERE / "LICENSE.crawler-user-agents")
    entries = json.loads((crawler / "crawler-user-agents.json").read_text(encoding="utf-8"))
    patterns = sorted(set(crawlers(entries)))
    (HERE / "crawlers.txt").write_text("\n".join(patterns) + "\n", encoding="utf-8")
    print(f"{len(patterns)} crawler patterns")


if __name__ == "__main__":
    main()
