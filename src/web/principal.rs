//! Who is calling: partners and operators, by client certificate or bearer token.
//!
//! A [`Directory`] is built from the partner files and the settings and swapped whole on reload.
//! Tokens are known as SHA-256 only. It must never let one credential mean two principals.

use super::tls::Peer;
use crate::base::clock::Timestamp;
use crate::base::defect::Defect;
use crate::base::digest::Digest;
use crate::base::id::PartnerId;
use crate::catalog::partner::{ClientCertificate, Partner};
use crate::catalog::{SourceFile, Sources};
use crate::config::{Limits, Operator, Role};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Who was recognised.
#[derive(Clone)]
pub enum Principal {
    /// An organisation that exchanges records.
    Partner(Arc<PartnerPass>),
    /// A person or job of the county.
    Operator(Arc<OperatorPass>),
}

/// A recognised partner.
pub struct PartnerPass {
    /// Which.
    pub id: PartnerId,
    limiter: DefaultDirectRateLimiter,
    emergencies: DefaultDirectRateLimiter,
}

impl PartnerPass {
    /// Whether one more request is within this partner's rate.
    pub fn within_rate(&self) -> bool {
        self.limiter.check().is_ok()
    }

    /// Whether one more request at the emergency door is.
    pub fn within_emergency_rate(&self) -> bool {
        self.emergencies.check().is_ok()
    }
}

/// A recognised operator.
pub struct OperatorPass {
    /// Shown in the ledger.
    pub id: String,
    /// What it may do.
    pub roles: Vec<Role>,
}

#[derive(Clone)]
struct Entry {
    principal: Principal,
    until: Option<Timestamp>,
}

/// All credentials in force.
#[derive(Default)]
pub struct Directory {
    passes: HashMap<PartnerId, Arc<PartnerPass>>,
    tokens: HashMap<Digest, Entry>,
    certificates: HashMap<(Digest, String), Entry>,
    clashes: Vec<Principal>,
}

impl Directory {
    /// Of all partner files and operators.
    pub fn build<'a>(
        partners: impl Iterator<Item = &'a Partner>,
        operators: &[Operator],
        limits: &Limits,
    ) -> Directory {
        let mut directory = Directory::default();
        for partner in partners {
            let own = Arc::new(PartnerPass {
                id: partner.id.clone(),
                limiter: limiter(limits),
                emergencies: emergencies(limits),
            });
            directory
                .passes
                .insert(partner.id.clone(), Arc::clone(&own));
            let pass = Principal::Partner(own);
            for credential in &partner.credential {
                let until = credential.expires.as_ref().and_then(end_of);
                directory.token(credential.token_sha256.as_deref(), &pass, until);
                directory.certificate(credential.mtls.as_ref(), &pass, until);
            }
        }
        for operator in operators {
            let pass = Principal::Operator(Arc::new(OperatorPass {
                id: operator.id.clone(),
                roles: operator.roles.clone(),
            }));
            let until = operator.expires.as_ref().and_then(end_of);
            directory.token(operator.token_sha256.as_deref(), &pass, until);
            directory.certificate(operator.mtls.as_ref(), &pass, until);
        }
        directory
    }

    /// Principals whose credential another one has too. Such a credential opens nothing.
    pub fn clashes(&self) -> Vec<String> {
        self.clashes.iter().map(Principal::name).collect()
    }

    /// The same as defects of the catalog, at the credentials of the partner's file; an operator's
    /// stand in the settings.
    pub fn defects(&self, sources: &Sources) -> Vec<Defect> {
        let each = self.clashes.iter().map(|principal| {
            let name = principal.name();
            let message = format!("{name} has a credential another principal has too");
            let told = ("credential-clash", message);
            let mut defect = match principal {
                Principal::Partner(pass) => {
                    let at = |file: &SourceFile| file.table("credential", 0);
                    sources.partner_defect(&pass.id, at, told)
                }
                Principal::Operator(_) => Defect {
                    file: String::from("[[operator]] of the settings"),
                    line: 0,
                    column: 0,
                    code: told.0,
                    message: told.1,
                    help: String::new(),
                },
            };
            defect.help = String::from("give each its own");
            defect
        });
        each.collect()
    }

    fn token(&mut self, sha256: Option<&str>, principal: &Principal, until: Option<Timestamp>) {
        let Some(key) = sha256.and_then(Digest::from_hex) else {
            return;
        };
        let entry = Entry {
            principal: principal.clone(),
            until,
        };
        if self.tokens.insert(key, entry).is_some() {
            self.clashes.push(principal.clone());
            // Kept as a name nobody can match, so that a third holder clashes too.
            let closed = Some(Timestamp(i64::MIN));
            self.tokens.entry(key).and_modify(|e| e.until = closed);
        }
    }

    fn certificate(
        &mut self,
        certificate: Option<&ClientCertificate>,
        principal: &Principal,
        until: Option<Timestamp>,
    ) {
        let Some((issuer, san)) = certificate
            .and_then(|c| Digest::from_hex(&c.issuer_sha256).map(|d| (d, c.san.to_lowercase())))
        else {
            return;
        };
        let entry = Entry {
            principal: principal.clone(),
            until,
        };
        let key = (issuer, san);
        if self.certificates.insert(key.clone(), entry).is_some() {
            self.clashes.push(principal.clone());
            let closed = Some(Timestamp(i64::MIN));
            self.certificates
                .entry(key)
                .and_modify(|e| e.until = closed);
        }
    }

    /// A partner by its id, for one that is known otherwise than by a credential.
    pub fn pass(&self, partner: &PartnerId) -> Option<&Arc<PartnerPass>> {
        self.passes.get(partner)
    }

    /// The holder of a bearer token.
    pub fn by_token(&self, token: &[u8], now: Timestamp) -> Option<Principal> {
        let digest = Digest::of(token);
        let (known, entry) = self.tokens.get_key_value(&digest)?;
        // The map has compared already, on a digest the caller cannot steer; this comparison
        // takes the same time for any difference.
        aws_lc_rs::constant_time::verify_slices_are_equal(&known.0, &digest.0).ok()?;
        entry.live(now)
    }

    /// The holder of a client certificate whose chain TLS has verified.
    pub fn by_certificate(&self, peer: &Peer, now: Timestamp) -> Option<Principal> {
        if peer.not_after < now {
            return None;
        }
        let mut found = None;
        for san in &peer.names {
            let entry = self.certificates.get(&(peer.issuer, san.clone()));
            if let Some(principal) = entry.and_then(|e| e.live(now)) {
                // Names of two principals in one certificate: neither.
                if found.replace(principal).is_some() {
                    return None;
                }
            }
        }
        found
    }
}

impl Entry {
    fn live(&self, now: Timestamp) -> Option<Principal> {
        let live = self.until.is_none_or(|until| now < until);
        live.then(|| self.principal.clone())
    }
}

impl Principal {
    /// For logs and the ledger: `partner <id>` or `operator <id>`.
    pub fn name(&self) -> String {
        match self {
            Principal::Partner(pass) => format!("partner {}", pass.id),
            Principal::Operator(pass) => format!("operator {}", pass.id),
        }
    }
}

fn limiter(limits: &Limits) -> DefaultDirectRateLimiter {
    let above_zero = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::per_second(above_zero(limits.partner_requests_per_second))
        .allow_burst(above_zero(limits.partner_burst));
    RateLimiter::direct(quota)
}

/// Requests at the emergency door one partner may make at once.
const EMERGENCIES_AT_ONCE: u32 = 10;

fn emergencies(limits: &Limits) -> DefaultDirectRateLimiter {
    let above_zero = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    let hourly = limits.partner_emergencies_per_hour;
    let burst = above_zero(hourly.min(EMERGENCIES_AT_ONCE));
    RateLimiter::direct(Quota::per_hour(above_zero(hourly)).allow_burst(burst))
}

/// The first instant after the day (a whole date) or the instant itself. A date ends when it ends
/// in California; one that cannot be read has ended already.
pub fn end_of(date: &toml::value::Datetime) -> Option<Timestamp> {
    let ended = Some(Timestamp(i64::MIN));
    let text = date.to_string();
    if let Some(instant) = Timestamp::from_rfc3339(&text) {
        return Some(instant);
    }
    let Ok(day) = text.parse::<jiff::civil::Date>() else {
        return ended;
    };
    let next = day
        .tomorrow()
        .and_then(|next| next.in_tz("America/Los_Angeles"));
    match next {
        Ok(midnight) => Some(Timestamp(midnight.timestamp().as_microsecond())),
        Err(_) => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn partner(id: &str, credential: &str) -> Partner {
        let text = format!(
            "id = \"{id}\"\nname = \"{id}\"\nrole = \"ppp\"\nmode = \"test\"\n\
             [[credential]]\n{credential}"
        );
        toml::from_str(&text).expect("partner")
    }

    fn token(text: &str) -> String {
        format!("token_sha256 = \"{}\"\n", Digest::of(text.as_bytes()))
    }

    fn directory(partners: &[Partner]) -> Directory {
        let limits = Config::on_loopback(std::path::Path::new("x"))
            .expect("settings")
            .limits;
        Directory::build(partners.iter(), &[], &limits)
    }

    #[test]
    fn a_token_opens_until_the_end_of_its_last_day_in_california() {
        // Goal: expiry to the second. Method: ask just before and at the end of the day.
        let dated = format!("{}expires = 2027-06-30", token("t-1"));
        let known = directory(&[partner("one", &dated)]);
        let at = |text: &str| Timestamp::from_rfc3339(text).expect("instant");
        assert!(known.by_token(b"t-1", at("2027-07-01T06:59:59Z")).is_some());
        assert!(known.by_token(b"t-1", at("2027-07-01T07:00:00Z")).is_none());
        assert!(known.by_token(b"t-2", at("2027-01-01T00:00:00Z")).is_none());
    }

    #[test]
    fn a_credential_of_two_principals_opens_nothing() {
        // Goal: never two meanings. Method: two, then three partners with one token.
        let one = partner("one", &token("same"));
        let two = partner("two", &token("same"));
        let three = partner("three", &token("same"));
        let known = directory(&[one.clone(), two.clone()]);
        assert!(known.by_token(b"same", Timestamp(0)).is_none());
        assert_eq!(known.clashes(), ["partner two"]);
        let known = directory(&[one, two, three]);
        assert!(known.by_token(b"same", Timestamp(0)).is_none());
    }

    #[test]
    fn a_certificate_is_known_by_issuer_and_name_together() {
        // Goal: a name from another authority is nobody. Method: vary each half.
        let issuer = Digest::of(b"issuer");
        let mtls = format!("mtls = {{ issuer_sha256 = \"{issuer}\", san = \"GW.one.example\" }}");
        let known = directory(&[partner("one", &mtls)]);
        let peer = |issuer, names: &[&str]| Peer {
            issuer,
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            not_after: Timestamp(10),
        };
        let ask = |peer: &Peer, now| known.by_certificate(peer, Timestamp(now)).is_some();
        assert!(ask(&peer(issuer, &["other.example", "gw.one.example"]), 5));
        assert!(!ask(&peer(Digest::of(b"x"), &["gw.one.example"]), 5));
        assert!(!ask(&peer(issuer, &["gw.two.example"]), 5));
        assert!(
            !ask(&peer(issuer, &["gw.one.example"]), 11),
            "certificate expired"
        );
    }
}
