alter table advertisers drop column test_click_id;
