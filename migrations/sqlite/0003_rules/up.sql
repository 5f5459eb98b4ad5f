-- A rule picks paths by who the visitor is; paths without one are the campaign's default. Its conditions are one short
-- tree, read and written with it: JSON text.
create table rules (
    id integer primary key autoincrement,
    campaign_id bigint not null references campaigns (id),
    position bigint not null,
    name text not null,
    conditions text not null,
    status text not null
);
create index rules_by_campaign on rules (campaign_id, position);

-- The version grows with every change of the values: whoever holds them in memory reads anew only what changed.
create table lists (
    id integer primary key autoincrement,
    name text not null,
    kind text not null,
    status text not null,
    version bigint not null default 1,
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);

create table list_values (
    list_id bigint not null references lists (id),
    value text not null,
    primary key (list_id, value)
) without rowid;
