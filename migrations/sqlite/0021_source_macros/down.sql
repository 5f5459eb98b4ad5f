alter table destinations drop column oauth_sealed;
alter table sources drop column cost_macro;
alter table sources drop column external_id_macro;
