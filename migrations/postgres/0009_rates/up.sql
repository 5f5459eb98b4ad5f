-- What one unit of a currency was worth in the account currency on a day (UTC, written 2026-11-21).
create table fx_rates (
    currency text not null,
    day text not null,
    rate_nanos bigint not null,
    source text not null,
    created_at_ms bigint not null,
    primary key (currency, day)
);
create index fx_rates_by_time on fx_rates (created_at_ms);
-- Postbacks that wait for a rate: looked through when one was added.
create index postbacks_without_rate on postbacks_received (id) where code = 'parked_no_rate';
update postbacks_received set is_waiting = true, settled_at_ms = null where code = 'parked_no_rate';
