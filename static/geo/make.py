#!/usr/bin/env python3
"""Make country.bin (and the samples its tests use) from the ranges that Debian's tor-geoipdb package installs.

    apt-get install tor-geoipdb
    python3 static/geo/make.py

Needs Python 3.9 and nothing beyond its standard library. The same input always gives the same bytes.

The form of country.bin, chosen so that it can be searched where it lies, without being unpacked. Numbers are
little-endian, addresses are bytes in network order (which sort as the addresses do):

    0   8 bytes   magic "CLGEOIP\\0"
    8   u16       version of this form: 1
    10  u16       number of countries, C
    12  u32       date of the source, written as 20260625
    16  u32       number of IPv4 blocks, and at 20 the number of IPv6 blocks
    24  u32       bytes of IPv4 block data, and at 28 bytes of IPv6 block data
    32  C * 2     the country codes; in block data 0 is "no country" and n is the n-th code
    then for IPv4 (4-byte addresses) and again for IPv6 (16-byte addresses):
        first address of every block, in order
        u32 per block: where its data starts, counted from the start of the block data
        the block data

A block holds 32 entries: u8 shift, u8 width, 32 keys of `width` bytes (big-endian, ascending), 32 bytes of country.
Entry i says: from (first address of the block) + (key i << shift) on, up to the next entry, the country is this one.
The first key is 0. The last block is filled up by repeating its last entry.
"""

import argparse
import ipaddress
import pathlib
import random
import re
import struct
import sys

MAGIC = b"CLGEOIP\0"
VERSION = 1
# 32 gave the smallest file of 16, 32, 64 and 128: smaller blocks pay for their heads, larger ones for wider keys.
BLOCK = 32
HERE = pathlib.Path(__file__).resolve().parent

# Written in the source, but no country of ISO 3166 today: two names for regions, one for "not known", and codes that
# were withdrawn or mistyped. They become "no country"; `UK` is what some registries write for GB.
NOT_COUNTRIES = {"??", "AP", "EU", "AB", "AN", "CS", "OS", "SU", "UN", "ZZ"}
ALIASES = {"UK": "GB"}


def ranges(path, parse):
    """Yield (first, last, country or None) for every line of a source file, and check their order."""
    previous = -1
    for line in path.read_text(encoding="ascii").splitlines():
        if not line or line.startswith("#"):
            continue
        first, last, code = line.split(",")
        first, last = parse(first), parse(last)
        if not previous < first <= last:
            sys.exit(f"{path}: out of order at {line}")
        if not (code in NOT_COUNTRIES or re.fullmatch("[A-Z]{2}", code)):
            sys.exit(f"{path}: what country is {code}?")
        previous = last
        yield first, last, None if code in NOT_COUNTRIES else ALIASES.get(code, code)


def boundaries(source, bits):
    """Turn ranges into (address, country from there on), gaps included, neighbours of one country merged."""
    points = [(0, None)]

    def put(address, code):
        if points[-1][0] == address:
            points[-1] = (address, code)
        elif points[-1][1] != code:
            points.append((address, code))

    following = 0
    for first, last, code in source:
        if first > following:
            put(following, None)
        put(first, code)
        following = last + 1
    if following < 1 << bits:
        put(following, None)
    # A range replaced at address 0 may equal its neighbour: merge once more.
    return [p for i, p in enumerate(points) if i == 0 or points[i - 1][1] != p[1]]


def trailing_zeros(number):
    return (number & -number).bit_length() - 1


def pack(points, size, codes):
    """The three parts of one address family: first addresses, offsets, block data."""
    firsts, offsets, data = [], [], bytearray()
    for at in range(0, len(points), BLOCK):
        block = points[at:at + BLOCK]
        block += [block[-1]] * (BLOCK - len(block))
        first = block[0][0]
        deltas = [address - first for address, _ in block]
        shift = min((trailing_zeros(d) for d in deltas if d), default=0)
        width = max(1, (max(d >> shift for d in deltas).bit_length() + 7) // 8)
        firsts.append(first.to_bytes(size, "big"))
        offsets.append(struct.pack("<I", len(data)))
        data += bytes([shift, width])
        data += b"".join((d >> shift).to_bytes(width, "big") for d in deltas)
        data += bytes(0 if code is None else codes.index(code) + 1 for _, code in block)
    return b"".join(firsts), b"".join(offsets), bytes(data)


def samples(points, bits, show, count, rng):
    """Yield (address, country or "-"): ends of the space, edges of ranges, and places at random."""
    top = (1 << bits) - 1
    chosen = {0, top}
    while len(chosen) < count:
        index = rng.randrange(len(points))
        first = points[index][0]
        last = points[index + 1][0] - 1 if index + 1 < len(points) else top
        chosen.update((first, last, rng.randint(first, last), min(last + 1, top), max(first - 1, 0)))
    index = 0
    for address in sorted(chosen):
        while index + 1 < len(points) and points[index + 1][0] <= address:
            index += 1
        yield show(address), points[index][1] or "-"


def source_date(path):
    """The day the source was generated, from its own header, as the number 20260625."""
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    head = path.read_text(encoding="ascii")[:2000]
    day, month, year = re.search(r"Generated: +\w+, (\d+) (\w+) (\d+)", head).groups()
    return int(year) * 10000 + (months.index(month) + 1) * 100 + int(day)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--source", type=pathlib.Path, default=pathlib.Path("/usr/share/tor"))
    source = arguments.parse_args().source
    four = boundaries(ranges(source / "geoip", int), 32)
    six = boundaries(ranges(source / "geoip6", lambda text: int(ipaddress.IPv6Address(text))), 128)
    codes = sorted({code for points in (four, six) for _, code in points if code})
    parts4, parts6 = pack(four, 4, codes), pack(six, 16, codes)
    head = MAGIC + struct.pack(
        "<HHIIIII", VERSION, len(codes), source_date(source / "geoip"),
        len(parts4[0]) // 4, len(parts6[0]) // 16, len(parts4[2]), len(parts6[2]))
    blob = head + "".join(codes).encode() + b"".join(parts4) + b"".join(parts6)
    (HERE / "country.bin").write_bytes(blob)
    rng = random.Random(3166)
    rows = list(samples(four, 32, lambda n: str(ipaddress.IPv4Address(n)), 600, rng))
    rows += samples(six, 128, lambda n: str(ipaddress.IPv6Address(n)), 600, rng)
    (HERE / "samples.tsv").write_text("".join(f"{address}\t{code}\n" for address, code in rows))
    print(f"{len(blob)} bytes, {len(four)} IPv4 and {len(six)} IPv6 entries, {len(codes)} countries")


if __name__ == "__main__":
    main()
