drop index postbacks_without_rate;
drop table fx_rates;
