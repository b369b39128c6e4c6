//! Which of a partner's in-channels a body came by, from what its sender says and else from how it
//! begins.
//!
//! One that is named is taken at its word: what is wrong with the body is its reader's to tell. It
//! must never choose between two that the body may be meant for.

use crate::base::id::{ChannelId, PartnerId};
use crate::catalog::partner::{Channel, Direction};
use crate::rules::Rules;
use crate::wire::{Unclear, Wire, sole};

/// Bytes of a body that are looked at.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// Why a body has no way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoWay {
    /// No in-channel of the partner takes the format or has the name.
    ChannelUnknown,
    /// None of them takes such a media type.
    MediaUnknown,
    /// It begins like none of what they take.
    Unlike,
    /// It may be meant for more than one.
    Ambiguous,
}

/// In-channels a body may have come by.
#[derive(Debug)]
pub struct Ways<'r>(Vec<(ChannelId, &'r Wire)>);

impl<'r> Ways<'r> {
    /// The partner's in-channels of that format and name, as far as these are said. Of a format
    /// that is said it is the first.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(
        rules: &'r Rules,
        partner: &PartnerId,
        (format, name): (Option<&str>, Option<&str>),
    ) -> Result<Ways<'r>, NoWay> {
        let channels = rules.partners.get(partner);
        let channels = channels.iter().flat_map(|partner| &partner.channel);
        let meant = |channel: &&Channel| {
            let own = channel.name.as_ref();
            channel.direction == Direction::In
                && format.is_none_or(|format| channel.format.as_str() == format)
                && name.is_none_or(|name| own.is_some_and(|own| own.as_str() == name))
        };
        let way = |channel: &'r Channel| {
            let wire = rules.wires.of_channel(channel)?;
            Some((channel.name.clone()?, wire))
        };
        let mut ways: Vec<_> = channels.filter(meant).filter_map(way).collect();
        if format.is_some() {
            ways.truncate(1);
        }
        some(ways, NoWay::ChannelUnknown)
    }

    /// Those that take a media type; all, where none is told.
    ///
    /// # Errors
    /// When there is none.
    pub fn taking(mut self, media: Option<&str>) -> Result<Ways<'r>, NoWay> {
        if let Some(media) = media {
            self.0.retain(|(_, wire)| {
                let mut known = wire.media_types().iter();
                known.any(|known| known.eq_ignore_ascii_case(media))
            });
        }
        some(self.0, NoWay::MediaUnknown)
    }

    /// The one a body that begins so came by.
    ///
    /// # Errors
    /// When it is like none of them, or like several.
    pub fn told_by(self, head: &[u8]) -> Result<ChannelId, NoWay> {
        let head = head.get(..HEAD_BYTES_MAX).unwrap_or(head);
        let mut ways = self.0;
        if ways.len() > 1 {
            return sole(ways, head).map_err(|unclear| match unclear {
                Unclear::Unlike => NoWay::Unlike,
                Unclear::Several(_) => NoWay::Ambiguous,
            });
        }
        let only = ways.pop().map(|(channel, _)| channel);
        only.ok_or(NoWay::ChannelUnknown)
    }
}

fn some<'r>(ways: Vec<(ChannelId, &'r Wire)>, otherwise: NoWay) -> Result<Ways<'r>, NoWay> {
    match ways.is_empty() {
        true => Err(otherwise),
        false => Ok(Ways(ways)),
    }
}
