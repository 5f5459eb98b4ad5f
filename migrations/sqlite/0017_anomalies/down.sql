drop index conversions_unusual;
alter table conversions drop column anomalies;
alter table conversions drop column said_agent;
alter table conversions drop column said_device_id;
alter table conversions drop column said_device;
alter table conversions drop column said_country;
alter table conversions drop column said_address;
