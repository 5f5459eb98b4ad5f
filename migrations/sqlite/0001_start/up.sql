create table settings (
    name text primary key,
    value text not null
);

create table users (
    id integer primary key autoincrement,
    email text not null unique,
    password_hash text not null,
    role text not null,
    status text not null default 'active',
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);

-- A session's token is kept as its SHA-256 alone: whoever reads this table cannot sign in with it.
create table sessions (
    id integer primary key autoincrement,
    token_hash blob not null unique,
    user_id bigint not null references users (id),
    created_at_ms bigint not null,
    last_seen_at_ms bigint not null,
    expires_at_ms bigint not null,
    address text not null,
    agent text not null
);
create index sessions_by_user on sessions (user_id);

create table api_tokens (
    id integer primary key autoincrement,
    token_hash blob not null unique,
    user_id bigint not null references users (id),
    name text not null,
    scope text not null,
    created_at_ms bigint not null,
    last_used_at_ms bigint,
    revoked_at_ms bigint
);
create index api_tokens_by_user on api_tokens (user_id);

create table domains (
    id integer primary key autoincrement,
    host text not null unique,
    kind text not null,
    fallback_url text not null default '',
    status text not null,
    created_at_ms bigint not null
);

create table advertisers (
    id integer primary key autoincrement,
    name text not null,
    kind text not null,
    preset text,
    currency text not null,
    status text not null,
    postback_key text not null unique,
    previous_key text unique,
    previous_key_until_ms bigint,
    hmac_mode text not null default 'off',
    hmac_secret_sealed text,
    allow_addresses text not null default '[]',
    param_map text not null default '{}',
    status_map text not null default '{}',
    event_map text not null default '{}',
    duplicate_mode text not null default 'update',
    duplicate_modes text not null default '{}',
    missing_status text not null,
    reopen_rejected boolean,
    window_days bigint not null,
    answers text not null default 'standard',
    reply_body text,
    is_pixel_on boolean not null default false,
    forward_unknown_to text,
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);

create table offers (
    id integer primary key autoincrement,
    name text not null,
    advertiser_id bigint not null references advertisers (id),
    url text not null,
    currency text not null,
    revenue_micros bigint,
    revenue_percent_millionths bigint,
    revenue_mode text not null,
    payout_micros bigint,
    payout_percent_millionths bigint,
    payout_of text not null default 'revenue',
    hold_days bigint not null default 0,
    events text not null default '[]',
    access text not null default 'private',
    approval_percent_millionths bigint,
    preview_url text not null default '',
    countries text not null default '[]',
    caps text not null default '[]',
    at_cap text not null default '{"do":"next"}',
    active_from_ms bigint,
    active_until_ms bigint,
    status text not null,
    tags text not null default '[]',
    notes text not null default '',
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);
create index offers_by_advertiser on offers (advertiser_id);

create table landers (
    id integer primary key autoincrement,
    name text not null,
    url text not null,
    offer_links bigint not null,
    status text not null,
    tags text not null default '[]',
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);

create table sources (
    id integer primary key autoincrement,
    name text not null,
    kind text not null,
    partner_key text not null unique,
    preset text,
    external_id_param text,
    cost_param text,
    cost_unit text not null,
    cost_model text not null,
    cost_amount_micros bigint,
    currency text not null,
    tokens text not null default '[]',
    status text not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);

create table campaigns (
    id integer primary key autoincrement,
    name text not null,
    slug text not null unique,
    domain_id bigint references domains (id),
    source_id bigint references sources (id),
    owner_id bigint references users (id),
    append_query boolean not null,
    redirect text not null,
    is_sticky boolean not null default false,
    is_smart_order boolean not null default false,
    is_skip_converted boolean not null default false,
    unique_window_hours bigint not null,
    fallback_url text not null,
    cost_model text,
    cost_amount_micros bigint,
    status text not null,
    is_test boolean not null,
    tags text not null default '[]',
    notes text not null default '',
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);

-- Landers and offers of a path are one short list each, read and written with it: JSON text.
create table paths (
    id integer primary key autoincrement,
    campaign_id bigint not null references campaigns (id),
    rule_id bigint,
    position bigint not null,
    name text not null,
    weight bigint not null,
    status text not null,
    landers text not null,
    offers text not null
);
create index paths_by_campaign on paths (campaign_id, position);

create table user_agents (
    id bigint primary key,
    agent text not null
);

-- A rowid table with a unique id takes inserts faster than one without rowid. Ids are ordered by time: they
-- serve as the time index.
create table clicks (
    number integer primary key,
    id blob not null,
    campaign_id bigint not null,
    clicked_at_ms bigint not null,
    source_id bigint,
    path_id bigint,
    rule_id bigint,
    lander_id bigint,
    offer_id bigint,
    refusal text,
    external_id text,
    cost_original_micros bigint,
    cost_currency text,
    cost_recorded_micros bigint not null,
    cost_micros bigint not null,
    country text,
    region text,
    city text,
    isp text,
    asn bigint,
    connection text,
    device text not null,
    brand text,
    model text,
    os text,
    os_version text,
    browser text,
    browser_version text,
    language text,
    referrer_host text,
    address text,
    agent_id bigint not null,
    domain text,
    is_unique boolean not null,
    is_bot boolean not null,
    bot_reason text,
    is_test boolean not null,
    is_cut boolean not null,
    lp_clicks bigint not null default 0,
    last_offer_id bigint,
    params text,
    sub1 text,
    sub2 text,
    sub3 text,
    sub4 text,
    sub5 text,
    sub6 text,
    sub7 text,
    sub8 text,
    sub9 text,
    sub10 text,
    sub11 text,
    sub12 text,
    sub13 text,
    sub14 text,
    sub15 text,
    sub16 text,
    sub17 text,
    sub18 text,
    sub19 text,
    sub20 text
);
create unique index clicks_by_id on clicks (id);
create index clicks_by_campaign on clicks (campaign_id, clicked_at_ms);

create table lp_clicks (
    id blob not null primary key,
    click_id blob not null,
    campaign_id bigint not null,
    lander_id bigint,
    offer_id bigint,
    clicked_at_ms bigint not null,
    -- The click was there when this row came, so its sums have been counted.
    is_counted boolean not null
);
create index lp_clicks_by_click on lp_clicks (click_id);
create index lp_clicks_uncounted on lp_clicks (click_id) where not is_counted;

create table conversions (
    id integer primary key autoincrement,
    click_id blob not null,
    event text not null,
    txid text not null default '',
    seq bigint not null default 0,
    advertiser_id bigint not null,
    campaign_id bigint not null,
    path_id bigint,
    lander_id bigint,
    offer_id bigint,
    source_id bigint,
    clicked_at_ms bigint not null,
    converted_at_ms bigint not null,
    recorded_at_ms bigint not null,
    updated_at_ms bigint not null,
    status text not null,
    advertiser_status text,
    revenue_original_micros bigint not null,
    revenue_reported_micros bigint,
    currency text not null,
    rate_nanos bigint not null,
    revenue_micros bigint not null,
    payout_status text not null,
    payout_original_micros bigint not null default 0,
    payout_currency text,
    payout_rate_nanos bigint not null default 1000000000,
    payout_micros bigint not null,
    sale_amount_micros bigint,
    counts_as_conversion boolean not null,
    counts_in_revenue boolean not null,
    is_over_cap boolean not null default false,
    is_bot boolean not null,
    is_test boolean not null,
    reason text,
    params text not null default '{}',
    -- A click may reach offers of several advertisers, whose transactions know nothing of each other.
    unique (click_id, advertiser_id, event, txid, seq)
);
create index conversions_by_time on conversions (converted_at_ms);
create index conversions_by_campaign on conversions (campaign_id, clicked_at_ms);

create table conversion_changes (
    id integer primary key autoincrement,
    conversion_id bigint not null references conversions (id),
    at_ms bigint not null,
    from_status text,
    to_status text not null,
    from_revenue_micros bigint,
    to_revenue_micros bigint not null,
    from_payout_micros bigint,
    to_payout_micros bigint not null,
    cause text not null,
    postback_id bigint,
    user_id bigint,
    why text not null default '',
    -- Mode "add": each addition once, by the transaction it came with.
    source_txid text
);
create index conversion_changes_by_conversion on conversion_changes (conversion_id);
create unique index conversion_changes_once on conversion_changes (conversion_id, source_txid) where source_txid is not null;

create table postbacks_received (
    id integer primary key autoincrement,
    received_at_ms bigint not null,
    advertiser_id bigint,
    method text not null,
    address text not null,
    content_type text,
    raw_query blob not null,
    raw_body blob not null,
    request_hash blob not null,
    result text not null,
    code text not null,
    message text not null,
    click_id blob,
    event text,
    txid text,
    conversion_id bigint,
    is_test boolean not null,
    -- Parked for a click that may still come: the sweeper looks at these alone.
    is_waiting boolean not null,
    settled_at_ms bigint
);
-- With what counts them, so that a month is counted from the index alone.
create index postbacks_by_time on postbacks_received (received_at_ms, is_test, advertiser_id, code);
-- What needs attention: a few among many.
create index postbacks_uncounted on postbacks_received (received_at_ms, is_test, advertiser_id, code) where result in ('parked', 'refused');
create index postbacks_by_click on postbacks_received (click_id) where click_id is not null;
create index postbacks_by_advertiser on postbacks_received (advertiser_id, received_at_ms);
create index postbacks_waiting on postbacks_received (received_at_ms) where is_waiting;

create table destinations (
    id integer primary key autoincrement,
    name text not null,
    source_id bigint references sources (id),
    campaign_id bigint references campaigns (id),
    offer_id bigint references offers (id),
    replaces_global boolean not null default false,
    fire text not null default 'once',
    success_match text,
    preset text,
    method text not null default 'GET',
    url text not null,
    headers_sealed text,
    body text,
    events text not null default '[]',
    statuses text not null default '[]',
    delay_seconds bigint not null default 0,
    status text not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);

-- The outbox: written in the conversion's own transaction, once per destination and occasion.
create table deliveries (
    id integer primary key autoincrement,
    destination_id bigint not null references destinations (id),
    conversion_id bigint not null references conversions (id),
    occasion bigint not null,
    idempotency_key text not null unique,
    state text not null,
    skip_reason text,
    attempts bigint not null default 0,
    next_attempt_at_ms bigint,
    lease_until_ms bigint,
    created_at_ms bigint not null,
    unique (destination_id, conversion_id, occasion)
);
create index deliveries_due on deliveries (next_attempt_at_ms) where state = 'due';

create table delivery_attempts (
    id integer primary key autoincrement,
    delivery_id bigint not null references deliveries (id),
    at_ms bigint not null,
    url text not null,
    body text,
    code bigint,
    response text,
    duration_ms bigint not null,
    error text
);
create index delivery_attempts_by_delivery on delivery_attempts (delivery_id);

-- How far a journal has been moved into this database: written with the rows, so the only truth.
create table journal_positions (
    journal text not null,
    worker bigint not null,
    segment bigint not null,
    byte_offset bigint not null,
    updated_at_ms bigint not null,
    primary key (journal, worker)
);

-- Requests that must not count twice: a signed request's nonce or hash, for as long as it could be replayed.
create table nonces (
    advertiser_id bigint not null,
    nonce blob not null,
    request_hash blob not null,
    seen_at_ms bigint not null,
    answer text not null,
    primary key (advertiser_id, nonce)
);
create index nonces_by_time on nonces (seen_at_ms);

-- Sums by quarter hour (every time zone can be cut from them) and by hour, keyed by the process that writes
-- them too, so that nodes do not wait for each other's rows; readers add them up.
create table rollup_quarters (
    bucket_ms bigint not null,
    campaign_id bigint not null,
    attribution text not null,
    is_bot boolean not null,
    is_test boolean not null,
    writer_id bigint not null,
    clicks bigint not null,
    uniques bigint not null,
    lp_views bigint not null,
    lp_clicks bigint not null,
    lp_clickers bigint not null,
    cost_micros bigint not null,
    costed_clicks bigint not null,
    leads bigint not null,
    pending bigint not null,
    approved bigint not null,
    rejected bigint not null,
    reversed bigint not null,
    revenue_micros bigint not null,
    pending_revenue_micros bigint not null,
    payout_micros bigint not null,
    pending_payout_micros bigint not null,
    sale_amount_micros bigint not null,
    sales bigint not null,
    primary key (attribution, is_test, bucket_ms, campaign_id, is_bot, writer_id)
) without rowid;

create table rollup_hours (
    bucket_ms bigint not null,
    campaign_id bigint not null,
    attribution text not null,
    is_bot boolean not null,
    is_test boolean not null,
    writer_id bigint not null,
    clicks bigint not null,
    uniques bigint not null,
    lp_views bigint not null,
    lp_clicks bigint not null,
    lp_clickers bigint not null,
    cost_micros bigint not null,
    costed_clicks bigint not null,
    leads bigint not null,
    pending bigint not null,
    approved bigint not null,
    rejected bigint not null,
    reversed bigint not null,
    revenue_micros bigint not null,
    pending_revenue_micros bigint not null,
    payout_micros bigint not null,
    pending_payout_micros bigint not null,
    sale_amount_micros bigint not null,
    sales bigint not null,
    primary key (attribution, is_test, bucket_ms, campaign_id, is_bot, writer_id)
) without rowid;
