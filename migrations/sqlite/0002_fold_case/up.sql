-- Nothing to keep here: each connection brings its own fold_case.
select 1;
