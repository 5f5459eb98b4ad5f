-- The click that an advertiser's tests are about, as its 26 characters: made once, and the same from then on.
alter table advertisers add column test_click_id text;
