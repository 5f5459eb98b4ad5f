-- Says that something changed that clicks are routed by, whoever changed it and on which node: each node looks every half
-- second and reads its catalog anew. Kept by triggers, so that no writer can forget it. SQLite has one writer at a time, so
-- one row that counts is enough.
create table catalog_changes (
    id integer primary key autoincrement,
    version bigint not null,
    changed_at_ms bigint not null
);
insert into catalog_changes (id, version, changed_at_ms) values (1, 0, 0);

create trigger advertisers_insert_changes_catalog after insert on advertisers
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger advertisers_update_changes_catalog after update on advertisers
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger advertisers_delete_changes_catalog after delete on advertisers
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger offers_insert_changes_catalog after insert on offers
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger offers_update_changes_catalog after update on offers
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger offers_delete_changes_catalog after delete on offers
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger landers_insert_changes_catalog after insert on landers
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger landers_update_changes_catalog after update on landers
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger landers_delete_changes_catalog after delete on landers
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger sources_insert_changes_catalog after insert on sources
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger sources_update_changes_catalog after update on sources
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger sources_delete_changes_catalog after delete on sources
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger campaigns_insert_changes_catalog after insert on campaigns
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger campaigns_update_changes_catalog after update on campaigns
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger campaigns_delete_changes_catalog after delete on campaigns
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger paths_insert_changes_catalog after insert on paths
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger paths_update_changes_catalog after update on paths
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger paths_delete_changes_catalog after delete on paths
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger rules_insert_changes_catalog after insert on rules
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger rules_update_changes_catalog after update on rules
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger rules_delete_changes_catalog after delete on rules
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger lists_insert_changes_catalog after insert on lists
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger lists_update_changes_catalog after update on lists
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger lists_delete_changes_catalog after delete on lists
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger list_values_insert_changes_catalog after insert on list_values
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger list_values_update_changes_catalog after update on list_values
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger list_values_delete_changes_catalog after delete on list_values
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger domains_insert_changes_catalog after insert on domains
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger domains_update_changes_catalog after update on domains
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger domains_delete_changes_catalog after delete on domains
begin update catalog_changes set version = version + 1 where id = 1; end;

create trigger settings_insert_changes_catalog after insert on settings
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger settings_update_changes_catalog after update on settings
begin update catalog_changes set version = version + 1 where id = 1; end;
create trigger settings_delete_changes_catalog after delete on settings
begin update catalog_changes set version = version + 1 where id = 1; end;
