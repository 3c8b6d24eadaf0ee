//! What stands around Frontdesk when it runs on one machine: the gateway before it and the providers behind it.
//!
//! * [`FrontDoor`] is the part of API Gateway that the local stack lacks. It turns a request into the payload that an
//!   HTTP API would hand to the function, invokes the function, and turns its answer back into HTTP.
//! * [`StandIns`] speaks for Podium, Shopify, Chatwoot, models, WooCommerce and the ways to the shop's people over real
//!   HTTP, fails on command, and keeps a ledger of everything a customer would have noticed. The ledger is the judge in
//!   the crash tests, so it is written before any answer goes out and survives a restart.
//! * [`Site`] serves the shop's page, from which a browser talks to the front door.
//!
//! All are started in-process by tests, several at a time, and by the `frontdesk-local` program. Nothing here is
//! deployed, and nothing here uses Frontdesk's own types: a stand-in that did would agree with our mistakes.

mod cli;
mod clock;
mod front_door;
mod post;
mod say;
mod server;
mod site;
mod stand_ins;

pub use cli::{CliError, run};
pub use front_door::{FrontDoor, FrontDoorConfig, Route, RouteTable};
pub use site::{Site, SiteConfig};
pub use stand_ins::faults::{Action, Canned, FaultRule, Forever, Match, Times};
pub use stand_ins::ledger::{Contract, Effect, EffectKind, Import, Notice, Webhook};
pub use stand_ins::requests::{Provider, RequestRecord};
pub use stand_ins::{StandIns, StandInsConfig};
