alter table domains drop column updated_at_ms;
