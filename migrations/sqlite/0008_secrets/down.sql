alter table advertisers drop column previous_secret_until_ms;
alter table advertisers drop column previous_secret_sealed;
