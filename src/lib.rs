//! Clickledger: a self-hosted affiliate tracker.
