//! Plain types every other folder speaks: units, windows, cells, findings, plans and policies.

pub mod policy;
