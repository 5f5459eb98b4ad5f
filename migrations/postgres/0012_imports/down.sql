drop table import_mappings;
drop table import_faults;
drop table import_parts;
drop table imports;
