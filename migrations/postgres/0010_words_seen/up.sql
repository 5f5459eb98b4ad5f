-- Words of advertisers that nobody has given a meaning, counted as they come: a status that was refused, an event that the
-- offer does not list. At most a few hundred for each advertiser; what has not come for a month is taken away.
create table words_seen (
    advertiser_id bigint not null,
    kind text not null,
    word text not null,
    seen bigint not null,
    first_seen_at_ms bigint not null,
    last_seen_at_ms bigint not null,
    primary key (advertiser_id, kind, word)
);
