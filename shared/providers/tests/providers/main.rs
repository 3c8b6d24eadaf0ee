//! The clients against real sockets: what every answer, and every broken connection, means for the next attempt.

#[cfg(test)]
mod agents;
#[cfg(test)]
mod attachments;
#[cfg(test)]
mod backlog;
#[cfg(test)]
mod chatwoot;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod grant;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod locations;
#[cfg(test)]
mod look_up;
#[cfg(test)]
mod look_up_said;
#[cfg(test)]
mod media;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod orders_changed;
#[cfg(test)]
mod podium;
#[cfg(test)]
mod quiet;
#[cfg(test)]
mod say;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shopify;
#[cfg(test)]
mod speech;
#[cfg(test)]
mod stand_ins;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod woocommerce;
#[cfg(test)]
mod world;
