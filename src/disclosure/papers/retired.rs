//! Papers that take the place of others, as each names them.
//!
//! A permit that is named opens nothing any more, whatever the newer one is. A refusal that is
//! named goes on closing but for what the newer one retires. It must never retire a refusal in
//! doubt.

use super::Desk;
use crate::base::vocabulary::ClassSet;
use crate::disclosure::given::Word;
use crate::disclosure::moment::Moment;
use crate::disclosure::person::EVERY;
use crate::disclosure::request::{Consent, Direction};
use crate::disclosure::why::Why;

impl Desk<'_> {
    /// Whether others have taken its place for everything it says.
    pub fn is_superseded(&self, index: usize, consent: &Consent) -> bool {
        if consent.direction.known() == Some(Direction::Permit) {
            return self.retired_by(index, consent).next().is_some();
        }
        let closes = self.closes(consent);
        !closes.is_empty() && self.unretired(index, consent).is_empty()
    }

    /// The classes a refusal closes by its words and its signer.
    fn closes(&self, consent: &Consent) -> ClassSet {
        let classes = consent.classes;
        let named = if classes.all || classes.limits_nothing() {
            EVERY
        } else {
            classes.classes()
        };
        let signer = self.person.may_refuse(consent.grantor, self.tables);
        ClassSet(named.0 & signer.0)
    }

    /// What is left of that for which no other paper retires it.
    pub(super) fn unretired(&self, index: usize, consent: &Consent) -> ClassSet {
        let mut closed = self.closes(consent);
        for by in self.retired_by(index, consent) {
            closed = closed.without(self.retires(by, consent));
        }
        closed
    }

    /// For which classes a paper that names this refusal retires it.
    fn retires(&self, by: usize, refusal: &Consent) -> ClassSet {
        let Some(paper) = self.consents.get(by) else {
            return ClassSet::EMPTY;
        };
        let day = |paper: &Consent| paper.signed.and_then(Moment::day);
        match (day(paper), day(refusal)) {
            (Some(newer), Some(older)) if newer >= older => {}
            _ => return ClassSet::EMPTY,
        }
        match paper.direction.known() {
            Some(Direction::Permit) if self.flaw(by, paper) == Why::Counts => {
                match (
                    paper.kind.known().and_then(|k| self.tables.kind(k)),
                    paper.grantor,
                ) {
                    (Some(row), Word::Known(grantor)) => {
                        self.person.accepts(row.signers, grantor, self.tables)
                    }
                    _ => ClassSet::EMPTY,
                }
            }
            Some(Direction::Deny)
                if self.stands(paper) && self.retired_by(by, paper).next().is_none() =>
            {
                match paper.grantor {
                    Word::Known(_) => self.person.may_refuse(paper.grantor, self.tables),
                    Word::Absent | Word::Unknown => ClassSet::EMPTY,
                }
            }
            _ => ClassSet::EMPTY,
        }
    }

    /// The places of the papers that name this one as retired.
    pub(super) fn retired_by(
        &self,
        index: usize,
        consent: &Consent,
    ) -> impl Iterator<Item = usize> {
        let id = consent.id.as_deref().unwrap_or_default();
        let retiring = if self.among.any_retires {
            self.consents
        } else {
            &[]
        };
        retiring
            .iter()
            .enumerate()
            .filter(move |(other, paper)| {
                *other != index && !id.is_empty() && paper.supersedes.hold(id)
            })
            .map(|(other, _)| other)
    }
}
