//! What an operator sets going by hand, over the same ports. No function does any of this.

pub mod escalate;
pub mod letters;
pub mod redrive;
pub mod sessions;
pub mod story;
pub mod testimony;
