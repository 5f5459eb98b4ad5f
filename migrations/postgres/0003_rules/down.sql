drop table list_values;
drop table lists;
drop table rules;
