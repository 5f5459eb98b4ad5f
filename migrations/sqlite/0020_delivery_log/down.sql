drop index deliveries_skipped;
drop index deliveries_failed;
create index deliveries_failed on deliveries (id) where state = 'failed';
drop index deliveries_by_destination;
create index deliveries_by_destination on deliveries (destination_id, id);
drop index deliveries_by_time;
drop index delivery_attempts_failed;
drop index delivery_attempts_by_destination;
alter table delivery_attempts drop column destination_id;
