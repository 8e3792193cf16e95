//! Whole ledgers.

mod ledger;
mod verdicts;
