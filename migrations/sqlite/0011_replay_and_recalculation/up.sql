-- Postbacks that a person had judged again: who, why, the verdict before and the one after. Append-only.
create table postback_replays (
    id integer primary key autoincrement,
    postback_id bigint not null,
    at_ms bigint not null,
    user_id bigint not null,
    is_release boolean not null,
    why text not null,
    code_before text not null,
    message_before text not null,
    code_after text not null,
    message_after text not null
);
create index postback_replays_by_postback on postback_replays (postback_id);

-- Money of a period counted anew after a wrong rate: by whom, of what, and whether it was taken back.
create table recalculations (
    id integer primary key autoincrement,
    created_at_ms bigint not null,
    user_id bigint not null,
    why text not null,
    offer_id bigint,
    advertiser_id bigint,
    -- As they were written, in the zone, both days included; and as moments, the end excluded.
    from_day text not null,
    to_day text not null,
    time_zone text not null,
    from_ms bigint not null,
    to_ms bigint not null,
    takes_terms boolean not null,
    takes_rates boolean not null,
    finished_at_ms bigint,
    taken_back_by bigint,
    taken_back_at_ms bigint
);
-- What each changed conversion earned before and after, in its own currency with its rate: what taking back needs. The
-- outcome is null until it is taken back, then 'restored', or 'left' where the money was changed since.
create table recalculated_conversions (
    recalculation_id bigint not null references recalculations (id),
    conversion_id bigint not null,
    currency_before text not null,
    original_before_micros bigint not null,
    rate_before_nanos bigint not null,
    revenue_before_micros bigint not null,
    currency_after text not null,
    original_after_micros bigint not null,
    rate_after_nanos bigint not null,
    revenue_after_micros bigint not null,
    outcome text,
    primary key (recalculation_id, conversion_id)
) without rowid;
