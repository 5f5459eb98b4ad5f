-- An advertiser's secret before the present one, sealed as that is, and until when it works.
alter table advertisers add column previous_secret_sealed text;
alter table advertisers add column previous_secret_until_ms bigint;
