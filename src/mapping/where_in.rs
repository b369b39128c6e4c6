//! Where in a record something stands, put into words only when it must be told.

/// A chain of places from the record's root downwards.
pub(super) enum Trail<'a> {
    /// Below the root, at this pointer (empty: the root itself).
    Root(&'a str),
    /// An entry of `persons[]`.
    Person(usize),
    /// An item of a list.
    Item {
        /// The list's holder.
        of: &'a Trail<'a>,
        /// Pointer from there to the list; from the root if `absolute`.
        list: &'a str,
        /// Whether `list` starts at the root.
        absolute: bool,
        /// Which item.
        at: usize,
    },
}

impl Trail<'_> {
    /// As a JSON pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        match self {
            Trail::Root(pointer) => (*pointer).to_owned(),
            Trail::Person(at) => format!("/persons/{at}"),
            Trail::Item {
                of,
                list,
                absolute,
                at,
            } => {
                let base = if *absolute {
                    String::new()
                } else {
                    of.pointer()
                };
                format!("{base}{list}/{at}")
            }
        }
    }

    /// The pointer of a place below, or of an absolute one.
    pub(super) fn below(&self, pointer: &str, absolute: bool) -> String {
        if absolute {
            pointer.to_owned()
        } else {
            format!("{}{pointer}", self.pointer())
        }
    }
}
