-- What a body is, and whether a destination is told of test conversions instead of real ones.
alter table destinations add column body_kind text not null default 'none';
alter table destinations add column is_test boolean not null default false;

create trigger destinations_insert_changes_catalog after insert on destinations
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger destinations_update_changes_catalog after update on destinations
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger destinations_delete_changes_catalog after delete on destinations
begin update catalog_changes set version = version + 1 where id = 1; end;

-- What is told, as it stood when it happened: a delivery that is late tells of its own occasion, not of a later one.
alter table deliveries add column told_status text not null default '';
alter table deliveries add column revenue_micros bigint not null default 0;
alter table deliveries add column payout_micros bigint not null default 0;
alter table deliveries add column sale_amount_micros bigint;
-- Failures since it was queued or sent again by hand: what the next pause is reckoned from.
alter table deliveries add column failures bigint not null default 0;
-- Until when it is tried.
alter table deliveries add column give_up_at_ms bigint not null default 0;
-- The last attempt, for lists.
alter table deliveries add column last_at_ms bigint;
alter table deliveries add column last_code bigint;
alter table deliveries add column last_error text;

-- Each destination's own queue: one that does not answer must not stand before the others.
create index deliveries_due_by_destination on deliveries (destination_id, next_attempt_at_ms) where state = 'due';
create index deliveries_by_conversion on deliveries (conversion_id);
create index deliveries_by_destination on deliveries (destination_id, id);
create index deliveries_failed on deliveries (id) where state = 'failed';
