//! Who this process is, by everything that can be had.

use super::token;
use crate::{
    cli::holder::name,
    domain::rights::{Identity, Proof},
    state::{StateError, Store},
};

/// All that it is, and why a token does not count where there is one that does not.
pub(super) fn identify(store: &mut Store) -> Result<(Vec<Identity>, Option<String>), StateError> {
    let mut known = vec![Identity { name: format!("env:{}", name()), proof: Proof::Asserted }];
    let mut trouble = None;
    match token::subject() {
        Ok(Some(subject)) => known.push(Identity { name: format!("kubernetes:{subject}"), proof: Proof::Signed }),
        Ok(None) => {}
        Err(why) => trouble = Some(why),
    }
    if let Some(role) = store.session_user()? {
        known.push(Identity { name: format!("database:{role}"), proof: Proof::Database });
    }
    Ok((known, trouble))
}
