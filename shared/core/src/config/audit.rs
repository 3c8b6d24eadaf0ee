//! Settings of the operator's looks at people, all of them functions' too: what an audit of opt-outs finds depends on how
//! Podium is told, and whether somebody may be asked on how long the gate waits.

use std::time::Duration;

use super::{
    Env, HttpConfig, Loaded, MirrorConfig, PodiumConfig, Problems, http, podium, podium_api,
    reader::{Reader, read},
};

/// Settings of `frontdesk optout audit`.
#[derive(Clone, Debug)]
pub struct OptOutAuditConfig {
    /// How Podium is told of opt-outs.
    pub mirror: MirrorConfig,
    /// How Podium is asked.
    pub podium: PodiumConfig,
    /// How anybody is asked.
    pub http: HttpConfig,
}

/// Reads the settings of `frontdesk optout audit`.
///
/// # Errors
/// All problems at once.
pub fn optout_audit(env: &impl Env) -> Result<Loaded<OptOutAuditConfig>, Problems> {
    let mut r = Reader::new(env);
    let config =
        read!(OptOutAuditConfig { mirror: podium::mirror(&mut r), podium: podium_api(&mut r), http: http(&mut r) });
    r.finish(config)
}

/// Reads how long after one review request the next may follow; a setting of `review-sender`.
///
/// # Errors
/// All problems at once.
pub fn cooldown(env: &impl Env) -> Result<Loaded<Duration>, Problems> {
    let mut r = Reader::new(env);
    let window = r.days("REVIEW_COOLDOWN_DAYS", 0..=3_650);
    r.finish(window)
}
