//! Settings of the operator's audit of opt-outs, all of them `timers`'s too: what it finds depends on how Podium is told.

use super::{
    Env, HttpConfig, Loaded, MirrorConfig, PodiumConfig, Problems, TableNames, http, podium, podium_api,
    reader::{Reader, read},
};

/// Settings of `frontdesk optout audit`.
#[derive(Clone, Debug)]
pub struct OptOutAuditConfig {
    /// Its tables: the contacts, and the directory with the shared access tokens.
    pub tables: TableNames,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
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
    let config = read!(OptOutAuditConfig {
        tables: tables(&mut r),
        pepper_secret: r.required("FRONTDESK_PEPPER_SECRET_ARN"),
        mirror: podium::mirror(&mut r),
        podium: podium_api(&mut r),
        http: http(&mut r),
    });
    r.finish(config)
}

fn tables(r: &mut Reader<'_>) -> Option<TableNames> {
    let contacts = r.required("FRONTDESK_TABLE_CONTACTS");
    let directory = r.required("FRONTDESK_TABLE_DIRECTORY");
    Some(TableNames { contacts: contacts?, directory: directory?, ..TableNames::default() })
}
