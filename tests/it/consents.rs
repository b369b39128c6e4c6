//! The consent registry, from lodging to the decision at the moment of sending.

mod acts;
mod aging;
mod documents;
mod elements;
mod known;
mod lists;
mod registry;
mod standing;
