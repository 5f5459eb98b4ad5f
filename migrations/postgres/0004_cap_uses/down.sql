alter table conversions drop column cap_payout_micros;
alter table conversions drop column cap_revenue_micros;
drop table cap_uses;
