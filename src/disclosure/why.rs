//! Why a paper counts or does not. The words for it stand in the pack (`words`).

/// Why a paper counts or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It counts.
    Counts,
    /// Its kind is not known.
    UnknownKind,
    /// It does not say whether it permits or refuses: it holds as a refusal.
    NoDirection,
    /// Its status is not active.
    NotActive,
    /// It is about another person.
    OtherSubject,
    /// Another paper has the same id and other content.
    SharedId,
    /// Another paper retires it.
    Superseded,
    /// Its dates cannot be.
    Malformed,
    /// It may have been signed under pressure.
    Coerced,
    /// The form lacks an element.
    ElementMissing,
    /// It has no end where one is required.
    NoEnd,
    /// It was for one use and is used.
    Spent,
    /// It was revoked.
    Revoked,
    /// It has not begun.
    NotBegun,
    /// It has ended.
    Ended,
    /// It is combined with what it must not be combined with.
    Combined,
    /// It permits only inside an opt-in exchange.
    OutsideExchange,
    /// It does not name the recipient.
    OtherRecipient,
    /// It does not name the purpose.
    OtherPurpose,
    /// The data are of another period.
    OtherPeriod,
    /// The recipient's own tie to the person has ended.
    RecipientTieEnded,
    /// The holder got the data under it; that opens nothing further.
    ReceivedUnder,
    /// Its signer may not sign for any class it opens here.
    SignerNotAccepted,
    /// It names none of the classes asked for, or its kind opens none of them.
    NoClass,
}

impl Why {
    /// All of them.
    pub const ALL: [Why; 24] = [
        Why::Counts,
        Why::UnknownKind,
        Why::NoDirection,
        Why::NotActive,
        Why::OtherSubject,
        Why::SharedId,
        Why::Superseded,
        Why::Malformed,
        Why::Coerced,
        Why::ElementMissing,
        Why::NoEnd,
        Why::Spent,
        Why::Revoked,
        Why::NotBegun,
        Why::Ended,
        Why::Combined,
        Why::OutsideExchange,
        Why::OtherRecipient,
        Why::OtherPurpose,
        Why::OtherPeriod,
        Why::RecipientTieEnded,
        Why::ReceivedUnder,
        Why::SignerNotAccepted,
        Why::NoClass,
    ];

    /// Whether the paper counts for what is asked.
    pub const fn counts(self) -> bool {
        matches!(self, Why::Counts | Why::NoDirection)
    }

    /// The name in the table of words.
    pub const fn id(self) -> &'static str {
        match self {
            Why::Counts => "counts",
            Why::UnknownKind => "unknown_kind",
            Why::NoDirection => "no_direction",
            Why::NotActive => "not_active",
            Why::OtherSubject => "other_subject",
            Why::SharedId => "shared_id",
            Why::Superseded => "superseded",
            Why::Malformed => "malformed",
            Why::Coerced => "coerced",
            Why::ElementMissing => "element_missing",
            Why::NoEnd => "no_end",
            Why::Spent => "spent",
            Why::Revoked => "revoked",
            Why::NotBegun => "not_begun",
            Why::Ended => "ended",
            Why::Combined => "combined",
            Why::OutsideExchange => "outside_exchange",
            Why::OtherRecipient => "other_recipient",
            Why::OtherPurpose => "other_purpose",
            Why::OtherPeriod => "other_period",
            Why::RecipientTieEnded => "recipient_tie_ended",
            Why::ReceivedUnder => "received_under",
            Why::SignerNotAccepted => "signer_not_accepted",
            Why::NoClass => "no_class",
        }
    }
}
