-- Lower case for searches. lower() folds by the database's locale, and in locale C it leaves "Ä" as it is; this folds by
-- Unicode wherever the server knows how to: by ICU, else by its own tables (from version 17), else by a UTF-8 locale.
do $make$
declare
    known text;
begin
    select quote_ident(nspname) || '.' || quote_ident(collname) into known
    from pg_collation join pg_namespace on pg_namespace.oid = collnamespace
    where nspname = 'pg_catalog'
        and collencoding in (-1, (select encoding from pg_database where datname = current_database()))
        and lower(collname) in ('und-x-icu', 'pg_c_utf8', 'c.utf8', 'c.utf-8', 'en_us.utf8', 'en_us.utf-8')
    order by array_position(
        array['und-x-icu', 'pg_c_utf8', 'c.utf8', 'c.utf-8', 'en_us.utf8', 'en_us.utf-8'],
        lower(collname)
    )
    limit 1;
    execute format(
        'create function fold_case(given text) returns text language sql immutable strict parallel safe '
        'as $fold$ select lower(given collate %s) $fold$',
        coalesce(known, 'pg_catalog."default"')
    );
end
$make$;
