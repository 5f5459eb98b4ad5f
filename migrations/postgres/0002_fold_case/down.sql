drop function fold_case(text);
