-- Files of conversions: who sent which, how it is read, how far it is.
create table imports (
    id integer primary key autoincrement,
    created_at_ms bigint not null,
    user_id bigint not null,
    advertiser_id bigint not null,
    file_name text not null,
    byte_count bigint not null,
    -- How the file is read (JSON): format, columns, zone.
    plan text not null,
    mode text not null,
    state text not null,
    -- The process that runs it, by the number under which it writes sums.
    node bigint not null default 0,
    row_count bigint not null default 0,
    done_count bigint not null default 0,
    accepted_count bigint not null default 0,
    duplicate_count bigint not null default 0,
    parked_count bigint not null default 0,
    refused_count bigint not null default 0,
    touched_at_ms bigint not null,
    started_at_ms bigint,
    ended_at_ms bigint,
    message text not null default ''
);
create index imports_open on imports (touched_at_ms) where state in ('waiting', 'running');
-- The file itself until its import is through, in parts, so that no statement holds the writer for long.
create table import_parts (
    import_id bigint not null references imports (id),
    part bigint not null,
    bytes blob not null,
    primary key (import_id, part)
);
-- Rows that were not counted, and why.
create table import_faults (
    import_id bigint not null references imports (id),
    line bigint not null,
    code text not null,
    message text not null,
    line_text text not null,
    primary key (import_id, line)
);
-- Which column was which in an advertiser's last file.
create table import_mappings (
    advertiser_id bigint primary key,
    mapping text not null
);
