//! Bedrock's client against a real socket.

#[cfg(test)]
mod converse;
