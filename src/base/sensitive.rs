//! A wrapper around whole payloads that cannot be printed or serialised by accident.
//!
//! Its exits are few and counted by a test: `seal` in the store, `render` in release, and
//! `expose` with a reason elsewhere.

/// Why a payload is looked at outside sealing and rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Parsing what a sender handed in.
    Parse,
    /// Opening a sealed payload to decide on it.
    Decide,
    /// Sealing into the store.
    Seal,
    /// Handing released bytes to a transport.
    Send,
    /// A test looks inside.
    Test,
}

/// A payload: record, tree or body bytes. No `Display`, no `Serialize`; `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a payload.
    pub fn new(value: T) -> Sensitive<T> {
        Sensitive(value)
    }

    /// Looks at the payload, saying why.
    pub fn expose(&self, _why: Reason) -> &T {
        &self.0
    }

    /// Takes the payload out, saying why.
    pub fn into_exposed(self, _why: Reason) -> T {
        self.0
    }
}

impl<T> std::fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[sensitive]")
    }
}
