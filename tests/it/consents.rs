//! The consent registry, from lodging to the decision at the moment of sending.

mod elements;
