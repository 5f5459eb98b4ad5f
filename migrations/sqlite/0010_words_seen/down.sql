drop table words_seen;
