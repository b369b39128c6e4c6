//! Formats are data.
