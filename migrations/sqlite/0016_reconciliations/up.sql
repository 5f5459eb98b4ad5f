-- A network's own report beside our conversions of some days.
create table reconciliations (
    id integer primary key autoincrement,
    created_at_ms bigint not null,
    user_id bigint not null,
    advertiser_id bigint not null,
    file_name text not null,
    byte_count bigint not null,
    -- The days that were compared, both included, and the zone whose days they are.
    first_day text not null,
    last_day text not null,
    zone text not null,
    -- Which column is which (JSON), and what 03/04/2026 means where somebody chose.
    mapping text not null,
    day_order text,
    -- draft: its columns are being chosen; making: its rows are being stored; done.
    state text not null,
    their_count bigint not null default 0,
    our_count bigint not null default 0,
    matched_count bigint not null default 0,
    outside_count bigint not null default 0,
    -- Both sides by day and currency (JSON).
    days text not null default '[]'
);
-- The file itself until it is compared, in parts, so that no statement holds the writer for long.
create table reconciliation_parts (
    reconciliation_id bigint not null references reconciliations (id),
    part bigint not null,
    bytes blob not null,
    primary key (reconciliation_id, part)
);
-- What was found, as both sides stood then, and what was made of it since.
create table reconciliation_rows (
    id integer primary key autoincrement,
    reconciliation_id bigint not null references reconciliations (id),
    list text not null,
    -- Their row: its line in the file; none for what only we have.
    line bigint,
    line_text text not null,
    -- What it says, as an import would be told (JSON).
    said text not null,
    their_txid text not null,
    their_click text not null,
    their_status text not null,
    their_amount_micros bigint,
    their_currency text,
    their_at_ms bigint,
    -- Our conversion as it stood; none for what only they have.
    conversion_id bigint,
    our_txid text not null,
    our_click text not null,
    our_event text not null,
    our_status text,
    our_amount_micros bigint,
    our_currency text,
    our_at_ms bigint,
    note text not null,
    -- What a repair made of it, when, and what it said last.
    repair text,
    repaired_at_ms bigint,
    outcome text not null default ''
);
create index reconciliation_rows_by_list on reconciliation_rows (reconciliation_id, list, id);
-- Reports name conversions by their transaction alone.
create index conversions_by_txid on conversions (advertiser_id, txid) where txid <> '';
