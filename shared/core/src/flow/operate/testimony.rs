//! What a person says of a send that nobody could say of, and what follows from it.

use crate::{
    contact::Contacts,
    flow::delivery,
    ids::EffectKey,
    notice::Notices,
    outbox::{Outbox, OutboxState, Testified, Testimonies, Testimony},
    redrive::Decided,
    store::StoreError,
    telemetry::Telemetry,
};

/// Writes it down. Of a send whose id was read off, what the provider said of that id meanwhile is applied, as after the
/// send's own answer.
///
/// # Errors
/// When a table cannot be used. Said again, it goes on where this stopped: what is on record already is said to need nobody's
/// word, and its news are looked at all the same.
pub async fn testify(
    store: &(impl Testimonies + Outbox + Contacts + Notices),
    telemetry: &impl Telemetry,
    key: &EffectKey,
    testimony: &Testimony,
    decided: &Decided,
) -> Result<Testified, StoreError> {
    let said = store.testify(key, testimony, decided).await?;
    let Testimony::Sent { message: Some(message) } = testimony else { return Ok(said) };
    let on_record = match &said {
        Testified::Written(_) => true,
        // Whoever said so before may have died before the news were looked at.
        Testified::NotUnknown(OutboxState::Accepted { message: known }) => known == message,
        Testified::NotUnknown(_) | Testified::Missing => false,
    };
    if on_record && let Some(row) = store.send_row(key).await? {
        let times = (decided.at, row.expires_at);
        delivery::sent(store, telemetry, key, (message, row.invite.as_ref()), times).await?;
        if let Testified::Written(_) = said {
            return Ok(store.send_row(key).await?.map_or(Testified::Missing, Testified::Written));
        }
    }
    Ok(said)
}
