-- What a source writes into a campaign's address: its own macros, which are text to us.
alter table sources add column external_id_macro text;
alter table sources add column cost_macro text;

-- How a destination comes by its access token: where it is fetched, and the sealed words with which.
alter table destinations add column oauth_sealed text;
