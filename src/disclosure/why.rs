//! Why a paper counts or does not, and how that is told.

/// Why a paper counts or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It counts.
    Counts,
    /// Its kind is not known.
    UnknownKind,
    /// It neither permits nor refuses.
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
    /// In plain English and Spanish.
    pub fn text(self) -> (&'static str, &'static str) {
        match self {
            Why::Counts => ("it counts", "cuenta"),
            Why::UnknownKind => ("its kind is not known", "su tipo es desconocido"),
            Why::NoDirection => ("it neither permits nor refuses", "no permite ni niega"),
            Why::NotActive => ("it is not active", "no está activo"),
            Why::OtherSubject => ("it is about another person", "es de otra persona"),
            Why::SharedId => (
                "another paper has its id and other content",
                "otro documento tiene su identificador y otro contenido",
            ),
            Why::Superseded => ("another paper retires it", "otro documento lo reemplaza"),
            Why::Malformed => ("its dates cannot be", "sus fechas son imposibles"),
            Why::Coerced => (
                "it may have been signed under pressure",
                "pudo firmarse bajo presión",
            ),
            Why::ElementMissing => (
                "the form lacks an element",
                "al formulario le falta un dato",
            ),
            Why::NoEnd => ("it has no end date", "no tiene fecha de término"),
            Why::Spent => (
                "it was for one use and is used",
                "era de un solo uso y ya se usó",
            ),
            Why::Revoked => ("it was revoked", "fue revocado"),
            Why::NotBegun => ("it has not begun", "aún no comienza"),
            Why::Ended => ("it has ended", "ya terminó"),
            Why::Combined => (
                "it is combined with what must stand alone",
                "está combinado con lo que debe ir solo",
            ),
            Why::OutsideExchange => (
                "it permits only inside an opt-in exchange",
                "solo permite dentro de un intercambio voluntario",
            ),
            Why::OtherRecipient => (
                "it does not name the recipient",
                "no nombra al destinatario",
            ),
            Why::OtherPurpose => ("it does not name the purpose", "no nombra el fin"),
            Why::OtherPeriod => (
                "the data are of another period",
                "los datos son de otro período",
            ),
            Why::RecipientTieEnded => (
                "the recipient's own tie has ended",
                "el vínculo del destinatario terminó",
            ),
            Why::ReceivedUnder => (
                "the data came under it; it opens nothing further",
                "los datos llegaron con él; no abre nada más",
            ),
            Why::SignerNotAccepted => (
                "its signer may not sign for this",
                "quien lo firmó no puede firmar esto",
            ),
            Why::NoClass => (
                "it does not open what is asked for",
                "no abre lo que se pide",
            ),
        }
    }
}
