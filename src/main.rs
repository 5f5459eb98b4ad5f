//! The `clickledger` program: parse the command line, call it.

fn main() {}
