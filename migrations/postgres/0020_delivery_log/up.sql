-- Whose each attempt was: what a destination's health is reckoned from, without its deliveries.
alter table delivery_attempts add column destination_id bigint not null default 0;
update delivery_attempts set destination_id =
    (select destination_id from deliveries where deliveries.id = delivery_attempts.delivery_id);
create index delivery_attempts_by_destination on delivery_attempts (destination_id, at_ms);
create index delivery_attempts_failed on delivery_attempts (destination_id, at_ms) where error is not null;

-- The log: newest first, of all, of one destination, or of what needs somebody. The counts of a destination's health are
-- read from the second alone.
create index deliveries_by_time on deliveries (created_at_ms, id);
drop index deliveries_by_destination;
create index deliveries_by_destination on deliveries (destination_id, created_at_ms, id, state);
drop index deliveries_failed;
create index deliveries_failed on deliveries (created_at_ms, id) where state = 'failed';
create index deliveries_skipped on deliveries (created_at_ms, id) where state = 'skipped';
