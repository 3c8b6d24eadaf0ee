//! The front door and the provider stand-ins of the local stack; never deployed.
