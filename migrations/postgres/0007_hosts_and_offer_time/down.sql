drop index conversions_by_offer;
alter table domains drop column updated_at_ms;
