-- When a host was last changed, as every other noun says it.
alter table domains add column updated_at_ms bigint not null default 0;
update domains set updated_at_ms = created_at_ms;
