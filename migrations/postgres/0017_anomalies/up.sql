-- What the sender of a conversion says of the person who converted, to be held against the click; for what a page reports,
-- what its own request says.
alter table conversions add column said_address text;
alter table conversions add column said_country text;
alter table conversions add column said_device text;
alter table conversions add column said_device_id text;
alter table conversions add column said_agent text;
-- What is unusual about it: a set of domain::Anomaly, a bit for each. It moves no money and no count.
alter table conversions add column anomalies bigint not null default 0;
-- Unusual ones are few, so this index costs nothing where a conversion is like any other.
create index conversions_unusual on conversions (converted_at_ms, campaign_id, offer_id, counts_as_conversion) where anomalies <> 0;
