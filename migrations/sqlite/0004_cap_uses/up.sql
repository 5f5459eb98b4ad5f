-- What of a cap is used in one of its windows. A cache: a row that is not there is summed from the conversions when it is
-- first asked for, and saving an offer takes its rows away.
create table cap_uses (
    offer_id bigint not null,
    cap text not null,
    window_ms bigint not null,
    value bigint not null,
    primary key (offer_id, cap, window_ms)
) without rowid;

-- A conversion takes its place under caps when it is first pending or approved, and keeps it; what it holds of caps in
-- money stands here. Null while it has none.
alter table conversions add column cap_revenue_micros bigint;
alter table conversions add column cap_payout_micros bigint;
update conversions set cap_revenue_micros = revenue_micros, cap_payout_micros = payout_micros
where not is_test and (status in ('pending', 'approved') or exists (
    select 1 from conversion_changes as change
    where change.conversion_id = conversions.id and change.to_status in ('pending', 'approved')));
