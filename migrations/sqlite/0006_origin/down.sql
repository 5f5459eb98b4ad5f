alter table conversions drop column is_unconfirmed;
alter table conversions drop column origin;
