-- How a conversion became known: postback, pixel, hand or import. What a pixel reported is unconfirmed, holds no money and
-- no place of any cap, until a postback takes it over.
alter table conversions add column origin text not null default 'postback';
alter table conversions add column is_unconfirmed boolean not null default false;
