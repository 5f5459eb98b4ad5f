drop table forwards;
drop table parked_foreign;
drop table foreign_clicks;
drop table old_postback_keys;
drop table campaign_aliases;
