//! Whose document a body is, by how it begins, for senders who name no format. Pure.
//!
//! Each format fixes something about its beginning: members, an element, columns, a segment. A
//! beginning that says too little fits every format it may be of, and what fits several is of none:
//! it must never pick one of two.

use super::form::is_xml;
use super::header::{resembles, table_of_head};
use super::{Ready, Wire};
use crate::format::xml::members;
use crate::format::{hl7v2, json, workbook, x12, xml};

/// Why no format is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear<T> {
    /// It begins like none of them.
    Unlike,
    /// It may be any of these.
    Several(Vec<T>),
}

/// The only one of `offered` that bytes beginning with `head` may be of.
///
/// An interchange of another standard is read by whichever comes first: all of them refuse it as
/// what it is.
///
/// # Errors
/// When it may be of none, or of more than one.
pub fn sole<'w, T>(
    offered: impl IntoIterator<Item = (T, &'w Wire)>,
    head: &[u8],
) -> Result<T, Unclear<T>> {
    let mut fitting = Vec::new();
    let mut resembling = Vec::new();
    for (one, wire) in offered {
        // What is only written has nothing to say of a body.
        if !wire.read {
            continue;
        }
        if x12::recognise(head, &wire.interchanges).is_some() {
            return Ok(one);
        }
        if wire.may_be(head) {
            fitting.push(one);
        } else if wire.resembles(head) {
            resembling.push(one);
        }
    }
    // What is almost of one is read as that, to be told what is wrong with it.
    if fitting.is_empty() {
        fitting = resembling;
    }
    let more = fitting.len() > 1;
    match fitting.pop() {
        None => Err(Unclear::Unlike),
        Some(one) if !more => Ok(one),
        Some(last) => {
            fitting.push(last);
            Err(Unclear::Several(fitting))
        }
    }
}

impl Wire {
    /// Whether bytes that begin so may be a document of it.
    fn may_be(&self, head: &[u8]) -> bool {
        let form = self.xml_form.as_ref().filter(|_| is_xml(head));
        match &self.syntax {
            Ready::Json(_) if form.is_some() => {
                form.is_some_and(|form| members::begins(head, &form.profile))
            }
            Ready::Json(_) => self.schemas.may_show(&json::outline(head)),
            Ready::Xml(profile) => xml::begins(head, profile),
            Ready::Delimited { book: true, .. } => workbook::begins(head),
            Ready::Delimited {
                dialect, tables, ..
            } => table_of_head(tables, head, dialect).is_some(),
            Ready::Messages(_) => hl7v2::begins(head),
            // Written and never read.
            Ready::Interchange(_) => false,
        }
    }

    /// Whether bytes that begin so are almost a document of it.
    fn resembles(&self, head: &[u8]) -> bool {
        match &self.syntax {
            Ready::Delimited {
                tables,
                book: false,
                ..
            } => resembles(tables, head),
            _ => false,
        }
    }
}
