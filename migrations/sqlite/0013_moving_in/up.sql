-- What people bring along who move in from another tracker.

-- The old tracker's addresses that a campaign answers at.
create table campaign_aliases (
    alias text primary key,
    campaign_id bigint not null references campaigns (id),
    position bigint not null
) without rowid;
create index campaign_aliases_by_campaign on campaign_aliases (campaign_id);

-- The keys that stand in old postback addresses of an advertiser.
create table old_postback_keys (
    postback_key text primary key,
    advertiser_id bigint not null references advertisers (id),
    position bigint not null
) without rowid;
create index old_postback_keys_by_advertiser on old_postback_keys (advertiser_id);

-- Clicks that another tracker gave out, under its ids. One that is not counted is no traffic of ours: no report has it among
-- the clicks, and its conversions count.
create table foreign_clicks (
    foreign_id text primary key,
    click_id blob not null unique,
    is_counted boolean not null,
    imported_at_ms bigint not null
) without rowid;

-- Postbacks that are parked with an id that is not ours in form, by that id.
create table parked_foreign (
    postback_id bigint primary key,
    foreign_id text not null,
    parked_at_ms bigint not null
);
create index parked_foreign_by_id on parked_foreign (foreign_id);

-- Postbacks that are sent on to the tracker before. A node that sends one holds it until its lease ends.
create table forwards (
    id integer primary key autoincrement,
    postback_id bigint not null unique,
    advertiser_id bigint not null,
    url text not null,
    state text not null,
    attempts bigint not null,
    due_at_ms bigint not null,
    give_up_at_ms bigint not null,
    leased_until_ms bigint not null,
    last_code bigint,
    last_answer text not null,
    last_error text not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);
create index forwards_due on forwards (due_at_ms) where state = 'due';

create trigger campaign_aliases_insert_changes_catalog after insert on campaign_aliases
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger campaign_aliases_update_changes_catalog after update on campaign_aliases
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger campaign_aliases_delete_changes_catalog after delete on campaign_aliases
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger old_postback_keys_insert_changes_catalog after insert on old_postback_keys
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger old_postback_keys_update_changes_catalog after update on old_postback_keys
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger old_postback_keys_delete_changes_catalog after delete on old_postback_keys
begin update catalog_changes set version = version + 1 where id = 1; end;
