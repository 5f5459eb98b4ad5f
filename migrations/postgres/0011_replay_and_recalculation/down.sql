drop table recalculated_conversions;
drop table recalculations;
drop table postback_replays;
