//! The token of a Kubernetes `ServiceAccount`: whose it is, once its signature holds against the keys of the cluster.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;

use crate::domain::rights;

/// Bytes of a token or a set of keys that are read.
const LARGEST: usize = 64 << 10;

/// Seconds by which clocks may differ.
const LEEWAY: f64 = 60.0;

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

/// A set of keys, as `kubectl get --raw /openid/v1/jwks` prints it.
#[derive(Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// `system:serviceaccount:NAMESPACE:NAME`; none where no token is named. The error says why it does not count, without it.
pub(super) fn subject() -> Result<Option<String>, String> {
    let file = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let Some(token) = file("OPTIMIZER_IDENTITY_TOKEN_FILE") else { return Ok(None) };
    let keys = file("OPTIMIZER_IDENTITY_KEYS").ok_or(
        "OPTIMIZER_IDENTITY_KEYS names no file with the keys of the cluster (`kubectl get --raw /openid/v1/jwks`)",
    )?;
    let read = |path: PathBuf| {
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
        if text.len() > LARGEST { Err(format!("`{shown}` is too large")) } else { Ok(text) }
    };
    verified(read(token)?.trim(), &read(keys)?, Timestamp::now()).map(Some)
}

fn verified(token: &str, keys: &str, now: Timestamp) -> Result<String, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Err("it is no signed token".to_owned()) };
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "it is no signed token".to_owned());
    let known: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| "its header cannot be read")?;
    // Never what the token asks for: it could ask for no signature.
    if known.alg != "RS256" {
        return Err("it is not signed by RS256".to_owned());
    }
    let keys: Keys = serde_json::from_str(keys).map_err(|_| "the keys are no JSON Web Key Set")?;
    let mut usable = keys.keys.iter().filter(|key| key.kty == "RSA" && (known.kid.is_none() || key.kid == known.kid));
    let (signed, signature) = (&token[..header.len() + 1 + claims.len()], bytes(signature)?);
    let holds = usable.any(|key| {
        let (Some(n), Some(e)) = (&key.n, &key.e) else { return false };
        let (Ok(n), Ok(e)) = (bytes(n), bytes(e)) else { return false };
        let key = RsaPublicKeyComponents { n, e };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
    });
    if !holds {
        return Err("its signature holds against none of the keys".to_owned());
    }
    let claims: Claims = serde_json::from_slice(&bytes(claims)?).map_err(|_| "its claims cannot be read")?;
    let seconds = now.as_second() as f64;
    if !(claims.exp.is_finite() && seconds < claims.exp + LEEWAY) {
        return Err("it has expired".to_owned());
    }
    if claims.nbf.is_some_and(|begins| !(begins.is_finite() && seconds >= begins - LEEWAY)) {
        return Err("it does not hold yet".to_owned());
    }
    rights::identity(&format!("kubernetes:{}", claims.sub)).map_err(|_| "it is not of a ServiceAccount")?;
    Ok(claims.sub)
}
