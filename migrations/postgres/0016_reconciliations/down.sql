drop index conversions_by_txid;
drop table reconciliation_rows;
drop table reconciliation_parts;
drop table reconciliations;
